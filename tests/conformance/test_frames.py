"""Framing, fragmentation, UTF-8, closing and limits, frame by frame: what each is answered with, and nothing besides.

Every short case is sent in one piece and byte by byte: where TCP cuts the stream must not matter.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from tests.conformance.wire import (
    CONTINUATION,
    Event,
    answers,
    answers_before_fence,
    bye,
    fragments,
    frame,
    ping,
)
from tests.server.live import BINARY, CLOSE, PING, PONG, TEXT, Live, Serve, raw

GREEK = ping("κόσμε")
LIMIT = 65536  # bytes of a message
_AT_ONCE = 32  # connections: a broken one is held for a second, so that its client can read why
ANSWERED: list[Event] = [("pong", "1")]


def closed(code: int | None, *before: Event) -> list[Event]:
    return [*before, ("close", code)]


# What is sent, and what is said to it. A connection that is not closed must answer one more request.
CASES: dict[str, tuple[bytes, list[Event]]] = {
    # ---- lengths
    **{f"a request of {n} bytes": (frame(TEXT, ping(length=n)), ANSWERED) for n in (125, 126, 127, 128, 1000)},
    "a length of 16 bits for a short payload": (frame(TEXT, ping(), size=2), ANSWERED),
    "a length of 64 bits for a short payload": (frame(TEXT, ping(), size=8), ANSWERED),
    "two requests in one segment": (frame(TEXT, ping()) + frame(TEXT, ping("2")), [("pong", "1"), ("pong", "2")]),
    "an empty text": (frame(TEXT), [("error", "bad_request")]),
    "a mask of zeros": (frame(TEXT, ping(), mask=bytes(4)), ANSWERED),
    # ---- fragments
    **{f"a request cut at byte {cut}": (fragments(ping(), cut), ANSWERED) for cut in range(len(ping()) + 1)},
    "a request of one byte a fragment": (fragments(ping(), *range(1, len(ping()))), ANSWERED),
    "a request with empty fragments": (fragments(ping(), 0, 0, 5, 5, 5), ANSWERED),
    "a ping between fragments": (
        fragments(ping(), 4, 9, between=frame(PING, b"?")),
        [("control pong", b"?"), ("control pong", b"?"), *ANSWERED],
    ),
    "a pong between fragments": (fragments(ping(), 4, 9, between=frame(PONG, b"!")), ANSWERED),
    "two cut requests in turn": (fragments(ping(), 5) + fragments(ping("2"), 7), [("pong", "1"), ("pong", "2")]),
    "a continuation of nothing": (frame(CONTINUATION, ping()), closed(1002)),
    "an unfinished continuation of nothing": (frame(CONTINUATION, ping(), final=False), closed(1002)),
    "a continuation after a whole message": (
        frame(TEXT, ping()) + frame(CONTINUATION, b"{}"),
        closed(1002, *ANSWERED),
    ),
    "a text amid a cut text": (frame(TEXT, b"{", final=False) + frame(TEXT, ping()), closed(1002)),
    "a binary amid a cut text": (frame(TEXT, b"{", final=False) + frame(BINARY, b"x"), closed(1002)),
    # ---- reserved bits and opcodes
    **{f"reserved bits {bits}": (frame(TEXT, ping(), reserved=bits), closed(1002)) for bits in range(1, 8)},
    **{f"reserved bits {bits} on a ping": (frame(PING, reserved=bits), closed(1002)) for bits in (1, 2, 4)},
    **{f"opcode {code}": (frame(code, b"x"), closed(1002)) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "a reserved opcode after a request": (frame(TEXT, ping()) + frame(3), closed(1002, *ANSWERED)),
    "a frame without a mask": (frame(TEXT, ping(), mask=None), closed(1002)),
    "a ping without a mask": (frame(PING, b"x", mask=None), closed(1002)),
    # ---- control frames
    **{f"a ping of {n} bytes": (frame(PING, b"p" * n), [("control pong", b"p" * n)]) for n in (0, 1, 124, 125)},
    "a ping that is no UTF-8": (frame(PING, b"\xff\x00\xfe"), [("control pong", b"\xff\x00\xfe")]),
    "ten pings": (
        b"".join(frame(PING, b"%d" % n) for n in range(10)),
        [("control pong", b"%d" % n) for n in range(10)],
    ),
    "a pong that nobody asked for": (frame(PONG, b"unasked"), []),
    "a ping of 126 bytes": (frame(PING, b"p" * 126), closed(1002)),
    "a pong of 126 bytes": (frame(PONG, b"p" * 126), closed(1002)),
    "a cut ping": (frame(PING, b"p", final=False), closed(1002)),
    "a cut pong": (frame(PONG, b"p", final=False), closed(1002)),
    "a cut close": (frame(CLOSE, b"\x03\xe8", final=False), closed(1002)),
    # ---- binary
    "an empty binary": (frame(BINARY), closed(1003)),
    "a binary request": (frame(BINARY, ping()), closed(1003)),
    "a cut binary": (fragments(ping(), 5, opcode=BINARY), closed(1003)),
    # ---- UTF-8
    **{f"letters cut at byte {cut}": (fragments(GREEK, cut), [("pong", "κόσμε")]) for cut in range(22, 34)},
    **{
        f"bad UTF-8 {bad.hex()}": (frame(TEXT, b'{"' + bad + b'":1}'), closed(1007))
        for bad in (
            b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc3", b"\xe0\x80\x80", b"\xe2\x82", b"\xed\xa0\x80",
            b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xfe", b"\xff",
        )
    },
    "bad UTF-8 over two fragments": (fragments(b'"\xce', 1, 2) + b"", closed(1007)),
    "a surrogate cut in two": (fragments(b'"\xed\xa0"', 2), closed(1007)),
    # ---- closing
    "a close without a code": (bye(), closed(1000)),
    **{
        f"a close with {code}": (bye(code), closed(code))
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4401, 4999)
    },
    **{
        f"a close with {code}": (bye(code), closed(1002))
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
    "a close with the longest reason": (bye(1000, b"r" * 123), closed(1000)),
    "a close with a reason too long": (bye(1000, b"r" * 124), closed(1002)),
    "a close of one byte": (frame(CLOSE, b"\x03"), closed(1002)),
    "a close whose reason is no UTF-8": (bye(1000, b"\xff"), closed(1007)),
    "a close amid a cut text": (frame(TEXT, b"{", final=False) + bye(1000), closed(1000)),
    "a request and a close": (frame(TEXT, ping()) + bye(1000), closed(1000, *ANSWERED)),
}  # fmt: skip

# What comes after the end of a conversation is passed over. Sent in one piece: whoever goes on writing to a socket that
# the other side has closed may lose what it had to read.
AFTER_THE_END: dict[str, tuple[bytes, list[Event]]] = {
    "a request after a close": (bye(1000) + frame(TEXT, ping()), closed(1000)),
    "a ping after a close": (bye(1000) + frame(PING), closed(1000)),
    "two closes": (bye(1000) + bye(1001), closed(1000)),
    "a request after a binary": (frame(BINARY) + frame(TEXT, ping()), closed(1003)),
}

# What byte by byte would only take long.
LONG: dict[str, tuple[bytes, list[Event]]] = {
    **{f"a request of {n} bytes": (frame(TEXT, ping(length=n)), ANSWERED) for n in (65535, LIMIT)},
    **{
        f"64 KiB in fragments of {n}": (fragments(ping(length=LIMIT), *range(n, LIMIT, n)), ANSWERED)
        for n in (64, 997, 1300, 32768, 65535)
    },
    "one byte too many": (frame(TEXT, ping(length=LIMIT + 1)), closed(1009)),
    "one byte too many as a binary": (frame(BINARY, bytes(LIMIT + 1)), closed(1009)),
    "one byte too many in its last fragment": (fragments(ping(length=LIMIT + 1), LIMIT), closed(1009)),
    "fragments without an end": (
        frame(TEXT, b"[" * 1000, final=False) + frame(CONTINUATION, b"[" * 1000, final=False) * 66,
        closed(1009),
    ),
    **{
        f"only the head of a frame of {n} bytes": (frame(TEXT, declared=n, size=8), closed(1009))
        for n in (LIMIT + 1, 2**20, 2**32, 2**62)
    },
    "a length with its highest bit set": (frame(TEXT, declared=2**63, size=8), closed(1002)),
}


@pytest.fixture
async def live(serve: Serve) -> Live:
    return await serve(server={"heartbeat": 60})


async def told(live: Live, sent: bytes, expected: list[Event], piece: int) -> list[Event]:
    async with raw(live) as client:
        await client.message("hello")
        for at in range(0, len(sent), piece):
            client.writer.write(sent[at : at + piece])
            await asyncio.sleep(0)  # the gateway lives in this loop: it has its turn with what came so far
        try:
            return await (answers if expected and expected[-1][0] == "close" else answers_before_fence)(client)
        except (AssertionError, TimeoutError, asyncio.IncompleteReadError) as error:
            return [("broken", repr(error))]


async def wrong(live: Live, cases: dict[str, tuple[bytes, list[Event]]], piece: int = 2**24) -> dict[str, list[Event]]:
    """What was said in the cases that are not answered as they should be."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(sent: bytes, expected: list[Event]) -> list[Event]:
        async with places:
            return await told(live, sent, expected, piece)

    found = await asyncio.gather(*(one(*case) for case in cases.values()))
    return {name: said for name, said in zip(cases, found, strict=True) if said not in allowed(cases[name][1])}


