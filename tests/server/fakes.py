"""Stand-ins for what lies outside the server's pure parts: a clock that a test moves, and a frame reader of its own."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

Message = dict[str, Any]


@dataclass(order=True)
class Due:
    """A call that is due."""

    when: float
    number: int
    callback: Callable[..., None] = field(compare=False)
    args: tuple[Any, ...] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """Time that passes only by `advance`, and by `grain` seconds whenever somebody looks at it."""

    def __init__(self, grain: float = 0.0) -> None:
        self.now = 1000.0
        self.grain = grain
        self.calls: list[Due] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        self.now += self.grain
        return self.now

    def call_at(self, when: float, callback: Callable[..., None], *args: Any) -> Due:
        due = Due(when, next(self._numbers), callback, args)
        heapq.heappush(self.calls, due)
        return due

    def advance(self, seconds: float = 0.0) -> None:
        """Makes the calls that are due within so many seconds, each at its time."""
        end = self.now + seconds
        for _ in range(1_000_000):
            if not self.calls or self.calls[0].when > max(end, self.now):
                break
            due = heapq.heappop(self.calls)
            if not due.cancelled:
                self.now = max(self.now, due.when)
                due.callback(*due.args)
        else:
            raise AssertionError("the calls never end")
        self.now = max(self.now, end)

    @property
    def pending(self) -> int:
        """How many calls wait."""
        return sum(not due.cancelled for due in self.calls)


def payload_of(frame: bytes) -> bytes:
    """The payload of exactly one unmasked text frame (RFC 6455 §5.2), read without the gateway's code."""
    assert frame[0] == 0x81, "one final text frame"
    length, start = frame[1], 2
    assert length < 128, "a server's frames are not masked"
    if length >= 126:
        size = 2 if length == 126 else 8
        length, start = int.from_bytes(frame[2 : 2 + size], "big"), 2 + size
        assert length >= (126 if size == 2 else 65536), "the shortest form of the length"
    assert len(frame) == start + length, "all of the frame, and nothing behind it"
    return frame[start:]


def message_of(frame: bytes) -> Message:
    """The message of one frame; orjson refuses what is not strict JSON."""
    message = orjson.loads(payload_of(frame))
    assert isinstance(message, dict)
    return message


class FakePeer:
    """A connection that keeps what is written to it; `held` is its settable backlog in bytes."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.held = 0
        self.closed: int | None = None
        self.closes: list[int] = []

    def write(self, frame: bytes) -> None:
        message = message_of(frame)
        if self.closed is None:
            self.messages.append(message)

    def backlog(self) -> int:
        return self.held

    def close(self, code: int, reason: str) -> None:
        self.closes.append(code)
        if self.closed is None:
            self.closed = code

    def take(self, kind: str | None = None) -> list[Message]:
        """The messages so far, of this type or of all, which are then gone."""
        taken = [message for message in self.messages if kind in (None, message["type"])]
        self.messages = [message for message in self.messages if message not in taken]
        return taken
