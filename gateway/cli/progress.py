"""What a command that takes its time says of how far it is, on standard error."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from gateway.cli.console import plain, say


class Progress:
    """A line that changes in place on a terminal; in a pipe one line every `every` seconds."""

    def __init__(self, every: float = 10.0) -> None:
        self._every = every
        self._said = time.monotonic()
        console = Console(stderr=True, highlight=False, markup=False)
        self._status: Status | None = Status("", console=console) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._status is not None:
            with suppress(OSError):  # the terminal was closed
                self._status.stop()

    def show(self, text: str) -> None:
        """How far it is now."""
        if self._status is not None:
            self._status.update(plain(text))
        elif time.monotonic() - self._said >= self._every:
            self.note(text)

    def note(self, text: str) -> None:
        """Something that stays to be read, in a pipe and on a terminal."""
        self._said = time.monotonic()
        if self._status is not None:
            self._status.console.print(plain(text), soft_wrap=True)  # above the line that changes
        else:
            say(text)
