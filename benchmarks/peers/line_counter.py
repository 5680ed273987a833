"""A bare loop that reads frames of a port and only counts: `python -m benchmarks.peers.line_counter PATH END COUNT…`.

END is the byte that ends a frame, in hex: 0a for lines.
"""

from __future__ import annotations

import asyncio
import sys

import serial_asyncio


async def main(path: str, end: bytes, marks: list[int]) -> None:
    """Prints each count of frames when it is reached, and ends after the last."""
    count = 0
    reader, _writer = await serial_asyncio.open_serial_connection(url=path, baudrate=115200)
    print("ready", flush=True)
    while await reader.readuntil(end):
        count += 1
        if count == marks[0]:
            print(f"counted {marks.pop(0)}", flush=True)
            if not marks:
                await asyncio.sleep(3600)  # until it is stopped: who measures looks at the process


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], bytes.fromhex(sys.argv[2]), [int(argument) for argument in sys.argv[3:]]))
