"""The boards of a Tasmota household: what each switches and what its sensors say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from device_sims.kinds import CURRENT, VOLTAGE, drifting
from device_sims.signals import derive

SWITCH, LIGHT, SHUTTER = 1, 2, 3  # what a relay does, in `rl` of the discovery
COLD_WARM = 2  # two whites, in `lt_st` of the discovery

Telling = dict[str, object]
Sensors = Callable[[float], Telling]  # what the sensors say at an age


@dataclass(frozen=True, slots=True)
class Model:
    """A board as its owner set it up; `sensors` makes its sensors of a seed."""

    name: str
    module: str
    relays: tuple[int, ...] = ()
    light: int = 0
    metered: bool = False
    sensors: Callable[[int], Sensors] | None = None

    @property
    def shutters(self) -> int:
        """How many shutters it moves, each with two relays."""
        return self.relays.count(SHUTTER) // 2


def dew_point(temperature: float, humidity: float) -> float:
    """°C of °C and %, by the formula of Magnus."""
    gamma = math.log(max(humidity, 1) / 100) + 17.62 * temperature / (243.12 + temperature)
    return 243.12 * gamma / (17.62 - gamma)


def _air(seed: int, centre: float) -> Callable[[float], Telling]:
    temperature = drifting("temperature", centre, 3, 180, 0.1)(seed)
    humidity = drifting("humidity", 48, 9, 240, 0.6)(seed)

    def read(t: float) -> Telling:
        celsius, percent = round(temperature.at(t), 1), round(humidity.at(t), 1)
        return {"Temperature": celsius, "Humidity": percent, "DewPoint": round(dew_point(celsius, percent), 1)}

    return read


def _am2301(seed: int) -> Sensors:
    air = _air(seed, 22.5)
    return lambda t: {"AM2301": air(t), "TempUnit": "C"}


def _weather(seed: int) -> Sensors:
    """A DS18B20 in the soil, and a BME280 in the air above it."""
    soil = drifting("soil", 14, 1.5, 600, 0.05)(seed)
    pressure = drifting("pressure", 1013, 5, 600, 0.1)(seed)
    air = _air(seed, 17)
    address = f"3C01F096{derive(seed, 'ds18b20') & 0xFFFF:04X}"
    return lambda t: {
        "DS18B20": {"Id": address, "Temperature": round(soil.at(t), 1)},
        "BME280": {**air(t), "Pressure": round(pressure.at(t), 1)},
        "PressureUnit": "hPa",
        "TempUnit": "C",
    }


class Meter:
    """The energy meter of a plug; it counts while it is read."""

    def __init__(self, seed: int, start: str) -> None:
        self._voltage, self._current = VOLTAGE(seed), CURRENT(seed)
        self._start = start
        self._total = 120 + derive(seed, "total") % 90_000 / 1000  # kWh
        self._yesterday = derive(seed, "yesterday") % 900 / 1000
        self._today = 0.0
        self._told = 0.0  # kWh of today, at the last telemetry
        self._age = 0.0

    def read(self, age: float, on: bool, period: bool) -> Telling:
        """What it says; telemetry adds the Wh of the period since the last telemetry."""
        voltage, current = self._voltage.at(age), self._current.at(age) if on else 0.0
        apparent, factor = voltage * current, 0.94 if on else 0.0
        grown = apparent * factor * max(0.0, age - self._age) / 3_600_000
        self._age = max(age, self._age)
        self._today += grown
        self._total += grown
        since = self._today - self._told
        if period:
            self._told = self._today
        return {
            "TotalStartTime": self._start,
            "Total": round(self._total, 3),
            "Yesterday": self._yesterday,
            "Today": round(self._today, 3),
            **({"Period": round(since * 1000)} if period else {}),
            "Power": round(apparent * factor),
            "ApparentPower": round(apparent),
            "ReactivePower": round(apparent * math.sqrt(1 - factor**2)) if on else 0,
            "Factor": factor,
            "Voltage": round(voltage),
            "Current": round(current, 3),
        }


MODELS = (
    Model("Bathroom fan", "Sonoff TH", (SWITCH,), sensors=_am2301),
    Model("Heater plug", "Sonoff Pow R2", (SWITCH,), metered=True),
    Model("Desk lamp", "CCT Light", (LIGHT,), light=COLD_WARM),
    Model("Kitchen blind", "Shelly 2.5", (SHUTTER, SHUTTER)),
    Model("Weather", "Generic", sensors=_weather),
)
