"""ESPHome (https://esphome.io/components/mqtt.html): a prefix of the node's own, and a topic for each component.

esphome/discover                          asks all nodes who they are; esphome/discover/garden is an answer, as JSON
garden/status                             online, offline
garden/sensor/soil_moisture/state         41.5
garden/switch/pump/state, …/command       ON, OFF

Others have topics of such forms too. A prefix is a node's once it told a status or was discovered, and then told the
state of a component.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from gateway.errors import CodecError
from gateway.model import Outgoing, Value
from gateway.profiles.base import (
    MAX_DEVICES,
    Available,
    Event,
    Ignore,
    Listen,
    Profile,
    ProfileOptions,
    Publication,
    Removed,
    Unreadable,
)
from gateway.profiles.esphome.components import ACTION, FORMS, Form, Write
from gateway.profiles.learnt import LearntDevice, mac_identity, members_of, plain_topic
from gateway.profiles.topic import BaseTopic

# Home Assistant says on `homeassistant/status` that it is there, and may copy its own states to such topics.
_OTHERS = frozenset({"homeassistant"})
_GONE = "its last will says so"


class EsphomeOptions(ProfileOptions):
    """`esphome`, `{type: esphome, prefixes: [home/garden]}`"""

    # Units, choices and buttons are only in what nodes tell Home Assistant, which is their default.
    rank: ClassVar[int] = 2

    type: str = "esphome"
    prefixes: Annotated[tuple[BaseTopic, ...], Field(strict=False, max_length=256)] = ()

    def build(self) -> Profile:
        """The profile."""
        return Esphome(self.prefixes)


class EsphomeDevice(LearntDevice):
    """What is known of a node, and how its points are written: the topic, and the payload."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.topics = frozenset({prefix})
        self.writes: dict[str, tuple[str, Write]] = {}
        self.states: list[str] = []  # its topics that are known

    def introduced(self, answer: dict[str, Any]) -> None:
        """Takes what the node says of itself."""
        maker, _, model = str(answer.get("project_name") or "").rpartition(".")
        self.called(answer.get("friendly_name") or answer.get("name"), model or answer.get("board"), maker or "ESPHome")
        self.identified(mac_identity(answer.get("mac")))


class Component:
    """One state topic of a node."""

    def __init__(self, device: EsphomeDevice, name: str, root: str, form: Form) -> None:
        self.device, self.name, self._root, self._form = device, name, root, form

    def told(self, payload: bytes, retained: bool) -> list[Event]:
        """The events of a message on it; an empty one is a text that is empty, or a topic that somebody cleared."""
        device = self.device
        values: dict[str, Value] = {}
        if not payload:
            known = device.points.get(self.name)
            return device.heard({self.name: ""}, retained) if known is not None and known.type == "string" else []
        for behind, (point, value) in self._form.read(payload).items():
            name = self.name + behind
            known = device.points.get(name)
            if known is not None and known.type == "string" != point.type:  # a text may look like a number
                values[name] = payload.decode()
                continue
            if known is None or known.type != point.type:
                if not device.learn(name, point):
                    continue
                if behind in self._form.writes:
                    device.writes[name] = (self._root, self._form.writes[behind])
            values[name] = value
        for word, write in self._form.actions.items():
            name = f"{self.name}.{word}"
            if name not in device.writes and device.learn(name, ACTION):
                device.writes[name] = (self._root, write)
        return device.heard(values, retained)


