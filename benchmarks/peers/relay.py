"""The bare relay: each line of a serial port goes to every WebSocket. `python -m benchmarks.peers.relay PATH PORT`"""

from __future__ import annotations

import asyncio
import sys

import serial_asyncio
from aiohttp import web

sockets: set[web.WebSocketResponse] = set()


async def endpoint(request: web.Request) -> web.WebSocketResponse:
    """A dashboard."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    sockets.add(socket)
    try:
        async for _ in socket:
            pass
    finally:
        sockets.discard(socket)
    return socket


async def main(path: str, port: int) -> None:
    """Relays until it is stopped."""
    app = web.Application()
    app.router.add_get("/ws", endpoint)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    reader, _writer = await serial_asyncio.open_serial_connection(url=path, baudrate=115200)
    print("ready", flush=True)
    while line := await reader.readline():
        for socket in list(sockets):
            await socket.send_str(line.decode().rstrip())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
