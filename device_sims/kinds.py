"""Kinds of devices: which points each has, what they measure, and what they obey."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from device_sims.signals import Counter, Drifting, Noisy, Product, Signal, Since, Stepping, Swinging, Turning, derive

Value = bool | int | float | str


class RefusedError(Exception):
    """A command that the device does not obey; `str()` is what it answers."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """A point that is measured.

    `signal` makes the signal for a device's seed; values are rounded to `decimals`, and are integers when that is 0.
    While the actuator named `needs` is off, the sensor reads zero. `unit` is a UCUM code. `packed` is the format in
    which a binary frame holds it (struct of the standard library), without its decimal point in an integer one.
    """

    signal: Callable[[int], Signal]
    decimals: int = 0
    needs: str | None = None
    unit: str = ""
    packed: str = "f"


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


def drifting(name: str, centre: float, swing: float, period: float, noise: float) -> Callable[[int], Signal]:
    """A sensor's signal that wanders around a centre."""

    def make(seed: int) -> Signal:
        return Noisy(derive(seed, name, "noise"), Drifting(derive(seed, name), centre, swing, period), noise)

    return make


def stepping(name: str, low: float, high: float, hold: float, noise: float) -> Callable[[int], Signal]:
    """A sensor's signal that jumps between levels."""

    def make(seed: int) -> Signal:
        return Noisy(derive(seed, name, "noise"), Stepping(derive(seed, name), low, high, hold), noise)

    return make


VOLTAGE = drifting("voltage", 230, 4, 90, 0.4)
CURRENT = stepping("current", 0.4, 9, 12, 0.05)


def power(seed: int) -> Signal:
    """The product of the voltage and the current of this seed."""
    return Product(VOLTAGE(seed), CURRENT(seed))


CLIMATE = Kind(
    "climate",
    {
        "temperature": Sensor(drifting("temperature", 21.5, 3, 180, 0.1), decimals=1, unit="Cel", packed="h"),
        "humidity": Sensor(drifting("humidity", 48, 9, 240, 0.6), unit="%", packed="B"),
        "pressure": Sensor(drifting("pressure", 1013, 5, 600, 0.1), decimals=1, unit="hPa"),
    },
    {"fan": Switch(), "setpoint": Dial(21, low=5, high=30)},
)
POWER = Kind(
    "power",
    {
        "voltage": Sensor(VOLTAGE, decimals=1, unit="V", packed="H"),
        "current": Sensor(CURRENT, decimals=2, needs="relay", unit="A", packed="H"),
        "power": Sensor(power, decimals=1, needs="relay", unit="W"),
        "pulses": Sensor(lambda _seed: Counter(every=0.5), packed="I"),  # of the meter's light
    },
    # On from the start: a power meter whose load is off has only zeros to show.
    {"relay": Switch(initial=True), "limit": Dial(2000, low=0, high=3680)},
)
TANK = Kind(
    "tank",
    {
        "level": Sensor(drifting("level", 55, 35, 200, 0.2), decimals=1, unit="%", packed="H"),
        "flow": Sensor(stepping("flow", 2, 14, 20, 0.3), decimals=2, needs="valve", unit="L/min"),
    },
    {"valve": Switch(initial=True), "pump": Dial(40, low=0, high=100)},
)

# A receiver on a circle around a place: where it is, which way it goes and how fast must agree with each other.
_LATITUDE, _LONGITUDE = 52.5163, 13.3777  # degrees
_RADIUS = 200.0  # metres
_ROUND = 240.0  # seconds for once around
_DEGREE = 111_195.0  # metres in a degree of latitude
FIX_AFTER = 10.0  # seconds that the receiver looks for satellites

GPS = Kind(
    "gps",
    {
        "latitude": Sensor(
            lambda _seed: Swinging(_LATITUDE, _RADIUS / _DEGREE, _ROUND, turn=0.25), decimals=6, unit="deg", packed="d"
        ),
        "longitude": Sensor(
            lambda _seed: Swinging(_LONGITUDE, _RADIUS / (_DEGREE * math.cos(math.radians(_LATITUDE))), _ROUND),
            decimals=6,
            unit="deg",
            packed="d",
        ),
        "altitude": Sensor(drifting("altitude", 35, 2, 120, 0.2), decimals=1, unit="m"),
        "speed": Sensor(lambda _seed: Swinging(2 * math.pi * _RADIUS / _ROUND, 0, _ROUND), decimals=2, unit="m/s"),
        "course": Sensor(lambda _seed: Turning(_ROUND, start=90), decimals=1, unit="deg"),
        "satellites": Sensor(stepping("satellites", 6, 12, 15, 0), packed="B"),
        "fix": Sensor(lambda _seed: Since(FIX_AFTER), packed="B"),
    },
    {},
)
BOAT = Kind(
    "boat",
    {
        "wind_angle": Sensor(drifting("wind_angle", 140, 60, 60, 2), decimals=1, unit="deg"),
        "wind_speed": Sensor(drifting("wind_speed", 7, 4, 45, 0.5), decimals=1, unit="m/s"),
        "depth": Sensor(drifting("depth", 12, 7, 120, 0.05), decimals=2, unit="m"),
        "water_temperature": Sensor(drifting("water_temperature", 16, 1.5, 300, 0.05), decimals=1, unit="Cel"),
        "heading": Sensor(drifting("heading", 200, 25, 80, 0.5), decimals=1, unit="deg"),
        "speed": Sensor(drifting("speed", 3, 1, 70, 0.05), decimals=2, unit="m/s"),
    },
    {},
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (CLIMATE, POWER, TANK, GPS, BOAT)}


def kind_named(name: str) -> Kind:
    """The kind of that name; `ValueError` names the ones there are."""
    try:
        return KINDS[name]
    except KeyError:
        raise ValueError(f"no kind of device is named {name!r}: there are {', '.join(KINDS)}") from None
