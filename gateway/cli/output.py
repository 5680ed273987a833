"""Standard output as lines, to a terminal or to a pipe whose reader may go."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Sequence

from gateway.errors import FieldgateError


class OutputClosedError(FieldgateError):
    """Nobody reads standard output any more."""


class Output:
    """Lines to standard output. A character that its encoding lacks is written as an escape."""

    def __init__(self) -> None:
        self._file = sys.stdout
        self.is_terminal = self._file.isatty()
        if reconfigure := getattr(self._file, "reconfigure", None):
            reconfigure(errors="backslashreplace")

    def write(self, lines: Sequence[str]) -> None:
        """Writes lines at once; waits for a slow reader; raises OutputClosedError where there is none."""
        if not lines:
            return
        try:
            self._file.write("\n".join(lines) + "\n")
            self._file.flush()
        except OSError as error:  # EPIPE of a pipe, EIO of a terminal that was closed
            self.abandon()
            raise OutputClosedError("standard output is closed") from error

    async def closed(self) -> None:
        """Returns once the reader of the pipe has gone, and never where standard output is no pipe."""
        loop = asyncio.get_running_loop()
        gone = loop.create_future()
        try:
            descriptor = self._file.fileno()
            watched = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
        except OSError:  # it has no descriptor
            watched = False
        if watched:
            # The writing end is never readable: what is reported is that the other end was closed.
            loop.add_reader(descriptor, _finish, gone)
        try:
            await gone
        finally:
            if watched:
                loop.remove_reader(descriptor)

    def abandon(self) -> None:
        """Lets what was not written go, so that the interpreter does not try it again at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)


def _finish(gone: asyncio.Future[None]) -> None:
    if not gone.done():
        gone.set_result(None)
