"""A bench with two boards whose wires are lists, a router, and time that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.audit.audit import NoAudit
from gateway.bus import Devices, Link, Log
from gateway.commands import Asked, Command, Commands, Ledger, Sender, State
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
    "stop": {"type": "action", "writable": True, "confirm": "sent", "urgent": True},
    "valve": {"type": "boolean", "writable": True, "confirm": "sent", "urgent": [False]},
    "relay": {"type": "boolean", "writable": True, "confirm": "sent", "min_interval": 2},
    "pump": {
        "type": "boolean", "writable": True, "confirm": "acked",
        "require": [{"point": "attic.tank", "above": 10, "fresh": 5}, {"point": "attic.lid", "equals": False}],
    },
    "slow": {"type": "boolean", "writable": True, "confirm": "verified", "verify_within": 0.02},
}  # fmt: skip
HEATER = {"type": "number", "writable": True, "confirm": "acked", "safe": 5}


class Board:
    """An adapter whose wire is a list, and whose device answers when the test says so."""

    def __init__(self, bench: Bench, id: str) -> None:
        self.answer_timeout = 10.0
        self.written: list[Outgoing] = []
        self.says_yes = False  # to each command, at once
        self.hold: Callable[[], Awaitable[None]] | None = None  # awaited before anything is written
        self.receipt: Callable[[], Awaitable[None]] | None = None  # awaited after it, before the write ends
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
        if self.receipt is not None:
            command.left()
            await self.receipt()
        if self.says_yes:
            asyncio.get_running_loop().call_soon(self.answer)

    def answer(self, *, ok: bool = True, error: str | None = None, id: int | None = None) -> None:
        self.link.acknowledged(Acknowledgement(self.written[-1].id if id is None else id, ok, error))

    def show(self, *, retained: bool = False, **values: Value) -> None:
        self.link.receive(None, Sample(dict(values)), retained=retained)


class Bench:
    """Two boards and a router, with time that the test moves."""

    def __init__(self) -> None:
        self.monotonic = 100.0
        declared = {
            "bench": DeviceSection.model_validate({"points": {**POINTS, "heater": HEATER}}),
            "attic": DeviceSection.model_validate({"points": POINTS}),
        }
        self.devices = Devices(Log(1000, 600.0), declared, monotonic=lambda: self.monotonic)
        self.audit = NoAudit()
        ledger = Ledger(self.audit, monotonic=lambda: self.monotonic)
        self.commands = Commands(self.devices, ledger, self.audit, monotonic=lambda: self.monotonic)
        self.board, self.attic = Board(self, "bench"), Board(self, "attic")
        self.commands.writers.update(bench=self.board, attic=self.attic)
        self.task = asyncio.create_task(self.commands.run(), name="commands")

    def submit(self, point: str = "reset", value: Value = None, device: str = "bench", **rest: Any) -> Command:
        return self.commands.submit(PANEL, Asked(device, point, value, **rest), Sender())

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
        assert len(self.commands._carrier.flights) == 0
        assert self.commands._lanes == {}


async def end(command: Command) -> tuple[str, str | None, str | None]:
    """State, outcome and detail once it is final."""
    async with asyncio.timeout(5):
        await Commands.finished(command)
    assert command.watchers == []
    return command.state.value, command.outcome, command.detail
