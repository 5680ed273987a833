"""The file of a recording, written off the event loop: whole lines only, and never more than it may hold."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from gateway.recordings import RecordingError


class RecordingFile:
    """A new file of at most `limit` bytes, to which lines are added at once, and written soon after."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._waiting: list[bytes] = []
        self._some = asyncio.Event()
        self._written = 0
        self.size = 0  # bytes, with those that are not written yet
        self._descriptor = -1
        self.full = asyncio.Event()  # a line had no room any more

    def create(self) -> None:
        """Creates the file; raises RecordingError, also where it exists."""
        try:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise RecordingError(f"{self._path} cannot be written: {_plainly(error)}") from error

    def add(self, line: bytes) -> bool:
        """Adds a line, unless that would be more than the file may hold; returns whether it did."""
        if self.full.is_set() or self.size + len(line) > self._limit:
            self.full.set()
            return False
        self.size += len(line)
        self._waiting.append(line)
        self._some.set()
        return True

    async def run(self) -> None:
        """Writes what is added, until cancelled; raises RecordingError where the disk takes no more."""
        while True:
            await self._some.wait()
            self._some.clear()
            lines, self._waiting = self._waiting, []
            # Not left alone where this is cancelled: two threads would mix their lines.
            writing = asyncio.ensure_future(asyncio.to_thread(self._write, b"".join(lines)))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing
                raise

    def close(self) -> None:
        """Writes the rest; raises RecordingError where the disk does not take it. The file ends with a whole line."""
        try:
            self._write(b"".join(self._waiting))
            self._sync()
        finally:
            self._waiting.clear()
            os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            with suppress(OSError):  # a file system that is gone
                os.ftruncate(self._descriptor, self._written)
            raise RecordingError(f"{self._path} cannot be written any further: {_plainly(error)}") from error
        self._written += len(data)

    def _sync(self) -> None:
        with suppress(OSError):  # of a pipe, which has no disk
            os.fsync(self._descriptor)


def _plainly(error: OSError) -> str:
    if isinstance(error, FileExistsError):
        return "it exists already, and is not overwritten"
    return (error.strerror or str(error)).lower()
