"""The way of a cover: where it is between closed and open, and where it is going."""

from __future__ import annotations


class Travel:
    """A cover that needs `seconds` from closed (0 %) to open (100 %); `position` is in %.

    It is told the time, in seconds since the start, which never runs backwards.
    """

    def __init__(self, position: float, *, seconds: float) -> None:
        self.position = position
        self.target: float | None = None  # None while it rests
        self.opened = position >= 50  # whether its last way was upwards
        self._speed = 100 / seconds  # % in a second
        self._age = 0.0

    @property
    def direction(self) -> int:
        """1 while it opens, -1 while it closes, 0 while it rests."""
        if self.target is None:
            return 0
        return 1 if self.opened else -1

    def go(self, target: float) -> bool:
        """Sends it on its way to `target` %; False where it is there already."""
        if target == self.position:
            self.target = None
            return False
        self.target = target
        self.opened = target > self.position
        return True

    def stop(self) -> None:
        """Stops it where it is."""
        self.target = None
        self.position = float(round(self.position))

    def advance(self, age: float) -> bool:
        """Moves it on to that time; True where it has arrived since it was last told."""
        elapsed, self._age = max(0.0, age - self._age), max(age, self._age)
        if self.target is None:
            return False
        if abs(self.target - self.position) <= self._speed * elapsed:
            self.position, self.target = self.target, None
            return True
        self.position += self.direction * self._speed * elapsed
        return False
