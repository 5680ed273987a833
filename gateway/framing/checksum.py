"""Checksums: how a frame shows that it arrived as it was sent.

A check value is the checksum of `123456789`, by which catalogues tell variants apart.
"""

from __future__ import annotations

from array import array
from binascii import crc32, crc_hqx
from collections.abc import Callable
from functools import cache
from struct import unpack_from
from typing import Any, Literal, get_args
from zlib import adler32

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gateway.config.plugged import choice_error
from gateway.config.strict import Strict

ChecksumType = Literal["crc16-modbus", "crc16-ccitt", "crc32", "xor8", "sum8"]
Order = Literal["little", "big"]


@cache
def _modbus_table() -> array[int]:
    """What sixteen steps of the register make of each of its 65,536 states."""
    table = [0]
    for bit in range(16):
        state = 1 << bit
        for _ in range(16):
            state = state >> 1 ^ (0xA001 if state & 1 else 0)  # 0x8005 with its bits reversed
        table += [state ^ other for other in table]  # it is linear
    return array("H", table)


def crc16_modbus(data: bytes) -> int:
    """CRC-16/MODBUS, as Modbus RTU has it; check value 0x4B37."""
    table = _modbus_table()
    state = 0xFFFF
    for word in unpack_from(f"<{len(data) >> 1}H", data):  # two bytes a step
        state = table[state ^ word]
    if len(data) & 1:
        state ^= data[-1]
        state = state >> 8 ^ table[(state & 0xFF) << 8]
    return state


def crc16_ccitt(data: bytes) -> int:
    """CRC-16/IBM-3740, better known as CRC-16/CCITT-FALSE: begins with 0xFFFF; check value 0x29B1."""
    return crc_hqx(data, 0xFFFF)


def xor8(data: bytes) -> int:
    """All bytes XORed, as the LRC or BCC of many devices and the checksum of NMEA 0183; check value 0x31."""
    folded, size = int.from_bytes(data, "big"), len(data)
    while size > 1:
        size = (size + 1) >> 1
        folded = folded >> 8 * size ^ folded & (1 << 8 * size) - 1
    return folded


def sum8(data: bytes) -> int:
    """All bytes added up, modulo 256; check value 0xDD."""
    # The low half of Adler-32 is the sum modulo 65,521, which 256 bytes do not reach.
    if len(data) <= 256:
        return adler32(data, 0) & 0xFF
    return sum(adler32(data[at : at + 256], 0) & 0xFFFF for at in range(0, len(data), 256)) & 0xFF


# What computes it, its size in bytes, and the order that its standard sends these in.
_TYPES: dict[ChecksumType, tuple[Callable[[bytes], int], int, Order]] = {
    "crc16-modbus": (crc16_modbus, 2, "little"),
    "crc16-ccitt": (crc16_ccitt, 2, "big"),
    "crc32": (crc32, 4, "big"),  # CRC-32/ISO-HDLC, as Ethernet and zip have it; check value 0xCBF43926
    "xor8": (xor8, 1, "big"),
    "sum8": (sum8, 1, "big"),
}


class Checksum:
    """A checksum as it travels behind what it covers."""

    def __init__(self, type: ChecksumType, order: Order | None = None) -> None:
        self._compute, self.size, standard = _TYPES[type]
        self._order: Order = order or standard

    def of(self, data: bytes) -> bytes:
        """The checksum of these bytes, in its order."""
        return self._compute(data).to_bytes(self.size, self._order)

    def stripped(self, frame: bytes) -> bytes | None:
        """What stands before the checksum; None where that is wrong."""
        if len(frame) < self.size:
            return None
        data = frame[: -self.size]
        return data if frame.endswith(self.of(data)) else None


class ChecksumSection(Strict):
    """`crc16-modbus`, or a mapping with it as `type`."""

    type: ChecksumType

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        known = list(get_args(ChecksumType))
        if given not in known:
            raise choice_error(given, known)
        return {"type": given}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "enum": list(get_args(ChecksumType))}, handler(schema)]}


class BinaryChecksum(ChecksumSection):
    """A checksum as bytes behind the payload: `{type: crc16-modbus, order: big}`."""

    order: Order | None = None

    def build(self) -> Checksum:
        """The checksum, in the order of its standard where none is said."""
        return Checksum(self.type, self.order)
