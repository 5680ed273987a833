"""Which values of a point are published, where its every value would be too much. No clock: times are told."""

from __future__ import annotations

from math import inf

from gateway.model import Quality, Value

_KEEP = 60.0  # seconds after which a value that does not move is published again
_PATIENCE = 1.5  # times that, until one that rests is published though no newer one came
# Where numbers are far from 0, a step of just the deadband comes out a little smaller than it is written.
_ROUNDING = 1 - 1e-6

# The newest value of a point: value, time, quality, and when it was heard in monotonic seconds. A bare tuple, because
# one is made for every value of every reading.
Latest = tuple[Value, float, Quality, float]


class Filter:
    """Holds back values that moved by less than `deadband`, and publishes once in `interval` seconds at most.

    Times are monotonic seconds. `told` is what was published last; what is held back is the newest value of the point,
    wherever that is kept, and is to be published at `due`.
    """

    __slots__ = ("_at", "_deadband", "_interval", "_keep", "device_time", "due", "told")

    def __init__(self, deadband: float | None, interval: float) -> None:
        self._deadband = deadband if deadband is None else deadband * _ROUNDING
        self._interval = interval
        self._keep = max(_KEEP, interval)
        self._at = -inf  # when it was published
        self.told: Latest | None = None
        self.due: float | None = None
        self.device_time: float | None = None  # of what is held back

    def expect(self, stale_after: float) -> None:
        """Clients take a value for stale after so long: one that does not move must be told again before."""
        self._keep = max(stale_after / 2, self._interval)

    def passes(self, newest: Latest) -> bool:
        """Whether the value is published now, as it is heard; where it is not, it is held back."""
        told = self.told
        value, _, quality, heard = newest
        if told is not None and quality is told[2]:
            wait = 0.0 if self._moved(told[0], value) else self._keep
            earliest = self._at + self._interval
            if heard < max(told[3] + wait, earliest):
                # Later than the next value would pass: it is for a device that says nothing more.
                self.due = max(told[3] + _PATIENCE * wait, earliest)
                return False
        self.publish(newest, heard)
        return True

    def publish(self, newest: Latest, now: float) -> None:
        """The value is published `now`."""
        self.told, self._at, self.due = newest, now, None

    def _moved(self, before: Value, value: Value) -> bool:
        if self._deadband is None:
            return True
        if isinstance(value, int | float) and isinstance(before, int | float):
            return value != before and abs(value - before) >= self._deadband
        return value != before
