"""Simulated MQTT nodes on a broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from device_sims.device import SimulatedDevice
from device_sims.dialects.base import Publication
from device_sims.faults import Fault
from device_sims.kinds import kind_named
from device_sims.mqtt_link import Incoming, LinkDownError, MqttLink
from device_sims.mqtt_profiles import PROFILES
from device_sims.mqtt_simulator import START_TIMEOUT, MqttSimulator
from device_sims.pace import Pace, check_load
from device_sims.signals import derive

MOST_CONNECTIONS = 16  # more nodes than this share one connection


class MqttNodes(MqttSimulator):
    """`devices` nodes, `node1` to `nodeN`, each making `rate` readings a second below the topic `prefix`.

    `profile` is `telemetry` or `raw` (mqtt_profiles.py). Commands that come retained are ignored and counted. Up to 16
    nodes have a connection and a last will each; more share one connection and have no last will. Bad settings are a
    `ValueError`.
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
        self.prefix = prefix.rstrip("/")
        super().__init__(url, f"nodes:{self.prefix}", faults=faults, start_timeout=start_timeout)
        self._profile = PROFILES[profile]
        self._rate = rate
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

        will = Publication(f"{base}/status", b"offline", retain=True, qos=1) if alone else None
        link = MqttLink(
            self.url,
            f"sim-{group[0].name if alone else 'nodes'}",
            will=lambda: will,
            subscriptions=[self._profile.commands(base)],
            greet=lambda: announce(b"online"),
            part=lambda: announce(b"offline"),
            receive=self._received,
            seed=seed,
        )
        return link

    def _named(self, name: str | None) -> list[MqttLink]:
        return self._links if name is None else [self._link_of[name]]

    # What they say

    async def report(self, device: SimulatedDevice) -> bool:
        """Publishes a reading of the device now; False where it is silent or not connected."""
        return await self._report([device], self._link_of[device.name])

    async def _report(self, devices: Sequence[SimulatedDevice], link: MqttLink) -> bool:
        if not link.up.is_set() or self.faults.silent(self.age):
            return False
        messages: list[Publication] = []
        for device in devices:
            reading = self._profile.readings(self._base(device), device.reading())
            if noise := self.faults.noise():
                messages.append(Publication(reading[0][0], noise))
            messages += [Publication(*message) for message in reading]
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

    def _base(self, device: SimulatedDevice) -> str:
        return f"{self.prefix}/{device.name}"

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
        if answer := self._profile.acknowledgement(self._base(device), command, error):
            topic, payload = answer
            await self._answer(device.name, lambda: self._link_of[device.name].publish(topic, payload, qos=1))
        if error is None:
            await self.report(device)
