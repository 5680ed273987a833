"""A device without hardware: what is commanded is acknowledged, and comes back as a reading.

A real adapter, for virtual switches and setpoints, and for tests that need a bus and no wire.
"""

from __future__ import annotations

import asyncio
import time

from gateway.adapters.base import Adapter, AdapterPlugin, LinkFactory
from gateway.bus import Link
from gateway.errors import NotSentError
from gateway.model import Acknowledgement, Outgoing, Sample, Value


class LoopbackOptions(AdapterPlugin):
    """`{id: house, type: loopback}`; its points are those declared under `devices`."""

    type: str = "loopback"

    def build(self, link: LinkFactory, gateway: str) -> Adapter:
        """The adapter."""
        return LoopbackAdapter(link(single=True, offers=lambda name: "acked"))


class LoopbackAdapter:
    """Shows every commanded value as a reading of its one device."""

    answer_timeout = 5.0

    def __init__(self, link: Link) -> None:
        self.link = link

    async def run(self) -> None:
        """Is up until cancelled."""
        self.link.up()
        self.link.available(None, online=True)
        await asyncio.get_running_loop().create_future()

    async def write(self, command: Outgoing) -> None:
        """Acknowledges the command and shows its value, in the next turn of the loop like a wire would."""
        if time.monotonic() >= command.deadline:
            raise NotSentError("its time to live ran out")
        asyncio.get_running_loop().call_soon(self._answer, command)

    def _answer(self, command: Outgoing) -> None:
        self.link.acknowledged(Acknowledgement(command.id, ok=True))
        if command.value is not None:
            self.receive({command.point: command.value})

    def receive(self, values: dict[str, Value]) -> None:
        """Publishes values as if the device had sent them."""
        self.link.receive(None, Sample(values))
