"""What Homie 5 devices publish, in the shapes of https://homieiot.github.io/specification/spec-core-v5_0_0/."""

import json
from collections.abc import Iterable
from typing import Any

Message = tuple[str, bytes, bool]
Json = dict[str, Any]


def message(topic: str, payload: Any, retained: bool = True) -> Message:
    """A message below `homie/5/`; what is no text is JSON."""
    written = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return f"homie/5/{topic}", written.encode(), retained


def description(nodes: Json, **more: Any) -> Json:
    """A description document."""
    return {"homie": "5.0", "version": 7, "nodes": nodes, **more}


SUPER_CAR = description(
    {
        "wheels": {"properties": {"angle": {"datatype": "float", "unit": "°", "format": "-45:45:0.5"}}},
        "engine": {
            "name": "Car engine",
            "type": "V8",
            "properties": {
                "speed": {"datatype": "integer", "unit": "rpm", "format": "0:"},
                "direction": {"datatype": "enum", "format": "forward,backward, neutral", "settable": True},
                "temperature": {
                    "name": "Engine temperature", "unit": "°C", "datatype": "float", "format": "-20:120",
                },
                "started": {"datatype": "datetime"},
                "ran": {"datatype": "duration", "settable": True},
            },
        },
        "lights": {
            "name": "Lights",
            "properties": {
                "power": {"name": "Power", "datatype": "boolean", "format": "off,on", "settable": True},
                "intensity": {"datatype": "integer", "unit": "%", "format": "0:100:5", "settable": True},
                "color": {"datatype": "color", "format": "rgb,hsv,xyz", "settable": True},
                "label": {"datatype": "string", "settable": True},
                "scene": {"datatype": "json", "settable": True},
                "horn": {"datatype": "boolean", "retained": False, "settable": True},
            },
        },
        "door": {"properties": {"bell": {"datatype": "enum", "format": "short,long", "retained": False}}},
    },
    name="Supercar",
    type="car",
    children=[],
    extensions=[],
)  # fmt: skip
RELAY: Json = {"power": {"name": "Power", "properties": {"on": {"datatype": "boolean", "settable": True}}}}

MESSAGES: list[Message] = [
    message("super-car/$state", "init"),
    message("super-car/$description", SUPER_CAR),
    message("super-car/wheels/angle", "-12.5"),
    message("super-car/engine/speed", "3000"),
    message("super-car/engine/direction", " neutral"),
    message("super-car/engine/temperature", "21.5"),
    message("super-car/engine/started", "2026-11-26T12:00:00Z"),
    message("super-car/engine/ran", "PT12H5M46S"),
    message("super-car/lights/power", "true"),
    message("super-car/lights/intensity", "100"),
    message("super-car/lights/color", "rgb,255,0,127.5"),
    message("super-car/lights/label", "\0"),
    message("super-car/lights/scene", '{"name":"night","levels":[1,2]}'),
    message("super-car/$state", "ready"),
    message("super-car/engine/temperature", "22.25", False),
    message("super-car/door/bell", "short", False),
    message("super-car/$alert/battery", "Battery is low, at 8%"),
    message("super-car/$alert/battery", "", False),
    message("super-car/$log/warn", "battery low", False),
    message("$broadcast/security/alert", "Intruder detected", False),
    message("bridge/$state", "ready"),
    message("bridge/$description", description({}, name="Z-Wave bridge", children=["dualrelay"])),
    message("dualrelay/$state", "ready"),
    message("dualrelay/$description", description({}, root="bridge", children=["light1"])),
    message("light1/$state", "sleeping"),
    message("light1/$description", description(RELAY, root="bridge", parent="dualrelay", name="First light")),
    message("light1/power/on", "false"),
]


def many(count: int) -> Iterable[Message]:
    """That many devices."""
    for n in range(count):
        yield message(f"d{n}/$state", "ready")
        yield message(f"d{n}/$description", description({}))


def wide(count: int) -> Iterable[Message]:
    """One device of that many points."""
    properties = {f"p{n}": {"datatype": "float"} for n in range(count)}
    yield message("wide/$state", "ready")
    yield message("wide/$description", description({"node": {"properties": properties}}))
