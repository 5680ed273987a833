"""Fleets of simulated devices as people own them, on a broker: each dialect with a connection of its own."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from device_sims.actuations import Actuation
from device_sims.dialects.base import Dialect, Publication
from device_sims.dialects.registry import ALL, ANNOUNCING, SEPARATE, dialect_of, read_profiles
from device_sims.faults import Fault
from device_sims.kinds import Value
from device_sims.mqtt_link import Incoming, LinkDownError, MqttLink
from device_sims.mqtt_node import MOST_CONNECTIONS, MqttNodes
from device_sims.mqtt_profiles import PROFILES
from device_sims.mqtt_simulator import START_TIMEOUT, MqttSimulator
from device_sims.pace import Pace, check_load
from device_sims.signals import derive

DEVICES = 9  # of each dialect: one of each kind, in the largest of them


class MqttFleet(MqttSimulator):
    """`devices` devices of each dialect of `profiles`, each making `rate` readings a second.

    A dialect says all that it has to say on one connection, and has its last will. Up to 15 further connections carry
    the last wills of devices that in life have one each. Messages that come retained are ignored and counted. With
    `discovery`, dialects that can describe their devices to Home Assistant do so. Bad settings are a `ValueError`.
    """

    def __init__(
        self,
        url: str,
        profiles: Iterable[str] = (ALL,),
        *,
        devices: int = DEVICES,
        rate: float = 1.0,
        seed: int = 0,
        faults: Iterable[Fault] = (),
        discovery: bool = False,
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        check_load(devices, rate)
        names = read_profiles(profiles)
        if not names:
            raise ValueError("a fleet has at least one profile")
        if discovery and not set(names) & set(ANNOUNCING):
            raise ValueError(f"only {' and '.join(ANNOUNCING)} can describe their devices to Home Assistant")
        super().__init__(url, f"fleet:{'+'.join(names)}", faults=faults, start_timeout=start_timeout)
        self._rate = rate
        self._interval = 1 / rate if rate else 1.0
        self._reports: Counter[tuple[str, str]] = Counter()
        self._dialects = {
            name: dialect_of(name, devices, derive(seed, name), self._record, discovery=discovery) for name in names
        }
        self._links_of = {
            name: self._links_for(name, dialect, derive(seed, "link", name)) for name, dialect in self._dialects.items()
        }
        self._links = [link for links in self._links_of.values() for link in links]

    @property
    def profiles(self) -> list[str]:
        """The dialects that are spoken."""
        return list(self._dialects)

    @property
    def devices(self) -> Mapping[str, Sequence[str]]:
        """The names of the devices, by profile."""
        return {name: dialect.devices for name, dialect in self._dialects.items()}

    def _links_for(self, name: str, dialect: Dialect, seed: int) -> list[MqttLink]:
        """The connection that the dialect speaks on, and some that have nothing but the wills of further devices."""
        link = MqttLink(
            self.url,
            f"sim-{name}",
            will=lambda: dialect.will,
            subscriptions=dialect.subscriptions,
            greet=lambda: link.publish_all(dialect.hello()),
            part=lambda: link.publish_all(dialect.goodbye()),
            receive=lambda message: self._received(name, message),
            seed=seed,
        )
        parting = dialect.goodbye() if name in SEPARATE else []
        wills = [said for said in parting if said.retain and said.topic != dialect.will.topic]
        return [link, *(self._will(name, will, seed + i) for i, will in enumerate(wills[: MOST_CONNECTIONS - 1], 1))]

    def _will(self, name: str, will: Publication, seed: int) -> MqttLink:
        async def nothing(_: object = None) -> None:
            pass

        return MqttLink(
            self.url,
            f"sim-{name}-will",
            will=lambda: will,
            subscriptions=(),
            greet=nothing,
            part=nothing,
            receive=nothing,
            seed=seed,
        )

    def _named(self, name: str | None) -> list[MqttLink]:
        return self._links if name is None else self._links_of[name]

    def _record(self, device: str, point: str, value: Value) -> None:
        self._log.add(Actuation(None, device, point, value, time.monotonic()))

    # What they say

    async def report(self, profile: str, device: str) -> bool:
        """Publishes a reading of the device now; False where it is silent or not connected."""
        return await self._report(profile, [device])

    async def _report(self, profile: str, devices: Sequence[str]) -> bool:
        link = self._links_of[profile][0]
        if not link.up.is_set() or self.faults.silent(self.age):
            return False
        publications: list[Publication] = []
        for device in devices:
            # By the count, so that a seed and a rate give the same readings however late they are sent.
            self._reports[profile, device] += 1
            said = self._dialects[profile].report(device, self._reports[profile, device] * self._interval)
            if said and (noise := self.faults.noise()):
                publications.append(Publication(said[0].topic, noise))
            publications += said
        try:
            await link.publish_all(publications)
        except LinkDownError:
            return False  # the link says so in its own time
        self.sent += len(devices)
        return True

    async def _speak(self) -> None:
        turns = [(profile, device) for profile, devices in self.devices.items() for device in devices]
        pace = Pace(self._rate * len(turns), start=0.0)
        turn = 0
        while True:
            self._follow_faults()
            due: dict[str, list[str]] = {}
            for _ in range(pace.due(self.age)):
                profile, device = turns[turn]
                due.setdefault(profile, []).append(device)
                turn = (turn + 1) % len(turns)
            for profile, devices in due.items():
                await self._report(profile, devices)
            await asyncio.sleep(min(pace.wait(self.age), self.faults.tick))

    # What they hear

    async def _received(self, profile: str, message: Incoming) -> None:
        if message.retained:  # it was meant for some other time
            self.ignored += 1
            return
        if self.faults.refuses() is not None:
            return  # no dialect has a word for it that all devices know
        try:
            answers = self._dialects[profile].receive(message.topic, message.payload)
        except ValueError:
            self.errors += 1
            return
        if answers:
            await self._answer(profile, lambda: self._links_of[profile][0].publish_all(answers))


def nodes_or_fleet(url: str, profiles: Iterable[str], settings: Mapping[str, Any]) -> MqttNodes | MqttFleet:
    """The nodes or the fleet that speak so; `settings` are those that were given. `ValueError` for what cannot be."""
    names = read_profiles(profiles, others=tuple(PROFILES))
    if set(names) & set(PROFILES):
        if len(names) > 1:
            raise ValueError(f"{' and '.join(PROFILES)} are for nodes of one profile, and go with no other")
        _refuse(settings, ("discovery",), f"the profile {names[0]}")
        return MqttNodes(url, profile=names[0], **settings)
    _refuse(settings, ("kind", "prefix", "stamp"), "a fleet")
    return MqttFleet(url, names, **settings)


def _refuse(settings: Mapping[str, Any], foreign: Iterable[str], what: str) -> None:
    for name in foreign:
        if name in settings:
            raise ValueError(f"{what} has no {name}")
