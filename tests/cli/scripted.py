"""A server that speaks `fieldgate.v1` by a script: for what a sound gateway does rarely, or never."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Script = Callable[["Conversation"], Awaitable[None]]


class Conversation:
    """One connection, seen from the server."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket

    async def hello(self, **members: Any) -> None:
        hello = {"type": "hello", "protocol": "fieldgate.v1", "heartbeat": 20, "auth": "ok"}
        await self.socket.send_json(hello | members)

    async def subscribed(self, cursor: str, *, recovered: bool = False) -> dict[str, Any]:
        """Answers the client's subscription and gives it."""
        request: dict[str, Any] = await self.socket.receive_json(timeout=5)
        await self.socket.send_json(
            {"type": "ok", "id": request["id"], "sub": "s1", "cursor": cursor, "recovered": recovered}
        )
        if not recovered:
            await self.send("snapshot", cursor=cursor, devices=[])
        return request

    async def send(self, kind: str, **members: Any) -> None:
        await self.socket.send_json({"type": kind, "sub": "s1", **members})

    async def update(self, prev: str, cursor: str, *values: int) -> None:
        readings = [{"device": "board", "time": 1.0, "values": {"n": value}} for value in values]
        await self.send("update", prev=prev, cursor=cursor, readings=readings)


class ScriptedGateway:
    """Plays the scripts one after the other, one a connection, and refuses more with 503."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.connections = 0
        app = web.Application()
        app.router.add_get("/ws", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        self.connections += 1
        if len(self._scripts) < self.connections:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(protocols=("fieldgate.v1",), timeout=0.5)
        await socket.prepare(request)
        await self._scripts[self.connections - 1](Conversation(socket))
        return socket
