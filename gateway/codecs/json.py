"""JSON: a reading is an object of values, flat or nested; a command and its acknowledgement are objects too.

{"temperature": 21.4, "air": {"humidity": 48}, "ts": 1795338820.1}   temperature, air.humidity
{"temperature": {"value": 21.4, "unit": "°C"}}                       temperature, in Cel
{"command": "fan", "value": true, "id": 17}                          the gateway's command
{"ack": 17, "ok": true}    {"ack": 17, "ok": false, "error": "jammed"}
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import NoneType
from typing import Annotated, Any

import orjson
from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from gateway.codecs.base import BARE, Codec, CodecOptions, CommandCodec, CommandOptions
from gateway.codecs.claims import refuse_others
from gateway.codecs.paths import MISSING, Path
from gateway.codecs.points import PointName, refuse
from gateway.codecs.text import MAX_VALUES
from gateway.codecs.units import unit_code
from gateway.errors import CodecError
from gateway.model import NO_UNITS, Acknowledgement, Outgoing, Sample, Value

_MAX_DEPTH = 16
_MILLISECONDS = 1e11  # seconds would be the year 5138: such a stamp is in milliseconds

# Firmware prints `nan` and `inf`, which are not JSON. Strings come first, so that nothing inside one is touched;
# one without an end is taken whole, so that a hostile frame is not searched once for each of its quotes.
_NOT_A_NUMBER = re.compile(r'("(?:[^"\\]|\\.)*+"?)|(?<![\w.])[+-]?(?:nan|inf(?:inity)?)(?![\w.])', re.I | re.DOTALL)


def _path(given: object) -> Path:
    if isinstance(given, Path):
        return given
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)  # the item of a bare list
    if not isinstance(given, str):
        raise refuse('expected a path such as a.b, list.0 or a["x.y"]')
    try:
        return Path.parse(given)
    except ValueError as error:
        raise refuse(str(error)) from error


ValuePath = Annotated[
    Path,
    PlainValidator(_path),
    PlainSerializer(lambda path: path.text),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}),
]


class JsonOptions(CodecOptions):
    """`json`, or `{type: json, points: {temperature: AM2301.Temperature}}`"""

    type: str = "json"
    points: Annotated[Mapping[PointName, ValuePath], Field(min_length=1, max_length=MAX_VALUES)] | None = None

    def build(self) -> Codec:
        """The JSON codec."""
        return JsonCodec(self.points)


class JsonCodec:
    """One JSON object, or one bare JSON value, is one sample; with `points`, it has only those."""

    def __init__(self, points: Mapping[str, Path] | None = None) -> None:
        self._points = None if points is None else [(name, path.find) for name, path in points.items()]

    def decode(self, frame: bytes) -> list[Sample]:
        """The sample in the frame: nested names joined with dots, `time` or `ts` as the device's own stamp."""
        return self._read(parse(frame))

    def decode_of(self, frame: bytes, device: str, claims: frozenset[str]) -> list[Sample]:
        """As `decode`; raises CodecError where a member in `claims` names another device."""
        parsed = parse(frame)
        if type(parsed) is dict and not claims.isdisjoint(parsed):
            refuse_others(parsed, device, claims)
        return self._read(parsed)

    def _read(self, parsed: Any) -> list[Sample]:
        if self._points is not None:
            return [_picked(parsed, self._points)]
        if type(parsed) is not dict:
            return [_whole(parsed, None)]
        device_time = _take_stamp(parsed)
        if "unit" in parsed and _is_measurement(parsed):
            return [_whole(parsed, device_time)]
        for value in parsed.values():
            if type(value) is dict or type(value) is list:
                return [_whole(parsed, device_time)]
        if len(parsed) > MAX_VALUES:
            raise CodecError(f"more than {MAX_VALUES} values in one frame")
        return [Sample(parsed, device_time)]


def _whole(parsed: Any, device_time: float | None) -> Sample:
    """Every value of a document."""
    values: dict[str, Value] = {}
    units: dict[str, str] = {}
    _flatten("", parsed, values, units, 0)
    return Sample(values, device_time, units or NO_UNITS)


def _picked(parsed: Any, points: Sequence[tuple[str, Callable[[Any], Any]]]) -> Sample:
    """The values at the paths that lead to one. An object or a list there is none: its point is null."""
    values: dict[str, Value] = {}
    units = NO_UNITS
    for name, find in points:
        found = find(parsed)
        if type(found) is dict and _is_measurement(found):
            unit = found["unit"]
            found = found["value"]
            if unit:
                units = {**units, name: unit_code(unit) or unit}
        elif type(found) is dict or type(found) is list:
            found = None
        if found is not MISSING:
            values[name] = found
    return Sample(values, _stamp(parsed)[1] if type(parsed) is dict else None, units)


