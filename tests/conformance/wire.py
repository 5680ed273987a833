"""Frames as a client may write them, right or wrong (RFC 6455 §5.2), and what a server makes of them."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from itertools import pairwise

import orjson

from tests.server.live import CLOSE, PING, PONG, TEXT, RawClient

CONTINUATION = 0x0
MASK = b"\x37\xfa\x21\x3d"  # any will do

Event = tuple[str, object]


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
    size: int | None = None,
    declared: int | None = None,
) -> bytes:
    """One frame: `reserved` are the three bits after FIN, `size` how many bytes the length takes (0, 2, 8)."""
    length = len(payload) if declared is None else declared
    if size is None:
        size = 0 if length < 126 else 2 if length < 65536 else 8
    short = {0: length, 2: 126, 8: 127}[size]
    head = bytes([final << 7 | reserved << 4 | opcode, (mask is not None) << 7 | short])
    head += {0: b"", 2: struct.pack("!H", length & 0xFFFF), 8: struct.pack("!Q", length)}[size]
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def fragments(payload: bytes, *cuts: int, between: bytes = b"", opcode: int = TEXT) -> bytes:
    """A message cut at these places, with `between` after every fragment but the last."""
    pieces = [payload[begin:end] for begin, end in pairwise((0, *cuts, len(payload)))]
    last = len(pieces) - 1
    return b"".join(
        frame(CONTINUATION if i else opcode, piece, final=i == last) + (between if i < last else b"")
        for i, piece in enumerate(pieces)
    )


def ping(id: str = "1", length: int = 0) -> bytes:
    """A request that is answered with one `pong` of this id, filled up to `length` bytes."""
    text = f'{{"type":"ping","id":"{id}"}}'.encode()
    return text[:-1] + b',"":"%b"}' % (b"x" * (length - len(text) - 6)) if length else text


def bye(code: int | None = None, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def event(opcode: int, payload: bytes) -> Event | None:
    """What a frame of the server says; None for what it says by itself."""
    if opcode == TEXT:
        message = orjson.loads(payload)
        if message["type"] in ("hello", "heartbeat"):
            return None
        return message["type"], message.get("code", message["id"])
    if opcode == PING:
        return None
    if opcode == PONG:
        return "control pong", payload
    return "close", int.from_bytes(payload[:2], "big") if payload else None


async def answers(client: RawClient) -> list[Event]:
    """What the server says until it hangs up, its close frame included, which a polite client answers."""
    found: list[Event] = []
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            said = event(*await client.frame())
            if said is not None:
                found.append(said)
            if said is not None and said[0] == "close":
                client.writer.write(bye(1000))
    return found


async def answers_before_fence(client: RawClient) -> list[Event]:
    """What the server says before it answers a last request, which shows that the connection stands."""
    client.writer.write(frame(TEXT, ping("fence")))
    found: list[Event] = []
    while (said := event(*await client.frame())) != ("pong", "fence"):
        if said is not None:
            found.append(said)
    return found
