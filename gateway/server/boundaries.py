"""Where the frames and messages of a client begin and end (RFC 6455 §5), without a socket."""

from __future__ import annotations

_FINAL = 0x80  # of the first byte: the last fragment of its message
_RESERVED = 0x70  # of the first byte: bits that only extensions use, and there are none
_CONTROL = 0x08  # of the opcode: close, ping, pong and what is reserved behind them
_MASKED = 0x80  # of the second byte; a client's frames must be
_CLOSE, _PONG = 0x8, 0xA
_LONGEST_HEADER = 14  # bytes

Fault = tuple[int, str]  # the close code that it deserves, and the reason

_BROKEN = 1002
_TOO_LARGE = 1009


class Boundaries:
    """Follows one client's frames by their headers; payloads pass by unseen.

    `since` is when the message or frame began that is not complete yet, None where there is none. `fault` is what is
    wrong with a header; nothing is understood after it. `goodbye` tells that a close frame came.
    """

    __slots__ = ("_header", "_left", "_open", "_size", "fault", "goodbye", "since")

    def __init__(self) -> None:
        self._header = b""  # as much as came of one that is incomplete
        self._left = 0  # bytes of the frame's payload that are still to come
        self._open = False  # more fragments of the message follow this frame
        self._size = 0  # bytes that the message's headers declared so far
        self.since: float | None = None
        self.fault: Fault | None = None
        self.goodbye = False

    @property
    def is_between(self) -> bool:
        """Whether there is nothing to remember: all messages are complete, and none of them was the last."""
        return self.since is None and self.fault is None and not self.goodbye

    @property
    def is_broken(self) -> bool:
        """Whether a header was wrong."""
        return self.fault is not None

    def receive_data(self, data: bytes, now: float, limit: int) -> int:
        """Takes the next bytes, and returns how many of them end the last frame that is whole; 0 where none is.

        A message may hold `limit` bytes. `now` is in seconds of any clock that does not jump.
        """
        position = whole = 0
        while position < len(data) and self.fault is None:
            if self.since is None:
                self.since = now
            if self._left:
                taken = min(self._left, len(data) - position)
                self._left -= taken
                position += taken
            else:
                known = len(self._header)
                header = self._header + data[position : position + _LONGEST_HEADER - known]
                size = _size_of(header)
                if len(header) < size:
                    self._header = header
                    break
                self._header = b""
                self._begin(header[:size], limit)
                position += size - known
            if not self._left and self.fault is None:
                whole = position
                if not self._open:
                    self.since = None
                    self._size = 0
        return whole

    def _begin(self, header: bytes, limit: int) -> None:
        """A frame begins: what follows from its header, or what is wrong with it."""
        opcode, final = header[0] & 0x0F, bool(header[0] & _FINAL)
        length = _length_of(header)
        if header[0] & _RESERVED:
            self.fault = _BROKEN, "reserved bits"
        elif not header[1] & _MASKED:
            self.fault = _BROKEN, "a frame without a mask"
        elif opcode & _CONTROL:
            if opcode > _PONG:
                self.fault = _BROKEN, "unknown opcode"
            elif not final or length > 125:
                self.fault = _BROKEN, "a control frame in parts or too long"
            self.goodbye |= opcode == _CLOSE
        elif opcode > 2:
            self.fault = _BROKEN, "unknown opcode"
        elif (opcode == 0) is not self._open:
            self.fault = _BROKEN, "fragments out of order"
        elif length >> 63:
            self.fault = _BROKEN, "impossible length"
        else:
            self._size += length
            self._open = not final
            if self._size > limit:
                self.fault = _TOO_LARGE, f"a message holds at most {limit} bytes"
        self._left = length


def _size_of(header: bytes) -> int:
    """Bytes of a whole header, as far as its beginning tells."""
    if len(header) < 2:
        return 2
    return 2 + {126: 2, 127: 8}.get(header[1] & 0x7F, 0) + (4 if header[1] & _MASKED else 0)


def _length_of(header: bytes) -> int:
    """The length of the payload that a whole header declares."""
    short = header[1] & 0x7F
    if short < 126:
        return short
    return int.from_bytes(header[2 : 4 if short == 126 else 10], "big")
