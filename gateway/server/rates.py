"""How often somebody may ask: so many times a second, with a burst of two seconds' worth."""

from __future__ import annotations

from dataclasses import dataclass

_BURST = 2.0  # seconds' worth of requests that may come at once
_ROUNDING = 1e-6  # seconds; a sum of hundredths is not exact
_MAX_ADDRESSES = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second.

    Who asks needs to keep one number: when all that was asked would be done, had it been asked at this rate. (This is
    the generic cell rate algorithm, which is a token bucket whose level follows from the clock.)
    """

    per_second: float

    def ask(self, due: float, now: float) -> float:
        """The number after one more request; `due` is the number so far, at first 0."""
        return max(due, now) + 1 / self.per_second

    def allows(self, due: float, now: float) -> bool:
        """Whether the request that led to this number is within the burst."""
        return due - now <= _BURST + _ROUNDING

    def regardless(self, due: float, now: float) -> bool:
        """Whether as much again was asked for after the first refusal."""
        return due - now > 2 * _BURST


class Addresses:
    """The requests of each address; only of those who asked a moment ago, and of so many at most."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._due: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._due)

    def ask(self, address: str, now: float) -> float:
        """0 where the address may ask, else the seconds until it may."""
        due = self._rate.ask(self._due.pop(address, 0.0), now)
        allowed = self._rate.allows(due, now)
        if not allowed:
            due -= 1 / self._rate.per_second  # what is refused costs nothing: it may ask at its rate
        elif len(self._due) >= _MAX_ADDRESSES:
            del self._due[next(iter(self._due))]  # of all, it has asked the longest ago
        self._due[address] = due
        return 0.0 if allowed else due + 1 / self._rate.per_second - now - _BURST

    def forget_idle(self, now: float) -> None:
        """Forgets those who may ask as if they never had."""
        self._due = {address: due for address, due in self._due.items() if due > now}
