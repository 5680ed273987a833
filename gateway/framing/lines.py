"""Frames that are lines of text: each ends with a terminator."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.plugged import located
from gateway.errors import CodecError
from gateway.framing.base import Framing, FramingOptions
from gateway.framing.checksum import Checksum, ChecksumSection, ChecksumType


class LineChecksum(ChecksumSection):
    """`{type: xor8, separator: "*", skip: 1}`: upper-case hexadecimal digits behind the text."""

    separator: Annotated[str, StringConstraints(max_length=4)] = "*"
    skip: Annotated[int, Field(ge=0, le=16)] = 0  # bytes at the start that it does not cover

    def build(self) -> TextChecksum:
        """The checksum as text."""
        return TextChecksum(self.type, self.separator.encode(), self.skip)


class TextChecksum:
    """A checksum in digits, as `$GPGLL,…,A*5C` has it; whoever receives takes small letters too."""

    def __init__(self, type: ChecksumType, separator: bytes = b"*", skip: int = 0) -> None:
        self._checksum = Checksum(type, "big")
        self._separator = separator
        self._skip = skip
        self.size = len(separator) + 2 * self._checksum.size

    def of(self, text: bytes) -> bytes:
        """The separator and the digits."""
        return self._separator + self._checksum.of(text[self._skip :]).hex().upper().encode()

    def stripped(self, line: bytes) -> bytes | None:
        """The text before the separator; None where there is no checksum, or a wrong one."""
        if len(line) < self.size:
            return None
        text, tail = line[: -self.size], line[-self.size :]
        expected = self.of(text)
        digits = len(self._separator)
        right = tail[:digits] == self._separator and tail[digits:].upper() == expected[digits:]
        return text if right else None


class LinesOptions(FramingOptions):
    """`{type: lines, max: 4096, terminator: "\\n"}`; `max` is in bytes, without the terminator and the checksum."""

    type: str = "lines"
    max: Annotated[int, Field(ge=1, le=65520)] = 4096  # a line and its terminator stay within 64 KiB
    terminator: Annotated[str, StringConstraints(min_length=1, max_length=4)] = "\n"
    checksum: LineChecksum | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.checksum is not None and (
            self.terminator in self.checksum.separator or not self.terminator.strip("0123456789ABCDEFabcdef")
        ):
            error = PydanticCustomError("terminator", "must not be part of a checksum, or the line would end there")
            raise located(("terminator",), error, self.terminator)
        return self

    def build(self) -> Framing:
        """A line framing with an empty buffer."""
        return Lines(self.max, self.terminator.encode(), self.checksum.build() if self.checksum else None)


class Lines:
    """Lines: empty ones are nothing, overlong ones are thrown away whole and counted.

    With the terminator `\\n` a carriage return before it belongs to the terminator too.
    """

    def __init__(self, maximum: int = 4096, terminator: bytes = b"\n", checksum: TextChecksum | None = None) -> None:
        self._maximum = maximum
        self._terminator = terminator
        self._checksum = checksum
        self._strip = b"\r" if terminator == b"\n" else b""
        self._longest = maximum + (checksum.size if checksum else 0)
        self._partial = b""
        self._overlong = False
        self.errors = 0
        self.checksum_errors = 0
        self.resyncs = 0
        self.gap: float | None = None

    def receive_data(self, data: bytes) -> list[bytes]:
        """The lines that these bytes complete."""
        *lines, self._partial = (self._partial + data).split(self._terminator)
        if lines and self._overlong:  # the rest of a line that was given up before
            del lines[0]
            self._overlong = False
            self.resyncs += 1
        frames = []
        for line in lines:
            frame: bytes | None = line.rstrip(self._strip) if self._strip else line
            if len(line) > self._longest + len(self._strip) or (frame and len(frame) > self._longest):
                self.errors += 1
                self.resyncs += 1
                continue
            if frame and self._checksum is not None:
                frame = self._checksum.stripped(frame)
                if frame is None:
                    self.errors += 1
                    self.checksum_errors += 1
            if frame:
                frames.append(frame)
        # Room for a terminator that is itself cut in two.
        if len(self._partial) > self._longest + len(self._terminator):
            if not self._overlong:
                self.errors += 1
            self._overlong = True
            self._partial = self._partial[-len(self._terminator) + 1 :] if len(self._terminator) > 1 else b""
        return frames

    def encode(self, frame: bytes) -> bytes:
        """The line with its checksum and its terminator."""
        if not frame or len(frame) > self._maximum:
            raise CodecError(f"a line holds 1 to {self._maximum} bytes, this one has {len(frame)}")
        whole = frame + self._checksum.of(frame) if self._checksum is not None else frame
        # A value with a line end in it must not become a second command.
        line = whole + self._terminator
        if line.index(self._terminator) < len(whole) or b"\n" in frame or b"\r" in frame:
            raise CodecError("a line cannot hold a line end")
        return line

    def break_off(self) -> None:
        """Lines end by their terminator, however long they take."""

    def reset(self) -> None:
        """Forgets a half-received line."""
        self._partial = b""
        self._overlong = False
