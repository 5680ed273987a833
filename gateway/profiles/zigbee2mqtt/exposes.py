"""What a device exposes, as points that are read and commanded.

The forms are those of https://www.zigbee2mqtt.io/guide/usage/exposes.html.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

import orjson

from gateway.codecs.units import unit_code
from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles.base import MAX_POINTS

# The bits of `access`.
_IN_STATE = 1
_SETTABLE = 2

_MAX_DEPTH = 8
_MAX_NAME = 128  # characters of a point's name
_MAX_TITLE = 128  # characters
_MAX_VALUES = 256  # of an enum
_MAX_WORD = 128  # characters of one
_WHOLE = {"brightness", "color_temp", "color_temp_startup", "linkquality"}  # nowhere is it said, but they are integers

_SPECIFIC = {"light", "switch", "lock", "cover", "fan", "climate"}  # what they are for; their features are all there is


@dataclass(frozen=True, slots=True)
class Feature:
    """A point: where it stands in the state, and what the wire says for its values.

    `beside` is the point that the same command has to carry too.
    """

    path: tuple[str, ...]
    point: Point
    read: dict[Value, Value] | None = None  # wire → value, where they differ
    write: dict[Value, Value] | None = None  # value → wire
    is_list: bool = False
    beside: str | None = None

    def wire(self, value: Value) -> Any:
        """What the wire says for a value; raises CodecError where it has nothing for it."""
        if self.is_list:
            try:
                listed = orjson.loads(str(value))
            except ValueError:
                listed = None
            if not isinstance(listed, list):
                raise CodecError(f"{'.'.join(self.path)!r} takes a list as JSON text: [1, 2]")
            return listed
        return value if self.write is None else self.write[value]


@dataclass(slots=True)
class Exposed:
    """The features of one definition by the names of their points, and the first that could not be understood."""

    features: dict[str, Feature] = field(default_factory=dict)
    wrong: str | None = None
    points: dict[str, Point] = field(default_factory=dict)
    words: dict[str, dict[Value, Value]] = field(default_factory=dict)  # what is read as something else, by point
    attributes: dict[str, str] = field(default_factory=dict)  # the last level of a topic → point, where they differ

    def index(self) -> Exposed:
        """Itself, with its features found again by what a message brings."""
        for name, feature in self.features.items():
            self.points[name] = feature.point
            if feature.read is not None:
                self.words[name] = feature.read
            if len(feature.path) > 1:
                self.attributes["-".join(feature.path)] = name
        return self


def read_exposes(exposes: object) -> Exposed:
    """The features of a definition's `exposes`, without those that make no sense."""
    found = Exposed()
    _collect(exposes, _Place((), None, _IN_STATE, 0), found)
    for name, feature in list(found.features.items()):
        if feature.path[-1] == "x" and feature.path[0].startswith("color"):
            _pair(found.features, name, f"{name[:-1]}y")
    return found.index()


