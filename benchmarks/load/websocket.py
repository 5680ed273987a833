"""What a client says on a WebSocket, as bytes (RFC 6455)."""

from __future__ import annotations

import struct

_MASK = bytes(4)  # a key of zeros masks nothing: legal, and free (§5.3)
# An unasked-for pong keeps the connection alive (§5.5.3), so that nobody has to look for pings.
PONG = b"\x8a\x80" + _MASK
TEXT = 0x81
BINARY = 0x82


def upgrade(host: str, path: str, protocol: str | None, token: str = "") -> bytes:
    """The opening handshake (§4.1)."""
    offered = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
    offered += f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n"
    ).encode()


def frame(first: int, payload: bytes) -> bytes:
    """A masked frame; `first` is TEXT or BINARY (§5.2)."""
    length = len(payload)
    if length < 126:
        return bytes((first, 0x80 | length)) + _MASK + payload
    return struct.pack("!BBH", first, 0x80 | 126, length) + _MASK + payload
