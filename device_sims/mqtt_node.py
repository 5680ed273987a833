"""Simulated MQTT nodes on a broker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from device_sims.actuations import Actuation, ActuationLog
from device_sims.background import end
from device_sims.broker_url import BrokerUrl
from device_sims.device import SimulatedDevice
from device_sims.fault_names import check_faults
from device_sims.faults import MQTT, Fault, Faults
from device_sims.kinds import kind_named
from device_sims.mqtt_link import Incoming, LinkDownError, MqttLink
from device_sims.mqtt_profiles import PROFILES, Message
from device_sims.pace import Pace, check_load
from device_sims.signals import derive

MOST_CONNECTIONS = 16  # more nodes than this share one connection
START_TIMEOUT = 10.0  # seconds

log = logging.getLogger(__name__)


class BrokerUnreachableError(Exception):
    """The broker could not be reached in time; `str()` is one line for a person."""


class MqttNodes:
    """`devices` nodes, `node1` to `nodeN`, each making `rate` readings a second below the topic `prefix`.

    `profile` is `telemetry` or `raw` (mqtt_profiles.py). Commands that come retained are ignored and counted. Up to 16
    nodes have a connection and a last will each; more share one connection and have no last will. They connect again by
    themselves. `start_timeout` is how many seconds entering waits for the broker before `BrokerUnreachableError`; bad
    settings are a `ValueError`.
    """

    def __init__(
        self,
        url: str,
        *,
        devices: int = 3,
        rate: float = 1.0,
        seed: int = 0,
        prefix: str = "sensors",
        profile: str = "telemetry",
        kind: str = "climate",
        faults: Iterable[Fault] = (),
        stamp: bool = False,
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        check_load(devices, rate)
        if profile not in PROFILES:
            raise ValueError(f"no profile is named {profile!r}: there are {', '.join(PROFILES)}")
        if not prefix or prefix.startswith("$") or set(prefix) & set("+#\0"):
            raise ValueError("the prefix is a topic, without wildcards")
        self.url = BrokerUrl.parse(url)
        self.prefix = prefix.rstrip("/")
        self.faults = Faults(faults)
        check_faults(self.faults, MQTT)
        self.sent = 0  # readings
        self.errors = 0  # messages that were no command
        self.ignored = 0  # commands that came retained
        self._profile = PROFILES[profile]
        self._log = ActuationLog()
        self._rate = rate
        self._start_timeout = start_timeout
        self._started = 0.0
        self._pulled_by_fault = False
        self._task: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        interval = 1 / rate if rate else 1.0
        self.devices = [
            SimulatedDevice(
                f"node{i}", kind_named(kind), seed=seed, interval=interval, record=self._log.add, stamp=stamp
            )
            for i in range(1, devices + 1)
        ]
        self._by_name = {device.name: device for device in self.devices}
        shared = devices > MOST_CONNECTIONS
        groups = [self.devices] if shared else [[device] for device in self.devices]
        self._links = [self._link(group, derive(seed, "link", str(i))) for i, group in enumerate(groups)]
        self._link_of = {device.name: link for group, link in zip(groups, self._links, strict=True) for device in group}

    def _link(self, group: Sequence[SimulatedDevice], seed: int) -> MqttLink:
        alone = len(group) == 1
        base = self._base(group[0]) if alone else f"{self.prefix}/+"

        async def announce(state: bytes) -> None:
            for device in group:
                await link.publish(f"{self._base(device)}/status", state, qos=1, retain=True)

        link = MqttLink(
            self.url,
            f"sim-{group[0].name if alone else 'nodes'}",
            will=f"{base}/status" if alone else None,
            subscriptions=[self._profile.commands(base)],
            greet=lambda: announce(b"online"),
            part=lambda: announce(b"offline"),
            receive=self._received,
            seed=seed,
        )
        return link

    # The life of the nodes

    async def __aenter__(self) -> Self:
        self._started = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._run(), name=f"nodes:{self.prefix}")
        try:
            async with asyncio.timeout(self._start_timeout):
                await self.connected()
        except TimeoutError:
            await end(self._task)
            reason = next((link.failure for link in self._links if link.failure), "no answer")
            raise BrokerUnreachableError(f"no connection to {self.url}: {reason}") from None
        except BaseException:
            await end(self._task)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._task is not None:
            await end(self._task)

    async def running(self) -> None:
        """Waits as long as the nodes work, and raises what they failed with."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def connected(self) -> None:
        """Waits until every node has its connection, is subscribed and has said that it is online."""
        for link in self._links:
            await link.up.wait()

    @property
    def connections(self) -> int:
        """Connections made since the start, repeated ones included."""
        return sum(link.connections for link in self._links)

    @property
    def actuations(self) -> list[Actuation]:
        """What the actuators of all nodes did, oldest first."""
        return self._log.entries()

    async def actuated(self, count: int = 1) -> list[Actuation]:
        """Waits until `count` actuations have happened since the start, and gives them."""
        return await self._log.reached(count)

    def unplug(self, name: str | None = None) -> None:
        """Breaks the connection of the named node, or of all, so that its last will is spoken."""
        for link in self._named(name):
            link.unplug()

    def replug(self, name: str | None = None) -> None:
        """Has the named node, or all, connect again."""
        for link in self._named(name):
            link.replug()

    def _named(self, name: str | None) -> list[MqttLink]:
        return self._links if name is None else [self._link_of[name]]

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tg:
            self._tasks = tg
            for i, link in enumerate(self._links, start=1):
                tg.create_task(link.run(), name=f"nodes:{self.prefix}:link{i}")
            tg.create_task(self._speak(), name=f"nodes:{self.prefix}:readings")

    # What they say

    async def report(self, device: SimulatedDevice) -> bool:
        """Publishes a reading of the device now; False where it is silent or not connected."""
        return await self._report([device], self._link_of[device.name])

    async def _report(self, devices: Sequence[SimulatedDevice], link: MqttLink) -> bool:
        if not link.up.is_set() or self.faults.silent(self.age):
            return False
        messages: list[Message] = []
        for device in devices:
            reading = self._profile.readings(self._base(device), device.reading())
            if noise := self.faults.noise():
                messages.append((reading[0][0], noise))
            messages += reading
        try:
            await link.publish_all(messages)
        except LinkDownError:
            return False  # the link says so in its own time
        self.sent += len(devices)
        return True

    async def _speak(self) -> None:
        pace = Pace(self._rate * len(self.devices), start=0.0)
        turn = 0
        while True:
            self._follow_faults()
            due: dict[MqttLink, list[SimulatedDevice]] = {}
            for _ in range(pace.due(self.age)):
                device = self.devices[turn]
                due.setdefault(self._link_of[device.name], []).append(device)
                turn = (turn + 1) % len(self.devices)
            for link, devices in due.items():
                await self._report(devices, link)
            await asyncio.sleep(min(pace.wait(self.age), self.faults.tick))

    def _follow_faults(self) -> None:
        """Unplugs and replugs where a fault's time has come; what a person unplugged stays so."""
        gone = self.faults.unplugged(self.age)
        if gone == self._pulled_by_fault:
            return
        self._pulled_by_fault = gone
        if gone:
            self.unplug()
        else:
            self.replug()

    def _base(self, device: SimulatedDevice) -> str:
        return f"{self.prefix}/{device.name}"

    @property
    def age(self) -> float:
        """Seconds since the nodes were started, by which their faults go."""
        return asyncio.get_running_loop().time() - self._started

    # What they hear

    async def _received(self, message: Incoming) -> None:
        device = self._by_name.get(message.topic.removeprefix(f"{self.prefix}/").partition("/")[0])
        if device is None:
            return
        if message.retained:  # it was meant for some other time
            self.ignored += 1
            return
        try:
            command = self._profile.command(message.topic, message.payload)
        except ValueError:
            command = None
        if command is None:
            self.errors += 1
            return
        error = device.obey(command, self.faults)
        answer = self._profile.acknowledgement(self._base(device), command, error)
        if answer and not self.faults.loses_acknowledgement():
            answers = [answer, answer] if self.faults.repeats_acknowledgement() else [answer]
            if delay := self.faults.acknowledgement_delay():
                late = self._answer_late(device, answers, delay)
                assert self._tasks is not None  # noqa: S101 - whatever receives is a task of it
                self._tasks.create_task(late, name=f"nodes:{self.prefix}:{device.name}:answer")
            else:
                await self._answer(device, answers)
        if error is None:
            await self.report(device)

    async def _answer(self, device: SimulatedDevice, answers: Sequence[Message]) -> None:
        for topic, payload in answers:
            if not self.faults.silent(self.age):
                await self._link_of[device.name].publish(topic, payload, qos=1)

    async def _answer_late(self, device: SimulatedDevice, answers: Sequence[Message], seconds: float) -> None:
        await asyncio.sleep(seconds)
        with suppress(LinkDownError):  # the link says so in its own time
            await self._answer(device, answers)
