"""Homie devices: their nodes and properties, what they measure, and what they make of what they are told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from device_sims.dialects.base import Publication
from device_sims.dialects.travel import Travel
from device_sims.kinds import Value
from device_sims.signals import Counter, Drifting, Noisy, Signal, Stepping, derive

BASE = "homie/5"
ROOT = "hub"
DIMMING = 5.0  # seconds from dark to full
_INTEGER = re.compile(r"-?\d{1,18}")
_FLOAT = re.compile(r"-?\d+(\.\d+)?([eE]-?\d+)?")


@dataclass(frozen=True, slots=True)
class Property:
    """A property, as `$description` has it; `target` where it takes its time to get where it is sent."""

    datatype: str
    name: str
    format: str | None = None
    unit: str | None = None
    settable: bool = False
    retained: bool = True
    target: bool = False

    def described(self) -> dict[str, Any]:
        """What differs from the defaults of the convention."""
        made: dict[str, Any] = {"name": self.name, "datatype": self.datatype}
        made |= {"format": self.format} if self.format else {}
        made |= {"unit": self.unit} if self.unit else {}
        made |= {"settable": True} if self.settable else {}
        return made | ({} if self.retained else {"retained": False})

    def value(self, text: str) -> Value:
        """The value in a payload; ValueError where the convention has it be none of this property."""
        match self.datatype:
            case "boolean" if text in ("true", "false"):
                return text == "true"
            case "enum" if text in (self.format or "").split(","):
                return text
            case "integer" if _INTEGER.fullmatch(text):
                return self._within(int(text))
            case "float" if _FLOAT.fullmatch(text):
                return self._within(float(text))
            case "color" if re.fullmatch(r"rgb(,\d{1,3}){3}", text) and max(map(int, text.split(",")[1:])) <= 255:
                return text
        raise ValueError(f"{self.name} does not take {text!r}")

    def _within(self, number: float) -> Value:
        low, _, rest = (self.format or ":").partition(":")
        high = rest.partition(":")[0]
        if (low and number < float(low)) or (high and number > float(high)):
            raise ValueError(f"{self.name} takes {self.format}")
        return number


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of device: its nodes, and what its properties are at first and measure. Paths are `node/property`."""

    title: str
    type: str
    nodes: Mapping[str, Mapping[str, Property]]
    initial: Mapping[str, Value] = field(default_factory=dict)
    measured: Mapping[str, tuple[float, float, int]] = field(default_factory=dict)  # centre, swing, decimals
    parent: str = ROOT  # the kind of device that it hangs on


HUB = Kind(
    "Hub",
    "hub",
    {
        "siren": {"on": Property("boolean", "Siren", "silent,sounding", settable=True)},
        "radio": {"load": Property("integer", "Load", "0:100", "%")},
    },
    {"siren/on": False},
    {"radio/load": (22, 15, 0)},
)
LIGHT = Kind(
    "Light",
    "light",
    {
        "lamp": {
            "power": Property("boolean", "Power", "off,on", settable=True),
            "brightness": Property("integer", "Brightness", "0:100:1", "%", settable=True, target=True),
            "color": Property("color", "Colour", "rgb", settable=True),
        }
    },
    {"lamp/power": True, "lamp/brightness": 40, "lamp/color": "rgb,255,180,90"},
)
THERMOSTAT = Kind(
    "Thermostat",
    "thermostat",
    {
        "air": {
            "temperature": Property("float", "Temperature", None, "°C"),
            "humidity": Property("integer", "Humidity", "0:100", "%"),
        },
        "control": {
            "setpoint": Property("float", "Setpoint", "5:30:0.5", "°C", settable=True),
            "mode": Property("enum", "Mode", "off,heat,cool", settable=True),
        },
    },
    {"control/setpoint": 20.5, "control/mode": "heat"},
    {"air/temperature": (20.5, 2, 1), "air/humidity": (47, 8, 0)},
)
VALVE = Kind(
    "Valve",
    "valve",
    {"valve": {"opening": Property("integer", "Opening", "0:100", "%")}},
    measured={"valve/opening": (40, 35, 0)},
    parent="thermostat",
)
METER = Kind(
    "Meter",
    "meter",
    {
        "grid": {
            "power": Property("float", "Power", None, "W"),
            "voltage": Property("float", "Voltage", None, "V"),
            "pulses": Property("integer", "Pulses", None, "#"),
        }
    },
    measured={"grid/power": (900, 700, 1), "grid/voltage": (230, 4, 1)},
)
DOORBELL = Kind(
    "Doorbell",
    "doorbell",
    {
        "button": {"press": Property("enum", "Press", "single,double,long", retained=False)},
        "chime": {"ring": Property("enum", "Ring", "once,twice", settable=True, retained=False)},
    },
)
KINDS: Sequence[Kind] = (LIGHT, THERMOSTAT, VALVE, METER, DOORBELL)


