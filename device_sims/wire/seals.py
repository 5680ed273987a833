"""The checksum of a payload: put at its end, and taken off again."""

from __future__ import annotations

from device_sims.wire.checksums import Checksum

LONGEST_PAYLOAD = 4096  # bytes; what is longer is dropped and counted


def sealed(payload: bytes, checksum: Checksum | None, *, spoilt: bool = False) -> bytes:
    """The payload with its checksum; `spoilt`, the lowest bit of the last byte is wrong."""
    if checksum is None:
        return payload
    seal = checksum.of_bytes(payload)
    return payload + (_spoil(seal) if spoilt else seal)


def unsealed(frame: bytes, checksum: Checksum | None) -> bytes | None:
    """The payload of a sealed frame, or None where its checksum is wrong."""
    if checksum is None:
        return frame
    payload, seal = frame[: -checksum.size], frame[-checksum.size :]
    return payload if len(frame) > checksum.size and seal == checksum.of_bytes(payload) else None


def sealed_text(line: bytes, checksum: Checksum | None, *, spoilt: bool = False) -> bytes:
    """The line with `*` and its checksum in hexadecimal digits."""
    if checksum is None:
        return line
    digits = checksum.of_text(line)
    return b"%b*%b" % (line, _spoil_digit(digits) if spoilt else digits)


def unsealed_text(line: bytes, checksum: Checksum | None) -> bytes | None:
    """The line without `*` and checksum, or None where that is wrong or missing."""
    if checksum is None:
        return line
    payload, star, digits = line.rpartition(b"*")
    return payload if star and digits.upper() == checksum.of_text(payload) else None


def _spoil(seal: bytes) -> bytes:
    return seal[:-1] + bytes([seal[-1] ^ 1])


def _spoil_digit(digits: bytes) -> bytes:
    return digits[:-1] + (b"0" if digits[-1:] != b"0" else b"1")
