"""A bare aiomqtt loop that only counts: `python -m benchmarks.peers.mqtt_counter PORT COUNT…`."""

from __future__ import annotations

import asyncio
import sys

import aiomqtt


async def main(port: int, marks: list[int]) -> None:
    """Prints each count of messages when it is reached, and ends after the last."""
    count = 0
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("bench/+/telemetry")
        print("ready", flush=True)
        async for _ in client.messages:
            count += 1
            if count == marks[0]:
                print(f"counted {marks.pop(0)}", flush=True)
                if not marks:
                    await asyncio.sleep(3600)  # until it is stopped: who measures looks at the process


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), [int(argument) for argument in sys.argv[2:]]))
