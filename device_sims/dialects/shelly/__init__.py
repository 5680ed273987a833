"""A household of Shellies of both generations: relays, covers, lights, meters, and thermometers that sleep."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.hardware import START
from device_sims.dialects.shelly.gen1 import ALL, Gen1
from device_sims.dialects.shelly.gen1_kinds import Shelly1PM, Shelly25, ShellyDimmer2, ShellyHT
from device_sims.dialects.shelly.gen2 import MODELS, Gen2, Model

Shelly = Gen1 | Gen2
Make = Callable[[int, int, Record, float], Shelly]


def _later(model: Model) -> Make:
    return lambda number, seed, record, start: Gen2(number, model, seed, record, start)


PLUS_1PM, PLUS_2PM, PLUS_HT, PRO_3EM, PLUS_10V = map(_later, MODELS)
KINDS: Sequence[Make] = (
    Shelly1PM,
    PLUS_1PM,
    Shelly25,
    PLUS_2PM,
    ShellyHT,
    PLUS_HT,
    ShellyDimmer2,
    PRO_3EM,
    PLUS_10V,
)


class Fleet:
    """`devices` Shellies, by their ids. `start` is seconds since 1970 when their age is 0."""

    def __init__(self, devices: int, seed: int, record: Record, *, start: float = START) -> None:
        made = [KINDS[i % len(KINDS)](i, seed, record, start) for i in range(devices)]
        self._shellies = {shelly.id: shelly for shelly in made}

    @property
    def devices(self) -> Sequence[str]:
        """The ids; those of the second generation are their topics too."""
        return list(self._shellies)

    @property
    def subscriptions(self) -> Sequence[str]:
        """What is said to all of the first generation, and to each that does not sleep."""
        return [f"{ALL}/command", *(topic for shelly in self._shellies.values() for topic in shelly.subscriptions)]

    @property
    def will(self) -> Publication:
        """The last will of the first device: the others share its connection, and a connection has one will."""
        return next(iter(self._shellies.values())).online(False)

    def hello(self) -> list[Publication]:
        """What every device says when it is connected."""
        return [said for shelly in self._shellies.values() for said in shelly.hello()]

    def goodbye(self) -> list[Publication]:
        """That every device is offline."""
        return [shelly.online(False) for shelly in self._shellies.values()]

    def report(self, device: str, age: float) -> list[Publication]:
        """What one device tells by itself."""
        return self._shellies[device].report(age)

    def receive(self, topic: str, payload: bytes) -> list[Publication]:
        """How the devices that are meant answer; ValueError for what none of them understands."""
        head, _, rest = topic.partition("/")
        if topic == f"{ALL}/command":
            awake = [each for each in self._shellies.values() if isinstance(each, Gen1) and not each.sleeps]
            return [said for shelly in awake for said in shelly.receive("command", payload.decode())]
        if head == ALL:
            name, _, end = rest.partition("/")
        else:
            name, end = head, rest
        shelly = self._shellies.get(name)
        if isinstance(shelly, Gen1) and head == ALL and topic in shelly.subscriptions:
            return shelly.receive(end, payload.decode())
        if isinstance(shelly, Gen2) and not shelly.sleeps:
            if end == "rpc":
                return shelly.call(payload)
            verb, _, component = end.partition("/")
            if verb == "command":
                return shelly.control(component, payload.decode())
        raise ValueError(f"no Shelly listens to {topic}")
