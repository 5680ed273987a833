"""A gateway without sockets and without a configuration file: bus, commands, fan-out, sessions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from typing import Any

from gateway.adapters.loopback import LoopbackAdapter
from gateway.audit.audit import NoAudit
from gateway.bus import Devices, Link, Log
from gateway.commands import Commands, Ledger
from gateway.config.auth import AuthSection, Rights, TokenSection
from gateway.config.models import DeviceSection
from gateway.model import Identity, Sample, Value
from gateway.server import Authenticator, FanOut, Services
from gateway.server.session import Session
from tests.server.fakes import FakeClock, FakePeer, Message

DECLARED = {
    "bench": {
        "name": "Bench",
        "points": {
            "fan": {"type": "boolean", "writable": True},
            "level": {"type": "integer", "min": 0, "max": 10, "writable": True},
            "reset": {"type": "action", "writable": True},
            "temperature": {"type": "number", "unit": "Cel"},
        },
    },
    "attic": {"points": {"fan": {"type": "boolean", "writable": True}}},
}


def auth(*, anonymous: Rights | None = None, **tokens: tuple[list[str], list[str]]) -> AuthSection:
    """An `auth` section; the token of `panel` is `panel-token`."""
    return AuthSection(
        tokens=tuple(
            TokenSection(
                name=name, sha256=sha256(f"{name}-token".encode()).hexdigest(), read=tuple(read), command=tuple(command)
            )
            for name, (read, command) in tokens.items()
        ),
        anonymous=anonymous,
    )


class Desk:
    """Two loopback devices, `bench` and `attic`, and as many sessions as a test opens."""

    def __init__(self, section: AuthSection | None = None) -> None:
        self.clock = FakeClock()
        self.log = Log(1000, 600.0)
        self.devices = Devices(self.log, {id: DeviceSection.model_validate(d) for id, d in DECLARED.items()})
        self.commands = Commands(self.devices, Ledger(NoAudit()), NoAudit())
        self.services = Services(
            name="test",
            devices=self.devices,
            commands=self.commands,
            fanout=FanOut(self.log, self.devices, self.clock, 0.0),
            authenticator=Authenticator(section),
            heartbeat=20.0,
        )
        make = partial(Link, acknowledge=self.commands.acknowledged, lost=self.commands.link_lost)
        self.adapters: dict[str, LoopbackAdapter] = {}
        for id in DECLARED:
            adapter = LoopbackAdapter(make(id, self.devices, single=True, offers=lambda name: "acked"))
            adapter.link.up()
            adapter.link.available(None, online=True)
            self.commands.writers[id] = self.adapters[id] = adapter

    def say(self, device: str, values: dict[str, Value]) -> None:
        """A device sends a reading."""
        self.adapters[device].link.receive(None, Sample(values))

    def open(self, identity: Identity | None = None) -> Visitor:
        """A connection; None takes the identity that needs no token."""
        return Visitor(self, identity or self.services.authenticator.without_token())


class Visitor:
    """One connection with its session, and the frames that it got."""

    def __init__(self, desk: Desk, identity: Identity | None) -> None:
        self.desk = desk
        self.peer = FakePeer()
        self.session = Session(self.peer, desk.services, identity, "192.0.2.1")

    def ask(self, type: str, id: Any = 1, **members: Any) -> Message:
        """Sends a request, and gives the one frame that answers it."""
        return self.ask_raw(json.dumps({"type": type, "id": id, **members}))

    def ask_raw(self, text: str) -> Message:
        before = len(self.peer.messages)
        self.session.receive(text)
        answers = [m for m in self.peer.messages[before:] if m["type"] in ("ok", "error", "pong")]
        assert len(answers) == 1, answers
        return answers[0]

    def refused(self, type: str, id: Any = 1, **members: Any) -> str:
        """Sends a request that must be refused, and gives the code of the error."""
        answer = self.ask(type, id, **members)
        assert answer["type"] == "error", answer
        assert answer["id"] == id
        assert answer["message"]
        assert answer["retry"] is (answer["code"] in ("rate_limited", "unavailable", "internal"))
        return str(answer["code"])

    def states(self) -> list[str]:
        """The states of commands that it was told of, in order."""
        return [m["command"]["state"] for m in self.peer.messages if m["type"] == "command"]


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[Desk]:
    """Carries commands out meanwhile."""
    task = asyncio.create_task(desk.commands.run(), name="commands")
    await asyncio.sleep(0)
    try:
        yield desk
    finally:
        task.cancel()
        await asyncio.wait((task,))
