"""What a Zigbee device exposes, as Zigbee2MQTT describes it (zigbee2mqtt.io, Usage, Exposes).

`access` is a sum of bits: 1 is in the state, 2 can be set, 4 can be asked for with `/get`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

STATE, SET, GET = 1, 2, 4
ALL = STATE | SET | GET

Expose = Mapping[str, Any]


def binary(
    name: str, access: int = ALL, on: object = "ON", off: object = "OFF", *, at: str | None = None, property: str = ""
) -> Expose:
    """One of two values; `at` is the endpoint, where a device has several. ON and OFF can also be toggled."""
    toggle = {"value_toggle": "TOGGLE"} if on == "ON" else {}
    return _feature("binary", name, access, at, property) | {"value_on": on, "value_off": off} | toggle


def numeric(
    name: str,
    access: int = STATE,
    unit: str | None = None,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
) -> Expose:
    """A number."""
    limits = {"unit": unit, "value_min": low, "value_max": high, "value_step": step}
    return _feature("numeric", name, access) | {key: value for key, value in limits.items() if value is not None}


def enum(name: str, access: int, *values: str) -> Expose:
    """One of several texts."""
    return _feature("enum", name, access) | {"values": list(values)}


def composite(name: str, property: str, *features: Expose) -> Expose:
    """An object with the features as its fields."""
    return _feature("composite", name, ALL, property=property) | {"features": list(features)}


def specific(type_: str, *features: Expose, at: str | None = None) -> Expose:
    """A light, switch, cover, lock or climate, as one thing."""
    made: dict[str, Any] = {"type": type_, "features": list(features)}
    return made if at is None else made | {"endpoint": at}


def _feature(type_: str, name: str, access: int, at: str | None = None, property: str = "") -> dict[str, Any]:
    made = {
        "type": type_,
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "property": property or (name if at is None else f"{name}_{at}"),
        "access": access,
    }
    return made if at is None else made | {"endpoint": at}


def features(exposes: Sequence[Expose]) -> Iterator[Expose]:
    """The generic features in them, a composite as one."""
    for expose in exposes:
        if "access" in expose:
            yield expose
        else:
            yield from features(expose["features"])
