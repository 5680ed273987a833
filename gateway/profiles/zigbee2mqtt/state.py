"""What the state of a device says: one JSON object, or one value on the topic of its attribute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from gateway.codecs.text import text_of
from gateway.errors import CodecError
from gateway.model import Sample, Value
from gateway.profiles.base import MAX_POINTS

Words = Mapping[str, Mapping[Value, Value]]  # point → what the wire says → the value

_MAX_DEPTH = 8
_MAX_TEXT = 4096  # characters


def read_state(payload: bytes, words: Words, ieee: str | None) -> Sample:
    """The values of a state, nested names joined with dots, a list as its JSON text.

    Raises CodecError where it is none, or where it names another device than `ieee`.
    """
    try:
        state = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise CodecError(f"not JSON: {error}") from error
    if type(state) is not dict:
        raise CodecError("the state is not an object")
    device_time = None
    if "last_seen" in state:
        device_time = _stamp(state["last_seen"])
        if device_time is not None:
            del state["last_seen"]
    about = state.get("device")
    if type(about) is dict and "ieeeAddr" in about:  # as with `include_device_information`
        if ieee is not None and str(about["ieeeAddr"]).lower() != ieee:
            raise CodecError(f"it claims to be of {str(about['ieeeAddr'])[:40]!r}, which is another device")
        del state["device"]
    values: dict[str, Value] = {}
    for name, value in state.items():
        kind = type(value)
        if kind is dict or kind is list:
            _flatten(name, value, words, values, 1)
        else:
            known = words.get(name)
            values[name] = value if known is None else known.get(value, value)
    if len(values) > MAX_POINTS:
        raise CodecError(f"more than {MAX_POINTS} values in one state")
    # What was pressed is told once; an empty action only says that nothing is pressed any more.
    if "action" in values and not values["action"]:
        del values["action"]
    return Sample(values, device_time)


def _flatten(name: str, node: Any, words: Words, values: dict[str, Value], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise CodecError(f"nested deeper than {_MAX_DEPTH}")
    if type(node) is dict:
        for key, value in node.items():
            _flatten(f"{name}.{key}", value, words, values, depth + 1)
    elif type(node) is list:
        try:
            text = orjson.dumps(node)
        except TypeError as error:
            raise CodecError("a list that is nested too deeply") from error
        if len(text) > _MAX_TEXT:
            raise CodecError(f"a list of more than {_MAX_TEXT} bytes")
        values[name] = text.decode()
    else:
        known = words.get(name)
        values[name] = node if known is None else known.get(node, node)
    if len(values) > MAX_POINTS:
        raise CodecError(f"more than {MAX_POINTS} values in one state")


def read_attribute(payload: bytes, point: str, words: Words, *, is_text: bool) -> Sample:
    """The bare value of an attribute; nothing is null. Raises CodecError."""
    text = text_of(payload)
    if len(text) > _MAX_TEXT:
        raise CodecError(f"longer than {_MAX_TEXT} characters")
    value: Value = text if is_text else _bare(payload, text)
    if point == "action" and not value:
        return Sample({})
    known = words.get(point)
    return Sample({point: value if known is None else known.get(value, value)})


def _bare(payload: bytes, text: str) -> Value:
    if not text:
        return None
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return text
    return value if value is None or type(value) in (bool, int, float) else text


def _stamp(seen: object) -> float | None:
    """Seconds since the epoch from milliseconds, or from ISO 8601 with its offset."""
    if type(seen) is int and 0 <= seen < 1 << 53:
        return seen / 1000
    if type(seen) is str:
        try:
            parsed = datetime.fromisoformat(seen)
            return parsed.timestamp() if parsed.tzinfo is not None else None
        except (ValueError, OverflowError):
            return None
    return None
