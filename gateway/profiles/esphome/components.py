"""The components of ESPHome: what their state topics say, and what their command topics take.

A component's own state is `switch.pump`; what it has beside that is `climate.hall.target_temperature`. Units are not on
these topics, but for climates, which are always in °C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles.learnt import leaves, members_of, number_in, text_in

Write = Callable[[Value], bytes]
Found = dict[str, tuple[Point, Value]]  # by what follows the component's name: the point, and its value


@dataclass(frozen=True, slots=True)
class Form:
    """How a state topic is read, and how the points that it gives are written; all below the component's name."""

    read: Callable[[bytes], Found]
    writes: Mapping[str, Write]
    actions: Mapping[str, Write]


_ON_OFF = {"ON": True, "OFF": False}
_OSCILLATES = {"oscillate_on": True, "oscillate_off": False}
_MODES = ("off", "auto", "cool", "heat", "heat_cool", "fan_only", "dry")
_LOCKS = ("NONE", "LOCKED", "UNLOCKED", "JAMMED", "LOCKING", "UNLOCKING")
ACTION = Point("action", writable=True, confirm="sent")


def _written(value: Value) -> bytes:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return str(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise CodecError("the value cannot be written as UTF-8 text") from error


def _lock(value: Value) -> bytes:
    words = {"LOCKED": b"LOCK", "UNLOCKED": b"UNLOCK"}
    if value not in words:
        raise CodecError("a lock can be LOCKED or UNLOCKED")
    return words[str(value)]


def _json(*path: str) -> Write:
    """Writes a value as the member of a JSON object, or of one in it."""

    def write(value: Value) -> bytes:
        node: object = ("ON" if value else "OFF") if isinstance(value, bool) else value
        for name in reversed(path):
            node = {name: node}
        try:
            return orjson.dumps(node)
        except orjson.JSONEncodeError as error:
            raise CodecError(f"the value cannot be written as JSON: {error}") from error

    return write


def _word(payload: bytes, words: Mapping[str, bool]) -> bool:
    text = text_in(payload)
    if text not in words:
        raise CodecError(f"{text[:40]!r} is neither {' nor '.join(words)}")
    return words[text]


def _flag(words: Mapping[str, bool] = _ON_OFF, *, writable: bool = True) -> Form:
    point = Point("boolean", writable=True, confirm="verified") if writable else Point("boolean")
    names = {value: word.encode() for word, value in words.items()}
    writes: dict[str, Write] = {"": lambda value: names[bool(value)]} if writable else {}
    return Form(lambda payload: {"": (point, _word(payload, words))}, writes, {})


def _number(point: Point) -> Form:
    def read(payload: bytes) -> Found:
        text = text_in(payload)
        found = number_in(text)
        if found is None:
            raise CodecError(f"{text[:40]!r} is not a number")
        return {"": (point, found)}

    return Form(read, {"": _written} if point.writable else {}, {})


def _text(point: Point, actions: Mapping[str, Write] | None = None) -> Form:
    writes = {"": _written} if point.writable else {}
    return Form(lambda payload: {"": (point, text_in(payload))}, writes, actions or {})


def _one_of(point: Point, write: Write = _written) -> Form:
    def read(payload: bytes) -> Found:
        text = text_in(payload)
        if text not in (point.values or ()):
            raise CodecError(f"{text[:40]!r} is none of {', '.join(point.values or ())}")
        return {"": (point, text)}

    return Form(read, {"": write}, {})


_NUMBER, _STRING = Point("number"), Point("string")


def _sensor(payload: bytes) -> Found:
    """A sensor's number, or a text sensor's text: both come on topics of the same form.

    With `publish_nan_as_none`, `None` is a number that is not known.
    """
    text = text_in(payload)
    if text == "None":
        return {"": (_NUMBER, None)}
    found = number_in(text)
    return {"": (_STRING, text) if found is None else (_NUMBER, found)}


_LAMP: dict[str, tuple[Point, Write | None]] = {
    "brightness": (Point("integer", min=0, max=255, writable=True, confirm="verified"), _json("brightness")),
    "color_temp": (Point("number", title="Colour temperature", unit="MK-1", writable=True, confirm="verified"),
                   _json("color_temp")),  # in mired
    "effect": (Point("string", writable=True, confirm="verified"), _json("effect")),
    "color_mode": (Point("string"), None),
    # The lamp scales its colours, so that they come back as others.
    **{f"color.{c}": (Point("integer", min=0, max=255, writable=True, confirm="sent"), _json("color", c))
       for c in "rgbwc"},
}  # fmt: skip
_SWITCH = Point("boolean", writable=True, confirm="verified")


def _light(payload: bytes) -> Found:
    """`{"state":"ON","brightness":128,"color_mode":"rgb","color":{"r":255,"g":0,"b":0}}`"""
    found: Found = {}
    for path, _, value in leaves(members_of(payload)):
        if path == "state":
            found[""] = (_SWITCH, _ON_OFF.get(value) if isinstance(value, str) else None)
        elif path in _LAMP:
            found[f".{path}"] = (_LAMP[path][0], value)
    return found


def _event(payload: bytes) -> Found:
    """`{"event_type":"press"}`"""
    kind = members_of(payload).get("event_type")
    if not isinstance(kind, str):
        raise CodecError("it has no event_type")
    return {"": (_STRING, kind[:256])}


_LEVEL = _number(Point("integer", unit="%", min=0, max=100, writable=True, confirm="verified"))
_TRAVEL = _number(Point("integer", unit="%", min=0, max=100, writable=True, confirm="sent"))  # longer than anyone waits
_DEGREES = Point("number", unit="Cel", writable=True, confirm="verified")
_CHOICE = _text(Point("string", writable=True, confirm="verified"))
_COVER = _text(_STRING, {"open": lambda _: b"OPEN", "close": lambda _: b"CLOSE", "stop": lambda _: b"STOP"})

# By the component, and by what stands between its name and `state`.
FORMS: dict[tuple[str, str], Form] = {
    ("sensor", ""): Form(_sensor, {}, {}),
    ("text_sensor", ""): _text(_STRING),
    ("binary_sensor", ""): _flag(writable=False),
    ("switch", ""): _flag(),
    ("light", ""): Form(
        _light, {"": _json("state"), **{f".{path}": write for path, (_, write) in _LAMP.items() if write}}, {}
    ),
    ("fan", ""): _flag(),
    ("fan", "speed_level"): _number(Point("integer", min=0, writable=True, confirm="verified")),
    ("fan", "oscillation"): _flag(_OSCILLATES),
    ("fan", "direction"): _one_of(Point("enum", values=("forward", "reverse"), writable=True, confirm="verified")),
    ("cover", ""): _COVER,
    ("cover", "position"): _TRAVEL,
    ("cover", "tilt"): _TRAVEL,
    ("valve", ""): _COVER,
    ("valve", "position"): _TRAVEL,
    ("number", ""): _number(Point("number", writable=True, confirm="verified")),
    ("select", ""): _CHOICE,
    ("text", ""): _CHOICE,
    ("lock", ""): _one_of(Point("enum", values=_LOCKS, writable=True, confirm="verified"), _lock),
    ("climate", "mode"): _one_of(Point("enum", values=_MODES, writable=True, confirm="verified")),
    ("climate", "current_temperature"): _number(Point("number", unit="Cel")),
    ("climate", "current_humidity"): _number(Point("number", unit="%")),
    ("climate", "action"): _text(_STRING),
    **dict.fromkeys([("climate", f"target_temperature{which}") for which in ("", "_low", "_high")], _number(_DEGREES)),
    ("climate", "target_humidity"): _number(Point("number", unit="%", writable=True, confirm="verified")),
    **dict.fromkeys([("climate", part) for part in ("fan_mode", "swing_mode", "preset")], _CHOICE),
    ("event", ""): Form(_event, {}, {}),
    ("alarm_control_panel", ""): _text(_STRING),
}
