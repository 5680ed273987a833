"""Commands under every fault, and devices that record what they did: once at most, in time, and told as it was."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from device_sims import Actuation
from device_sims.faults import NoAcknowledgement, Refusal
from device_sims.fixtures import MqttNodesFactory, SerialBoardFactory
from device_sims.mqtt_node import MqttNodes
from device_sims.serial_board import SerialBoard
from tests.parts.client import Client, ClosedError, connect
from tests.parts.gateway import GatewayProcess, StartGateway
from tests.parts.mosquitto import Mosquitto

_CLIENTS = 8
_DEVICES = 4  # on the serial line, and as many on the broker
_PAUSE = 0.5  # seconds that a fault lasts
_THINKING = 0.1  # seconds at most between two commands of a client
# Seconds that the wire may hold a command after the gateway wrote it in time: the broker's expiry counts whole seconds.
_ON_THE_WIRE = 2.0
_PATIENCE = 60.0  # seconds for one command to end, whatever happens

CONFIGURATION = """

adapters:
  - id: line
    type: serial
    port: {link}
    devices: {{field: node}}
    commands: {{timeout: 500ms}}
  - id: house
    type: mqtt
    url: {url}
    keepalive: 2s
    topics:
      - readings: sensors/{{device}}/telemetry
        commands: {{topic: "sensors/{{device}}/set", ack: "sensors/{{device}}/ack", timeout: 500ms}}
        availability: {{topic: "sensors/{{device}}/status"}}
