"""A site whose serial board is published on a broker, and who looks there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.parts.waiting import DeadlineError

BOARD = """
gateway: {{name: workshop}}
server: {{listen: "127.0.0.1:0"}}
adapters:
  - id: board
    type: serial
    port: {link}
    silence: 5s
    commands: {{codec: json, timeout: 1s}}{adapters}
devices:
  board:
    name: Greenhouse
    points:
      temperature: {{unit: Cel, title: Air temperature}}
      fan: {{type: boolean, writable: true}}
      setpoint: {{type: number, unit: Cel, writable: true, min: 5, max: 30}}
"""
PUBLISH = """
publish:
  url: {url}
  keepalive: 2s
"""


def board(link: Path, url: str | None = None, *more: str, adapters: str = "") -> str:
    """The configuration; `more` are lines of the section `publish`."""
    text = BOARD.format(link=link, adapters=adapters)
    if url is not None:
        text += PUBLISH.format(url=url) + "".join(f"  {line}\n" for line in more)
    return text


class Watcher:
    """A client of the broker: what came on each topic, oldest first, and what is kept there."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.messages: list[aiomqtt.Message] = []
        self._came = asyncio.Condition()

    def payloads(self, topic: str) -> list[str]:
        """What came on a topic."""
        return [text(one) for one in self.messages if str(one.topic) == topic]

    def last(self, topic: str) -> str | None:
        """The newest that came on it."""
        found = self.payloads(topic)
        return found[-1] if found else None

    async def until(self, predicate: Any, what: str, within: float = 15.0) -> Any:
        """The first true result of the predicate, looked at after each message."""
        try:
            async with asyncio.timeout(within), self._came:
                return await self._came.wait_for(predicate)
        except TimeoutError:
            seen = {str(one.topic): text(one)[:100] for one in self.messages}
            raise DeadlineError(f"{what} did not come within {within:g} s; seen: {seen}") from None

    async def shows(self, topic: str, *payloads: str, within: float = 15.0) -> str:
        """Waits until the newest on a topic is one of these, or anything where none are given."""
        newest: str = await self.until(
            lambda: (found := self.last(topic)) and (not payloads or found in payloads) and found, topic, within
        )
        return newest

    async def publish(
        self, topic: str, payload: str | bytes, properties: dict[str, Any] | None = None, *, retain: bool = False
    ) -> None:
        """Publishes, with MQTT 5 properties by the library's names."""
        given = Properties(PacketTypes.PUBLISH) if properties else None  # type: ignore[no-untyped-call]
        for key, value in (properties or {}).items():
            setattr(given, key, value)
        await self.client.publish(topic, payload, qos=1, retain=retain, properties=given)

    async def listen(self) -> None:
        """Takes what comes, for ever."""
        async for message in self.client.messages:
            self.messages.append(message)
            async with self._came:
                self._came.notify_all()


def text(message: aiomqtt.Message) -> str:
    """The payload as text."""
    return message.payload.decode() if isinstance(message.payload, bytes) else ""


@asynccontextmanager
async def watcher(port: int, *filters: str) -> AsyncIterator[Watcher]:
    """A watcher of these topics, by default of all."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, timeout=10) as client:
        watching = Watcher(client)
        listening = asyncio.create_task(watching.listen(), name="watcher")
        for topic in filters or ("#",):
            await client.subscribe(topic, options=SubscribeOptions(qos=1, retainAsPublished=True))
        try:
            yield watching
        finally:
            listening.cancel()
            await asyncio.wait([listening])
