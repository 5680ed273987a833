"""A whole gateway in this process, on a free loopback port, and a WebSocket client that does nothing by itself."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from gateway.adapters.loopback import LoopbackAdapter
from gateway.app import Gateway
from gateway.config import Config
from gateway.model import Value
from tests.server.desk import DECLARED
from tests.server.fakes import Message

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


class Live:
    """A running gateway with the loopback devices `bench` and `attic`."""

    def __init__(self, gateway: Gateway, url: str, task: asyncio.Task[None]) -> None:
        self.gateway = gateway
        self.url = url
        self.ws_url = url.replace("http", "ws", 1) + "/ws"
        self.task = task

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def say(self, device: str, values: dict[str, Value]) -> None:
        """A device sends a reading."""
        adapter = self.gateway._adapters[device].adapter
        assert isinstance(adapter, LoopbackAdapter)
        adapter.receive(values)

    @property
    def connections(self) -> int:
        return len(self.gateway.server.sockets)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait((self.task,))


Serve = Callable[..., Awaitable[Live]]


@asynccontextmanager
async def serving() -> AsyncIterator[Serve]:
    """Starts gateways: `await serve(server={…}, auth={…})`."""
    started: list[Live] = []

    async def serve(**sections: Any) -> Live:
        audit = {"path": Path(folder, f"audit{len(started)}.db")}
        sections = {"gateway": {"name": "test"}, "adapters": _ADAPTERS, "devices": DECLARED, "audit": audit, **sections}
        sections["server"] = {"listen": "127.0.0.1:0", **sections.get("server", {})}
        gateway = Gateway(Config.model_validate(sections))
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(gateway.run(ready.set_result), name="gateway")
        await asyncio.wait((ready, task), return_when=asyncio.FIRST_COMPLETED)
        live = Live(gateway, ready.result(), task)
        started.append(live)
        return live

    with TemporaryDirectory(prefix="fieldgate-test-") as folder:
        try:
            yield serve
        finally:
            for live in started:
                await live.stop()


_ADAPTERS = [{"id": id, "type": "loopback"} for id in DECLARED]


class RawClient:
    """A WebSocket client over a bare socket: it answers nothing by itself, and reads only when asked to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, opcode: int, payload: bytes, *, final: bool = True) -> None:
        """One masked frame."""
        mask = os.urandom(4)
        length = len(payload)
        head = bytes([final << 7 | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 65536:
            head += b"\xfe" + length.to_bytes(2, "big")
        else:
            head += b"\xff" + length.to_bytes(8, "big")
        self.writer.write(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))
        await self.writer.drain()

    async def ask(self, type: str, **members: Any) -> None:
        await self.send(TEXT, orjson.dumps({"type": type, "id": 1, **members}))

    async def frame(self) -> tuple[int, bytes]:
        """The next frame of the server; IncompleteReadError at the end of the connection."""
        async with asyncio.timeout(10):
            first, second = await self._reader.readexactly(2)
            assert first & 0x80, "the server never fragments"
            assert second < 128, "the server never masks"
            size = {126: 2, 127: 8}.get(second, 0)
            length = int.from_bytes(await self._reader.readexactly(size), "big") if size else second
            return first & 0x0F, await self._reader.readexactly(length)

    async def message(self, kind: str) -> Message:
        """The next message of this type; others are passed over."""
        while True:
            opcode, payload = await self.frame()
            if opcode == TEXT and (message := orjson.loads(payload))["type"] == kind:
                assert isinstance(message, dict)
                return message

    async def rest(self) -> tuple[list[tuple[int, bytes]], int | None]:
        """All frames to the end of the connection, and the code of the close frame, which must be the last."""
        frames, code = [], None
        try:
            while True:
                opcode, payload = await self.frame()
                assert code is None, "a frame after the close frame"
                if opcode == CLOSE:
                    code = int.from_bytes(payload[:2], "big")
                frames.append((opcode, payload))
        except (asyncio.IncompleteReadError, ConnectionError):
            return frames, code


@asynccontextmanager
async def raw(live: Live, headers: Mapping[str, str] | None = None, *, limit: int = 2**20) -> AsyncIterator[RawClient]:
    """A client after the handshake; AssertionError with the answer where it fails.

    `limit` is in bytes: about twice as many are read from the socket before somebody asks for them.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port, limit=limit)
    try:
        sent = {
            "Host": f"127.0.0.1:{live.port}", "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            **(headers or {}),
        }  # fmt: skip
        writer.write(b"GET /ws HTTP/1.1\r\n" + b"".join(f"{n}: {v}\r\n".encode() for n, v in sent.items()) + b"\r\n")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        yield RawClient(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