def _pair(features: dict[str, Feature], x: str, y: str) -> None:
    """Makes each of two coordinates carry the other: Zigbee2MQTT takes no half of a colour."""
    if y in features:
        features[x] = replace(features[x], beside=y)
        features[y] = replace(features[y], beside=x)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where features stand: below which properties, in what, and what they may do unless they say so."""

    path: tuple[str, ...]
    within: str | None
    access: int
    depth: int


def _collect(exposes: object, place: _Place, found: Exposed) -> None:
    """Adds the features of a list; what makes no sense is left out, and the first of it noted."""
    try:
        if not isinstance(exposes, list):
            raise CodecError("what it exposes is not a list")
        if place.depth > _MAX_DEPTH:
            raise CodecError(f"what it exposes is nested deeper than {_MAX_DEPTH}")
    except CodecError as error:
        found.wrong = found.wrong or str(error)
        return
    for expose in exposes:
        try:
            _collect_one(expose, place, found)
        except CodecError as error:
            found.wrong = found.wrong or str(error)


def _collect_one(expose: object, place: _Place, found: Exposed) -> None:
    if not isinstance(expose, dict):
        raise CodecError("an exposed feature is not an object")
    kind, access = expose.get("type"), expose.get("access")
    if type(kind) is not str:
        raise CodecError("an exposed feature has no type")
    if type(access) is not int:
        access = place.access
    if kind in _SPECIFIC:
        return _collect(expose.get("features"), _Place(place.path, kind, access, place.depth + 1), found)
    named = expose.get("property", expose.get("name"))
    if type(named) is not str or not named:
        raise CodecError("an exposed feature has no name")
    path = (*place.path, named)
    if kind == "composite":
        return _collect(expose.get("features"), _Place(path, place.within, access, place.depth + 1), found)
    name = ".".join(path)
    if name in found.features or kind not in _FORMS:  # a colour's x twice; or of tomorrow, and the state shows it
        return None
    if len(name) > _MAX_NAME or not name.isprintable():
        raise CodecError(f"{name[:40]!r} cannot be the name of a point")
    if len(found.features) >= MAX_POINTS:
        raise CodecError(f"it exposes more than {MAX_POINTS} points")
    feature = _FORMS[kind](expose, path)
    found.features[name] = replace(feature, point=_complete(feature, expose, access, kind, place.within))
    return None


def _complete(feature: Feature, expose: dict[str, Any], access: int, kind: str, within: str | None) -> Point:
    """The point with what all kinds have."""
    title, unit = expose.get("label"), expose.get("unit")
    # A cover never reports STOP, and travels for longer than anyone waits; a list may come back in another spelling.
    unseen = not access & _IN_STATE or kind == "list" or within == "cover"
    writable = bool(access & _SETTABLE)
    return replace(
        feature.point,
        title=title[:_MAX_TITLE] if type(title) is str and title else None,
        unit=unit_code(unit) if type(unit) is str else None,
        writable=writable,
        confirm=("sent" if unseen else "verified") if writable else None,
    )


def _numeric(expose: dict[str, Any], path: tuple[str, ...]) -> Feature:
    low, high = _bounds(expose)
    name = expose.get("name")
    return Feature(path, Point("integer" if type(name) is str and name in _WHOLE else "number", min=low, max=high))


def _binary(expose: dict[str, Any], path: tuple[str, ...]) -> Feature:
    on, off = expose.get("value_on"), expose.get("value_off")
    if not _is_word(on) or not _is_word(off) or on == off:
        raise CodecError(f"{path[-1][:40]!r} does not say what its on and its off are")
    if type(on) is bool and type(off) is bool:  # the on of a contact is false, and is shown so: it is not closed
        return Feature(path, Point("boolean"))
    return Feature(path, Point("boolean"), {on: True, off: False}, {True: on, False: off})


def _enum(expose: dict[str, Any], path: tuple[str, ...]) -> Feature:
    words = expose.get("values")
    if not isinstance(words, list) or not words or not all(map(_is_word, words)):
        raise CodecError(f"{path[-1][:40]!r} does not say what its values are")
    if len(words) > _MAX_VALUES or any("*" in str(word) for word in words):  # recall_*: any of them
        return Feature(path, Point("string"))
    write: dict[Value, Value] = {}
    for word in words:
        write.setdefault(str(word), word)
    point = Point("enum", values=tuple(map(str, write)))
    if all(type(word) is str for word in words):
        return Feature(path, point)
    return Feature(path, point, {word: value for value, word in write.items()}, write)


_FORMS: dict[str, Callable[[dict[str, Any], tuple[str, ...]], Feature]] = {
    "numeric": _numeric,
    "binary": _binary,
    "enum": _enum,
    "text": lambda expose, path: Feature(path, Point("string")),
    "list": lambda expose, path: Feature(path, Point("string"), is_list=True),
}


def _is_word(word: object) -> bool:
    return type(word) in (bool, int, float) or (type(word) is str and 0 < len(word) <= _MAX_WORD)


def _bounds(expose: dict[str, Any]) -> tuple[float | None, float | None]:
    """The range, with the presets that lie outside of it: 65535 is `previous` among 150 to 500 mired."""
    low, high = _number(expose.get("value_min")), _number(expose.get("value_max"))
    if low is not None and high is not None and low > high:
        return None, None
    presets = expose.get("presets")
    for preset in presets if isinstance(presets, list) else ():
        value = _number(preset.get("value")) if isinstance(preset, dict) else None
        if value is not None:
            low = low if low is None else min(low, value)
            high = high if high is None else max(high, value)
    return low, high


def _number(given: object) -> int | float | None:
    return given if isinstance(given, int | float) and type(given) is not bool and isfinite(given) else None
