"""The register map of a Modbus meter, and how its values stand in 16-bit registers. Nothing here knows a connection.

Numbers of several registers have their most significant word first, unless the map says `swapped`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from device_sims.kinds import CURRENT, VOLTAGE, Dial, Kind, Sensor, Switch, Value, drifting, power
from device_sims.signals import Counter

METER = Kind(
    "meter",
    {
        "voltage": Sensor(VOLTAGE, decimals=1, unit="V"),
        "current": Sensor(CURRENT, decimals=2, needs="relay", unit="A"),
        "power": Sensor(power, decimals=1, needs="relay", unit="W"),
        "energy": Sensor(lambda _seed: Counter(start=1_234_567, every=2.0), unit="W.h"),
        "temperature": Sensor(drifting("temperature", 0, 9, 120, 0.1), decimals=1, unit="Cel"),  # of the cabinet
    },
    {"relay": Switch(initial=True), "setpoint": Dial(2000, low=0, high=3680)},
)

RELAY = 0  # the coil
OVERLOAD = 0  # the discrete input: the power is above the setpoint


@dataclass(frozen=True, slots=True)
class Register:
    """A point in the registers from `address` on: a number of this struct format, which stands for `scale` each."""

    point: str
    address: int
    format: str
    scale: float = 1.0
    swapped: bool = False
    writable: bool = False

    @property
    def count(self) -> int:
        """How many registers it takes."""
        return struct.calcsize(f">{self.format}") // 2

    def words(self, value: Value) -> list[int]:
        """The value as registers."""
        number = float(value) / self.scale
        packed = struct.pack(f">{self.format}", number if self.format in "fd" else round(number))
        words = list(struct.unpack(f">{self.count}H", packed))
        return words[::-1] if self.swapped else words

    def value(self, words: Sequence[int]) -> float:
        """The value in the registers; those of an integer without a scale are an `int`."""
        ordered = words[::-1] if self.swapped else words
        (number,) = struct.unpack(f">{self.format}", struct.pack(f">{self.count}H", *ordered))
        scaled: float = number if self.scale == 1 else round(number * self.scale, 6)
        return scaled


# Input registers; the same can be read as holding registers.
MEASURED = (
    Register("voltage", 0, "H", 0.1),
    Register("current", 1, "h", 0.01),
    Register("power", 2, "i", 0.1),
    Register("energy", 4, "I"),
    Register("voltage", 6, "f"),
    Register("current", 8, "f"),
    Register("power", 10, "f"),
    Register("energy", 12, "f"),
    Register("power", 14, "f", swapped=True),
    Register("energy", 16, "Q"),
    Register("temperature", 20, "h", 0.1),
    Register("sequence", 21, "I"),
)
# Holding registers that obey.
COMMANDED = (
    Register("setpoint", 100, "H", writable=True),
    Register("setpoint", 101, "f", writable=True),
)


def fill(values: Mapping[str, Value], registers: Sequence[Register], start: int, words: list[int]) -> None:
    """Puts the values into `words`, of which the first is the register `start`."""
    for register in registers:
        begin = register.address - start
        if begin >= 0 and begin + register.count <= len(words):
            words[begin : begin + register.count] = register.words(values[register.point])


def written(address: int, words: Sequence[int], held: Sequence[int], start: int) -> list[tuple[str, float]]:
    """The points that words written from `address` on command, with their values; `held` are the registers so far."""
    after = list(held)
    begin = address - start
    after[begin : begin + len(words)] = words
    touched = range(address, address + len(words))
    return [
        (register.point, register.value(after[register.address - start : register.address - start + register.count]))
        for register in COMMANDED
        if any(register.address + i in touched for i in range(register.count))
    ]
