"""The topics of Shelly's first generation below `shellies/<id>/`: which points they tell of, and how those are set.

Energy is counted in watt-minutes there, and named so: `W.min`. Temperatures in °F beside those in °C are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import orjson

from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles.learnt import leaves, members_of, number_in, text_in

_LONGEST = 64  # characters of a topic that is known

Read = Callable[[str, bytes], dict[str, Value]]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a point is set, and the member of a JSON object that sets it; without one the bare value does."""

    topic: str
    member: str | None = None

    def payload(self, value: Value) -> bytes:
        """The value as the device reads it."""
        if isinstance(value, bool):
            value = "on" if value else "off"
        if self.member is None:
            return str(value).encode()
        return orjson.dumps({self.member: value})


@dataclass(frozen=True, slots=True)
class Family:
    """What a topic tells: the points that it makes known, by name, and how its payload is read."""

    name: str
    points: Mapping[str, Point]
    read: Read
    settings: Mapping[str, Setting]


_SWITCH = Point("boolean", writable=True, confirm="verified")
_LEVEL = Point("integer", unit="%", min=0, max=100, writable=True, confirm="verified")
_POSITION = replace(_LEVEL, confirm="sent")  # it travels there for longer than anyone waits
_BYTE = Point("integer", min=0, max=255, writable=True, confirm="verified")
_KELVIN = Point("integer", unit="K", min=2700, max=6500, writable=True, confirm="verified")
_ROLLER = Point("enum", values=("open", "close", "stop"), writable=True, confirm="verified")
_FLAG, _TEXT, _NUMBER = Point("boolean"), Point("string"), Point("number")

_WORDS: dict[str, bool] = {"on": True, "off": False, "true": True, "false": False, "1": True, "0": False}


def _flag(name: str, payload: bytes) -> dict[str, Value]:
    text = text_in(payload)
    if text == "-1":  # not known yet
        return {name: None}
    if text not in _WORDS:
        raise CodecError(f"{text[:40]!r} is neither on nor off")
    return {name: _WORDS[text]}


def _relay(name: str, payload: bytes) -> dict[str, Value]:
    over = payload == b"overpower"  # it switched itself off
    return {**(_flag(name, b"off" if over else payload)), f"{name}.overpower": over}


def _number(name: str, payload: bytes) -> dict[str, Value]:
    text = text_in(payload)
    found = number_in(text)
    if found is None and text.strip() not in ("", "null"):
        raise CodecError(f"{text[:40]!r} is not a number")
    return {name: found}


def _position(name: str, payload: bytes) -> dict[str, Value]:
    found = _number(name, payload)
    return {name: None} if found[name] == -1 else found  # it was never calibrated


def _word(name: str, payload: bytes) -> dict[str, Value]:
    return {name: text_in(payload)}


def _roller(name: str, payload: bytes) -> dict[str, Value]:
    text = text_in(payload)
    if text not in ("open", "close", "stop"):
        raise CodecError(f"{text[:40]!r} is no state of a roller")
    return {name: text}


def _members(name: str, payload: bytes) -> dict[str, Value]:
    """The members of a JSON object as points below the name."""
    return {f"{name}.{path}": value for path, _, value in leaves(members_of(payload))}


def _event(name: str, payload: bytes) -> dict[str, Value]:
    members = _members(name, payload)
    return {path: value for path, value in members.items() if path in (f"{name}.event", f"{name}.event_cnt")}


def _lamp(name: str, payload: bytes) -> dict[str, Value]:
    members = _members(name, payload)
    values = {path: value for path, value in members.items() if path.rpartition(".")[2] in _LAMP}
    if isinstance(on := members.get(f"{name}.ison"), bool):
        values[name] = on
    return values


def _said(name: str, payload: bytes) -> dict[str, Value]:
    """A sensor's value of whatever kind: a number, a word for true or false, another word."""
    text = text_in(payload)
    if text in ("true", "false"):
        return {name: text == "true"}
    found = number_in(text)
    return {name: text if found is None else found}


