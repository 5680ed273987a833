"""JSON: a reading is an object of values, flat or nested; a command and its acknowledgement are objects too.

{"temperature": 21.4, "air": {"humidity": 48}, "ts": 1795338820.1}   temperature, air.humidity
{"command": "fan", "value": true, "id": 17}                          the gateway's command
{"ack": 17, "ok": true}    {"ack": 17, "ok": false, "error": "jammed"}
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

import orjson

from gateway.codecs.base import BARE, Codec, CodecOptions, CommandCodec, CommandOptions
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Sample, Value

_MAX_DEPTH = 16
_MAX_VALUES = 512  # in one frame
_MILLISECONDS = 1e11  # seconds would be the year 5138: such a stamp is in milliseconds

# Firmware prints `nan` and `inf`, which are not JSON. Strings come first, so that nothing inside one is touched;
# one without an end is taken whole, so that a hostile frame is not searched once for each of its quotes.
_NOT_A_NUMBER = re.compile(r'("(?:[^"\\]|\\.)*+"?)|(?<![\w.])[+-]?(?:nan|inf(?:inity)?)(?![\w.])', re.I | re.DOTALL)


class JsonOptions(CodecOptions):
    """`json`"""

    type: str = "json"

    def build(self) -> Codec:
        """The JSON codec."""
        return JsonCodec()


class JsonCodec:
    """One JSON object, or one bare JSON value, is one sample."""

    def decode(self, frame: bytes) -> list[Sample]:
        """The sample in the frame: nested names joined with dots, `time` or `ts` as the device's own stamp."""
        parsed = parse(frame)
        if type(parsed) is not dict:
            values: dict[str, Value] = {}
            _flatten("", parsed, values, 0)
            return [Sample(values)]
        device_time = _take_stamp(parsed)
        for value in parsed.values():
            if type(value) is dict or type(value) is list:
                values = {}
                _flatten("", parsed, values, 0)
                return [Sample(values, device_time)]
        if len(parsed) > _MAX_VALUES:
            raise CodecError(f"more than {_MAX_VALUES} values in one frame")
        return [Sample(parsed, device_time)]


def parse(frame: bytes) -> Any:
    """The JSON in the frame, with `nan` and `inf` in any spelling as null; raises CodecError."""
    try:
        return orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        try:
            return orjson.loads(_NOT_A_NUMBER.sub(lambda found: found[1] or "null", frame.decode("utf-8")))
        except ValueError:
            raise CodecError(f"not JSON: {error}") from error


def _flatten(prefix: str, node: Any, values: dict[str, Value], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise CodecError(f"nested deeper than {_MAX_DEPTH}")
    if isinstance(node, dict):
        for key, value in node.items():
            _flatten(f"{prefix}.{key}" if prefix else key, value, values, depth + 1)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            _flatten(f"{prefix}.{index}" if prefix else str(index), value, values, depth + 1)
    else:
        values[prefix or BARE] = node
        if len(values) > _MAX_VALUES:
            raise CodecError(f"more than {_MAX_VALUES} values in one frame")


def _take_stamp(members: dict[str, Any]) -> float | None:
    """Takes `time` or `ts` out of the members where it is a time; seconds since the epoch."""
    for name in ("time", "ts"):
        if name in members:
            stamp = _seconds(members[name])
            if stamp is not None:
                del members[name]
                return stamp
    return None


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
        try:
            parsed = orjson.loads(frame)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(parsed, dict):
            return None
        number, ok, error = parsed.get("ack"), parsed.get("ok"), parsed.get("error")
        if type(number) is not int or type(ok) is not bool:
            return None
        return Acknowledgement(number, ok, None if error is None else str(error)[:200])
