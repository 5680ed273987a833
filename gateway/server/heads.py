"""Where the requests of an HTTP/1 connection begin and end (RFC 9112 §2, §6), without a socket."""

from __future__ import annotations

import re

MAX_HEAD = 16 * 1024  # bytes of a request line and all headers, and of what waits behind a request

_END = re.compile(rb"\n\r?\n")  # a lone line feed is wrong; that is said sooner where the head is seen to end
_LENGTH = re.compile(rb"\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r", re.IGNORECASE)
_CODED = re.compile(rb"\ntransfer-encoding[ \t]*:", re.IGNORECASE)


class Heads:
    """Passes on whole heads and their bodies, one request at a time; the next waits until the last is answered.

    `since` is when the head began that is not complete yet, or the connection; None where none has begun. `too_large`
    tells that more came than a head may hold; nothing is passed on after it.
    """

    __slots__ = ("_answered", "_held", "_left", "_searched", "_unsent", "_unsent_since", "since", "too_large")

    def __init__(self, now: float) -> None:
        self._held = bytearray()
        self._searched = 0  # bytes of it without an end of a head
        self._left: int | None = 0  # bytes of the body to come; None where only the library can tell
        self._answered = True
        self._unsent = 0  # bytes of answers that the client did not take yet
        self._unsent_since = now
        self.since: float | None = now
        self.too_large = False

    @property
    def begun(self) -> bool:
        """Whether a part of a head has come."""
        return bool(self._held)

    @property
    def under_way(self) -> bool:
        """Whether a request is not answered yet."""
        return not self._answered

    def receive_data(self, data: bytes, now: float) -> bytes:
        """Takes the next bytes, and returns those that may be passed on."""
        if self._left is None:
            return data
        passed = b""
        if self._left:
            passed, data = data[: self._left], data[self._left :]
            self._left -= len(passed)
        self._held += data
        return passed + self._next(now)

    def answered(self, now: float) -> bytes:
        """The request was answered: what may be passed on of the next."""
        self._answered = True
        return self._next(now)

    def rest(self) -> bytes:
        """What came behind the last head, once no other is to follow."""
        rest, self._held = bytes(self._held), bytearray()
        return rest

    def is_stuck(self, unsent: int, now: float, patience: float) -> bool:
        """Whether the client took nothing of its answers for so many seconds; `unsent` is in bytes."""
        if not unsent or unsent < self._unsent:
            self._unsent_since = now
        self._unsent = unsent
        return now - self._unsent_since > patience

    def _next(self, now: float) -> bytes:
        """The next head, and what there is of its body."""
        if self._left == 0 and self._answered and not self.too_large:
            blank = len(self._held) - len(self._held.lstrip(b"\r\n"))
            del self._held[:blank]
            if self._held and self.since is None:
                self.since = now
            if self._held[:1] and not self._held[:1].isupper():
                self._left = None  # this is not HTTP, and the library will say so
                self.since = None
                return self.rest()
            if end := _END.search(self._held, self._searched):
                return self._pass(end.end())
            self._searched = max(0, len(self._held) - 2)
        self.too_large |= len(self._held) > MAX_HEAD
        return b""

    def _pass(self, end: int) -> bytes:
        """The head that ends there, and what there is of its body."""
        self._searched = 0
        if end > MAX_HEAD:
            self.too_large = True
            return b""
        head = bytes(self._held[:end])
        self.since = None
        self._answered = False
        if _CODED.search(head):
            self._left = None
            return self.rest()
        length = _LENGTH.search(head)
        self._left = int(length[1]) if length else 0
        stop = min(len(self._held), end + self._left)
        self._left -= stop - end
        passed = bytes(self._held[:stop])
        del self._held[:stop]
        self.too_large = len(self._held) > MAX_HEAD
        return passed