_LAMP = {
    "brightness": _LEVEL, "gain": _LEVEL, "red": _BYTE, "green": _BYTE, "blue": _BYTE, "white": _BYTE, "temp": _KELVIN,
    "effect": Point("integer", min=0, max=6, writable=True, confirm="verified"), "mode": _TEXT,
}  # fmt: skip
_UNITS = {
    "power": "W", "energy": "W.min", "overpower_value": "W", "reactive_power": "V.A{reactive}", "voltage": "V",
    "current": "A", "total": "W.h", "total_returned": "W.h", "returned_energy": "W.min",
}  # fmt: skip
_SENSORS = {
    "temperature": (_NUMBER, _number),  # °C or °F, as the device is set: its `info` says which
    "humidity": (Point("number", unit="%"), _number),
    "battery": (Point("number", unit="%"), _number),
    "lux": (Point("number", unit="lx"), _number),
    "tilt": (Point("number", unit="deg"), _position),
    "concentration": (Point("number", unit="[ppm]"), _number),
    **dict.fromkeys(("flood", "smoke", "motion", "vibration", "charger", "ext_power"), (_FLAG, _flag)),
    **dict.fromkeys(("state", "gas", "operation", "self_test", "illumination", "error", "act_reasons"), (_TEXT, _word)),
}

_METERED = re.compile(r"(relay|light|white|color|roller|emeter)/\d/(\w+)", re.ASCII)
_SIMPLE: list[tuple[re.Pattern[str], Point, Read]] = [
    (re.compile(pattern, re.ASCII), point, read)
    for pattern, point, read in (
        (r"(input|longpush|ext_switch)/\d", _FLAG, _flag),
        (r"overtemperature|overload|loaderror", _FLAG, _flag),
        (r"temperature|ext_temperature/\d", Point("number", unit="Cel"), _number),
        (r"voltage|adc/\d", Point("number", unit="V"), _number),
        (r"ext_humidity/\d", Point("number", unit="%"), _number),
        (r"temperature_status|valve/\d/state|roller/\d/stop_reason", _TEXT, _word),
        (r"emeter/\d/pf", _NUMBER, _number),
    )
]


def family(rest: str) -> Family | None:
    """What a topic, without its `shellies/<id>/`, tells; None where it tells of no point."""
    return _family(rest) if len(rest) <= _LONGEST else None


@lru_cache(maxsize=1024)
def _family(rest: str) -> Family | None:
    name = rest.replace("/", ".")
    first, _, behind = rest.partition("/")
    for pattern, point, read in _SIMPLE:
        if pattern.fullmatch(rest):
            return Family(name, {name: point}, read, {})
    if (metered := _METERED.fullmatch(rest)) and (unit := _UNITS.get(metered[2])):
        return Family(name, {name: Point("number", unit=unit)}, _number, {})
    if first == "sensor" and re.fullmatch(r"\w{1,32}", behind, re.ASCII):
        listed = _SENSORS.get(behind)
        return Family(name, {name: listed[0]}, listed[1], {}) if listed else Family(name, {}, _said, {})
    if rest == "status":
        return Family(name, {}, _members, {})
    if not re.fullmatch(r"\d(/\w+)?", behind, re.ASCII):
        return None
    number, _, part = behind.partition("/")
    name = f"{first}.{number}"
    command = Setting(f"{first}/{number}/command")
    if first == "relay" and not part:
        return Family(name, {name: _SWITCH, f"{name}.overpower": _FLAG}, _relay, {name: command})
    if first == "roller" and part in ("", "pos"):
        if not part:
            return Family(name, {name: _ROLLER}, _roller, {name: command})
        name = f"{name}.pos"
        return Family(name, {name: _POSITION}, _position, {name: Setting(f"{command.topic}/pos")})
    if first in ("light", "white", "color") and part in ("", "status"):
        if not part:
            return Family(name, {name: _SWITCH}, _flag, {name: command})
        points = {name: _SWITCH, **{f"{name}.{member}": point for member, point in _LAMP.items()}}
        settings = {f"{name}.{member}": Setting(f"{first}/{number}/set", member) for member in _LAMP}
        return Family(name, points, _lamp, {**settings, name: command})
    if first == "input_event" and not part:
        points = {f"{name}.event": _TEXT, f"{name}.event_cnt": Point("integer")}
        return Family(name, points, _event, {})
    return None


_STATUS_UNITS = {"lux": "lx", "bat": "%"}


def of_value(name: str, value: Value) -> Point | None:
    """The point of a value whose kind only it tells; None where it tells none."""
    if value is None:
        return None
    if isinstance(value, bool):
        return _FLAG
    return _TEXT if isinstance(value, str) else Point("number", unit=_STATUS_UNITS.get(name.rpartition(".")[2]))
