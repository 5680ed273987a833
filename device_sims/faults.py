"""Faults on demand: tiny classes that spoil one thing each, the same way for the same seed.

A device carries its faults in a `Faults` list and asks it at the moments that matter. Seconds count from the device's
start.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from device_sims.signals import derive, uniform


class Fault:
    """The base of all faults: spoils nothing."""

    def silent(self, t: float) -> bool:
        """Whether the device says nothing `t` seconds after its start."""
        return False

    def unplugged(self, t: float) -> bool:
        """Whether the device is gone `t` seconds after its start."""
        return False

    def noise(self) -> bytes:
        """What to put on the wire before the next frame; asked once a frame."""
        return b""

    def refuses(self) -> str | None:
        """The error to answer the command at hand with, instead of obeying it; asked once a command."""
        return None

    def loses_acknowledgement(self) -> bool:
        """Whether the acknowledgement at hand is not sent; asked once an acknowledgement."""
        return False

    def pause(self) -> float | None:
        """Seconds between single bytes, or None to write whole frames."""
        return None


def _in_bad_part(t: float, after: float, seconds: float) -> bool:
    if math.isinf(seconds):
        return t >= after
    return t % (after + seconds) >= after


class _Every:
    """Counts; every `every`-th time it is the turn."""

    def __init__(self, every: int) -> None:
        if every < 1:
            raise ValueError("every must be at least 1")
        self._every = every
        self._count = 0

    def turn(self) -> bool:
        self._count += 1
        return self._count % self._every == 0


@dataclasses.dataclass(slots=True)
class Garbage(Fault):
    """Noise before every `every`-th frame: `size` bytes that are never valid UTF-8.

    It ends in a newline and so spoils no frame of a line protocol; `glued`, it does not, and spoils the frame after it.
    `bursts` counts the noise made so far.
    """

    every: int = 5
    size: int = 16
    glued: bool = False
    seed: int = 0
    bursts: int = dataclasses.field(default=0, init=False)
    _every: _Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("size must be at least 1")
        self._every = _Every(self.every)

    def noise(self) -> bytes:
        """The next burst, when it is its turn."""
        return self.burst() if self._every.turn() else b""

    def burst(self) -> bytes:
        """The next burst now."""
        seed = derive(self.seed, "garbage", str(self.bursts))
        self.bursts += 1
        # 0xFF starts no UTF-8 sequence, so no burst is text by accident; and no newline cuts one burst into two.
        noise = b"\xff" + bytes(int(uniform(seed, i) * 256) for i in range(self.size - 1)).replace(b"\n", b"\xfe")
        return noise if self.glued else noise + b"\n"


@dataclasses.dataclass(slots=True)
class Silence(Fault):
    """Speaks for `after` seconds, is silent for `seconds`, and so on; by default silent from the start and for ever.

    A silent device still obeys commands, and makes no readings.
    """

    after: float = 0.0
    seconds: float = math.inf

    def __post_init__(self) -> None:
        _check_window(self.after, self.seconds)

    def silent(self, t: float) -> bool:
        """Whether `t` lies in a silent part."""
        return _in_bad_part(t, self.after, self.seconds)


@dataclasses.dataclass(slots=True)
class Unplug(Fault):
    """Is there for `after` seconds, gone for `seconds`, and so on."""

    after: float = 10.0
    seconds: float = 3.0

    def __post_init__(self) -> None:
        _check_window(self.after, self.seconds)

    def unplugged(self, t: float) -> bool:
        """Whether `t` lies in a part in which the device is gone."""
        return _in_bad_part(t, self.after, self.seconds)


@dataclasses.dataclass(slots=True)
class NoAcknowledgement(Fault):
    """Obeys, and does not acknowledge every `every`-th command; by default none."""

    every: int = 1
    _every: _Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._every = _Every(self.every)

    def loses_acknowledgement(self) -> bool:
        """True when it is the turn."""
        return self._every.turn()


@dataclasses.dataclass(slots=True)
class Refusal(Fault):
    """Refuses every `every`-th command with `error`; by default all."""

    every: int = 1
    error: str = "jammed"
    _every: _Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._every = _Every(self.every)

    def refuses(self) -> str | None:
        """The error when it is the turn."""
        return self.error if self._every.turn() else None


@dataclasses.dataclass(slots=True)
class OneByteAtATime(Fault):
    """Writes single bytes, `seconds` apart; with 0, one in each turn of the event loop."""

    seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < math.inf:
            raise ValueError("seconds must be 0 or more")

    def pause(self) -> float | None:
        """Seconds between two bytes."""
        return self.seconds


def _check_window(after: float, seconds: float) -> None:
    if not (0 <= after < math.inf and seconds > 0):
        raise ValueError("after must be 0 or more, and seconds more than 0")


class Faults(list[Fault]):
    """The faults of one device, asked together."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        super().__init__(faults)

    @contextmanager
    def during(self, fault: Fault) -> Iterator[Fault]:
        """Has the fault inside the `with` block."""
        self.append(fault)
        try:
            yield fault
        finally:
            # By identity: two faults with the same settings are equal.
            del self[next(i for i, other in enumerate(self) if other is fault)]

    def silent(self, t: float) -> bool:
        """Whether any of them silences the device `t` seconds after its start."""
        return any(fault.silent(t) for fault in self)

    def unplugged(self, t: float) -> bool:
        """Whether any of them has the device gone `t` seconds after its start."""
        return any(fault.unplugged(t) for fault in self)

    def noise(self) -> bytes:
        """All noise that comes before the next frame."""
        return b"".join(fault.noise() for fault in self)

    def refuses(self) -> str | None:
        """The first error that one of them refuses the command at hand with."""
        return next((error for fault in self if (error := fault.refuses()) is not None), None)

    def loses_acknowledgement(self) -> bool:
        """Whether any of them loses the acknowledgement at hand."""
        return sum(fault.loses_acknowledgement() for fault in self) > 0  # not any(): each of them counts

    def pause(self) -> float | None:
        """The longest pause between single bytes, or None."""
        return max((pause for fault in self if (pause := fault.pause()) is not None), default=None)