def allowed(expected: list[Event]) -> list[list[Event]]:
    """A broken frame may be seen before what came in one piece with it is answered."""
    last = expected[-1:]
    return [expected, last] if last == closed(1002) else [expected]


@pytest.mark.parametrize("piece", [2**20, 1], ids=["whole", "by bytes"])
async def test_frames_are_answered_as_the_protocol_says(live: Live, piece: int) -> None:
    assert await wrong(live, CASES, piece) == {}


async def test_nothing_is_said_after_the_end(live: Live) -> None:
    assert await wrong(live, AFTER_THE_END) == {}


async def test_long_messages_are_answered_or_refused(live: Live) -> None:
    assert await wrong(live, LONG) == {}


async def test_compression_is_never_agreed_on(live: Live) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame\r\n\r\n"
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert head.startswith(b"HTTP/1.1 101")
    assert b"extensions" not in head.lower()
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head  # RFC 6455 §1.3
    writer.close()
    await writer.wait_closed()


GOOD = {
    "Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"Upgrade": None},
        {"Upgrade": "h2c"},
        {"Connection": "keep-alive"},
        {"Sec-WebSocket-Version": "12"},
        {"Sec-WebSocket-Version": None},
        {"Sec-WebSocket-Key": None},
        {"Sec-WebSocket-Key": "short"},
    ],
    ids=str,
)
async def test_a_broken_handshake_is_no_websocket(live: Live, change: dict[str, Any]) -> None:
    headers = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(b"GET /ws HTTP/1.1\r\n" + b"".join(f"{n}: {v}\r\n".encode() for n, v in headers.items()) + b"\r\n")
    status = await asyncio.wait_for(reader.readline(), 10)
    assert status.split()[1] in (b"400", b"426"), status
    assert live.connections == 0
    writer.close()
    await writer.wait_closed()


def test_the_frames_are_cut_as_the_table_says() -> None:
    whole = frame(TEXT, ping())
    assert whole[2:6] == b"\x37\xfa\x21\x3d"
    assert fragments(ping()) == whole
    assert len(fragments(ping(), 3)) == len(whole) + 6
    assert [len(ping(length=n)) for n in (125, LIMIT)] == [125, LIMIT]
    assert [end - begin for begin, end in pairwise((0, 4, 9))] == [4, 5]