devices:
"""
POINT = "{setpoint: {type: number, writable: true, min: 5, max: 30, confirm: verified}}"


@dataclass(slots=True)
class Ordered:
    """A command that a client gave, and what it was told of it. No two have the same value."""

    device: str
    value: float
    ttl: float
    accepted_by: float = 0.0  # when the newest reply had come, monotonic: it was accepted before that
    outcome: str = ""
    state: str = ""


class Orderer:
    """Gives commands one after the other, and asks again with the same key whenever its connection breaks."""

    def __init__(self, gateway: GatewayProcess, seed: int) -> None:
        self._gateway = gateway
        self._random = random.Random(seed)
        self._client: Client | None = None
        self.orders: list[Ordered] = []

    async def run(self, numbers: Iterator[int], devices: list[str]) -> None:
        for number in numbers:
            await asyncio.sleep(self._random.uniform(0, _THINKING))
            order = Ordered(self._random.choice(devices), 5 + number / 1000, self._random.choice((0.3, 1.0, 5.0)))
            self.orders.append(order)
            request = {
                "type": "command", "device": order.device, "point": "setpoint", "value": order.value,
                "key": f"order-{number}", "ttl": order.ttl,
                "confirm": self._random.choice(("sent", "acked", "verified")),
            }  # fmt: skip
            async with asyncio.timeout(_PATIENCE):
                while not order.outcome:
                    try:
                        async with connect(self._gateway.ws_url) as client:
                            await self._follow(client, order, request)
                    except (ClosedError, aiohttp.ClientError, OSError, TimeoutError):
                        await asyncio.sleep(0.05)  # until the gateway is back

    async def _follow(self, client: Client, order: Ordered, request: dict[str, Any]) -> None:
        """Asks until the command ended, on one connection."""
        answer = await client.request(request, 20)
        order.accepted_by = time.monotonic()
        if answer["type"] == "error":
            assert answer["code"] in ("unavailable", "rate_limited", "not_found"), answer
            order.state, order.outcome = answer["code"], "not_executed"
            return
        command = answer["command"]
        while not command["final"]:
            frame = await client.until(
                lambda frame: frame["type"] == "command" and frame["command"]["key"] == request["key"], 20, "its end"
            )
            command = frame["command"]
        order.state, order.outcome = command["state"], command["outcome"]


class Trouble:
    """One fault after the other, until the clients are done."""

    def __init__(
        self, board: SerialBoard, nodes: MqttNodes, broker: Mosquitto, gateway: GatewayProcess, seed: int
    ) -> None:
        self._board = board
        self._nodes = nodes
        self._broker = broker
        self._gateway = gateway
        self._random = random.Random(seed)
        self.count: Counter[str] = Counter()
        self.rounds = -1  # gone through completely

    async def run(self) -> None:
        faults: list[Callable[[], Awaitable[None]]] = [
            self.silence, self.refusals, self.late_and_double_answers, self.unplug, self.broker_killed,
            self.gateway_killed, self.gateway_restarted,
        ]  # fmt: skip
        while True:
            self.rounds += 1
            self._random.shuffle(faults)
            for fault in faults:
                await asyncio.sleep(self._random.uniform(0.1, _PAUSE))
                await fault()
                self.count[fault.__name__] += 1

    async def silence(self) -> None:
        lost = NoAcknowledgement(every=2)
        with self._board.faults.during(lost), self._nodes.faults.during(lost):
            await asyncio.sleep(_PAUSE)

    async def refusals(self) -> None:
        refusal = Refusal(every=2)
        with self._board.faults.during(refusal), self._nodes.faults.during(refusal):
            await asyncio.sleep(_PAUSE)

    async def late_and_double_answers(self) -> None:
        for actuation in self._board.actuations[-20:]:
            ok = self._random.choice(("true", "false"))
            self._board.send(f'{{"ack":{actuation.id},"ok":{ok}}}\n'.encode())

    async def unplug(self) -> None:
        self._board.unplug()
        await asyncio.sleep(_PAUSE)
        self._board.replug()

    async def broker_killed(self) -> None:
        self._broker.kill()
        await asyncio.sleep(_PAUSE)
        await asyncio.to_thread(self._broker.start)

    async def gateway_killed(self) -> None:
        self._gateway.kill()
        await self._gateway.start()

    async def gateway_restarted(self) -> None:
        await self._gateway.restart()


def judge(orders: list[Ordered], actuations: list[Actuation]) -> Counter[str]:
    """Holds what clients were told against what the devices did; the counts by outcome."""
    done: defaultdict[float, list[Actuation]] = defaultdict(list)
    for actuation in actuations:
        if actuation.point == "setpoint" and isinstance(actuation.value, int | float):
            done[float(actuation.value)].append(actuation)
    told: Counter[str] = Counter()
    for order in orders:
        did = done.pop(order.value, [])
        assert len(did) <= 1, f"{order} was done {len(did)} times"
        if order.outcome == "executed":
            assert did, f"{order} was not done"
        elif order.outcome == "not_executed":
            assert not did, f"{order} was done"
        else:
            assert order.outcome in ("unknown", "unconfirmed"), order
        for actuation in did:
            assert order.device.endswith(actuation.device), f"{order} was done by {actuation.device}"
            late = actuation.time - (order.accepted_by + order.ttl)
            assert late < _ON_THE_WIRE, f"{order} was done {late:.1f} s after its time to live"
        told[f"{order.outcome} ({order.state})"] += 1
    assert not done, f"nobody asked for {dict(done)}"
    return told


@pytest.mark.parametrize(
    ("commands", "seed"),
    [(240, 1), pytest.param(10_000, 2, marks=pytest.mark.long)],
    ids=["short", "long"],
)
async def test_what_is_told_of_a_command_is_what_the_device_did(
    serial_board: SerialBoardFactory,
    mqtt_nodes: MqttNodesFactory,
    mosquitto: Mosquitto,
    gateway_process: StartGateway,
    tmp_path: Path,
    commands: int,
    seed: int,
) -> None:
    board = await serial_board(rate=20, devices=_DEVICES)
    nodes = await mqtt_nodes(mosquitto.url, rate=5, devices=_DEVICES)
    devices = [f"{route}{number}" for route in ("line.n", "house.node") for number in range(1, _DEVICES + 1)]
    declared = "".join(f"  {device}: {{points: {POINT}}}\n" for device in devices)
    gateway = await gateway_process(CONFIGURATION.format(link=board.link, url=mosquitto.url) + declared)
    clients = [Orderer(gateway, seed * 100 + number) for number in range(_CLIENTS)]
    trouble = Trouble(board, nodes, mosquitto, gateway, seed)
    troubling = asyncio.create_task(trouble.run(), name="trouble")
    numbers = takewhile(lambda number: number < commands or trouble.rounds < 1, count())
    try:
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.run(numbers, devices))
    finally:
        troubling.cancel()
        await asyncio.wait((troubling,))
    if not troubling.cancelled():
        troubling.result()
    orders = [order for client in clients for order in client.orders]
    outcomes = judge(orders, [*board.actuations, *nodes.actuations])
    print(f"\n{len(orders)} commands: {dict(sorted(outcomes.items()))}; faults: {dict(trouble.count)}")
    executed = sum(times for outcome, times in outcomes.items() if outcome.startswith("executed"))
    assert executed > len(orders) / 10, outcomes
    assert len(trouble.count) == 7, "every fault was met"
