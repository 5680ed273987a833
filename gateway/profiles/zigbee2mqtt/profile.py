"""One Zigbee2MQTT on one broker: its lists, the states of its devices, and commands to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from gateway.errors import CodecError
from gateway.model import Outgoing
from gateway.profiles.base import (
    MAX_DEVICES,
    Available,
    Described,
    Event,
    Heard,
    Ignore,
    Listen,
    Publication,
    Removed,
    Unreadable,
)
from gateway.profiles.commanded import commanded
from gateway.profiles.early import Early
from gateway.profiles.zigbee2mqtt.network import (
    Definitions,
    Group,
    Node,
    make_group,
    parents,
    read_device,
    read_group,
    read_list,
)
from gateway.profiles.zigbee2mqtt.state import read_attribute, read_state

_BRIDGE_GONE = "Zigbee2MQTT is offline"
_OUT_OF_REACH = "Zigbee2MQTT cannot reach it"
_DISABLED = "it is disabled in Zigbee2MQTT"


class Zigbee2mqtt:
    """The devices below one base topic, each by its friendly name.

    With `attributes` each value comes on a topic of its own.
    """

    def __init__(self, base: str, *, attributes: bool = False) -> None:
        self._base = base
        self._attributes = attributes
        self._devices_topic = f"{base}/bridge/devices"
        self._groups_topic = f"{base}/bridge/groups"
        self._bridge_topic = f"{base}/bridge/state"
        self._fixed: dict[str, int] = {self._devices_topic: 1, self._groups_topic: 1, self._bridge_topic: 1}
        if not attributes:
            # One level each, so that the logging of the bridge stays outside.
            self._fixed |= {f"{base}/+": 0, f"{base}/+/availability": 1}
        self._named: dict[str, int] = {}  # the filters of single devices
        self._lists: dict[str, bytes] = {}  # as they came last
        self._definitions = Definitions()
        self._devices: dict[str, Node] = {}
        self._groups: dict[str, Group] = {}
        self._nodes: dict[str, Node] = {}  # all of them by name
        self._told: dict[str, Described] = {}  # by name
        self._states: dict[str, Node] = {}  # by the topic of the state
        self._above: dict[str, Node] = {}  # by the topic above those of the attributes
        self._availabilities: dict[str, Node] = {}  # by topic
        self._bridge_online = True
        self._early = Early()

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        """The lists, and where the devices speak; those with a `/` in their names each on their own."""
        return [*self._fixed.items(), *self._named.items()]

    def greetings(self) -> Iterable[Publication]:
        """Nothing: what there is to know is retained."""
        return ()

    # ---- from the broker

    def receive(self, topic: str, payload: bytes, retained: bool) -> Iterable[Event]:
        """A state is looked up by its topic; what belongs to nobody is kept where it may come too early."""
        node = self._states.get(topic)
        if node is not None:
            return self._state(node, payload, retained)
        node = self._availabilities.get(topic)
        if node is not None:
            return self._availability(node, payload)
        if topic in (self._devices_topic, self._groups_topic):
            return self._list(topic, payload)
        if topic == self._bridge_topic:
            return self._bridge(payload)
        if self._attributes:
            above, _, attribute = topic.rpartition("/")
            node = self._above.get(above)
            if node is not None:
                return self._attribute(node, attribute, payload, retained)
        if retained and not topic.startswith(f"{self._base}/bridge/"):
            self._early.keep(topic, payload)
        return ()

    def _state(self, node: Node, payload: bytes, retained: bool) -> list[Event]:
        if not payload:  # an empty payload only takes away what was retained
            return []
        try:
            sample = read_state(payload, node.exposed.words, node.ieee)
        except CodecError as error:
            return [Unreadable(node.name, str(error))]
        for name in node.paired:
            if name in sample.values:
                node.paired[name] = sample.values[name]
        return [Heard(node.name, sample, retained)] if sample.values else []

    def _attribute(self, node: Node, attribute: str, payload: bytes, retained: bool) -> list[Event]:
        if attribute in ("set", "get"):
            return []
        point = node.exposed.attributes.get(attribute, attribute)
        feature = node.exposed.features.get(point)
        is_text = feature is not None and feature.point.type in ("string", "enum") and feature.read is None
        try:
            sample = read_attribute(payload, point, node.exposed.words, is_text=is_text)
        except CodecError as error:
            return [Unreadable(node.name, f"{attribute[:40]}: {error}")]
        if point in node.paired and point in sample.values:
            node.paired[point] = sample.values[point]
        return [Heard(node.name, sample, retained)] if sample.values else []

    def _availability(self, node: Node, payload: bytes) -> list[Event]:
        online = _is_online(payload)
        if online is None:
            return [Unreadable(node.name, f"{payload[:40]!r} is neither online nor offline")]
        node.online = online
        return [self._available(node)]

    def _bridge(self, payload: bytes) -> list[Event]:
        online = _is_online(payload)
        if online is None:
            return [Unreadable(None, f"the state of the bridge is neither online nor offline: {payload[:40]!r}")]
        returned = online and not self._bridge_online
        self._bridge_online = online
        if online and not returned:
            return []
        return [self._available(node) for node in self._nodes.values()]

    def _available(self, node: Node) -> Available:
        """Whether it is there, by all that was said; one of which nothing was said is there while the bridge is."""
        if not self._bridge_online:
            return Available(node.name, False, _BRIDGE_GONE)
        if node.disabled:
            return Available(node.name, False, _DISABLED)
        return Available(node.name, False, _OUT_OF_REACH) if node.online is False else Available(node.name, True)

    def _list(self, topic: str, payload: bytes) -> list[Event]:
        if self._lists.get(topic) == payload:  # as at every connect
            return []
        try:
            found = read_list(payload)
        except CodecError as error:
            return [Unreadable(None, str(error))]
        self._lists[topic] = payload
        events: list[Event] = [*found.unreadable]
        if topic == self._groups_topic:
            self._groups = {name: read_group(name, entry) for name, entry in found.entries.items()}
        else:
            self._devices = {}
            for name, entry in found.entries.items():
                node = read_device(name, entry, f"{self._base}/{name}", self._definitions)
                self._devices[name] = node
                if node.exposed.wrong is not None:
                    events.append(Unreadable(name, node.exposed.wrong))
            self._definitions.forget()
        return events + self._rebuild()

    def _rebuild(self) -> list[Event]:
        """Makes of devices and groups what is known, and tells what is new of it."""
        events: list[Event] = []
        before, nodes = self._nodes, dict(self._devices)
        by_address = {node.ieee: node for node in self._devices.values() if node.ieee is not None}
        for name, group in self._groups.items():
            if name in nodes:
                events.append(Unreadable(name, "a group has the friendly name of a device"))
            elif len(nodes) >= MAX_DEVICES:
                events.append(Unreadable(None, f"the group {name[:40]!r} is one too many: {MAX_DEVICES} are known"))
            else:
                nodes[name] = make_group(group, f"{self._base}/{name}", by_address)
        self._nodes = nodes
        self._above = {node.topic: node for node in nodes.values()}
        self._states = {} if self._attributes else self._above
        self._availabilities = {f"{node.topic}/availability": node for node in nodes.values()}
        events += [Removed(name) for name, node in before.items() if not node.is_same(nodes.get(name))]
        above = parents(nodes)
        told, self._told = (
            self._told,
            {name: node.described(owns_topic=name not in above) for name, node in nodes.items()},
        )
        for name, node in nodes.items():
            known = before.get(name)
            if known is None or not node.is_same(known):
                events.append(self._told[name])
                if not self._bridge_online or node.disabled:
                    events.append(self._available(node))
                continue
            if told[name] != self._told[name]:
                events.append(self._told[name])
            if node is not known:
                node.online = known.online
                node.paired |= {point: value for point, value in known.paired.items() if point in node.paired}
                if node.disabled != known.disabled:
                    events.append(self._available(node))
        events += self._change_filters()
        for topic, payload in self._early.take().items():
            events += self.receive(topic, payload, True)
        return events

    def _change_filters(self) -> list[Event]:
        before, named = self._named, dict[str, int]()
        for node in self._nodes.values():
            if self._attributes:
                named[f"{node.topic}/+"] = 1
            elif "/" in node.name:
                named |= {node.topic: 0, f"{node.topic}/availability": 1}
        self._named = named
        events: list[Event] = []
        if gone := tuple(filter for filter in before if filter not in named):
            events.append(Ignore(gone))
        if new := tuple(item for item in named.items() if item[0] not in before):
            events.append(Listen(new))
        return events

    # ---- to the broker

    def encode(self, command: Outgoing) -> Publication:
        """`<base>/<name>/set` with the value under its property: {"color": {"hue": 240}}."""
        node = self._nodes.get(command.name or "")
        if node is None:
            raise CodecError("Zigbee2MQTT lists no such device")
        feature = node.exposed.features.get(command.point)
        if feature is None:
            raise CodecError(f"it has no point {command.point[:40]!r}")
        body: Any = {feature.path[-1]: feature.wire(commanded(command.point, feature.point, command.value))}
        if feature.beside is not None:
            other = node.paired[feature.beside]
            if other is None:
                raise CodecError(f"{feature.beside!r} was not heard yet, and a colour takes both")
            body[node.exposed.features[feature.beside].path[-1]] = other
        for step in reversed(feature.path[:-1]):
            body = {step: body}
        try:
            return Publication(f"{node.topic}/set", orjson.dumps(body))
        except TypeError as error:
            raise CodecError(f"the value cannot be written as JSON: {error}") from error


def _is_online(payload: bytes) -> bool | None:
    """What an availability says, bare or as `{"state": …}`; None where it says neither."""
    if payload[:1] != b"{":
        return {b"online": True, b"offline": False}.get(payload.strip())
    try:
        said = orjson.loads(payload).get("state")
    except orjson.JSONDecodeError:
        return None
    return {"online": True, "offline": False}.get(said) if type(said) is str else None
