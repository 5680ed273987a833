"""The datatypes of properties: what their payloads look like, as points (Homie 5, *Payloads* and *Formats*)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from gateway.codecs.text import text_of
from gateway.codecs.units import unit_code
from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles.commanded import commanded

Read = Callable[[str], Value]

EMPTY = "\0"  # the empty string as a payload; MQTT takes an empty payload away

_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)
_FLOAT = re.compile(r"-?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][-+]?\d{1,4})?", re.ASCII)
_DURATION = re.compile(r"PT(?=\d)(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}(?:\.\d{1,9})?S)?", re.ASCII)
_INT64 = 1 << 63
_MAX_TEXT = 4096  # characters of a value
_MAX_TITLE = 128  # characters
_MAX_VALUES = 256  # of an enum
_MAX_WORD = 128  # characters of one
_COLORS = {"rgb": (255.0, 255.0, 255.0), "hsv": (360.0, 100.0, 100.0), "xyz": (1.0, 1.0)}  # the highest of each part


@dataclass(frozen=True, slots=True)
class Property:
    """A point, and how its payloads are read."""

    point: Point
    read: Read

    def value(self, payload: bytes) -> Value:
        """What a payload says; null where it takes the value away. Raises CodecError."""
        return self.read(text_of(payload)) if payload else None

    def payload(self, name: str, value: Value) -> bytes:
        """The payload that says this value; raises CodecError where the point does not take it."""
        value = commanded(name, self.point, value)
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, float):
            text = repr(value).replace("e+", "e")  # a plus is no part of the format
        else:
            text = str(value)
        if self.point.type == "string" and text in ("", EMPTY):
            if text:
                raise CodecError("a text that is one NUL cannot be sent: it means the empty text")
            text = EMPTY
        self.read(text)  # or the device could not read it either
        try:
            return text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise CodecError("the value cannot be written as UTF-8 text") from error


def read_property(given: object) -> Property:
    """A property as its description has it; raises CodecError where anything in it is illegal."""
    if not isinstance(given, dict):
        raise CodecError("its description is not an object")
    datatype, settable, retained = given.get("datatype"), given.get("settable", False), given.get("retained", True)
    name, unit, format = given.get("name"), given.get("unit"), given.get("format")
    if type(settable) is not bool or type(retained) is not bool:
        raise CodecError("`settable` or `retained` is neither true nor false")
    if not all(text is None or type(text) is str for text in (name, unit, format)):
        raise CodecError("its name, unit or format is no text")
    make = _DATATYPES.get(datatype) if type(datatype) is str else None
    if make is None:
        raise CodecError(f"{str(datatype)[:40]!r} is no datatype")
    found = make(format)
    point = replace(
        found.point,
        title=name[:_MAX_TITLE] if name else None,
        unit=unit_code(unit) if unit else None,
        writable=settable,
        # What is not retained is an event: nothing shows later that it happened.
        confirm=("verified" if retained else "sent") if settable else None,
    )
    return Property(point, found.read)


# ---- the datatypes


def _read_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text) or not -_INT64 <= int(text) < _INT64:
        raise CodecError(f"{text[:40]!r} is no integer")
    return int(text)


def _read_float(text: str) -> float:
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    if not math.isfinite(number):
        raise CodecError(f"{text[:40]!r} is no float")
    return number


def _read_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise CodecError(f"{text[:40]!r} is neither 'true' nor 'false'")
    return text == "true"


def _read_string(text: str) -> str:
    if len(text) > _MAX_TEXT:
        raise CodecError(f"longer than {_MAX_TEXT} characters")
    return "" if text == EMPTY else text


def _read_datetime(text: str) -> str:
    try:
        datetime.fromisoformat(text if len(text) <= _MAX_WORD else "")
    except ValueError as error:
        raise CodecError(f"{text[:40]!r} is no date and time") from error
    return text


def _read_duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise CodecError(f"{text[:40]!r} is no duration")
    return text


def _read_json(text: str) -> str:
    try:
        found = orjson.loads(_read_string(text))
    except ValueError as error:
        raise CodecError("not JSON") from error
    if not isinstance(found, list | dict):
        raise CodecError("neither an array nor an object")
    return text


def _range(format: str | None, read: Callable[[str], int | float]) -> tuple[Any, Any]:
    """`[min]:[max][:step]`, each in the format of the values."""
    parts = (format or ":").split(":")
    if not 2 <= len(parts) <= 3:
        raise CodecError(f"{(format or '')[:40]!r} is no range")
    low, high, *step = [read(part) if part else None for part in parts]
    if (low is not None and high is not None and low > high) or (step and (step[0] is None or step[0] <= 0)):
        raise CodecError(f"{(format or '')[:40]!r} is no range")
    return low, high


def _integer(format: str | None) -> Property:
    low, high = _range(format, _read_integer)
    return Property(Point("integer", min=low, max=high), _read_integer)


def _float(format: str | None) -> Property:
    low, high = _range(format, _read_float)
    return Property(Point("number", min=low, max=high), _read_float)


def _boolean(format: str | None) -> Property:
    words = (format or "false,true").split(",")  # how a person reads false and true
    if len(words) != 2 or "" in words or words[0] == words[1]:
        raise CodecError(f"{(format or '')[:40]!r} does not name false and true")
    return Property(Point("boolean"), _read_boolean)


def _enum(format: str | None) -> Property:
    values = tuple((format or "").split(","))
    if len(set(values)) < len(values) or not all(0 < len(value) <= _MAX_WORD for value in values):
        raise CodecError("the values of the enum are missing, empty, too long or not different")
    if len(values) > _MAX_VALUES:
        raise CodecError(f"an enum of more than {_MAX_VALUES} values")

    def read(text: str) -> str:
        if text not in values:
            raise CodecError(f"{text[:40]!r} is none of its values")
        return text

    return Property(Point("enum", values=values), read)


def _color(format: str | None) -> Property:
    kinds = (format or "").split(",")
    if not set(kinds) <= _COLORS.keys():
        raise CodecError(f"{(format or '')[:40]!r} is no list of rgb, hsv and xyz")

    def read(text: str) -> str:
        kind, *parts = text.split(",", 4)
        highest = _COLORS.get(kind, ()) if kind in kinds else ()
        if not highest or len(parts) != len(highest):
            raise CodecError(f"{text[:40]!r} is no color of {', '.join(kinds)}")
        if not all(0 <= _read_float(part) <= most for part, most in zip(parts, highest, strict=True)):
            raise CodecError(f"{text[:40]!r} is out of range")
        return text

    return Property(Point("string"), read)


def _text(read: Read) -> Callable[[str | None], Property]:
    return lambda format: Property(Point("string"), read)


_DATATYPES: dict[str, Callable[[str | None], Property]] = {
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "enum": _enum,
    "color": _color,
    "string": _text(_read_string),
    "datetime": _text(_read_datetime),
    "duration": _text(_read_duration),
    "json": _text(_read_json),
}
