"""A connection to a broker by itself, without an adapter."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.config.strict import Context
from gateway.errors import LinkError
from gateway.mqtt import BrokerOptions, MessageProperties
from gateway.mqtt.connection import Broker, BrokerConnection
from tests.parts.waiting import eventually

_numbers = itertools.count(1)
Came = tuple[str, bytes, bool]


def options(url: str, base: Path = Path(), **given: Any) -> BrokerOptions:
    """The options of a broker, as a configuration in this folder has them."""
    return BrokerOptions.model_validate({"url": url, **given}, context=Context(base))


@dataclass
class Talk:
    """A connection and what came over it."""

    connection: BrokerConnection
    came: list[Came] = field(default_factory=list)
    described: list[tuple[str, bytes, bool, MessageProperties]] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)
    bytes: int = 0

    async def until(self, count: int) -> list[Came]:
        """The messages, once there are so many."""
        await eventually(lambda: len(self.came) >= count, 10, f"{count} messages")
        return self.came

    async def lost(self) -> str:
        """Why the connection ended, once it has."""
        async with asyncio.timeout(10):
            try:
                await self.connection.lost()
            except LinkError as error:
                return str(error)
        raise AssertionError("it ended without a reason")


@asynccontextmanager
async def talking(
    url: str, *filters: str, qos: int = 0, status: str | None = None, wants_properties: bool = False, **given: Any
) -> AsyncIterator[Talk]:
    """A connection with these subscriptions."""
    broker = options(url, **given).broker(f"the-tests-{next(_numbers)}", status)
    assert isinstance(broker, Broker)
    talk: Talk | None = None
    came: list[Came] = []
    described: list[tuple[str, bytes, bool, MessageProperties]] = []
    too_large: list[str] = []

    def traffic(count: int) -> None:
        if talk is not None:
            talk.bytes += count

    async with broker.connect(
        lambda *message: came.append(message),
        with_properties=(lambda *message: described.append(message)) if wants_properties else None,
        too_large=too_large.append,
        traffic=traffic,
    ) as connection:
        talk = Talk(connection, came, described, too_large)
        await connection.subscribe([(topic, qos) for topic in filters])
        yield talk


async def refused(url: str, **given: Any) -> str:
    """Why the broker cannot be connected to."""
    began = time.monotonic()
    try:
        async with talking(url, **given):
            raise AssertionError("it is connected")
    except LinkError as error:
        assert time.monotonic() - began < 8
        return str(error)
