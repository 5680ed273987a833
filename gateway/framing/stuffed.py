"""Binary frames in which stuffing keeps certain bytes for the framing, so that damage ends where these are seen."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gateway.errors import CodecError
from gateway.framing.checksum import Checksum


class Stuffed(ABC):
    """What they share: how long a frame may be, its checksum, and the counters."""

    def __init__(self, maximum: int, checksum: Checksum | None) -> None:
        self._maximum = maximum  # bytes of payload
        self._checksum = checksum
        self._whole = maximum + (checksum.size if checksum is not None else 0)
        self.errors = 0
        self.checksum_errors = 0
        self.resyncs = 0
        self.gap: float | None = None

    def break_off(self) -> None:  # noqa: B027  (nothing to do is what they share)
        """A frame ends where it says so, however long that takes."""

    @abstractmethod
    def _unstuffed(self, piece: bytes) -> bytes | None:
        """The frame again; None where nobody would stuff one like this."""

    def _finish(self, piece: bytes, frames: list[bytes]) -> None:
        """What came for one frame is whole: it joins the frames, or is an error."""
        frame = self._unstuffed(piece)
        if frame and self._checksum is not None:
            frame = self._checksum.stripped(frame)
            if frame is None:
                self.checksum_errors += 1
        if frame is None or len(frame) > self._maximum:
            self.errors += 1
        elif frame:
            frames.append(frame)

    def _with_checksum(self, frame: bytes) -> bytes:
        """The frame as it is to be stuffed."""
        if not frame or len(frame) > self._maximum:
            raise CodecError(f"a frame holds 1 to {self._maximum} bytes, this one has {len(frame)}")
        return frame + self._checksum.of(frame) if self._checksum is not None else frame


class Delimited(Stuffed):
    """Cuts at each delimiter; nothing between two is nothing, and what is too long is thrown away whole."""

    def __init__(self, delimiter: bytes, maximum: int, checksum: Checksum | None) -> None:
        super().__init__(maximum, checksum)
        self._delimiter = delimiter
        self._longest = self._length_of(self._whole)
        self._partial = b""
        self._overlong = False

    @abstractmethod
    def _length_of(self, length: int) -> int:
        """How long a frame of so many bytes may become by stuffing."""

    @abstractmethod
    def _stuffed(self, frame: bytes) -> bytes:
        """The frame without a delimiter in it."""

    def receive_data(self, data: bytes) -> list[bytes]:
        """The frames that these bytes complete."""
        *pieces, self._partial = (self._partial + data).split(self._delimiter)
        if pieces and self._overlong:  # the rest of a frame that was given up before
            del pieces[0]
            self._overlong = False
            self.resyncs += 1
        frames: list[bytes] = []
        for piece in pieces:
            if len(piece) > self._longest:
                self.errors += 1
                self.resyncs += 1
            elif piece:
                self._finish(piece, frames)
        if len(self._partial) > self._longest and not self._overlong:
            self.errors += 1
            self._overlong = True
        if self._overlong:
            self._partial = b""
        return frames

    def encode(self, frame: bytes) -> bytes:
        """The frame with its checksum, stuffed, and the delimiter behind it."""
        return self._stuffed(self._with_checksum(frame)) + self._delimiter

    def reset(self) -> None:
        """Forgets a half-received frame."""
        self._partial = b""
        self._overlong = False
