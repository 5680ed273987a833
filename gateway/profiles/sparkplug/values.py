"""The data types of Sparkplug B and their values on the wire (specification 3.0, §6.4.16)."""

from __future__ import annotations

import math
import struct
from typing import Any

from gateway.errors import CodecError
from gateway.model import PointType, Value

_SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}  # Int8 … Int64, in bits
_UNSIGNED = {5: 8, 6: 16, 7: 32, 8: 64}  # UInt8 … UInt64
FLOAT, DOUBLE, BOOLEAN, DATE_TIME = 9, 10, 11, 13
_TEXTS = frozenset({12, 14, 15})  # String, Text, UUID

MAX_TEXT = 4096  # characters
_FIELDS = {"int_value": 32, "long_value": 64}  # bits


def point_type(datatype: int) -> PointType | None:
    """The type of a point of this data type; None where it is none: a table, a file, a list…"""
    if datatype in _SIGNED or datatype in _UNSIGNED or datatype == DATE_TIME:
        return "integer"
    if datatype in (FLOAT, DOUBLE):
        return "number"
    if datatype == BOOLEAN:
        return "boolean"
    return "string" if datatype in _TEXTS else None


def usual_field(datatype: int) -> str:
    """The member that a value of this type stands in, as the specification has it."""
    if datatype in (4, 8, DATE_TIME):
        return "long_value"
    if datatype in _SIGNED or datatype in _UNSIGNED:
        return "int_value"
    return {FLOAT: "float_value", DOUBLE: "double_value", BOOLEAN: "boolean_value"}.get(datatype, "string_value")


def decoded(holder: Any, datatype: int) -> Value:
    """The value of a metric or a property; raises CodecError where it is none of its type."""
    if holder.is_null:
        return None
    field = holder.WhichOneof("value")
    if field is None:
        raise CodecError("no value, and not marked as null")
    value: Any = getattr(holder, field)
    if field in _FIELDS:
        return _integer(value, datatype, _FIELDS[field])
    if field == "boolean_value" and datatype == BOOLEAN:
        return bool(value)
    if field == "float_value" and datatype in (FLOAT, DOUBLE):
        return _shortest(value)
    if field == "double_value" and datatype in (FLOAT, DOUBLE):
        return float(value)
    if field == "string_value" and datatype in _TEXTS:
        if type(value) is not str:
            raise CodecError("a text that is not UTF-8")
        if len(value) > MAX_TEXT:
            raise CodecError(f"longer than {MAX_TEXT} characters")
        return value
    raise CodecError(f"a {field.removesuffix('_value')} in a metric of type {datatype}")


def _integer(value: int, datatype: int, width: int) -> Value:
    """A whole number. Signed ones stand as two's complement in the unsigned member, cut to their bits or not."""
    if datatype in _SIGNED:
        bits = _SIGNED[datatype]
        if value >= 1 << (bits - 1):
            # -1 of 8 bits is 0xFF from some senders and 0xFFFFFFFF from others.
            negative = value - (1 << bits) if value < 1 << bits else value - (1 << width)
            if not -(1 << (bits - 1)) <= negative < 0:
                raise CodecError(f"{value} has more than {bits} bits")
            return negative
        return value
    if datatype in _UNSIGNED:
        if value >= 1 << _UNSIGNED[datatype]:
            raise CodecError(f"{value} has more than {_UNSIGNED[datatype]} bits")
        return value
    if datatype == DATE_TIME:
        return value
    raise CodecError(f"a whole number in a metric of type {datatype}")


def _shortest(value: float) -> float:
    """The shortest decimal number that is this one in 32 bits: 21.4, and not 21.399999618530273."""
    if not math.isfinite(value):
        return value
    packed = struct.pack("<f", value)
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", short) == packed:
                return short
        except OverflowError:  # rounded up, past the largest
            continue
    return value


def put(holder: Any, field: str, datatype: int, value: Value) -> None:
    """Puts a command's value into a metric; raises CodecError where its type cannot hold it."""
    try:
        if datatype in _SIGNED or datatype in _UNSIGNED or datatype == DATE_TIME:
            setattr(holder, field, _unsigned(value, datatype, _FIELDS[field]))
        elif datatype == BOOLEAN:
            setattr(holder, field, bool(value))
        elif datatype in (FLOAT, DOUBLE):
            number = float(value)  # type: ignore[arg-type]
            if field == "float_value":
                struct.pack("<f", number)
            setattr(holder, field, number)
        else:
            str(value).encode("utf-8")
            setattr(holder, field, str(value))
    except (ValueError, TypeError, OverflowError, KeyError) as error:
        raise CodecError(f"no value of type {datatype}") from error


def _unsigned(value: Value, datatype: int, width: int) -> int:
    number = int(value)  # type: ignore[arg-type]
    if datatype in _SIGNED:
        bits = _SIGNED[datatype]
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    else:
        bits = _UNSIGNED.get(datatype, 64)
        low, high = 0, (1 << bits) - 1
    if not low <= number <= high or number >= 1 << width:
        raise CodecError(f"numbers of this type are from {low} to {high}")
    return number & ((1 << bits) - 1)
