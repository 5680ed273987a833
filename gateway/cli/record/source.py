"""What can be recorded: the bytes of a serial port, or the messages of a broker."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.adapters.mqtt import MqttOptions
from gateway.adapters.serial import SerialOptions
from gateway.cli.checked import checked
from gateway.cli.console import USAGE, fail
from gateway.recordings import Header, Setting, Source

Receive = Callable[[bytes, str | None, bool], None]  # the data, its topic, and whether it is an old one
Lost = Callable[[], Awaitable[None]]  # ends with an error when the link does
Connect = Callable[[Receive], AbstractAsyncContextManager[Lost]]

_ID = "recording"  # of an adapter that is never built
_LINE = ("baudrate", "bytesize", "parity", "stopbits")


@dataclass(frozen=True, slots=True)
class Recordable:
    """Something to record."""

    name: str
    source: Source
    settings: Mapping[str, Setting]
    connect: Connect

    def header(self, started: float) -> Header:
        """The header of its recording."""
        return Header(self.source, started, self.settings)


def recordable_port(port: str, given: Mapping[str, Any]) -> Recordable:
    """A serial port; `given` are those of its settings that were given."""
    options = checked(SerialOptions, {"id": _ID, "port": port, **given}, {"port": "PORT"})

    @asynccontextmanager
    async def connect(receive: Receive) -> AsyncIterator[Lost]:
        wire = options.wire()
        try:
            connection = await wire.open(lambda data: receive(data, None, False))
            try:
                yield lambda: connection.lost
            finally:
                connection.close()
        finally:
            wire.give_up()

    settings: dict[str, Setting] = {"port": port} | {name: getattr(options, name) for name in _LINE}
    return Recordable(port, "serial", settings, connect)


def recordable_broker(url: str, topics: list[str], given: Mapping[str, Any]) -> Recordable:
    """A broker's messages on topics that match one of the filters. No credentials become a part of the recording."""
    if "@" in url:
        fail("URL: credentials go into --username and --password-file, not into the URL", USAGE)
    sections = [{"readings": topic} for topic in topics]
    options = checked(
        MqttOptions, {"id": _ID, "url": url, "topics": sections, **given}, {"url": "URL", "topics": "--topic"}
    )

    @asynccontextmanager
    async def connect(receive: Receive) -> AsyncIterator[Lost]:
        broker = options.broker(f"fieldgate-record-{secrets.token_hex(4)}")
        async with broker.connect(lambda topic, data, retained: receive(data, topic, retained)) as connection:
            await connection.subscribe([(topic, 0) for topic in topics])
            yield connection.lost

    return Recordable(url, "mqtt", {"url": url, "topics": topics}, connect)