class Device:
    """One device: what it says, and what it makes of what it is told."""

    def __init__(self, id: str, kind: Kind, seed: int, *, parent: str, children: Sequence[str]) -> None:
        self.id = id
        self.kind = kind
        self._tree: dict[str, Any] = {"children": list(children)} if children else {}
        if parent:
            # The parent is the root unless it is told.
            self._tree |= {"root": ROOT} if parent == ROOT else {"root": ROOT, "parent": parent}
        self.properties = {
            f"{node}/{name}": property
            for node, properties in kind.nodes.items()
            for name, property in properties.items()
        }
        self.values: dict[str, Value] = dict(kind.initial)
        self._signals: dict[str, tuple[Signal, int]] = {
            path: (Noisy(seed, Drifting(derive(seed, path), centre, swing * 0.9, 1800), swing * 0.1), decimals)
            for path, (centre, swing, decimals) in kind.measured.items()
        }
        self._pulses = Counter(every=0.5)
        self._presses = Stepping(derive(seed, "press"), 0, 3, 1)
        self._travels = {
            path: Travel(float(self.values[path]), seconds=DIMMING)
            for path, property in self.properties.items()
            if property.target
        }
        self.measure(0.0)

    def measure(self, age: float) -> None:
        """Brings the values to `age` seconds after the start."""
        for path, (signal, decimals) in self._signals.items():
            value = signal.at(age)
            self.values[path] = round(value, decimals) if decimals else round(value)
        for path, travel in self._travels.items():
            travel.advance(age)
            self.values[path] = round(travel.position)
        if "grid/pulses" in self.properties:
            self.values["grid/pulses"] = round(self._pulses.at(age))

    def described(self) -> Publication:
        """Its `$description`."""
        nodes = {
            node: {
                "name": node.capitalize(),
                "properties": {name: property.described() for name, property in properties.items()},
            }
            for node, properties in self.kind.nodes.items()
        }
        number = self.id.rpartition("-")[2]
        name = f"{self.kind.title} {number}" if number.isdecimal() else self.kind.title
        document = {"homie": "5.0", "version": 1, "name": name, "type": self.kind.type, **self._tree, "nodes": nodes}
        return retained(f"{self.id}/$description", json.dumps(document, ensure_ascii=False, separators=(",", ":")))

    def said(self) -> list[Publication]:
        """All values that are retained, each behind its target where it has one."""
        made: list[Publication] = []
        for path, value in self.values.items():
            if (travel := self._travels.get(path)) is not None:
                target = travel.position if travel.target is None else travel.target
                made.append(retained(f"{self.id}/{path}/$target", text_of(round(target))))
            made.append(retained(f"{self.id}/{path}", text_of(value)))
        return made

    def events(self, age: float) -> list[Publication]:
        """What has happened, as events that are not retained."""
        if "button/press" not in self.properties:
            return []
        press = ("single", "double", "long")[int(self._presses.at(age))]
        return [Publication(f"{BASE}/{self.id}/button/press", press.encode())]

    def obey(self, path: str, text: str) -> tuple[Value, list[Publication]]:
        """What a property was set to, and what the device says to it; ValueError where it cannot be."""
        property = self.properties.get(path)
        if property is None or not property.settable:
            raise ValueError(f"{self.id}/{path} is not settable")
        value = property.value(text)
        if (travel := self._travels.get(path)) is not None and not isinstance(value, str):
            travel.go(value)
            return value, [retained(f"{self.id}/{path}/$target", text_of(value))]
        if not property.retained:
            return value, [Publication(f"{BASE}/{self.id}/{path}", text_of(value).encode())]
        self.values[path] = value
        return value, [retained(f"{self.id}/{path}", text_of(value))]


def retained(path: str, text: str) -> Publication:
    """A message below the base topic, as the convention has all but events."""
    return Publication(f"{BASE}/{path}", text.encode(), retain=True, qos=2)


def text_of(value: Value) -> str:
    """The value as a payload."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
