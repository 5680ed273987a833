"""Faults of what a device answers: not, late, twice, or no."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from device_sims.faults.base import MODBUS, MQTT, SERIAL, Every, Fault, check_seconds


@dataclasses.dataclass(slots=True)
class NoAcknowledgement(Fault):
    """Obeys, and does not acknowledge every `every`-th command; by default none."""

    where: ClassVar[tuple[str, ...]] = (SERIAL, MQTT)
    every: int = 1
    _every: Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._every = Every(self.every)

    def loses_acknowledgement(self) -> bool:
        """True when it is the turn."""
        return self._every.turn()


@dataclasses.dataclass(slots=True)
class Refusal(Fault):
    """Refuses every `every`-th command with `error`; by default all."""

    where: ClassVar[tuple[str, ...]] = (SERIAL, MQTT)
    every: int = 1
    error: str = "jammed"
    _every: Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._every = Every(self.every)

    def refuses(self) -> str | None:
        """The error when it is the turn."""
        return self.error if self._every.turn() else None


@dataclasses.dataclass(slots=True)
class SlowAcknowledgement(Fault):
    """Obeys at once, and acknowledges every `every`-th command `seconds` late; a meter answers late."""

    seconds: float = 1.0
    every: int = 1
    _every: Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_seconds(self.seconds)
        self._every = Every(self.every)

    def acknowledgement_delay(self) -> float:
        """The delay when it is the turn."""
        return self.seconds if self._every.turn() else 0.0


@dataclasses.dataclass(slots=True)
class LateAcknowledgement(SlowAcknowledgement):
    """The same, so late that whoever waits has given up."""

    seconds: float = 8.0


@dataclasses.dataclass(slots=True)
class DoubleAcknowledgement(Fault):
    """Acknowledges every `every`-th command twice; by default all."""

    where: ClassVar[tuple[str, ...]] = (SERIAL, MQTT)
    every: int = 1
    _every: Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._every = Every(self.every)

    def repeats_acknowledgement(self) -> bool:
        """True when it is the turn."""
        return self._every.turn()


@dataclasses.dataclass(slots=True)
class ModbusException(Fault):
    """Answers every `every`-th request with the exception `code` (4: server device failure), and does nothing."""

    where: ClassVar[tuple[str, ...]] = (MODBUS,)
    every: int = 5
    code: int = 4
    _every: Every = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.code <= 255:
            raise ValueError("code must be 1 to 255")
        self._every = Every(self.every)

    def exception(self) -> int | None:
        """The code when it is the turn."""
        return self.code if self._every.turn() else None
