"""The wire format of Protocol Buffers, as far as small messages need it (protobuf.dev, Encoding).

A message is a sequence of fields, each a number and a value. What a number means is the message's own business.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types
MOST_VARINT_BYTES = 10  # of a number of 64 bits
_LARGEST = (1 << 64) - 1
_LARGEST_FIELD = (1 << 29) - 1

Wire = int | bytes  # a varint is an int, everything else is its bytes


def varint(number: int) -> bytes:
    """A number from 0 to 2^64 - 1, seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def integer_field(field: int, number: int) -> bytes:
    """An integer or a boolean; a negative one stands in 64 bits."""
    return varint(field << 3 | VARINT) + varint(number & _LARGEST)


def bytes_field(field: int, value: bytes) -> bytes:
    """Bytes, a text in UTF-8, or a message."""
    return varint(field << 3 | LENGTH) + varint(len(value)) + value


def float_field(field: int, value: float) -> bytes:
    """A number of 32 bits."""
    return varint(field << 3 | FIXED32) + struct.pack("<f", value)


def double_field(field: int, value: float) -> bytes:
    """A number of 64 bits."""
    return varint(field << 3 | FIXED64) + struct.pack("<d", value)


def fields(message: bytes) -> Iterator[tuple[int, Wire]]:
    """The fields of a message, in order; ValueError where it is broken."""
    at = 0
    while at < len(message):
        tag, at = _varint_at(message, at)
        field, kind = tag >> 3, tag & 7
        if not 0 < field <= _LARGEST_FIELD:
            raise ValueError(f"no field has the number {field}")
        if kind == VARINT:
            value, at = _varint_at(message, at)
            yield field, value
            continue
        if kind == LENGTH:
            length, at = _varint_at(message, at)
        elif kind in {FIXED32, FIXED64}:
            length = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"no field has the wire type {kind}")
        if length > len(message) - at:
            raise ValueError("the message ends within a field")
        yield field, message[at : at + length]
        at += length


def _varint_at(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends."""
    number = 0
    for i, byte in enumerate(message[at : at + MOST_VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return number & _LARGEST, at + i + 1
    raise ValueError("a number that does not end")
