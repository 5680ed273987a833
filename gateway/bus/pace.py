"""How often something comes: the rate of frames, and after how long a point has stopped. No clock: times are told."""

from __future__ import annotations

from collections import deque
from math import inf

_MARK_EVERY = 5.0  # seconds

_ENOUGH = 5  # intervals that show how often a point comes
_LONG_ENOUGH = 10.0  # seconds, so that a device which sends in bursts is not judged by one of them
_TIMES = 3.0  # of the longest interval, until a point has stopped
_MUCH = 1.5  # a limit that is another by less than this factor stays as it was told
_OFTEN = 3600.0  # seconds; three pauses in so long are no accidents


class Rate:
    """Frames a second over the last five to ten seconds, taken from a count now and then: no frame pays for it."""

    __slots__ = ("_marks", "value")

    def __init__(self) -> None:
        self._marks: tuple[tuple[float, int], ...] = ()  # at most two, five seconds apart: when, and the count then
        self.value = 0.0

    def measure(self, count: int, now: float) -> None:
        """Takes the count as it is now, in monotonic seconds; the clock of the bus calls it."""
        if not self._marks:
            self._marks = ((now, count),)
            return
        began, before = self._marks[0]
        if now > began:
            self.value = round((count - before) / (now - began), 2)
        if now - self._marks[-1][0] >= _MARK_EVERY:
            self._marks = (*self._marks[-1:], (now, count))


class Pace:
    """Learns after how many seconds without a value a point has stopped: `limit`, None until it is known.

    It is three times the longest interval of the last two stretches, each at least ten seconds, five intervals, and the
    limit itself. A longer pause is taken for an accident, and teaches nothing, unless another follows at once or two
    more within an hour: then that is how the point comes now.
    """

    __slots__ = ("_after_pause", "_before", "_count", "_ends", "_last", "_least", "_longest", "_pauses", "limit")

    def __init__(self, least: float) -> None:
        self._least = least  # seconds
        self._last: float | None = None
        self._longest = self._before = 0.0  # intervals of this stretch, and of the one before
        self._count = 0  # intervals of this stretch
        self._ends = inf  # the earliest end of this stretch
        self._pauses: deque[float] = deque(maxlen=3)
        self._after_pause = False
        self.limit: float | None = None

    def interrupt(self) -> None:
        """The link was away: the interval until the next value says nothing."""
        self._last = None

    def hear(self, at: float) -> bool:
        """A value came, at monotonic seconds; returns whether the limit is another now."""
        last, self._last = self._last, at
        if last is None:
            self._ends = min(self._ends, at + _LONG_ENOUGH)
            return False
        interval = at - last
        if self.limit is not None and interval > self.limit:
            return self._pause(interval, at)
        self._after_pause = False
        self._count += 1
        self._longest = max(self._longest, interval)
        if self._count < _ENOUGH or at < self._ends:
            return False
        longest = max(self._longest, self._before)
        self._begin(self._longest)
        return self._learn(longest, at)

    def _pause(self, interval: float, at: float) -> bool:
        again, self._after_pause = self._after_pause, True
        self._pauses.append(at)
        if not again and (len(self._pauses) < 3 or at - self._pauses[0] > _OFTEN):
            return False
        self._pauses.clear()
        self._begin(interval)
        return self._learn(interval, at)

    def _begin(self, before: float) -> None:
        self._before, self._longest, self._count = before, 0.0, 0

    def _learn(self, longest: float, at: float) -> bool:
        wanted = max(self._least, float(f"{_TIMES * longest:.2g}"))
        before = self.limit
        changed = before is None or not 1 / _MUCH <= wanted / before <= _MUCH
        if changed or before is None:
            self.limit = before = wanted
        self._ends = at + max(_LONG_ENOUGH, before)
        return changed
