"""SLIP: END behind each frame, and two escapes for what looks like END or ESC (RFC 1055)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.framing.base import Framing, FramingOptions
from gateway.framing.checksum import BinaryChecksum, Checksum
from gateway.framing.stuffed import Delimited

END = b"\xc0"
ESC = b"\xdb"
ESC_END = b"\xdb\xdc"  # stands for END
ESC_ESC = b"\xdb\xdd"  # stands for ESC


class SlipOptions(FramingOptions):
    """`{type: slip, max: 4096, checksum: crc16-ccitt}`; `max` is in bytes of payload."""

    type: str = "slip"
    max: Annotated[int, Field(ge=1, le=32000)] = 4096  # may double by its escapes, and stays within 64 KiB
    checksum: BinaryChecksum | None = None

    def build(self) -> Framing:
        """A SLIP framing with an empty buffer."""
        return Slip(self.max, self.checksum.build() if self.checksum else None)


class Slip(Delimited):
    """SLIP: an escape that the standard does not know is damage."""

    def __init__(self, maximum: int = 4096, checksum: Checksum | None = None) -> None:
        super().__init__(END, maximum, checksum)

    def _length_of(self, length: int) -> int:
        return 2 * length

    def _stuffed(self, frame: bytes) -> bytes:
        # END before it too, as the RFC has it: what noise left at the receiver ends there, and costs no frame.
        return END + frame.replace(ESC, ESC_ESC).replace(END, ESC_END)

    def _unstuffed(self, piece: bytes) -> bytes | None:
        escapes = piece.count(ESC)
        if not escapes:
            return piece
        if escapes != piece.count(ESC_END) + piece.count(ESC_ESC):
            return None
        return piece.replace(ESC_END, END).replace(ESC_ESC, ESC)
