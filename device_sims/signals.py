"""Signals: what a simulated sensor measures at a time.

A signal is pure. `at(t)` depends on the signal's own fields and on `t`, seconds since the device started, and on
nothing else, so the same seed gives the same curve in every process and on every Python.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Protocol

_MASK = (1 << 64) - 1


class Signal(Protocol):
    """Something that can be measured."""

    def at(self, t: float) -> float:
        """The value `t` seconds after the start."""


def derive(seed: int, *names: str) -> int:
    """A seed of 64 bits for one named part of whatever `seed` stands for."""
    text = "\0".join((str(seed), *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def uniform(seed: int, index: int) -> float:
    """The `index`-th number of the sequence that `seed` names, 0 ≤ x < 1 (the finaliser of SplitMix64)."""
    # A generator object for each sample would cost more than the rest of the reading.
    z = (seed + index * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) >> 11) / (1 << 53)


@dataclass(frozen=True, slots=True)
class Drifting:
    """Wanders around `centre` and never leaves `centre` ± `swing`; `period` seconds is its slowest rhythm."""

    seed: int
    centre: float
    swing: float
    period: float

    def at(self, t: float) -> float:
        """The value `t` seconds after the start."""
        turn = 2 * math.pi
        # Three rhythms whose ratios are far from simple fractions do not visibly repeat.
        parts = ((0.6, 1.0), (0.3, 2.618), (0.1, 6.854))
        return self.centre + self.swing * sum(
            weight * math.sin(turn * (t * faster / self.period + uniform(self.seed, i)))
            for i, (weight, faster) in enumerate(parts)
        )


@dataclass(frozen=True, slots=True)
class Noisy:
    """Another signal with noise of at most ± `spread` on it, small errors likelier than large ones."""

    seed: int
    signal: Signal
    spread: float

    def at(self, t: float) -> float:
        """The value `t` seconds after the start."""
        index = 2 * round(t * 1000)
        return self.signal.at(t) + self.spread * (uniform(self.seed, index) + uniform(self.seed, index + 1) - 1)


@dataclass(frozen=True, slots=True)
class Stepping:
    """Stays at one level for `hold` seconds, then jumps to another; every level lies in `low` ≤ x < `high`."""

    seed: int
    low: float
    high: float
    hold: float

    def at(self, t: float) -> float:
        """The value `t` seconds after the start."""
        return self.low + (self.high - self.low) * uniform(self.seed, math.floor(t / self.hold))


@dataclass(frozen=True, slots=True)
class Counter:
    """Grows by `step` every `every` seconds, from `start`."""

    start: int = 0
    step: int = 1
    every: float = 1.0

    def at(self, t: float) -> float:
        """The value `t` seconds after the start."""
        # 0.1 * 30 is a little less than 3: without the margin some counts would come a sample late.
        return self.start + self.step * math.floor(t / self.every + 1e-9)


@dataclass(frozen=True, slots=True)
class Product:
    """Two signals multiplied, as power is voltage times current."""

    left: Signal
    right: Signal

    def at(self, t: float) -> float:
        """The value `t` seconds after the start."""
        return self.left.at(t) * self.right.at(t)


@dataclass(frozen=True, slots=True)
class Swinging:
    """Swings around `centre` by at most `swing`, once in `period` seconds; `turn` of 0.25 starts it at the top."""

    centre: float
    swing: float
    period: float
    turn: float = 0.0

    def at(self, t: float) -> float:
        """The value `t` seconds after the start."""
        return self.centre + self.swing * math.sin(2 * math.pi * (t / self.period + self.turn))


@dataclass(frozen=True, slots=True)
class Turning:
    """An angle in degrees, 0 ≤ x < 360, that goes around once in `period` seconds from `start`."""

    period: float
    start: float = 0.0

    def at(self, t: float) -> float:
        """The value `t` seconds after the start."""
        return (self.start + 360 * t / self.period) % 360


@dataclass(frozen=True, slots=True)
class Since:
    """0 before `after` seconds, and 1 from then on."""

    after: float

    def at(self, t: float) -> float:
        """The value `t` seconds after the start."""
        return float(t >= self.after)
