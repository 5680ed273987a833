"""A small site: a climate board on USB, nodes on a broker, and the configuration that a person would write for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from tests.parts.client import Client, Frame, connect
from tests.parts.waiting import DeadlineError

Result = TypeVar("Result")

BOARD = """
  - id: board
    type: serial
    port: {link}
    silence: 5s
    commands: {{codec: json, timeout: 1s}}"""
HOUSE = """
  - id: house
    type: mqtt
    url: {url}
    keepalive: 2s
    silence: 10s
    topics:
      - readings: sensors/{{device}}/telemetry
        commands: {{topic: "sensors/{{device}}/set", ack: "sensors/{{device}}/ack", timeout: 1s}}
        availability: {{topic: "sensors/{{device}}/status"}}"""
DEVICES = """
devices:
  {board}board:
  {board}  name: Greenhouse
  {board}  points:
  {board}    fan: {{type: boolean, writable: true}}
  {board}    setpoint: {{type: number, writable: true, min: 5, max: 30}}
  {house}house.node1:
  {house}  points: {{fan: {{type: boolean, writable: true}}}}"""


def site(link: Path | None = None, url: str | None = None, before: str = "", adapters: str = "") -> str:
    """The configuration; a part that is not there is left out."""
    text = before + "\nadapters:"
    text += BOARD.format(link=link) if link else ""
    text += HOUSE.format(url=url) if url else ""
    text += adapters
    text += DEVICES.format(board="" if link else "# ", house="" if url else "# ") if link or url else ""
    return text + "\n"


class Watched:
    """One subscription: the client's own copy of the devices, and every reading, oldest first."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sub = ""
        self._more = False
        self.devices: dict[str, dict[str, Any]] = {}
        self.readings: list[dict[str, Any]] = []

    async def start(self, *devices: str) -> None:
        """Subscribes, to everything unless globs are given."""
        answer = await self._client.request({"type": "subscribe", "devices": list(devices or ["*"])})
        assert answer["type"] == "ok", answer
        self._sub = answer["sub"]

    async def until(self, predicate: Callable[[], Result], what: str, within: float = 15.0) -> Result:
        """The first true result of the predicate, which is looked at after each frame."""
        try:
            async with asyncio.timeout(within):
                while not (result := predicate()):
                    self._take(await self._client.until(lambda frame: frame.get("sub") == self._sub, within, what))
        except TimeoutError as error:
            raise DeadlineError(f"{what} did not come within {within:g} s") from error
        return result

    async def state(self, device: str, *states: str, within: float = 15.0) -> dict[str, Any]:
        """The device, once it is in one of the states."""
        await self.until(
            lambda: self.devices.get(device, {}).get("state") in states, f"{device} {' or '.join(states)}", within
        )
        return self.devices[device]

    def values(self, device: str, point: str) -> list[Any]:
        """What a point was, in order."""
        return [r["values"][point] for r in self.readings if r["device"] == device and point in r["values"]]

    def _take(self, frame: Frame) -> None:
        if frame["type"] == "snapshot":
            if not self._more:
                self.devices.clear()
            self._more = frame.get("more", False)
        for device in frame.get("devices", ()):
            if device.get("removed"):
                del self.devices[device["id"]]
            else:
                self.devices[device["id"]] = device
        self.readings += frame.get("readings", ())


@asynccontextmanager
async def watching(url: str, *devices: str, token: str | None = None) -> AsyncIterator[Watched]:
    """A client of its own that watches."""
    async with connect(url, token=token) as client:
        watched = Watched(client)
        await watched.start(*devices)
        yield watched


async def ready(url: str) -> None:
    """Waits until every adapter is up."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(15):
        while True:
            async with session.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.02)
