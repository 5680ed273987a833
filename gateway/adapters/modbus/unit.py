"""One device on a Modbus line: what is read of it and when, and whether it answers. It knows no event loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.adapters.modbus.blocks import Block, Place, plan
from gateway.model import Value

MISSES = 3  # in a row: then the device is offline
_LONGEST = 60.0  # seconds between two looks at what does not answer
_LOOKS_FIRST = 0.2  # seconds from the first look at a commanded point to the second; each wait is twice the one before
_LOOKS_FOR = 5.0  # seconds


@dataclass(slots=True, eq=False)
class Part:
    """A block as it is asked: `misses` are its requests in a row that gave no values."""

    block: Block
    misses: int = 0
    due: float = 0.0


@dataclass(slots=True, eq=False)
class Look:
    """A commanded point that has yet to show the value, and when it is read next."""

    place: Place
    value: Value
    due: float
    until: float
    wait: float = _LOOKS_FIRST


class Unit:
    """A device. All times are monotonic seconds; `name` is None where the adapter is the device."""

    def __init__(self, name: str | None, number: int, every: float, places: Iterable[Place], bridge: int) -> None:
        self.name = name
        self.number = number
        self.places = {place.name: place for place in places}
        self.parts = [Part(block) for block in plan((p for p in self.places.values() if p.polled), bridge)]
        self.looks: dict[str, Look] = {}
        self.due = 0.0
        self.misses = 0
        self.known = False  # to the link, which can blame it then for what goes wrong
        self.unsaid = 0  # faults from before
        self.writes_several = False  # it knows no function 6, and takes a single register by function 16
        self._every = every

    def begin(self) -> None:
        """A connection begins: everything is due."""
        self.due = 0.0
        self.misses = 0
        self.looks.clear()
        self._forgive()

    @property
    def is_offline(self) -> bool:
        """Whether it has not answered for so long that it is said to be gone."""
        return self.misses >= MISSES

    @property
    def next(self) -> float:
        """When it is to be asked next."""
        return min([self.due, *(look.due for look in self.looks.values())])

    def due_parts(self, now: float) -> list[Part]:
        """What to ask now, what answered last first; of a device that does not answer, one part."""
        parts = sorted(self.parts, key=lambda part: part.misses)
        return parts[:1] if self.misses else [part for part in parts if part.due <= now]

    def due_look(self, now: float) -> Look | None:
        """A commanded point to read now."""
        return next((look for look in self.looks.values() if look.due <= now), None)

    def answered(self) -> bool:
        """It answered, whatever it was; returns whether it was offline."""
        was_offline = self.is_offline
        if was_offline:
            self._forgive()
        self.misses = 0
        return was_offline

    def read(self, part: Part, blocks: list[Block]) -> None:
        """The part gave values; from now on it is asked as these blocks."""
        part.misses = 0
        if blocks != [part.block]:
            place = self.parts.index(part)
            self.parts[place : place + 1] = [Part(block) for block in blocks]

    def failed(self, part: Part, now: float) -> None:
        """The part gave none: it is asked more and more seldom."""
        part.misses += 1
        part.due = now + self._back_off(part.misses)

    def polled(self, began: float, now: float) -> None:
        """A look at all that was due is over."""
        self.due = max(now, began + self._every) if not self.misses else now + self._back_off(self.misses)

    def look_for(self, place: Place, value: Value, now: float) -> None:
        """A command was written: its point is read until it shows the value."""
        self.looks[place.name] = Look(place, value, now, now + _LOOKS_FOR)

    def looked(self, look: Look, value: Value, now: float) -> None:
        """The point was read once more, and showed this; None where it could not be read."""
        look.due = now + look.wait
        look.wait *= 2
        if (value == look.value or look.due > look.until) and self.looks.get(look.place.name) is look:
            del self.looks[look.place.name]

    def _back_off(self, misses: int) -> float:
        beyond = misses - MISSES + 1
        if beyond <= 0:
            return self._every
        # Not from the period, which may be far shorter than the time that each miss costs the others.
        return max(self._every, min(_LONGEST, max(self._every, 1.0) * 2.0 ** min(beyond, 10)))

    def _forgive(self) -> None:
        for part in self.parts:
            part.misses, part.due = 0, 0.0
