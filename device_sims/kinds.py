"""Kinds of devices: which points each has, what they measure, and what they obey."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from device_sims.signals import Counter, Drifting, Noisy, Product, Signal, Stepping, derive

Value = bool | int | float | str


class RefusedError(Exception):
    """A command that the device does not obey; `str()` is what it answers."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """A point that is measured.

    `signal` makes the signal for a device's seed; values are rounded to `decimals`, and are integers when that is 0.
    While the actuator named `needs` is off, the sensor reads zero.
    """

    signal: Callable[[int], Signal]
    decimals: int = 0
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """A point that is commanded with true or false."""

    initial: bool = False

    def accept(self, point: str, value: object) -> bool:
        """The new state; `RefusedError` for anything but true and false."""
        if not isinstance(value, bool):
            raise RefusedError(f"{point} takes true or false")
        return value

    def read(self, text: str) -> object:
        """The state that a bare text means, or the text itself."""
        return {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}.get(text.lower(), text)


@dataclass(frozen=True, slots=True)
class Dial:
    """A point that is commanded with a number from `low` to `high`, both included."""

    initial: float
    low: float
    high: float

    def accept(self, point: str, value: object) -> int | float:
        """The new setting, as it was sent; `RefusedError` for what is no number or lies outside."""
        # A comparison is false for NaN and exact for integers of any length.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            raise RefusedError(f"{point} takes a number from {self.low:g} to {self.high:g}")
        return value

    def read(self, text: str) -> object:
        """The number that a bare text means, or the text itself."""
        for number in (int, float):
            with suppress(ValueError):
                return number(text)
        return text


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of device: its sensors and actuators by point name."""

    name: str
    sensors: Mapping[str, Sensor]
    actuators: Mapping[str, Switch | Dial]


def _drifting(name: str, centre: float, swing: float, period: float, noise: float) -> Callable[[int], Signal]:
    def make(seed: int) -> Signal:
        return Noisy(derive(seed, name, "noise"), Drifting(derive(seed, name), centre, swing, period), noise)

    return make


def _stepping(name: str, low: float, high: float, hold: float, noise: float) -> Callable[[int], Signal]:
    def make(seed: int) -> Signal:
        return Noisy(derive(seed, name, "noise"), Stepping(derive(seed, name), low, high, hold), noise)

    return make


_VOLTAGE = _drifting("voltage", 230, 4, 90, 0.4)
_CURRENT = _stepping("current", 0.4, 9, 12, 0.05)

CLIMATE = Kind(
    "climate",
    {
        "temperature": Sensor(_drifting("temperature", 21.5, 3, 180, 0.1), decimals=1),  # degrees Celsius
        "humidity": Sensor(_drifting("humidity", 48, 9, 240, 0.6)),  # percent
        "pressure": Sensor(_drifting("pressure", 1013, 5, 600, 0.1), decimals=1),  # hectopascal
    },
    {"fan": Switch(), "setpoint": Dial(21, low=5, high=30)},
)
POWER = Kind(
    "power",
    {
        "voltage": Sensor(_VOLTAGE, decimals=1),  # volt
        "current": Sensor(_CURRENT, decimals=2, needs="relay"),  # ampere
        "power": Sensor(lambda seed: Product(_VOLTAGE(seed), _CURRENT(seed)), decimals=1, needs="relay"),  # watt
        "pulses": Sensor(lambda _seed: Counter(every=0.5)),  # of the meter's light
    },
    # On from the start: a power meter whose load is off has only zeros to show.
    {"relay": Switch(initial=True), "limit": Dial(2000, low=0, high=3680)},
)
TANK = Kind(
    "tank",
    {
        "level": Sensor(_drifting("level", 55, 35, 200, 0.2), decimals=1),  # percent
        "flow": Sensor(_stepping("flow", 2, 14, 20, 0.3), decimals=2, needs="valve"),  # litres a minute
    },
    {"valve": Switch(initial=True), "pump": Dial(40, low=0, high=100)},
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (CLIMATE, POWER, TANK)}


def kind_named(name: str) -> Kind:
    """The kind of that name; `ValueError` names the ones there are."""
    try:
        return KINDS[name]
    except KeyError:
        raise ValueError(f"no kind of device is named {name!r}: there are {', '.join(KINDS)}") from None
