"""Keeps a rate over time, without drift and without a burst after a pause."""

from __future__ import annotations

import math

SHORTEST_WAIT = 0.005  # seconds: what comes faster is done in groups, or waking up would cost more than the work
LONGEST_BACKLOG = 1.0  # seconds: a pause longer than this is forgotten


class Pace:
    """Says how many of `rate` events a second are due; the clock is the caller's, in seconds."""

    def __init__(self, rate: float, start: float) -> None:
        self._rate = rate
        self._start = start
        self._done = 0

    def due(self, now: float) -> int:
        """How many events have become due since the last call; they count as done."""
        owed = math.floor((now - self._start) * self._rate + 1e-9) - self._done
        if owed <= 0:
            return 0
        self._done += owed
        return min(owed, max(1, math.ceil(self._rate * LONGEST_BACKLOG)))

    def wait(self, now: float) -> float:
        """Seconds until the next event; infinite for a rate of 0."""
        if self._rate <= 0:
            return math.inf
        return max(SHORTEST_WAIT, self._start + (self._done + 1) / self._rate - now)


def check_load(devices: int, rate: float) -> None:
    """Raises `ValueError` for a number of devices or a rate (readings a second of each) that cannot be."""
    if devices < 1:
        raise ValueError("devices must be at least 1")
    if not 0 <= rate < math.inf:
        raise ValueError("rate must be 0 or more readings a second")
