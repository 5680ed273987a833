"""A broker that does what Mosquitto does not: refuses subscriptions, or says what no broker may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CONNECT, PUBLISH, SUBSCRIBE = 1, 3, 8  # packet types (MQTT 5 §2.1.2)
NOT_AUTHORIZED = {5: 0x87, 4: 0x80}  # by protocol level; 3.1.1 knows only "failure"


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, says: bytes | None, refused: bytes | None
) -> None:
    level = 5
    try:
        while True:
            (first,) = await reader.readexactly(1)
            length = shift = 0
            while True:
                (part,) = await reader.readexactly(1)
                length |= (part & 0x7F) << shift
                shift += 7
                if part < 0x80:
                    break
            body = await reader.readexactly(length)
            properties = b"\0" if level == 5 else b""
            if first >> 4 == CONNECT:
                level = body[6]
                writer.write(b"\x20\x03\0\0\0" if level == 5 else b"\x20\x02\0\0")
            elif first >> 4 == PUBLISH and first & 6:
                place = 2 + int.from_bytes(body[:2], "big")
                writer.write(b"\x40\x02" + body[place : place + 2])
            elif first >> 4 == SUBSCRIBE:
                grants = says is not None and (refused is None or refused not in body)
                answer = body[:2] + properties + bytes([1 if grants else NOT_AUTHORIZED[level]])
                writer.write(bytes([0x90, len(answer)]) + answer + (says or b""))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def published(topic: bytes, payload: bytes, level: int, packet: int | None = None) -> bytes:
    """A short PUBLISH, with quality 1 where it has a packet id (MQTT 5 §3.3)."""
    body = len(topic).to_bytes(2, "big") + topic
    body += (packet.to_bytes(2, "big") if packet else b"") + (b"\0" if level == 5 else b"") + payload
    assert len(body) < 128
    return bytes([0x32 if packet else 0x30, len(body)]) + body


@asynccontextmanager
async def scripted_broker(says: bytes | None = None, refused: bytes | None = None) -> AsyncIterator[int]:
    """The port that it listens on.

    It grants each subscription, but not those to what contains `refused`, and then says these bytes; or refuses each.
    """
    server = await asyncio.start_server(lambda reader, writer: _serve(reader, writer, says, refused), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
