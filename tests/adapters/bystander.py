"""Another client of the broker: publishes what devices would, and sees what the gateway publishes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiomqtt
from paho.mqtt.subscribeoptions import SubscribeOptions


@dataclass(frozen=True)
class Seen:
    """A message as it came; `expiry` is what remains of its time to live, in seconds."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    expiry: int | None


class Bystander:
    """`seen` is everything that came on the topics it asked for."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self.seen: asyncio.Queue[Seen] = asyncio.Queue()

    async def publish(self, topic: str, payload: Any = b"", *, qos: int = 1, retain: bool = False) -> None:
        await self._client.publish(topic, payload, qos=qos, retain=retain)

    async def next(self, topic: str | None = None) -> Seen:
        """The next message, of this topic or of any; others are forgotten."""
        async with asyncio.timeout(10):
            while True:
                seen = await self.seen.get()
                if topic in (None, seen.topic):
                    return seen

    async def retained(self, topic: str) -> bytes | None:
        """What the broker keeps on the topic."""
        mark = f"mark/{id(topic)}"
        await self._client.subscribe(mark, qos=1)
        await self._client.unsubscribe(topic)
        await self._client.subscribe(topic, qos=1)
        await self.publish(mark)
        kept = None
        async with asyncio.timeout(10):
            while (seen := await self.seen.get()).topic != mark:
                if seen.topic == topic and seen.retain:
                    kept = seen.payload
        return kept

    async def _listen(self) -> None:
        async for message in self._client.messages:
            expiry = getattr(message.properties, "MessageExpiryInterval", None)
            payload = message.payload if isinstance(message.payload, bytes) else b""
            self.seen.put_nowait(Seen(str(message.topic), payload, message.qos, bool(message.retain), expiry))


@asynccontextmanager
async def bystander(port: int, *topics: str, **options: Any) -> AsyncIterator[Bystander]:
    """A client that sees these topics as they are published: retained flag, quality and time to live included."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, timeout=10, **options) as client:
        other = Bystander(client)
        for topic in topics:
            await client.subscribe(topic, options=SubscribeOptions(qos=2, retainAsPublished=True))
        listening = asyncio.create_task(other._listen(), name="bystander")
        try:
            yield other
        finally:
            listening.cancel()
            await asyncio.wait([listening])
