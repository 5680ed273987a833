"""A broker that says in its CONNACK and PUBACK what it is told to, and notes the packets that it gets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.mqtt.packing import length_of

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 12, 14  # packet types (MQTT 5 §2.1.2)


@dataclass
class Script:
    """`connacks` are what it answers to each CONNECT, the last again and again: a reason code and the properties.

    `puback` is the reason code that each message of QoS 1 gets; None: it gets no answer.
    """

    connacks: list[tuple[int, bytes]] = field(default_factory=lambda: [(0, b"")])
    puback: int | None = 0
    after_connack: bytes = b""
    got: list[tuple[int, bytes]] = field(default_factory=list)  # first byte, and what follows the length
    buffer: int | None = None  # bytes that the kernel keeps of what comes
    port: int = 0
    connections: int = 0
    level: int = 5

    def of_type(self, kind: int) -> list[tuple[int, bytes]]:
        """The packets of one type."""
        return [packet for packet in self.got if packet[0] >> 4 == kind]

    def answer(self, first: int, body: bytes) -> bytes:
        """What it says to a packet."""
        if first >> 4 == CONNECT:
            self.level = body[6]
            code, properties = self.connacks[min(self.connections, len(self.connacks)) - 1]
            told = bytes([0, code]) + (length_of(len(properties)) + properties if self.level == 5 else b"")
            return b"\x20" + length_of(len(told)) + told + self.after_connack
        if first >> 4 == PUBLISH and first & 6 and self.puback is not None:
            place = 2 + int.from_bytes(body[:2], "big")
            packet = body[place : place + 2]
            return b"\x40\x03" + packet + bytes([self.puback]) if self.level == 5 else b"\x40\x02" + packet
        if first >> 4 == SUBSCRIBE:
            granted = body[:2] + (b"\0" if self.level == 5 else b"") + b"\0"
            return bytes([0x90, len(granted)]) + granted
        return b"\xd0\0" if first >> 4 == PINGREQ else b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
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
                self.got.append((first, body))
                writer.write(self.answer(first, body))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"


@asynccontextmanager
async def playing(script: Script) -> AsyncIterator[Script]:
    """The script, while a broker on a free port follows it."""
    listening = socket.create_server(("127.0.0.1", 0))
    if script.buffer is not None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, script.buffer)
    script.port = listening.getsockname()[1]
    async with await asyncio.start_server(script.serve, sock=listening):
        yield script
