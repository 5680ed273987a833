"""WebSocket frames as bytes (RFC 6455 §5.2). A server's are not masked, so one frame serves every client."""

from __future__ import annotations

import struct

_TEXT = 0x81  # the last (and only) fragment of a text message
_CLOSE = 0x88
_PING = 0x89
_PONG = 0x8A

PING = bytes((_PING, 0))


def text_frame(payload: bytes) -> bytes:
    """A text message in one frame."""
    return _frame(_TEXT, payload)


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping of this payload (at most 125 bytes)."""
    return _frame(_PONG, payload)


def close_frame(code: int, reason: str) -> bytes:
    """A close frame; the reason is cut to what a control frame holds."""
    return _frame(_CLOSE, struct.pack("!H", code) + reason.encode()[:123])


def _frame(first: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload
