"""The record of what simulated actuators did, for tests to look into."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from device_sims.kinds import Value

LOG_LENGTH = 10_000  # the newest actuations that are remembered


@dataclass(frozen=True, slots=True)
class Actuation:
    """One thing that an actuator did; `time` is monotonic, in seconds, `id` is the command's own."""

    id: object
    device: str
    point: str
    value: Value
    time: float


class ActuationLog:
    """The newest actuations, in order, and a way to wait for more."""

    def __init__(self) -> None:
        self.total = 0
        self._entries: deque[Actuation] = deque(maxlen=LOG_LENGTH)
        self._grown = asyncio.Event()

    def add(self, actuation: Actuation) -> None:
        """Records one."""
        self.total += 1
        self._entries.append(actuation)
        self._grown.set()

    def entries(self) -> list[Actuation]:
        """What is remembered, oldest first."""
        return list(self._entries)

    async def reached(self, count: int) -> list[Actuation]:
        """Waits until `count` actuations have happened since the start, and gives what is remembered."""
        while self.total < count:
            self._grown.clear()
            await self._grown.wait()
        return self.entries()
