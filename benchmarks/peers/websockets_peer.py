"""`websockets.broadcast`: encodes once, and writes to every socket.

`python -m benchmarks.peers.websockets_peer PORT BROKER_PORT`
"""

# The extra `bench` has this library; without it, the types are checked without it.
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import asyncio
import json
import sys
import time

import aiomqtt
from websockets.asyncio.server import ServerConnection, broadcast, serve

connections: set[ServerConnection] = set()


async def keep(connection: ServerConnection) -> None:
    """A dashboard."""
    connections.add(connection)
    try:
        await connection.wait_closed()
    finally:
        connections.discard(connection)


async def main(port: int, broker_port: int) -> None:
    """Every message of the broker goes to everyone."""
    async with (
        # No pings: the load's clients do not look for them. No compression: nobody else here compresses.
        serve(keep, "127.0.0.1", port, ping_interval=None, compression=None, backlog=2048),
        aiomqtt.Client("127.0.0.1", broker_port) as client,
    ):
        await client.subscribe("bench/+/telemetry")
        print("ready", flush=True)
        async for message in client.messages:
            device = str(message.topic).split("/")[1]
            assert isinstance(message.payload, bytes)
            reading = {"device": device, "time": time.time(), "values": json.loads(message.payload)}
            broadcast(connections, json.dumps(reading, separators=(",", ":")))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
