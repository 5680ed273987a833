"""A dashboard server as FastAPI's own guide writes it: a list of sockets, and `await send_json` to each in turn.

`python -m benchmarks.peers.fastapi_peer PORT BROKER_PORT`
"""

# The extra `bench` has these libraries; without it, the types are checked without them.
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiomqtt
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect


class ConnectionManager:
    """All sockets, in one list."""

    def __init__(self) -> None:
        self.active: list[WebSocket] = []

    async def connect(self, socket: WebSocket) -> None:
        """Takes a socket in."""
        await socket.accept()
        self.active.append(socket)

    async def broadcast(self, message: dict[str, Any]) -> None:
        """Sends to each, one after the other."""
        for socket in list(self.active):
            with suppress(WebSocketDisconnect, RuntimeError):
                await socket.send_json(message)


manager = ConnectionManager()
broker_port = int(sys.argv[2]) if len(sys.argv) > 2 else 1883


async def forward() -> None:
    """Every message of the broker goes to everyone."""
    async with aiomqtt.Client("127.0.0.1", broker_port) as client:
        await client.subscribe("bench/+/telemetry")
        print("ready", flush=True)
        async for message in client.messages:
            device = str(message.topic).split("/")[1]
            assert isinstance(message.payload, bytes)
            await manager.broadcast({"device": device, "time": time.time(), "values": json.loads(message.payload)})


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Forwards while the server runs."""
    task = asyncio.create_task(forward(), name="forward")
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


async def endpoint(socket: WebSocket) -> None:
    """A dashboard."""
    await manager.connect(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        manager.active.remove(socket)


app.add_api_websocket_route("/ws", endpoint)


if __name__ == "__main__":
    # No pings: the load's clients do not look for them. No compression: nobody else here compresses.
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        backlog=2048,
    )
