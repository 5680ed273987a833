"""Frames that are lines of text: each ends with a terminator."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.errors import CodecError
from gateway.framing.base import Framing, FramingOptions


class LinesOptions(FramingOptions):
    """`{type: lines, max: 4096, terminator: "\\n"}`; `max` is in bytes, without the terminator."""

    type: str = "lines"
    max: Annotated[int, Field(ge=1, le=65520)] = 4096  # a line and its terminator stay within 64 KiB
    terminator: Annotated[str, StringConstraints(min_length=1, max_length=4)] = "\n"

    def build(self) -> Framing:
        """A line framing with an empty buffer."""
        return Lines(self.max, self.terminator.encode())


class Lines:
    """Lines: empty ones are nothing, overlong ones are thrown away whole and counted.

    With the terminator `\\n` a carriage return before it belongs to the terminator too.
    """

    def __init__(self, maximum: int = 4096, terminator: bytes = b"\n") -> None:
        self._maximum = maximum
        self._terminator = terminator
        self._strip = b"\r" if terminator == b"\n" else b""
        self._longest = maximum + len(self._strip)  # with what is stripped from it
        self._partial = b""
        self._overlong = False
        self.errors = 0

    def receive_data(self, data: bytes) -> list[bytes]:
        """The lines that these bytes complete."""
        *lines, self._partial = (self._partial + data).split(self._terminator)
        if lines and self._overlong:  # the rest of a line that was given up before
            del lines[0]
            self._overlong = False
        frames = []
        for line in lines:
            frame = line.rstrip(self._strip) if self._strip else line
            if len(frame) > self._maximum or len(line) > self._longest:
                self.errors += 1
            elif frame:
                frames.append(frame)
        # Room for a terminator that is itself cut in two.
        if len(self._partial) > self._maximum + len(self._terminator):
            if not self._overlong:
                self.errors += 1
            self._overlong = True
            self._partial = self._partial[-len(self._terminator) + 1 :] if len(self._terminator) > 1 else b""
        return frames

    def encode(self, frame: bytes) -> bytes:
        """The line with its terminator."""
        if not frame or len(frame) > self._maximum:
            raise CodecError(f"a line holds 1 to {self._maximum} bytes, this one has {len(frame)}")
        # A value with a line end in it must not become a second command.
        line = frame + self._terminator
        if line.index(self._terminator) < len(frame) or b"\n" in frame or b"\r" in frame:
            raise CodecError("a line cannot hold a line end")
        return line

    def reset(self) -> None:
        """Forgets a half-received line."""
        self._partial = b""
        self._overlong = False
