"""Frames between a start and an end byte; an escape byte precedes either of them, and itself, within a frame."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.plugged import located
from gateway.framing.base import Framing, FramingOptions
from gateway.framing.checksum import BinaryChecksum, Checksum
from gateway.framing.octets import Octet
from gateway.framing.stuffed import Stuffed


class StxEtxOptions(FramingOptions):
    """`{type: stx_etx, start: "02", end: "03", escape: "10"}`; `xor: "20"` for escaped bytes that are XORed too."""

    type: str = "stx_etx"
    start: Octet = "02"  # STX
    end: Octet = "03"  # ETX
    escape: Octet = "10"  # DLE
    xor: Octet | None = None
    max: Annotated[int, Field(ge=1, le=32000)] = 4096  # may double by its escapes, and stays within 64 KiB
    checksum: BinaryChecksum | None = None

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        marks = {key: int(getattr(self, key), 16) for key in ("start", "end", "escape")}
        for key, other in (("end", "start"), ("escape", "start"), ("escape", "end")):
            if marks[key] == marks[other]:
                error = PydanticCustomError("mark", "must be another byte than `{other}`", {"other": other})
                raise located((key,), error, getattr(self, key))
        if self.xor is not None:
            for key, mark in marks.items():
                if mark ^ int(self.xor, 16) in marks.values():
                    error = PydanticCustomError("mark", "must not make a mark of `{key}` again", {"key": key})
                    raise located(("xor",), error, self.xor)
        return self

    def build(self) -> Framing:
        """A framing with an empty buffer."""
        start, end, escape = (bytes.fromhex(text) for text in (self.start, self.end, self.escape))
        marks = Marks(start, end, escape, int(self.xor, 16) if self.xor is not None else 0)
        return StxEtx(marks, self.max, self.checksum.build() if self.checksum else None)


class Marks:
    """The three bytes that mean something, and what becomes of them within a frame."""

    def __init__(self, start: bytes = b"\x02", end: bytes = b"\x03", escape: bytes = b"\x10", xor: int = 0) -> None:
        self.start = start
        self.end = end
        self.escape = escape
        self.hidden = not xor  # whether a mark behind an escape is none; else no escaped byte looks like one
        pair = re.escape(escape) + b"(.)"
        either = b"[" + re.escape(start) + re.escape(end) + b"]"
        self.next = re.compile(pair + b"|" + either if self.hidden else either, re.DOTALL)
        self._pair = re.compile(pair, re.DOTALL)
        self._stands_for = {bytes([byte ^ xor]): bytes([byte]) for byte in range(256)}
        self._escaped = [(mark, escape + bytes([mark[0] ^ xor])) for mark in (escape, start, end)]  # in this order

    def stuffed(self, frame: bytes) -> bytes:
        """The frame as it stands between start and end."""
        for mark, escaped in self._escaped:
            frame = frame.replace(mark, escaped)
        return frame

    def unstuffed(self, piece: bytes) -> bytes | None:
        """The frame again; None where an escape has nothing behind it that it could stand for."""
        if self.escape not in piece:
            return piece
        if self.hidden:
            return self._pair.sub(rb"\1", piece)
        first, *rest = piece.split(self.escape)
        if not all(rest):
            return None
        return first + b"".join([self._stands_for[part[:1]] + part[1:] for part in rest])


class StxEtx(Stuffed):
    """An end without a start is a frame that lost its start; a start within a frame begins anew."""

    def __init__(self, marks: Marks | None = None, maximum: int = 4096, checksum: Checksum | None = None) -> None:
        super().__init__(maximum, checksum)
        self._marks = marks or Marks()
        self._longest = 2 * self._whole  # where every byte is escaped
        self.reset()

    def reset(self) -> None:
        """Forgets a half-received frame."""
        self._partial = b""  # a frame from behind its start on; outside of one, an escape at most
        self._searched = 0  # bytes of it that hold no mark
        self._inside = False
        self._passed = False  # bytes came since the last frame that belong to none
        self._overlong = False  # they are the rest of a frame that was given up

    def receive_data(self, data: bytes) -> list[bytes]:
        """The frames that these bytes complete."""
        marks = self._marks
        buffer = self._partial + data
        frames: list[bytes] = []
        at = 0  # behind the last mark
        searched = self._searched
        for found in marks.next.finditer(buffer, searched):
            searched = found.end()
            mark, place = found[0], found.start()
            if mark == marks.start:
                self._begin(place - at)
            elif mark != marks.end:
                continue  # an escape, and what it hides
            elif self._inside:
                self._inside = False
                if place - at > self._longest:
                    self.errors += 1
                    self.resyncs += 1
                else:
                    self._finish(buffer[at:place], frames)
            elif self._overlong:
                self._overlong = False
                self.resyncs += 1
            else:
                self.errors += 1
                self._passed = True
            at = searched
        # An escape at the end waits for the byte that it hides.
        searched = len(buffer) - (marks.hidden and buffer.endswith(marks.escape, searched))
        if self._inside and len(buffer) - at > self._longest:
            self.errors += 1
            self._inside = False
            self._overlong = True
        if not self._inside:
            self._passed = self._passed or (len(buffer) > at and not self._overlong)
            at = searched
        self._partial = buffer[at:]
        self._searched = searched - at
        return frames

    def _begin(self, before: int) -> None:
        """A start: whatever came before it, in bytes since the last mark, is over."""
        if self._inside:
            if before:
                self.errors += 1
            self._overlong = before > self._longest
        if self._overlong or self._passed or (before and not self._inside):
            self.resyncs += 1
        self._inside, self._passed, self._overlong = True, False, False

    def _unstuffed(self, piece: bytes) -> bytes | None:
        return self._marks.unstuffed(piece)

    def encode(self, frame: bytes) -> bytes:
        """The frame with its checksum, between start and end."""
        return self._marks.start + self._marks.stuffed(self._with_checksum(frame)) + self._marks.end
