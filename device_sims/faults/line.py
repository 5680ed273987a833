"""Faults of the bytes on a line: noise, how frames are written, and which arrive damaged."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from device_sims.faults.base import MQTT, RTU, SERIAL, Every, Fault, check_seconds
from device_sims.signals import derive, uniform


@dataclasses.dataclass(slots=True)
class Garbage(Fault):
    """Noise before every `every`-th frame: `size` bytes that are never valid UTF-8.

    It ends in a newline and so spoils no frame of a line protocol; `glued`, it does not, and spoils the frame after it.
    `bursts` counts the noise made so far.
    """

    where: ClassVar[tuple[str, ...]] = (SERIAL, MQTT)
    every: int = 5
    size: int = 16
    glued: bool = False
    seed: int = 0
    bursts: int = dataclasses.field(default=0, init=False)
    _every: Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("size must be at least 1")
        self._every = Every(self.every)

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
class OneByteAtATime(Fault):
    """Writes single bytes, `seconds` apart; with 0, one in each turn of the event loop."""

    where: ClassVar[tuple[str, ...]] = (SERIAL, RTU)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        check_seconds(self.seconds)

    def pause(self) -> float | None:
        """Seconds between two bytes."""
        return self.seconds


@dataclasses.dataclass(slots=True)
class Split(Fault):
    """Writes pieces of at most `size` bytes, `seconds` apart."""

    where: ClassVar[tuple[str, ...]] = (SERIAL, RTU)
    size: int = 8
    seconds: float = 0.02

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("size must be at least 1")
        check_seconds(self.seconds)

    def pause(self) -> float | None:
        """Seconds between two pieces."""
        return self.seconds

    def piece(self) -> int:
        """Bytes in a piece."""
        return self.size


@dataclasses.dataclass(slots=True)
class Glued(Fault):
    """Writes `frames` frames at once; an answer goes out at once, with those that wait before it."""

    where: ClassVar[tuple[str, ...]] = (SERIAL,)
    frames: int = 3

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError("frames must be at least 1")

    def held(self) -> int:
        """Frames in a write."""
        return self.frames


@dataclasses.dataclass(slots=True)
class BadChecksum(Fault):
    """Sends every `every`-th frame with a wrong checksum."""

    where: ClassVar[tuple[str, ...]] = (SERIAL, RTU)
    every: int = 5
    _every: Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._every = Every(self.every)

    def spoils_checksum(self) -> bool:
        """True when it is the turn."""
        return self._every.turn()


@dataclasses.dataclass(slots=True)
class Truncate(Fault):
    """Sends every `every`-th frame without its last `lost` bytes, what ends the frame included."""

    where: ClassVar[tuple[str, ...]] = (SERIAL, RTU)
    every: int = 5
    lost: int = 4
    _every: Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.lost < 1:
            raise ValueError("lost must be at least 1")
        self._every = Every(self.every)

    def cut(self) -> int:
        """The bytes that are lost when it is the turn."""
        return self.lost if self._every.turn() else 0