class Esphome:
    """The ESPHome nodes of one broker."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        self._named = frozenset(prefixes)
        self._filters = {"esphome/discover/+": 1, "+/status": 1}
        self._online: dict[str, bool | None] = {}  # of prefixes that may be, or are, a node's
        for prefix in sorted(self._named):
            self._online[prefix] = None
            self._filters.update({f"{prefix}/status": 1, **_states(prefix)})
        self._answers: dict[str, dict[str, Any]] = {}  # by the node's name
        self._devices: dict[str, EsphomeDevice] = {}
        self._components: dict[str, Component] = {}  # by their state topics

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        """Statuses and answers, and the states below prefixes that may be a node's."""
        return list(self._filters.items())

    def greetings(self) -> Iterable[Publication]:
        """What makes all nodes tell who they are."""
        return (Publication("esphome/discover", b""),)

    def receive(self, topic: str, payload: bytes, retained: bool) -> Iterable[Event]:
        """What a message means."""
        component = self._components.get(topic)
        try:
            if component is not None:
                return component.told(payload, retained)
            head, _, last = topic.rpartition("/")
            if last == "state":
                return list(self._state(topic, head, payload, retained))
            if head == "esphome/discover":
                return list(self._introduced(last, payload))
            return list(self._status(head, payload)) if last == "status" else []
        except CodecError as error:
            return [Unreadable(None if component is None else component.device.key, str(error))]

    def encode(self, command: Outgoing) -> Publication:
        """The command as a message on `…/command`."""
        device = self._devices.get(command.name or "")
        if device is None:
            raise CodecError("there is no such device")
        value = device.commanded(command)
        root, write = device.writes[command.point]  # every writable point has one
        return Publication(f"{root}/command", write(value))

    def _state(self, topic: str, head: str, payload: bytes, retained: bool) -> Iterator[Event]:
        levels = head.split("/")
        for behind in range(2, min(len(levels), 4)):
            prefix = "/".join(levels[:-behind])
            kind, name, part = (*levels[-behind:], "")[:3]
            form = FORMS.get((kind, part))
            if form is None or not name or prefix not in self._online:
                continue
            device = self._devices.get(prefix)
            new = device is None
            if device is None:
                device = EsphomeDevice(prefix)
                if (answer := self._answers.get(levels[-behind - 1])) is not None:
                    device.introduced(answer)
            component = Component(device, f"{kind}.{name}.{part}".rstrip("."), head, form)
            events = component.told(payload, retained)
            if not device.points:
                yield from (Unreadable(None, event.message) for event in events if isinstance(event, Unreadable))
                return
            if component.name in device.points or any(p.startswith(f"{component.name}.") for p in device.points):
                self._components[topic] = component
                device.states.append(topic)
            if new:
                self._devices[prefix] = device
            yield from events
            if new and (online := self._online[prefix]) is not None:
                yield Available(prefix, online, None if online else _GONE)
            return

    def _status(self, prefix: str, payload: bytes) -> Iterator[Event]:
        if payload not in (b"online", b"offline"):
            if prefix in self._devices and payload:
                raise CodecError(f"{payload[:40]!r} is neither online nor offline")
            return  # somebody else's
        if prefix not in self._online and (prefix in _OTHERS or not plain_topic(prefix)):
            return
        yield from self._considered(prefix)
        online = self._online[prefix] = payload == b"online"
        if prefix in self._devices:
            yield Available(prefix, online, None if online else _GONE)

    def _introduced(self, name: str, payload: bytes) -> Iterator[Event]:
        if not payload:  # its retained answer was cleared: the node is gone
            self._answers.pop(name, None)
            yield from self._forgotten(name)
            return
        answer = members_of(payload)
        if answer.get("name") != name:
            raise CodecError("it claims another device than its topic")
        if name not in self._answers and len(self._answers) >= MAX_DEVICES:
            raise CodecError(f"there are {MAX_DEVICES} devices already")
        wanted = ("name", "friendly_name", "mac", "board", "project_name")
        self._answers[name] = {key: answer[key][:128] for key in wanted if isinstance(answer.get(key), str)}
        yield from self._considered(name)
        for prefix, device in self._devices.items():
            if prefix.rpartition("/")[2] == name:
                device.introduced(self._answers[name])
                if device.changed:
                    yield from device.heard({}, True)

    def _considered(self, prefix: str) -> Iterator[Event]:
        """The prefix may be a node's: its states are listened for."""
        if prefix in self._online:
            return
        if not plain_topic(prefix):
            raise CodecError("it cannot be a prefix")
        if len(self._online) >= MAX_DEVICES:
            raise CodecError(f"there are {MAX_DEVICES} devices already")
        self._online[prefix] = None
        self._filters.update(_states(prefix))
        yield Listen(tuple(_states(prefix).items()))

    def _forgotten(self, prefix: str) -> Iterator[Event]:
        if prefix in self._named or prefix not in self._online:
            return
        del self._online[prefix]
        device = self._devices.pop(prefix, None)
        if device is not None:
            for topic in device.states:
                del self._components[topic]
            yield Removed(prefix)
        for filter in _states(prefix):
            del self._filters[filter]
        yield Ignore(tuple(_states(prefix)))


def _states(prefix: str) -> dict[str, int]:
    """The filters of the states below a prefix: of components, and of what they have beside their own."""
    return {f"{prefix}/+/+/state": 0, f"{prefix}/+/+/+/state": 0}
