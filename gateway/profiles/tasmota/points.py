"""The points of Tasmota: which names its messages have, what they mean, and how they are commanded.

A relay is `POWER`, or `POWER1` and so on where there are several; sensors are named by their path in `SENSOR`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from gateway.codecs.units import known_unit
from gateway.model import Point, Value
from gateway.profiles.learnt import label

_POWER = Point("boolean", writable=True, confirm="verified")
_LEVEL = Point("integer", unit="%", min=0, max=100, writable=True, confirm="verified")
_CT = Point(
    "integer", title="Colour temperature", unit="MK-1", min=153, max=500, writable=True, confirm="verified"
)  # in mired
# How a colour is written back depends on the lamp, so nothing tells that it is set.
_COLOR = Point("string", writable=True, confirm="sent")
_FAN = Point("integer", min=0, max=3, writable=True, confirm="verified")
_PERCENT = Point("integer", unit="%")
_ACTION = Point("action", writable=True, confirm="sent")

_LONGEST = 32  # characters of a name with a meaning of its own


@dataclass(frozen=True, slots=True)
class Known:
    """A point with a meaning of its own, and the name of the command that sets it."""

    point: Point
    command: str | None = None


_STATES: list[tuple[re.Pattern[str], Point, str | None]] = [
    (re.compile(pattern, re.ASCII), point, command)
    for pattern, point, command in (
        (r"POWER\d{0,2}", _POWER, r"\g<0>"),
        (r"Dimmer\d{0,1}", _LEVEL, r"\g<0>"),
        (r"CT", _CT, r"\g<0>"),
        (r"Color", _COLOR, r"\g<0>"),
        (r"FanSpeed", _FAN, r"\g<0>"),
        # A shutter takes its time: that it goes to its target is known at once, that it is there only later.
        (r"Shutter(\d{1,2})\.Target", _LEVEL, r"ShutterPosition\1"),
        (r"Shutter(\d{1,2})\.(Open|Close|Stop)", _ACTION, r"Shutter\2\1"),
        (r"Shutter\d{1,2}\.Position", _PERCENT, None),
        (r"Shutter\d{1,2}\.Direction", Point("integer", title="1 opens, -1 closes, 0 stands"), None),
        (r"Shutter\d{1,2}\.Tilt", Point("integer"), None),
        (r"HSBColor\d?", Point("string"), None),
        (r"White\d?|Channel\d{0,2}(\.\d)?", _PERCENT, None),
        (r"(Button|Switch)\d{1,2}\.Action", Point("string"), None),
        (r"Wifi\.RSSI", _PERCENT, None),  # of quality, for all its name
        (r"Wifi\.Signal", Point("integer", unit="dB[mW]"), None),
        (r"UptimeSec", Point("integer", unit="s"), None),
        (r"Vcc", Point("number", unit="V"), None),
    )
]


def known(name: str) -> Known | None:
    """What a name in `STATE` or `RESULT` means; None where it is no value to keep."""
    return _known(name) if len(name) <= _LONGEST else None


@lru_cache(maxsize=2048)
def _known(name: str) -> Known | None:
    for pattern, point, command in _STATES:
        found = pattern.fullmatch(name)
        if found is not None:
            return Known(point, None if command is None else found.expand(command))
    return None


_UNITS = {
    "Humidity": "%", "Moisture": "%", "Power": "W", "ApparentPower": "V.A", "Voltage": "V", "Current": "A",
    "Frequency": "Hz", "Illuminance": "lx", "CarbonDioxide": "[ppm]", "eCO2": "[ppm]", "TVOC": "[ppb]",
    "Distance": "cm", "Weight": "kg", "PM1": "ug/m3", "PM2.5": "ug/m3", "PM10": "ug/m3",
}  # fmt: skip
_ENERGY = {
    **dict.fromkeys(("Total", "Today", "Yesterday", "ExportActive", "ExportTotal", "ImportActive"), "kW.h"),
    "Period": "W.h",
}
# What the device may be set to, and the member that says which.
_SETTINGS = {
    "Temperature": "TempUnit",
    "DewPoint": "TempUnit",
    "Pressure": "PressureUnit",
    "SeaPressure": "PressureUnit",
    "Speed": "SpeedUnit",
}
SETTINGS = frozenset(_SETTINGS.values())
_NOT_VALUES = SETTINGS | {"Time"}


def settings_in(members: dict[str, Any]) -> dict[str, str]:
    """The units that the device says it is set to, as UCUM codes."""
    found = {}
    for member in SETTINGS:
        text = members.get(member)
        unit = known_unit(text) if isinstance(text, str) else None
        if unit is not None:
            found[member] = unit
    return found


def sensor(path: str, name: str, value: Value, settings: dict[str, str]) -> Point | None:
    """The point of a value in `SENSOR`; `value` is null where discovery has not measured yet. None where it is none."""
    if path in _NOT_VALUES:
        return None
    found = known(path)
    if found is not None:
        return found.point
    if isinstance(value, bool):
        return Point("boolean")
    setting = _SETTINGS.get(name) or _SETTINGS.get(name.rstrip("0123456789"))
    unit = settings.get(setting) if setting else _UNITS.get(name) or _UNITS.get(name.rstrip("0123456789"))
    if unit is None and path.startswith("ENERGY."):
        unit = _ENERGY.get(name)
    if isinstance(value, str) and unit is None:
        # A switch that is shown among the sensors says ON or OFF.
        return Point("boolean") if re.fullmatch(r"Switch\d{1,2}", path, re.ASCII) else Point("string")
    return Point("number", unit=unit)


def of_configuration(config: dict[str, Any]) -> dict[str, Known]:
    """The points that the discovery message promises: relays, lights, shutters, fans.

    `rl` has a kind for each relay (1 relay, 2 light, 3 one of the two of a shutter), `lt_st` the light's (1 dimmer,
    2 white in two tones, 3 to 5 colour), `fn` their names.
    """
    kinds, names = _list(config.get("rl")), _list(config.get("fn"))
    switched = [place for place, kind in enumerate(kinds) if kind in (1, 2)]
    points: dict[str, Known] = {}
    for place in switched:
        found = known("POWER" if len(switched) == 1 and place == 0 else f"POWER{place + 1}")
        if found is not None:
            title = label(names[place]) if place < len(names) else None
            points[found.command or ""] = replace(found, point=replace(found.point, title=title))
    wanted = [f"Shutter{number + 1}.{part}" for number in range(kinds.count(3) // 2) for part in _SHUTTER]
    light, options = config.get("lt_st"), config.get("so")
    single = not (isinstance(options, dict) and options.get("68") == 1)  # else each channel is a light of its own
    if 2 in kinds and single and isinstance(light, int):
        wanted += ["Dimmer"] if 1 <= light <= 5 else []
        wanted += ["CT"] if light in (2, 5) else []
        wanted += ["Color", "HSBColor"] if 3 <= light <= 5 else []
    wanted += ["FanSpeed"] if config.get("if") == 1 else []
    points.update((name, found) for name in wanted if (found := known(name)) is not None)
    return points


_SHUTTER = ("Position", "Target", "Direction", "Open", "Close", "Stop")


def _list(given: object) -> list[Any]:
    return given[:64] if isinstance(given, list) else []
