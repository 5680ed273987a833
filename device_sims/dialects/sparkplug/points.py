"""The metrics of an edge node and of the machines behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from device_sims.dialects.sparkplug.payload import DataType, signed
from device_sims.kinds import Value, drifting, stepping
from device_sims.signals import Counter, Signal, derive


@dataclass(slots=True)
class Point:
    """A metric and what it says: `signal` measures it, or it keeps what was written to it.

    A point that is written takes a number from `low` to `high`, or what its type is.
    """

    name: str
    type: DataType
    value: Value
    unit: str = ""
    signal: Signal | None = None
    decimals: int = 0
    writable: bool = False
    low: float = -math.inf
    high: float = math.inf

    def read(self, age: float) -> bool:
        """Measures; True where that changed the value."""
        if self.signal is None:
            return False
        measured = round(self.signal.at(age), self.decimals)
        before, self.value = self.value, measured if self.decimals else int(measured)
        return self.value != before

    def accept(self, value: Value | None) -> Value:
        """The value to be written; ValueError where it does not fit."""
        if not self.writable:
            raise ValueError(f"{self.name} cannot be written")
        if self.type == DataType.BOOLEAN and isinstance(value, bool):
            return value
        if self.type == DataType.STRING and isinstance(value, str):
            return value
        if self.type not in {DataType.BOOLEAN, DataType.STRING} and type(value) in {int, float}:
            number = signed(value, self.type)  # a command need not tell its type
            if isinstance(number, (int, float)) and self.low <= number <= self.high:
                return float(number) if self.type in {DataType.FLOAT, DataType.DOUBLE} else int(number)
        raise ValueError(f"{self.name} does not take {value!r:.40}")


def node_points(seed: int) -> Sequence[Point]:
    """What the edge node says of itself."""
    return [
        Point("Properties/Software", DataType.STRING, "2.4.1"),
        Point("Health/CPU Temperature", DataType.FLOAT, 0.0, "°C", drifting("cpu", 52, 6, 300, 0.4)(seed), 1),
        Point("Health/Uptime", DataType.UINT64, 0, "s", Counter(start=12), 0),
    ]


def boiler(seed: int) -> Sequence[Point]:
    """A boiler with a pump and a setpoint."""
    return [
        Point("Flow/Temperature", DataType.DOUBLE, 0.0, "°C", drifting("flow", 58, 7, 300, 0.2)(seed), 2),
        Point("Flow/Pressure", DataType.FLOAT, 0.0, "bar", drifting("pressure", 1.8, 0.3, 500, 0.02)(seed), 2),
        # Below zero from time to time: signed values are where readers go wrong.
        Point("Outside Temperature", DataType.INT32, 0, "°C", drifting("outside", 0, 6, 200, 0)(seed), 0),
        Point("Burner/Starts", DataType.UINT32, 0, "", Counter(start=derive(seed, "starts") % 9000, every=30), 0),
        Point("Pump/Running", DataType.BOOLEAN, True, writable=True),
        Point("Setpoint", DataType.DOUBLE, 55.0, "°C", writable=True, low=20, high=80),
        Point("Mode", DataType.STRING, "auto", writable=True),
    ]


def press(seed: int) -> Sequence[Point]:
    """A hydraulic press that counts its parts."""
    return [
        Point("Force", DataType.FLOAT, 0.0, "kN", stepping("force", 0, 400, 6, 1)(seed), 1),
        Point("Parts", DataType.UINT64, 0, "", Counter(start=derive(seed, "parts") % 100_000, every=8), 0),
        Point("Oil Temperature", DataType.FLOAT, 0.0, "°C", drifting("oil", 47, 5, 400, 0.2)(seed), 1),
        Point("Enabled", DataType.BOOLEAN, True, writable=True),
        Point("Target Force", DataType.INT32, 300, "kN", writable=True, low=-100, high=500),
    ]


MACHINES = (("boiler", boiler), ("press", press))
