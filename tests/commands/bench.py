"""A bench with two boards whose wires are lists, a router, and time that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.bus import Devices, Link, Log
from gateway.commands import Command, Commands, Ledger, State
from gateway.config.models import DeviceSection
from gateway.errors import RequestError
from gateway.model import Acknowledgement, Identity, Outgoing, Sample, Value
from tests.parts.waiting import eventually

PANEL = Identity("panel", ("*",), ("*",))
POINTS = {
    "fan": {"type": "boolean", "writable": True, "confirm": "verified"},
    "level": {"type": "number", "writable": True, "scale": 0.1, "confirm": "verified", "max": 100},
    "reset": {"type": "action", "writable": True, "confirm": "acked"},
    "lamp": {"type": "boolean", "writable": True, "confirm": "sent"},
}


class Board:
    """An adapter whose wire is a list, and whose device answers when the test says so."""

    def __init__(self, bench: Bench, id: str) -> None:
        self.answer_timeout = 10.0
        self.written: list[Outgoing] = []
        self.hold: Callable[[], Awaitable[None]] | None = None  # awaited before a write ends
        self._bench = bench
        self.link = Link(
            id,
            bench.devices,
            single=True,
            acknowledge=bench.commands.acknowledged,
            lost=bench.commands.link_lost,
        )
        self.link.up()
        self.link.available(None, online=True)

    async def write(self, command: Outgoing) -> None:
        if self.hold is not None:
            await self.hold()
        self.written.append(command)

    def answer(self, *, ok: bool = True, error: str | None = None, id: int | None = None) -> None:
        self.link.acknowledged(Acknowledgement(self.written[-1].id if id is None else id, ok, error))

    def show(self, *, retained: bool = False, **values: Value) -> None:
        self.link.receive(None, Sample(dict(values)), retained=retained)


class Bench:
    """Two boards and a router, with time that the test moves."""

    def __init__(self) -> None:
        self.monotonic = 100.0
        declared = {id: DeviceSection.model_validate({"points": POINTS}) for id in ("bench", "attic")}
        self.devices = Devices(Log(1000, 600.0), declared)
        self.commands = Commands(
            self.devices, Ledger(monotonic=lambda: self.monotonic), monotonic=lambda: self.monotonic
        )
        self.board, self.attic = Board(self, "bench"), Board(self, "attic")
        self.commands.writers |= {"bench": self.board, "attic": self.attic}
        self.task = asyncio.create_task(self.commands.run(), name="commands")

    def submit(self, point: str = "reset", value: Value = None, device: str = "bench", **rest: Any) -> Command:
        return self.commands.submit(PANEL, device=device, point=point, value=value, **rest)

    async def sent(self, point: str = "reset", value: Value = None, **rest: Any) -> Command:
        """A command that was written and waits for its proof."""
        command = self.submit(point, value, **rest)
        await eventually(lambda: command.state is State.SENT)
        return command

    def refused(self, *args: Any, **rest: Any) -> str:
        with pytest.raises(RequestError) as caught:
            self.submit(*args, **rest)
        return caught.value.code

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait((self.task,))
        assert self.commands._flights == {}
        assert self.commands._by_device == {}
        assert self.commands._lanes == {}


async def end(command: Command) -> tuple[str, str | None, str | None]:
    """State, outcome and detail once it is final."""
    async with asyncio.timeout(5):
        await Commands.finished(command)
    assert command.watchers == []
    return command.state.value, command.outcome, command.detail
