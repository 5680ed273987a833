"""Clients that drop and resume at random under load number what they get: no hole, no repeat, or a declared gap."""

import asyncio
import random
import socket
from collections import Counter
from typing import Any

import aiohttp
import orjson
import pytest

from device_sims.fixtures import MqttNodesFactory
from tests.parts.gateway import StartGateway
from tests.parts.mosquitto import Mosquitto

_DEVICES = 20
_RATE = 25.0  # readings a second of each device


class NumberingClient:
    """Follows one subscription through drops; `sequence` of every device must go up by one, or a hole is declared."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._random = random.Random(seed)
        self._cursor: str | None = None
        self._last: dict[str, int] = {}
        self._declared = False  # a snapshot replaces all that was held
        self.count: Counter[str] = Counter()

    async def run(self, session: aiohttp.ClientSession, drops: int) -> None:
        """Connects so many times, and lets go each time after a random number of frames."""
        for _ in range(drops):
            async with session.ws_connect(self._url, max_msg_size=0) as connection:
                await self._follow(connection, self._random.randint(1, 12))
                if self._random.random() < 0.5:
                    # Not even a close frame, as when a cable is pulled.
                    connection.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            self.count["drops"] += 1
            if self._random.random() < 0.3:
                await asyncio.sleep(self._random.uniform(0, 0.6))  # how long it is away is what is random here

    async def _follow(self, connection: aiohttp.ClientWebSocketResponse, frames: int) -> None:
        request: dict[str, Any] = {"type": "subscribe", "id": 1, "devices": ["house.*"]}
        if self._cursor is not None:
            request["since"] = self._cursor
        await connection.send_json(request)
        async with asyncio.timeout(30):
            while frames > 0:
                message = await connection.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                frame = orjson.loads(message.data)
                self._take(frame)
                frames -= frame["type"] == "update"

    def _take(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind == "ok":
            self.count["recovered" if frame["recovered"] else "anew"] += 1
            if frame["recovered"]:
                assert frame["cursor"] == self._cursor
            else:
                self._last.clear()
        elif kind == "snapshot":
            for device in frame["devices"]:
                value = device["values"].get("sequence")
                if value is not None:
                    self._last[device["id"]] = value["value"]
            self._cursor = frame["cursor"]
        elif kind == "gap":
            self.count["gaps"] += 1
            self._last.clear()
        elif kind == "update":
            assert frame["prev"] == self._cursor, "frames are not chained"
            self._cursor = frame["cursor"]
            for reading in frame["readings"]:
                self._number(reading)

    def _number(self, reading: dict[str, Any]) -> None:
        device, number = reading["device"], reading["values"]["sequence"]
        before = self._last.get(device)
        assert before is None or number == before + 1, f"{device}: {number} after {before}"
        self._last[device] = number
        self.count["readings"] += 1


async def _drop_and_resume(
    mosquitto: Mosquitto,
    gateway_process: StartGateway,
    mqtt_nodes: MqttNodesFactory,
    drops: int,
    keep: int = 100_000,
    clients: int = 5,
) -> Counter[str]:
    gateway = await gateway_process(
        f"""
        log: {{keep_readings: {keep}}}
        adapters:
          - id: house
            type: mqtt
            url: {mosquitto.url}
            topics:
              - readings: sensors/{{device}}/telemetry
        """
    )
    await mqtt_nodes(mosquitto.url, devices=_DEVICES, rate=_RATE)
    numbering = [NumberingClient(gateway.ws_url, seed) for seed in range(clients)]
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for index, client in enumerate(numbering):
            group.create_task(client.run(session, drops // clients), name=f"numbering:{index}")
    total: Counter[str] = Counter()
    for client in numbering:
        total += client.count
    print(dict(total))
    return total


async def test_drops_and_resumes_leave_no_hole_and_no_repeat(
    mosquitto: Mosquitto, gateway_process: StartGateway, mqtt_nodes: MqttNodesFactory
) -> None:
    total = await _drop_and_resume(mosquitto, gateway_process, mqtt_nodes, drops=60)
    assert total["drops"] == 60
    assert total["recovered"] == 55, "every reconnection is resumed: the log holds far more than was missed"
    assert total["anew"] == 5
    assert total["gaps"] == 0


async def test_a_log_that_moved_on_is_said_and_never_replayed_in_part(
    mosquitto: Mosquitto, gateway_process: StartGateway, mqtt_nodes: MqttNodesFactory
) -> None:
    # 500 readings a second: a fifth of a second is all that this log holds.
    total = await _drop_and_resume(mosquitto, gateway_process, mqtt_nodes, drops=60, keep=100)
    assert total["drops"] == 60
    assert total["anew"] > 5
    assert total["recovered"] > 0


@pytest.mark.long
async def test_a_thousand_drops_and_resumes(
    mosquitto: Mosquitto, gateway_process: StartGateway, mqtt_nodes: MqttNodesFactory
) -> None:
    total = await _drop_and_resume(mosquitto, gateway_process, mqtt_nodes, drops=1000, clients=10)
    assert total["drops"] == 1000
    assert total["recovered"] == 990
