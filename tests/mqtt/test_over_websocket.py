"""A WebSocket whose server cuts, pings and ends as it likes."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.mqtt.packing import publish
from tests.mqtt.talking import refused, talking
from tests.parts.waiting import eventually

CONNACK = b"\x20\x03\0\0\0"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3

Serve = Callable[["Server"], Awaitable[None]]


class Server:
    """The server's side of one connection, once it is a WebSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes) -> None:
        self.reader = reader
        self.writer = writer
        self.answer = answer  # to the upgrade

    async def write(self, data: bytes) -> None:
        """As a piece of its own, as far as the kernel can be made to."""
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0.005)

    async def frame(self) -> tuple[int, bytes]:
        """First byte and payload of the client's next frame, which is a short one here."""
        first, size = await self.reader.readexactly(2)
        assert size & 0x80, "it is masked"
        mask = await self.reader.readexactly(4)
        data = await self.reader.readexactly(size & 0x7F)
        return first, bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    """The URL of a server whose connections are served so."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        (key,) = [line.split(b": ")[1] for line in head if line.startswith(b"Sec-WebSocket-Key: ")]
        proof = base64.b64encode(hashlib.sha1(key + GUID).digest())  # noqa: S324  as the standard has it
        answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        answer += b"Sec-WebSocket-Accept: " + proof + b"\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
        try:
            await serve(Server(reader, writer, answer))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/mqtt"


def framed(payload: bytes, first: int = 0x82) -> bytes:
    """A short frame as a server writes it."""
    return bytes((first, len(payload))) + payload


async def test_pings_are_answered_and_frames_may_be_cut_anywhere() -> None:
    pongs = []

    async def serve(server: Server) -> None:
        await server.write(server.answer)
        assert (await server.frame())[1][0] == 0x10, "CONNECT"
        await server.write(framed(CONNACK[:2], 0x02))
        await server.write(framed(b"one", 0x89))
        pongs.append(await server.frame())
        await server.write(framed(CONNACK[2:], 0x80))
        for byte in framed(publish(b"a", b"1")) + framed(b"two", 0x89):
            await server.write(bytes([byte]))
        pongs.append(await server.frame())
        await server.reader.read()

    async with serving(serve) as url, talking(url) as talk:
        assert await talk.until(1) == [("a", b"1", False)]
        await eventually(lambda: len(pongs) == 2, 5, "the second answer")
    assert pongs == [(0x8A, b"one"), (0x8A, b"two")]


async def test_what_comes_with_the_answer_to_the_upgrade_is_not_lost() -> None:
    async def serve(server: Server) -> None:
        await server.write(server.answer + framed(CONNACK) + framed(publish(b"a", b"1")))
        await server.reader.read()

    async with serving(serve) as url, talking(url) as talk:
        assert await talk.until(1) == [("a", b"1", False)]


async def test_a_goodbye_ends_the_connection_although_the_socket_stays_open() -> None:
    async def serve(server: Server) -> None:
        await server.write(server.answer)
        await server.frame()
        await server.write(framed(CONNACK))
        await server.write(framed(publish(b"a", b"1")) + framed(b"\x03\xe9", 0x88))
        await server.reader.read()

    async with serving(serve) as url, talking(url) as talk:
        async with asyncio.timeout(1):
            assert (await talk.lost()).endswith(": it closed the connection")
        assert talk.came == [("a", b"1", False)]


async def test_frames_that_are_none_of_mqtt_end_the_connection() -> None:
    async def serve(server: Server) -> None:
        await server.write(server.answer)
        await server.frame()
        await server.write(framed(CONNACK))
        await server.write(framed(b"hello", 0x81))
        await server.reader.read()

    async with serving(serve) as url, talking(url) as talk:
        assert (await talk.lost()).endswith(": it sends WebSocket frames that are none of MQTT")


async def test_an_answer_without_an_end_is_not_kept() -> None:
    async def serve(server: Server) -> None:
        await server.write(b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 10_000)
        await server.reader.read()

    async with serving(serve) as url:
        assert (await refused(url)).endswith(": its answer is that of no WebSocket")
