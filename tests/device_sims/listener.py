"""Whoever has a serial port open: reads lines and writes commands, with nothing but the operating system."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEADLINE = 5.0  # seconds


class Listener:
    """An open port; `chunks` are the reads as they came."""

    def __init__(self, descriptor: int) -> None:
        self.chunks: list[bytes] = []
        self.hung_up = asyncio.Event()
        self._descriptor = descriptor
        self._rest = b""
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()

    def readable(self) -> None:
        try:
            chunk = os.read(self._descriptor, 65536)
        except BlockingIOError:
            return
        except OSError:  # EIO: the other end is gone
            chunk = b""
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self.hung_up.set()
            return
        self.chunks.append(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._lines.put_nowait(line)

    async def line(self) -> bytes:
        """The next line, without its end."""
        async with asyncio.timeout(DEADLINE):
            return await self._lines.get()

    async def message(self) -> Any:
        """The JSON value in the next line."""
        return json.loads(await self.line())

    async def acknowledgement(self) -> Any:
        """The next line that is an acknowledgement; readings before it are passed over."""
        while "ack" not in (message := await self.message()):
            pass
        return message

    def write(self, written: bytes) -> int:
        """Writes what fits now; how many bytes that was."""
        try:
            return os.write(self._descriptor, written)
        except BlockingIOError:
            return 0

    def command(self, point: object, value: object, id: object = None, **more: object) -> None:
        self.write(json.dumps({"command": point, "value": value, "id": id, **more}).encode() + b"\n")


@contextmanager
def listening(link: Path) -> Iterator[Listener]:
    """Opens the port behind the link, and closes it."""
    descriptor = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    listener = Listener(descriptor)
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, listener.readable)
    try:
        yield listener
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
