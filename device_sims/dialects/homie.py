"""A Homie 5 hub and its child devices (homieiot.github.io, convention 5).

homie/5/hub/$state                    ready; lost is the last will, which counts for the children too
homie/5/light-1/$description          {"homie":"5.0","version":1,"root":"hub","nodes":{…},…}
homie/5/light-1/lamp/brightness       40
homie/5/light-1/lamp/brightness/set   80, answered by …/brightness/$target and, as the lamp gets there, by the value

All but events is retained, at QoS 2, as the convention recommends.
"""

from __future__ import annotations

from collections.abc import Sequence

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.homie_devices import BASE, HUB, KINDS, ROOT, Device, Kind, retained
from device_sims.signals import derive


class Fleet:
    """A hub and its children, `devices` in all."""

    def __init__(self, devices: int, seed: int, record: Record) -> None:
        self._record = record
        planned: list[tuple[str, Kind, str]] = []
        for i in range(devices - 1):
            kind, round_ = KINDS[i % len(KINDS)], i // len(KINDS) + 1
            parent = ROOT if kind.parent == ROOT else f"{kind.parent}-{round_}"
            planned.append((f"{kind.type}-{round_}", kind, parent))
        self._devices: dict[str, Device] = {}
        for id, kind, above in [(ROOT, HUB, ""), *planned]:
            children = [each for each, _, parent in planned if parent == id]
            self._devices[id] = Device(id, kind, derive(seed, id), parent=above, children=children)

    @property
    def devices(self) -> Sequence[str]:
        """The ids, the hub's first."""
        return list(self._devices)

    @property
    def subscriptions(self) -> Sequence[str]:
        """The command topics of all properties."""
        return [f"{BASE}/+/+/+/set"]

    @property
    def will(self) -> Publication:
        """The hub is lost."""
        return retained(f"{ROOT}/$state", "lost")

    def hello(self) -> list[Publication]:
        """Of each device `init`, what it is, its values, and `ready`."""
        made: list[Publication] = []
        for device in self._devices.values():
            made += [retained(f"{device.id}/$state", "init"), device.described(), *device.said()]
        return made + [retained(f"{id}/$state", "ready") for id in reversed(self._devices)]

    def goodbye(self) -> list[Publication]:
        """The hub parts politely, and the children with it."""
        return [retained(f"{ROOT}/$state", "disconnected")]

    def report(self, device: str, age: float) -> list[Publication]:
        """The values of the device, `age` seconds after the start, and its events."""
        found = self._devices[device]
        found.measure(age)
        return [*found.said(), *found.events(age)]

    def receive(self, topic: str, payload: bytes) -> list[Publication]:
        """The property's new value, or its target where it gets there later."""
        id, _, path = topic.removeprefix(f"{BASE}/").removesuffix("/set").partition("/")
        if id not in self._devices:
            raise ValueError(f"no device is {id!r}")
        value, answers = self._devices[id].obey(path, payload.decode())
        self._record(id, path, value)
        return answers
