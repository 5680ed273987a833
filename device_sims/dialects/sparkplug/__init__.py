"""A Sparkplug B edge node and the machines behind it (Sparkplug 3.0).

spBv1.0/plant/NBIRTH/edge1          all metrics of the node, with their aliases
spBv1.0/plant/DBIRTH/edge1/boiler1  those of a machine
spBv1.0/plant/DDATA/edge1/boiler1   what has changed, by alias
spBv1.0/plant/NDEATH/edge1          the last will
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.hardware import START
from device_sims.dialects.sparkplug.payload import DataType, Metric, Payload, decode, encode
from device_sims.dialects.sparkplug.points import MACHINES, Point, node_points
from device_sims.kinds import Value
from device_sims.signals import derive

NAMESPACE, GROUP, NODE = "spBv1.0", "plant", "edge1"
BIRTH_COUNT = "bdSeq"
REBIRTH = "Node Control/Rebirth"


class Fleet:
    """An edge node `plant/edge1`, which is the first of the `devices`, and machines `plant/edge1/…` behind it.

    `will` is that of the connection to come: it and the birth that `hello` tells then carry the same number, and
    every `hello` begins the next connection. `start` is seconds since 1970 when the age is 0.
    """

    def __init__(self, devices: int, seed: int, record: Record, *, start: float = START) -> None:
        self._record = record
        self._start = start
        self._age = 0.0
        self._births = 0  # the number of the connection to come, 0 to 255
        self._born = 0  # that of the connection there is
        self._seq = 0  # of the next message, 0 to 255
        self._machines: dict[str, Sequence[Point]] = {"": node_points(derive(seed, "node"))}
        for i in range(devices - 1):
            kind, points_of = MACHINES[i % len(MACHINES)]
            name = f"{kind}{i // len(MACHINES) + 1}"
            self._machines[name] = points_of(derive(seed, name))
        everything = [(machine, point.name) for machine, points in self._machines.items() for point in points]
        self._aliases = {whose: alias for alias, whose in enumerate(everything, start=1)}
        for points in self._machines.values():
            for point in points:
                point.read(0)

    @property
    def devices(self) -> Sequence[str]:
        """The node and its machines, as group, node and machine."""
        return [f"{GROUP}/{NODE}/{name}".rstrip("/") for name in self._machines]

    @property
    def subscriptions(self) -> Sequence[str]:
        """Commands to the node and to its machines."""
        return [f"{NAMESPACE}/{GROUP}/NCMD/{NODE}", f"{NAMESPACE}/{GROUP}/DCMD/{NODE}/+"]

    @property
    def will(self) -> Publication:
        """The death of the node, with the number of the birth that it belongs to; never retained."""
        return self._death(self._births)

    def hello(self) -> list[Publication]:
        """The births of the node and of its machines."""
        self._born, self._births = self._births, (self._births + 1) % 256
        return self._births_now()

    def goodbye(self) -> list[Publication]:
        """The death of the node: a broker does not speak the will of one that parts politely."""
        return [self._death(self._born)]

    def report(self, device: str, age: float) -> list[Publication]:
        """What has changed of a machine, or of the node itself."""
        self._age = max(age, self._age)
        machine = device.removeprefix(f"{GROUP}/{NODE}").removeprefix("/")
        changed = [point for point in self._machines[machine] if point.read(self._age)]
        return [self._data(machine, changed)] if changed else []

    def receive(self, topic: str, payload: bytes) -> list[Publication]:
        """Births where they are demanded, data after a write; ValueError for what cannot be done in full."""
        *base, last = topic.split("/")
        if [*base, last] == [NAMESPACE, GROUP, "NCMD", NODE]:
            return self._obey(decode(payload))
        if base == [NAMESPACE, GROUP, "DCMD", NODE] and last and last in self._machines:
            return self._write(last, decode(payload))
        raise ValueError(f"no one listens to {topic}")

    def _obey(self, command: Payload) -> list[Publication]:
        if not any(metric.name == REBIRTH and metric.value is True for metric in command.metrics):
            raise ValueError("a node takes no other command than that to be born again")
        return self._births_now()

    def _write(self, machine: str, command: Payload) -> list[Publication]:
        points = {point.name: point for point in self._machines[machine]}
        names = {self._aliases[machine, name]: name for name in points}
        writes: list[tuple[Point, Value]] = []
        for metric in command.metrics:
            name = names.get(metric.alias or 0) if metric.name is None else metric.name
            point = points.get(name or "")
            if point is None:
                raise ValueError(f"{machine} has no metric {metric.name or metric.alias!r:.40}")
            writes.append((point, point.accept(metric.value)))
        if not writes:
            raise ValueError("a command without metrics")
        for point, value in writes:
            point.value = value
            self._record(f"{GROUP}/{NODE}/{machine}", point.name, value)
        return [self._data(machine, [point for point, _ in writes])]

    def _births_now(self) -> list[Publication]:
        """The births, from sequence number 0 on."""
        self._seq = 0
        control = [
            Metric(BIRTH_COUNT, type=DataType.INT64, value=self._born, time=self._now()),
            Metric(REBIRTH, type=DataType.BOOLEAN, value=False, time=self._now()),
        ]
        said = []
        for machine, points in self._machines.items():
            metrics = [self._metric(machine, point, named=True) for point in points]
            verb = "DBIRTH" if machine else "NBIRTH"
            said.append(self._message(verb, machine, metrics if machine else [*control, *metrics]))
        return said

    def _data(self, machine: str, points: Iterable[Point]) -> Publication:
        metrics = [self._metric(machine, point, named=False) for point in points]
        return self._message("DDATA" if machine else "NDATA", machine, metrics)

    def _death(self, number: int) -> Publication:
        metric = Metric(BIRTH_COUNT, type=DataType.INT64, value=number, time=self._now())
        payload = encode(Payload([metric], time=self._now()))
        return Publication(f"{NAMESPACE}/{GROUP}/NDEATH/{NODE}", payload, qos=1)

    def _message(self, verb: str, machine: str, metrics: Sequence[Metric]) -> Publication:
        payload = Payload(metrics, self._seq, self._now())
        self._seq = (self._seq + 1) % 256
        return Publication(f"{NAMESPACE}/{GROUP}/{verb}/{NODE}/{machine}".rstrip("/"), encode(payload))

    def _metric(self, machine: str, point: Point, *, named: bool) -> Metric:
        alias = self._aliases[machine, point.name]
        if named:
            return Metric(point.name, alias, point.type, point.value, self._now(), point.unit)
        return Metric(None, alias, point.type, point.value, self._now(), typed=False)

    def _now(self) -> int:
        return round((self._start + self._age) * 1000)
