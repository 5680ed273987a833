"""Payloads of Sparkplug B: a time, a sequence number, and metrics with names or aliases (Sparkplug 3.0, chapter 6)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from device_sims.kinds import Value
from device_sims.wire.protobuf import Wire, bytes_field, double_field, fields, float_field, integer_field

UNIT = "engUnit"  # the property in which the unit stands


class DataType(IntEnum):
    """The types of metrics that are used here."""

    INT32 = 3
    INT64 = 4
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATE_TIME = 13


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; a birth tells name, alias and type, what follows the alias alone. `time` is in ms since 1970.

    One that is not `typed` is encoded without its type.
    """

    name: str | None = None
    alias: int | None = None
    type: DataType | None = None
    value: Value | None = None
    time: int | None = None
    unit: str = ""
    typed: bool = True


@dataclass(frozen=True, slots=True)
class Payload:
    """A message; `seq` is the number that every message of a node but its death has, 0 to 255."""

    metrics: Sequence[Metric] = ()
    seq: int | None = None
    time: int | None = None


def encode(payload: Payload) -> bytes:
    """The payload as protobuf."""
    return b"".join(
        [
            b"" if payload.time is None else integer_field(1, payload.time),
            *(bytes_field(2, _encode_metric(metric)) for metric in payload.metrics),
            b"" if payload.seq is None else integer_field(3, payload.seq),
        ]
    )


def decode(message: bytes) -> Payload:
    """The payload in a message; ValueError where it is broken."""
    metrics: list[Metric] = []
    seq = time = None
    for field, value in fields(message):
        if field == 1:
            time = _integer(value)
        elif field == 2:
            metrics.append(_decode_metric(_bytes(value)))
        elif field == 3:
            seq = _integer(value)
    return Payload(metrics, seq, time)


def _encode_metric(metric: Metric) -> bytes:
    out = b""
    if metric.name is not None:
        out += bytes_field(1, metric.name.encode())
    if metric.alias is not None:
        out += integer_field(2, metric.alias)
    if metric.time is not None:
        out += integer_field(3, metric.time)
    if metric.type is not None and metric.typed:
        out += integer_field(4, metric.type)
    if metric.value is None:
        out += integer_field(7, 1)  # is_null
    if metric.unit:
        text = integer_field(1, DataType.STRING) + bytes_field(8, metric.unit.encode())
        out += bytes_field(9, bytes_field(1, UNIT.encode()) + bytes_field(2, text))
    return out + (b"" if metric.value is None else _encode_value(metric.type, metric.value))


def _encode_value(type: DataType | None, value: Value) -> bytes:
    if type == DataType.STRING:
        return bytes_field(15, str(value).encode())
    if type == DataType.BOOLEAN:
        return integer_field(14, bool(value))
    if type == DataType.FLOAT:
        return float_field(12, float(value))
    if type == DataType.DOUBLE:
        return double_field(13, float(value))
    if type in {DataType.INT32, DataType.UINT32}:
        return integer_field(10, int(value) & 0xFFFFFFFF)  # a negative one as its two's complement
    return integer_field(11, int(value))


def _decode_metric(message: bytes) -> Metric:
    """A metric; of a type that is not used here, its value without the type."""
    name: str | None = None
    alias = time = None
    type: DataType | None = None
    null = False
    values: dict[int, Wire] = {}
    for field, value in fields(message):
        if field == 1:
            name = _bytes(value).decode()
        elif field == 2:
            alias = _integer(value)
        elif field == 3:
            time = _integer(value)
        elif field == 4:
            number = _integer(value)
            type = DataType(number) if number in set(DataType) else None
        elif field == 7:
            null = bool(_integer(value))
        elif 10 <= field <= 15:
            values[field] = value
    read = None if null or not values else _decode_value(*list(values.items())[-1])
    return Metric(name, alias, type, signed(read, type), time)


def signed(value: Value | None, type: DataType | None) -> Value | None:
    """The number of a signed type that stands in an unsigned field as its two's complement; others as they are."""
    bits = {DataType.INT32: 32, DataType.INT64: 64}.get(type) if type else None
    if bits is None or not isinstance(value, int):
        return value
    return value - (1 << bits) if value >> (bits - 1) == 1 else value


def _decode_value(field: int, value: Wire) -> Value:
    if field in {10, 11}:
        return _integer(value)
    if field == 14:
        return bool(_integer(value))
    raw = _bytes(value)
    if field == 15:
        return raw.decode()
    try:
        (real,) = struct.unpack("<f" if field == 12 else "<d", raw)
    except struct.error:
        raise ValueError("a number of the wrong length") from None
    return float(real)


def _integer(value: Wire) -> int:
    if not isinstance(value, int):
        raise ValueError("no integer where one belongs")
    return value


def _bytes(value: Wire) -> bytes:
    if isinstance(value, int):
        raise ValueError("an integer where none belongs")
    return value
