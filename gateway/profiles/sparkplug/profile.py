"""The profile of Sparkplug B: births define, data changes, deaths end; a birth that was missed is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from gateway.errors import CodecError
from gateway.model import Description, Outgoing, Sample, Value
from gateway.profiles.base import (
    MAX_DEVICES,
    Available,
    Described,
    Event,
    Heard,
    Profile,
    ProfileOptions,
    Publication,
    Send,
    Unreadable,
)
from gateway.profiles.commanded import commanded
from gateway.profiles.learnt import label
from gateway.profiles.sparkplug.metrics import BD_SEQ, MAX_METRICS, REBIRTH, define, value_of
from gateway.profiles.sparkplug.payload import Payload, parse
from gateway.profiles.sparkplug.session import Node, Source
from gateway.profiles.sparkplug.values import decoded, put

_NAMESPACE = "spBv1.0"
_MAX_NAME = 80  # characters of a group, node or device
_LATEST = 1e11  # seconds: a stamp beyond it is none
_INT64 = 4  # the data type of a session's number, where the will leaves it out
# What nodes tell of their hardware, as in the examples of the specification.
_MODEL, _VENDOR = "Properties/Hardware Model", "Properties/Hardware Make"


def _group(given: str) -> str:
    if given != "+" and (set("+#/\0") & set(given) or not 0 < len(given) <= _MAX_NAME):
        raise PydanticCustomError("group", "expected a group id, or + for all")
    return given


class SparkplugOptions(ProfileOptions):
    """`sparkplug`, or `{type: sparkplug, groups: [plant-1], commands: true, writable: ["*Setpoint"]}`"""

    type: str = "sparkplug"
    groups: Annotated[
        tuple[Annotated[str, AfterValidator(_group)], ...], Field(strict=False, min_length=1, max_length=64)
    ] = ("+",)
    writable: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=1, max_length=128)], ...], Field(strict=False, max_length=64)
    ] = ("*",)

    def build(self) -> Profile:
        """The profile."""
        return SparkplugProfile(self.groups, self.writable)


class SparkplugProfile:
    """The edge nodes of some groups, and their devices."""

    def __init__(self, groups: tuple[str, ...] = ("+",), writable: tuple[str, ...] = ("*",)) -> None:
        self._groups = dict.fromkeys(groups)
        self._writable = writable
        self._nodes: dict[tuple[str, str], Node] = {}
        self._sources: dict[str, tuple[Node, str | None, Source]] = {}  # by the name of the device, once described

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        """Births, data and deaths; commands are of others, and what primary hosts say of themselves too."""
        for group in self._groups:
            for kind, qos in (("NBIRTH", 0), ("NDATA", 0), ("NDEATH", 1)):
                yield f"{_NAMESPACE}/{group}/{kind}/+", qos
            for kind in ("DBIRTH", "DDATA", "DDEATH"):
                yield f"{_NAMESPACE}/{group}/{kind}/+/+", 0

    def greetings(self) -> Iterable[Publication]:
        """All known nodes are asked for their birth: what they said meanwhile is lost."""
        return [node.ask_anew() for node in self._nodes.values()]

    def receive(self, topic: str, payload: bytes, retained: bool) -> Iterable[Event]:
        """What a message means."""
        namespace, _, rest = topic.partition("/")
        group, *levels = rest.split("/")
        if namespace != _NAMESPACE or not levels or ("+" not in self._groups and group not in self._groups):
            return []
        kind, *names = levels
        take = {"NBIRTH": self._node_birth, "NDATA": self._data, "NDEATH": self._node_death}.get(kind)
        if len(names) == 2:
            take = {"DBIRTH": self._device_birth, "DDATA": self._data, "DDEATH": self._device_death}.get(kind)
        if take is None or len(names) not in (1, 2):
            return []
        if kind.endswith("DEATH") and (group, names[0]) not in self._nodes:
            return []
        if not all(0 < len(name) <= _MAX_NAME and not set("+#\0") & set(name) for name in (group, *names)):
            return [
                Unreadable(None, f"a name does not have 1 to {_MAX_NAME} characters, or has some that none may have")
            ]
        try:
            message = parse(payload)
            if len(message.metrics) > MAX_METRICS:
                raise CodecError(f"more than {MAX_METRICS} metrics")
            return list(take(self._node(group, names[0]), names[1] if len(names) == 2 else None, message, retained))
        except CodecError as error:
            key = "/".join((group, *names))
            return [Unreadable(key if key in self._sources else None, str(error))]

    def _node(self, group: str, name: str) -> Node:
        node = self._nodes.get((group, name))
        if node is None:
            if len(self._nodes) >= MAX_DEVICES:
                raise CodecError(f"more than {MAX_DEVICES} edge nodes")
            node = self._nodes[group, name] = Node(group, name)
        return node

    # ---- births and deaths

    def _node_birth(self, node: Node, _: str | None, message: Any, retained: bool) -> Iterator[Event]:
        if node.begin(message, _session(message), retained):
            for device in node.devices.values():
                if device.born:
                    yield Available(device.key, False, "its edge node began anew")
        for device in node.devices.values():
            device.born = False
        yield from self._born(node, None, node.own, message, retained)

    def _device_birth(self, node: Node, name: str | None, message: Any, retained: bool) -> Iterator[Event]:
        if not node.own.born:
            yield from self._before_birth(node)
            return
        if not retained:
            yield from self._check_order(node, message)
        source = node.devices.get(name or "")
        if source is None:
            if len(self._sources) >= MAX_DEVICES:
                raise CodecError(f"more than {MAX_DEVICES} devices")
            source = node.device(name or "")
        yield from self._born(node, name, source, message, retained)

    def _born(self, node: Node, name: str | None, source: Source, message: Any, retained: bool) -> Iterator[Event]:
        """Takes the definitions and the values of a birth."""
        if source.key not in self._sources:
            if len(self._sources) >= MAX_DEVICES:
                raise CodecError(f"more than {MAX_DEVICES} devices")
            self._sources[source.key] = (node, name, source)
        metrics = list(message.metrics)
        source.definitions = found = define(metrics, self._writable)
        source.born, source.doubtful = True, False
        source.live.clear()
        texts = {metric.name: _text(metric) for metric in metrics if metric.name in (_MODEL, _VENDOR)}
        description = Description(found.points, label(name or node.name), texts.get(_MODEL), texts.get(_VENDOR))
        described = Described(source.key, description, topics=source.topics)
        if described != source.described:
            source.described = described
            yield described
        for problem in found.problems:
            yield Unreadable(source.key, problem)
        if not retained:
            yield Available(source.key, True)
        yield from self._values(node, source, message, retained, birth=True)

    def _node_death(self, node: Node, _: str | None, message: Any, retained: bool) -> Iterator[Event]:
        """The will of a session ends that session alone: one of an earlier session comes late."""
        session = _session(message)
        if not node.own.born or (session is not None and node.bd_seq is not None and session != node.bd_seq):
            return
        for source in node.sources:
            if source.described is not None:
                source.born = False
                yield Available(source.key, False, "its edge node is gone")

    def _device_death(self, node: Node, name: str | None, message: Any, retained: bool) -> Iterator[Event]:
        if node.own.born and not retained:
            yield from self._check_order(node, message)
        source = node.devices.get(name or "")
        if source is not None and source.described is not None:
            source.born = False
            yield Available(source.key, False, "its edge node lost it")

    # ---- data

    def _data(self, node: Node, name: str | None, message: Any, retained: bool) -> Iterator[Event]:
        source = node.own if name is None else node.devices.get(name)
        if not node.own.born:
            yield from self._before_birth(node)
            return
        if not retained:
            yield from self._check_order(node, message)
        if source is None or not source.born:
            yield from self._before_birth(node)
            return
        yield from self._values(node, source, message, retained, birth=False)

    def _values(self, node: Node, source: Source, message: Any, retained: bool, *, birth: bool) -> Iterator[Event]:
        """The values of a message: those of one time are one sample. Of a birth, all are of now."""
        now = _seconds(message.timestamp)
        groups: list[tuple[float | None, bool, dict[str, Value]]] = []
        unknown, wrong = 0, ""
        for metric in message.metrics:
            defined = source.definitions.find(metric, by_alias=not source.doubtful)
            if defined is None:
                unknown += 1
                continue
            point = defined.point
            is_old = metric.is_historical
            if point is None or (is_old and point in source.live):
                continue
            try:
                value = value_of(metric, defined)
            except CodecError as error:
                wrong = f"{defined.name}: {error}"
                continue
            if not (is_old or retained or value is None):
                source.live.add(point)
            stamp = now if birth and not is_old else _seconds(metric.timestamp) or now
            if not groups or groups[-1][:2] != (stamp, is_old) or point in groups[-1][2]:
                groups.append((stamp, is_old, {}))
            groups[-1][2][point] = value
        for stamp, is_old, values in groups:
            yield Heard(source.key, Sample(values, stamp), retained or is_old)
        if wrong:
            yield Unreadable(source.key, wrong)
        if unknown and not birth:
            yield Unreadable(source.key, f"{unknown} metrics that no birth defines")
            yield from self._ask(node)

    def _check_order(self, node: Node, message: Any) -> Iterator[Event]:
        """Notices that messages are missing: one of them may have been a birth, which gives aliases new meanings."""
        lost = node.lost(message)
        if lost is not None:
            node.doubt()
            yield Unreadable(node.own.key if node.own.described else None, f"{lost} messages before it are missing")
            yield from self._ask(node)

    def _before_birth(self, node: Node) -> Iterator[Event]:
        yield Unreadable(None, "it comes before the birth that explains it")
        yield from self._ask(node)

    def _ask(self, node: Node) -> Iterator[Event]:
        question = node.ask()
        if question is not None:
            yield Send(question)

    # ---- commands

    def encode(self, command: Outgoing) -> Publication:
        """The command to a node or through it to a device."""
        known = self._sources.get(command.name or "")
        if known is None:
            raise CodecError(f"no device is called {str(command.name)[:40]!r}")
        node, device, source = known
        metric = source.definitions.by_point.get(command.point)
        if metric is None:
            raise CodecError(f"{command.point[:40]!r} takes no commands")
        point = source.definitions.points[command.point]
        value = commanded(command.point, point, command.value)
        message = Payload()
        if command.time is not None:
            message.timestamp = round(command.time * 1000)
        asked = message.metrics.add(name=metric.name, datatype=metric.datatype)
        if metric.alias is not None and metric.name != REBIRTH:
            asked.alias = metric.alias
        put(asked, metric.field, metric.datatype, True if point.type == "action" else value)
        kind, below = ("NCMD", "") if device is None else ("DCMD", f"/{device}")
        topic = f"{_NAMESPACE}/{node.group}/{kind}/{node.name}{below}"
        return Publication(topic, message.SerializeToString())


def _session(message: Any) -> int | None:
    """The number of the session, which a will repeats."""
    for metric in message.metrics:
        if metric.name == BD_SEQ:
            try:
                number = decoded(metric, metric.datatype or _INT64)
            except CodecError:
                return None
            return number if type(number) is int else None
    return None


def _text(metric: Any) -> str | None:
    try:
        return label(decoded(metric, metric.datatype))
    except CodecError:
        return None


def _seconds(milliseconds: int) -> float | None:
    """A stamp in seconds since the epoch; None where there is none."""
    return milliseconds / 1000 if 0 < milliseconds < _LATEST * 1000 else None
