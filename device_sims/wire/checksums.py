"""Checksums of frames, computed bit by bit as their standards put it; gateways have faster ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Literal


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum: `size` bytes, in this order, of a payload."""

    size: int
    order: Literal["big", "little"]
    of: Callable[[bytes], int]

    def of_bytes(self, payload: bytes) -> bytes:
        """The checksum of the payload, as bytes for a binary frame."""
        return self.of(payload).to_bytes(self.size, self.order)

    def of_text(self, payload: bytes) -> bytes:
        """The checksum of the payload as upper-case hexadecimal digits, the most significant first."""
        return b"%0*X" % (2 * self.size, self.of(payload))


def crc16_modbus(payload: bytes) -> int:
    """CRC-16/MODBUS: x¹⁶+x¹⁵+x²+1 reflected, starts with ones (MODBUS over Serial Line V1.02 §6.2.2)."""
    return _reflected(payload, 0xA001, 0xFFFF)


def crc16_ccitt(payload: bytes) -> int:
    """CRC-16/CCITT-FALSE: x¹⁶+x¹²+x⁵+1, starts with ones, the most significant bit first."""
    crc = 0xFFFF
    for byte in payload:
        crc ^= byte << 8
        for _ in range(8):
            crc = crc << 1 ^ (0x1021 if crc & 0x8000 else 0)
        crc &= 0xFFFF
    return crc


def crc32(payload: bytes) -> int:
    """CRC-32 as in Ethernet and zlib (ISO/IEC 8802-3 §3.2.9)."""
    return _reflected(payload, 0xEDB88320, 0xFFFFFFFF) ^ 0xFFFFFFFF


def xor8(payload: bytes) -> int:
    """All bytes exclusive-ored, as in NMEA 0183."""
    return reduce(xor, payload, 0)


def sum8(payload: bytes) -> int:
    """All bytes added up, and the last eight bits of that."""
    return sum(payload) & 0xFF


def _reflected(payload: bytes, polynomial: int, start: int) -> int:
    """A CRC whose bits go through the least significant first."""
    crc = start
    for byte in payload:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
    return crc


CHECKSUMS: Mapping[str, Checksum | None] = {
    "none": None,
    "crc16-modbus": Checksum(2, "little", crc16_modbus),
    "crc16-ccitt": Checksum(2, "big", crc16_ccitt),
    "crc32": Checksum(4, "big", crc32),
    "xor8": Checksum(1, "big", xor8),
    "sum8": Checksum(1, "big", sum8),
}
