"""The commands that wait for one device, and which of them is next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from gateway.commands.ledger import Command
from gateway.errors import RequestError

CAPACITY = 8  # commands waiting for one device; and as many urgent ones


class Lane:
    """First come, first served, but urgent commands before the others, and only the newest setpoint of a point."""

    __slots__ = ("_added", "_waiting", "task")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None  # that carries them out
        self._waiting: deque[Command] = deque()
        self._added = asyncio.Event()

    def __iter__(self) -> Iterator[Command]:
        return iter(tuple(self._waiting))

    def superseded_by(self, command: Command, *, is_action: bool) -> list[Command]:
        """The waiting commands that this one makes pointless: older values for the same point, not more urgent.

        Pressing a button twice is two actions: those are all carried out.
        """
        if is_action:
            return []
        return [w for w in self._waiting if w.point == command.point and w.urgent <= command.urgent]

    def check_room(self, command: Command, superseded: list[Command]) -> None:
        """Raises `rate_limited` where as many as may wait do; urgent ones have as many places of their own."""
        kept = (waiting for waiting in self._waiting if waiting not in superseded)
        if sum(waiting.urgent is command.urgent for waiting in kept) >= CAPACITY:
            raise RequestError("rate_limited", f"{CAPACITY} commands are waiting for {command.device}")

    def add(self, command: Command) -> None:
        """Queues it behind the last that is as urgent."""
        place = len(self._waiting)
        if command.urgent:
            place = sum(waiting.urgent for waiting in self._waiting)
        self._waiting.insert(place, command)
        self._added.set()

    def first(self) -> Command | None:
        """The next to be sent."""
        return self._waiting[0] if self._waiting else None

    def remove(self, command: Command) -> None:
        """Takes it out: it is being sent, or has ended."""
        self._waiting.remove(command)

    async def wait(self, seconds: float) -> None:
        """Waits, but not on when another command comes: it may be urgent."""
        self._added.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._added.wait()
