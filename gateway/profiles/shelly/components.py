"""The components of Shelly's second generation on: what their status members are, and which methods set them.

`switch:0` is a component, `switch` its kind; `aenergy.total` is a member of its status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from gateway.model import Point, Value

_COMPONENT = re.compile(r"([a-z][a-z0-9_]{0,31})(?::(\d{1,4}))?", re.ASCII)
_LONGEST = 64  # characters of a member that has a unit


@dataclass(frozen=True, slots=True)
class Method:
    """What sets a member: the method, and the parameter that takes the value; without one it is an action."""

    name: str
    parameter: str | None = None


_SWITCH = Point("boolean", writable=True, confirm="acked")
_LEVEL = Point("integer", unit="%", min=0, max=100, writable=True, confirm="acked")
_BYTE = Point("integer", min=0, max=255, writable=True, confirm="acked")
_ACTION = Point("action", writable=True, confirm="acked")

_LAMP = {"output": (_SWITCH, "on"), "brightness": (_LEVEL, "brightness")}
_SETTERS: dict[str, dict[str, tuple[Point, str]]] = {
    "switch": {"output": (_SWITCH, "on")},
    "light": _LAMP,
    "rgb": _LAMP,
    "rgbw": {**_LAMP, "white": (_BYTE, "white")},
    "cct": {**_LAMP, "ct": (Point("integer", unit="K", min=2700, max=6500, writable=True, confirm="acked"), "ct")},
    # Virtual components, which scripts and people make.
    "boolean": {"value": (_SWITCH, "value")},
    "number": {"value": (Point("number", writable=True, confirm="acked"), "value")},
    "text": {"value": (Point("string", writable=True, confirm="acked"), "value")},
    "enum": {"value": (Point("string", writable=True, confirm="acked"), "value")},
}
_NAMESPACES = {"rgb": "RGB", "rgbw": "RGBW", "cct": "CCT"}
_POSITION = {"current_pos": (_LEVEL, Method("Cover.GoToPosition", "pos"))}
_MOVES = {word: (_ACTION, Method(f"Cover.{word.capitalize()}")) for word in ("open", "close", "stop")}

# What is about the device itself, and no value that people keep; of two kinds one member each is.
_INNER = frozenset({"ble", "bthome", "cloud", "eth", "ht_ui", "knx", "matter", "modbus", "mqtt", "plugs_ui", "schedule",
                    "script", "ts", "ui", "webhook", "wifi", "ws", "sys", "zigbee"})  # fmt: skip
_OUTER = {("wifi", "rssi"): Point("integer", unit="dB[mW]"), ("sys", "uptime"): Point("integer", unit="s")}
# Bookkeeping, and temperatures in °F beside those in °C.
_NOT_VALUES = re.compile(
    r"id|source|tF|.*\.tF|(target|current)_F|packet_id|flags\..*|.*by_minute\..*|(.*\.)?minute_ts|(.*_)?ts|timer_.*|move_.*|transition\..*|"
    r"last_.*|pos_control|calibration\..*|(.*\.)?errors\..*",
    re.ASCII,
)
_UNITS = [
    (re.compile(pattern, re.ASCII), unit)
    for pattern, unit in (
        (r"(.*\.)?tC|(target|current)_C", "Cel"),
        (r"apower|(.*_)?act_power", "W"),
        (r"aprtpower|(.*_)?aprt_power", "V.A"),
        (r"(.*_)?voltage|battery\.V", "V"),
        (r"(.*_)?current", "A"),
        (r"(.*_)?freq", "Hz"),
        (r"(ret_)?aenergy\.total|.*_energy|total_act(_ret)?", "W.h"),
        (r"rssi", "dB[mW]"),
        (r"rh|battery|pos|battery\.percent|brightness|current_pos|target_pos|slat_pos|percent", "%"),
        (r"lux", "lx"),
        (r"ct", "K"),
    )
]


def component(key: str) -> tuple[str, int | None] | None:
    """The kind and the number of a component; None where nothing of it is kept."""
    found = _COMPONENT.fullmatch(key)
    if found is None or (found[1] in _INNER and found[1] not in ("wifi", "sys")):
        return None
    return found[1], None if found[2] is None else int(found[2])


def point_of(kind: str, member: str, value: Value) -> Point | None:
    """The point of a member; None where it is none, or where its null does not tell what it is."""
    if len(member) > _LONGEST:
        return None
    setter = _setter(kind, member)
    if setter is not None:
        return setter[0]
    unit = _unit(kind, member)
    if unit is None or value is None:
        return None
    if isinstance(value, bool):
        return Point("boolean")
    if isinstance(value, str):
        return Point("string")
    outer = _OUTER.get((kind, member))
    return outer or Point("number", unit=unit or None)


@lru_cache(maxsize=2048)
def _unit(kind: str, member: str) -> str | None:
    """The unit of a member that is a number, empty where it has none; None where it is no value to keep."""
    if kind in _INNER:
        return "" if (kind, member) in _OUTER else None
    if _NOT_VALUES.fullmatch(member):
        return None
    return next((unit for pattern, unit in _UNITS if pattern.fullmatch(member)), "")


def _setter(kind: str, member: str) -> tuple[Point, Method] | None:
    if kind == "cover":
        return _POSITION.get(member) or _MOVES.get(member)
    found = _SETTERS.get(kind, {}).get(member)
    if found is None:
        return None
    return found[0], Method(f"{_NAMESPACES.get(kind, kind.capitalize())}.Set", found[1])


def moves(kind: str) -> Mapping[str, Point]:
    """The actions of a component, which no member of its status stands for."""
    return {word: point for word, (point, _) in _MOVES.items()} if kind == "cover" else {}


def request(point: str, value: Value) -> tuple[str, dict[str, Any]] | None:
    """The method and the parameters that set a point; None where nothing does."""
    key, _, member = point.partition(".")
    found = component(key)
    setter = None if found is None or found[1] is None else _setter(found[0], member)
    if found is None or setter is None:
        return None
    method = setter[1]
    return method.name, {"id": found[1]} | ({} if method.parameter is None else {method.parameter: value})


def errors_in(status: dict[str, Any]) -> str | None:
    """What ails a component, in its own words: `overpower, overtemp`."""
    errors = status.get("errors")
    if not isinstance(errors, list):
        return None
    return ", ".join(error[:64] for error in errors[:16] if isinstance(error, str))


ERRORS = replace(Point("string"), title="Errors")
