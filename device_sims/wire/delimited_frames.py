"""Framings whose frames end in a byte that stands nowhere else: lines, COBS, SLIP, and STX with ETX."""

from __future__ import annotations

from abc import ABC, abstractmethod

from device_sims.wire.checksums import Checksum
from device_sims.wire.seals import LONGEST_PAYLOAD, sealed, sealed_text, unsealed, unsealed_text

COBS_END = 0x00
COBS_LONGEST_RUN = 0xFE  # bytes between two code bytes

SLIP_END = b"\xc0"
SLIP_ESC = b"\xdb"
SLIP_ESC_END = b"\xdc"  # after ESC: an END that is data
SLIP_ESC_ESC = b"\xdd"  # after ESC: an ESC that is data

STX = 0x02  # start of text
ETX = 0x03  # end of text
DLE = 0x10  # data link escape: the byte after it is data


class _Ended(ABC):
    """Cuts at one byte; what is longer than a frame may be is dropped whole, and is one error."""

    separator = b""

    def __init__(self, end: int) -> None:
        self.errors = 0
        self._end = bytes([end])
        self._incoming = bytearray()
        self._overlong = False

    def receive(self, received: bytes) -> list[bytes]:
        """The payloads that these bytes complete."""
        *pieces, rest = received.split(self._end)
        payloads = []
        for piece in pieces:
            self._incoming += piece
            frame = bytes(self._incoming)
            self._incoming.clear()
            if self._overlong:
                self._overlong = False
                self.errors += 1
            elif not self.empty(frame):
                payload = self.unwrap(frame)
                if payload is None:
                    self.errors += 1
                else:
                    payloads.append(payload)
        self._incoming += rest
        if len(self._incoming) > LONGEST_PAYLOAD:
            self._overlong = True
            self._incoming.clear()
        return payloads

    def empty(self, frame: bytes) -> bool:
        """Whether there is nothing between two ends, which is no error."""
        return not frame

    @abstractmethod
    def unwrap(self, frame: bytes) -> bytes | None:
        """The payload of a frame without its end, or None where it is damaged."""

    def forget(self) -> None:
        """Forgets a half-received frame."""
        self._incoming.clear()
        self._overlong = False


class Lines(_Ended):
    """Lines of text that end in `end`; the checksum stands after `*`, in hexadecimal digits."""

    def __init__(self, checksum: Checksum | None, end: bytes = b"\n") -> None:
        super().__init__(ord("\n"))
        self.separator = end
        self._checksum = checksum

    def wrap(self, payload: bytes, *, spoilt: bool = False) -> bytes:
        """The payload as a line."""
        return sealed_text(payload, self._checksum, spoilt=spoilt) + self.separator

    def empty(self, frame: bytes) -> bool:
        """A blank line is nothing."""
        return not frame.strip()

    def unwrap(self, frame: bytes) -> bytes | None:
        """The line without its checksum, and without the carriage return of those who end lines in both."""
        return unsealed_text(frame.removesuffix(b"\r"), self._checksum)


class Cobs(_Ended):
    """Consistent overhead byte stuffing (Cheshire and Baker, 1999 §3): no zero but the one that ends the frame."""

    def __init__(self, checksum: Checksum | None) -> None:
        super().__init__(COBS_END)
        self.separator = b"\0"
        self._checksum = checksum

    def wrap(self, payload: bytes, *, spoilt: bool = False) -> bytes:
        """Each run of bytes that are not zero, with its length and one more before it."""
        stuffed = bytearray()
        runs = sealed(payload, self._checksum, spoilt=spoilt).split(b"\0")
        for i, run in enumerate(runs):
            left = run
            while len(left) > COBS_LONGEST_RUN or (len(left) == COBS_LONGEST_RUN and i < len(runs) - 1):
                stuffed += bytes([COBS_LONGEST_RUN + 1]) + left[:COBS_LONGEST_RUN]  # a full run implies no zero
                left = left[COBS_LONGEST_RUN:]
            stuffed += bytes([len(left) + 1]) + left
        return bytes(stuffed) + b"\0"

    def unwrap(self, frame: bytes) -> bytes | None:
        """The runs with the zeros between them put back."""
        bare = bytearray()
        at = 0
        while at < len(frame):
            code = frame[at]
            run = frame[at + 1 : at + code]
            if len(run) != code - 1:
                return None
            bare += run
            at += code
            if code <= COBS_LONGEST_RUN and at < len(frame):
                bare.append(0)
        return unsealed(bytes(bare), self._checksum)


class Slip(_Ended):
    """RFC 1055, with an END before each frame too, so that noise is a frame of its own."""

    def __init__(self, checksum: Checksum | None) -> None:
        super().__init__(SLIP_END[0])
        self.separator = SLIP_END
        self._checksum = checksum

    def wrap(self, payload: bytes, *, spoilt: bool = False) -> bytes:
        """The payload with END and ESC escaped."""
        bare = sealed(payload, self._checksum, spoilt=spoilt)
        escaped = bare.replace(SLIP_ESC, SLIP_ESC + SLIP_ESC_ESC).replace(SLIP_END, SLIP_ESC + SLIP_ESC_END)
        return SLIP_END + escaped + SLIP_END

    def unwrap(self, frame: bytes) -> bytes | None:
        """The payload; an ESC before anything but its two meanings is damage."""
        first, *rest = frame.split(SLIP_ESC)
        bare = bytearray(first)
        for piece in rest:
            meaning = {SLIP_ESC_END: SLIP_END, SLIP_ESC_ESC: SLIP_ESC}.get(piece[:1])
            if meaning is None:
                return None
            bare += meaning + piece[1:]
        return unsealed(bytes(bare), self._checksum)


class StxEtx:
    """STX, the payload, ETX; a DLE stands before each STX, ETX and DLE that is data."""

    separator = b""

    def __init__(self, checksum: Checksum | None) -> None:
        self.errors = 0
        self._checksum = checksum
        self._incoming: bytearray | None = None  # None outside of a frame
        self._escaped = False

    def wrap(self, payload: bytes, *, spoilt: bool = False) -> bytes:
        """The payload between STX and ETX."""
        wrapped = bytearray([STX])
        for byte in sealed(payload, self._checksum, spoilt=spoilt):
            if byte in (STX, ETX, DLE):
                wrapped.append(DLE)
            wrapped.append(byte)
        wrapped.append(ETX)
        return bytes(wrapped)

    def receive(self, received: bytes) -> list[bytes]:
        """The payloads that these bytes complete; bytes between frames are passed over."""
        payloads = []
        for byte in received:
            if self._incoming is None:
                if byte == STX:
                    self._incoming = bytearray()
            elif len(self._incoming) > LONGEST_PAYLOAD:
                self.errors += 1
                self.forget()
            elif self._escaped:
                self._escaped = False
                self._incoming.append(byte)
            elif byte == DLE:
                self._escaped = True
            elif byte == STX:
                self.errors += 1  # the frame before it has no end
                self._incoming.clear()
            elif byte == ETX:
                payload = unsealed(bytes(self._incoming), self._checksum)
                self._incoming = None
                if payload is None:
                    self.errors += 1
                else:
                    payloads.append(payload)
            else:
                self._incoming.append(byte)
        return payloads

    def forget(self) -> None:
        """Forgets a half-received frame."""
        self._incoming = None
        self._escaped = False
