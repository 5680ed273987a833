"""Consistent Overhead Byte Stuffing: a zero behind each frame, and none in it (Cheshire and Baker, 1999)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.framing.base import Framing, FramingOptions
from gateway.framing.checksum import BinaryChecksum, Checksum
from gateway.framing.stuffed import Delimited

_RUN = 254  # bytes without a zero that one code byte can announce
_CODES = [bytes([code]) for code in range(256)]


class CobsOptions(FramingOptions):
    """`{type: cobs, max: 4096, checksum: crc16-ccitt}`; `max` is in bytes of payload."""

    type: str = "cobs"
    max: Annotated[int, Field(ge=1, le=65000)] = 4096  # stuffed, it stays within 64 KiB
    checksum: BinaryChecksum | None = None

    def build(self) -> Framing:
        """A COBS framing with an empty buffer."""
        return Cobs(self.max, self.checksum.build() if self.checksum else None)


class Cobs(Delimited):
    """COBS: each code byte says how far the next zero is; 0xFF stands for 254 bytes without one."""

    def __init__(self, maximum: int = 4096, checksum: Checksum | None = None) -> None:
        super().__init__(b"\0", maximum, checksum)

    def _length_of(self, length: int) -> int:
        return length + length // _RUN + 2  # one more than need be: some close a full run with an empty one

    def _stuffed(self, frame: bytes) -> bytes:
        parts: list[bytes] = []
        for run in frame.split(b"\0"):
            while len(run) >= _RUN:
                parts += (b"\xff", run[:_RUN])
                run = run[_RUN:]  # noqa: PLW2901  (the rest of it)
            parts += (_CODES[len(run) + 1], run)
        if not run and frame[-1]:  # a full run at the end says already that no zero follows
            del parts[-2:]
        return b"".join(parts)

    def _unstuffed(self, piece: bytes) -> bytes | None:
        length, at = len(piece), 0
        if length <= _RUN:  # too short for a full run: each code byte but the first was a zero
            zeroed = bytearray(piece)
            while at < length:
                code = zeroed[at]
                zeroed[at] = 0
                at += code
            return bytes(zeroed[1:]) if at == length else None
        parts = []
        while at < length:
            code = piece[at]
            parts.append(piece[at + 1 : at + code])
            at += code
            if code <= _RUN and at < length:
                parts.append(b"\0")
        return b"".join(parts) if at == length else None
