"""What Home Assistant is told of a device: the device form of its MQTT discovery, one component a point."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.bus import Device
from gateway.model import Point, safe_name
from gateway.northbound.topics import Topics
from gateway.northbound.units import quantity

_LONGEST_TEXT = 255  # characters of a state, there
_FAR = 1_000_000  # where a number has no bound of its own: there it would be from 1 to 100
_FINE = 0.001  # the smallest step there is
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OF_MAPPINGS = frozenset(name for name in dir(dict) if not name.startswith("__"))

Component = dict[str, Any]
NOTHING: Mapping[str, Component] = {}


def describe(
    device: Device,
    topics: Topics,
    version: str,
    *,
    takes: bool,
    told: Iterable[str] = (),
    earlier: Mapping[str, Component] = NOTHING,
    published: Callable[[str], bool] = lambda point: True,
) -> dict[str, Any] | None:
    """The device as Home Assistant is told of it; None where it has nothing to show.

    `takes` tells whether commands are taken for it. Of the components that were `told` before, those that are no more
    are taken out. `earlier` ones, of the process before this one, stay while their point may still come.
    """
    components = dict(_components(device, topics, takes, published))
    known = {safe_name(name) for name in device.points}
    waited_for = {
        key: one
        for key, one in earlier.items()
        if key not in components and _point_of(key) not in known and _still_serves(one, device.id, topics, takes)
    }
    components |= waited_for
    gone = {key: {"p": key.partition(".")[0]} for key in (*told, *earlier) if key not in components}
    if not components and not gone:
        return None
    said = device.described
    about = {"ids": [topics.home_id(device.id)], "name": device.name, "mf": said.vendor, "mdl": said.model}
    return {
        "dev": {member: text for member, text in about.items() if text},
        "o": {"name": "fieldgate", "sw": version},
        "avty": [{"t": topics.status}, {"t": topics.state(device.id)}],
        "avty_mode": "all",
        "cmps": components | gone,
    }


def device_of(told: object, topics: Topics) -> str | None:
    """Whose device this was that Home Assistant was told of; None where it is nothing that this gateway told."""
    match told:
        case {"avty": [{"t": status}, {"t": str(state)}], "cmps": {}} if status == topics.status:
            return topics.device_of_state(state)
    return None


def components_of(told: Any) -> dict[str, Component]:
    """The components that it was told of, without those that were taken out."""
    return {
        key: one
        for key, one in told["cmps"].items()
        if isinstance(one, dict) and len(one) > 1 and one.get("p") == key.partition(".")[0]
    }


def _point_of(key: str) -> str:
    return key.partition(".")[2]


def _still_serves(component: Component, device: str, topics: Topics, takes: bool) -> bool:
    """Whether an earlier component says what it would say today."""
    state, command = component.get("stat_t"), component.get("cmd_t")
    return (state is None or (isinstance(state, str) and topics.device_of(state) == device)) and (
        command is None or takes
    )


def _components(
    device: Device, topics: Topics, takes: bool, published: Callable[[str], bool]
) -> Iterable[tuple[str, Component]]:
    for name, point in device.points.items():
        platform = _platform(point, takes)
        if platform is None or not published(name):
            continue
        component: Component = {"p": platform, "name": point.title or name}
        component["uniq_id"] = f"{topics.home_id(device.id)}_{safe_name(name)}"
        if platform != "button":
            component["stat_t"] = topics.values(device.id, name if topics.has_point else None)
            if not topics.has_point:
                component["val_tpl"] = f"{{{{ {_path(name)} }}}}"
            elif point.type in ("number", "integer"):
                component["val_tpl"] = "{{ value_json }}"  # so that null, for no value, is understood
        if point.writable and takes:
            component["cmd_t"] = topics.command(device.id, name)
        component |= _of_platform(platform, name, point, bare=topics.has_point)
        # The key has the platform in it: a component cannot change its platform, only go and come.
        yield f"{platform}.{safe_name(name)}", component


def _platform(point: Point, takes: bool) -> str | None:
    if point.writable and takes:
        return {"boolean": "switch", "enum": "select", "string": "text", "action": "button"}.get(point.type, "number")
    return {"boolean": "binary_sensor", "action": None}.get(point.type, "sensor")


def _of_platform(platform: str, name: str, point: Point, *, bare: bool) -> Component:
    # A template makes Python's words of JSON's.
    on, off = ("true", "false") if bare else ("True", "False")
    if platform == "switch":
        return {"pl_on": "true", "pl_off": "false", "stat_on": on, "stat_off": off}
    if platform == "binary_sensor":
        stale = {"exp_aft": math.ceil(point.stale_after)} if point.stale_after is not None else {}
        return {"pl_on": on, "pl_off": off, **stale}
    if platform == "select":
        return {"ops": list(point.values or ())}
    if platform == "text":
        return {"max": _LONGEST_TEXT}
    if platform == "button" or point.type == "string":
        return {}
    if point.type == "enum":
        return {"dev_cla": "enum", "ops": list(point.values or ())}
    found = quantity(point.unit, name)
    members = {"unit_of_meas": found.unit, "dev_cla": found.device_class}
    if platform == "sensor":
        members["stat_cla"] = found.state_class
        return {member: word for member, word in members.items() if word}
    low, high = (point.min, point.max)
    return {member: word for member, word in members.items() if word} | {
        "min": -_FAR if low is None else low,
        "max": _FAR if high is None else high,
        "step": 1 if point.type == "integer" else _FINE,
        "mode": "box",
    }


def _path(name: str) -> str:
    """Where the value is in the object of all values, in the words of a template."""
    if _PLAIN.fullmatch(name) and name not in _OF_MAPPINGS:
        return f"value_json.{name}"
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"value_json['{quoted}']"