def _is_measurement(node: dict[str, Any]) -> bool:
    """Whether an object is one value with its unit: `{"value": 21.4, "unit": "°C"}`."""
    return len(node) == 2 and type(node.get("unit")) is str and type(node.get("value", node)) not in (dict, list)


def parse(frame: bytes) -> Any:
    """The JSON in the frame, with `nan` and `inf` in any spelling as null; raises CodecError."""
    try:
        return orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        try:
            return orjson.loads(_NOT_A_NUMBER.sub(lambda found: found[1] or "null", frame.decode("utf-8")))
        except ValueError:
            raise CodecError(f"not JSON: {error}") from error


def _flatten(prefix: str, node: Any, values: dict[str, Value], units: dict[str, str], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise CodecError(f"nested deeper than {_MAX_DEPTH}")
    if isinstance(node, dict):
        if "unit" in node and _is_measurement(node):
            values[prefix or BARE] = node["value"]
            if node["unit"]:
                units[prefix or BARE] = unit_code(node["unit"]) or node["unit"]
        else:
            for key, value in node.items():
                _flatten(f"{prefix}.{key}" if prefix else key, value, values, units, depth + 1)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            _flatten(f"{prefix}.{index}" if prefix else str(index), value, values, units, depth + 1)
    else:
        values[prefix or BARE] = node
    if len(values) > MAX_VALUES:
        raise CodecError(f"more than {MAX_VALUES} values in one frame")


def _take_stamp(members: dict[str, Any]) -> float | None:
    """Takes `time` or `ts` out of the members where it is a time; seconds since the epoch."""
    name, stamp = _stamp(members)
    if name is not None:
        del members[name]
    return stamp


def _stamp(members: dict[str, Any]) -> tuple[str | None, float | None]:
    """The member that is the device's own stamp, and the stamp."""
    for name in ("time", "ts"):
        if name in members:
            stamp = _seconds(members[name])
            if stamp is not None:
                return name, stamp
    return None, None


def _seconds(stamp: object) -> float | None:
    """Seconds since the epoch from a number (milliseconds where it is that large) or ISO 8601 with its offset."""
    if isinstance(stamp, int | float) and not isinstance(stamp, bool):
        if not 0 <= stamp < 1e15:  # also refuses NaN
            return None
        return stamp / 1000 if stamp > _MILLISECONDS else float(stamp)
    if isinstance(stamp, str):
        try:
            parsed = datetime.fromisoformat(stamp)
            return parsed.timestamp() if parsed.tzinfo is not None else None
        except (ValueError, OverflowError):
            return None
    return None


class JsonCommandOptions(CommandOptions):
    """`json`"""

    type: str = "json"

    def build(self) -> CommandCodec:
        """The JSON command codec."""
        return JsonCommands()


class JsonCommands:
    """Commands and acknowledgements as JSON objects."""

    answers = True
    answers_by_id = True

    def encode(self, command: Outgoing, field: str | None) -> bytes:
        """The command object; with `field`, a member of that name holds the device's name."""
        members: dict[str, Value] = {"command": command.point, "value": command.value, "id": command.id}
        if field is not None:
            if field in members:
                raise CodecError(f"the device's name cannot stand in {field!r}, which is a member of every command")
            members[field] = command.name
        if isinstance(command.value, float) and not math.isfinite(command.value):
            raise CodecError(f"{command.value} cannot be written as JSON")
        try:
            return orjson.dumps(members)
        except orjson.JSONEncodeError as error:
            raise CodecError(f"the value cannot be written as JSON: {error}") from error

    def match(self, frame: bytes) -> Acknowledgement | None:
        """The acknowledgement, recognised by its members `ack` and `ok`."""
        # Readings outnumber acknowledgements: this look spares them a second parse.
        if b'"ack"' not in frame:
            return None
        answer = outcome(frame)
        return None if answer is None or answer.id is None else answer


def outcome(frame: bytes) -> Acknowledgement | None:
    """What an object with `ok` says of a command; without an id where it has no `ack`."""
    try:
        parsed = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(parsed, dict):
        return None
    number, ok, error = parsed.get("ack"), parsed.get("ok"), parsed.get("error")
    if type(number) not in (int, NoneType) or type(ok) is not bool:
        return None
    return Acknowledgement(number, ok, None if error is None else str(error)[:200])
