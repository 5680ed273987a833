"""The Homie devices of one domain on one broker."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.codecs.text import text_of
from gateway.errors import CodecError
from gateway.model import Outgoing, Sample
from gateway.profiles.base import (
    MAX_DEVICES,
    Available,
    Described,
    Event,
    Heard,
    Publication,
    Removed,
    Unreadable,
)
from gateway.profiles.early import Early
from gateway.profiles.homie import description as described
from gateway.profiles.homie.datatypes import Property

# What each state means for whoever wants something of the device: None where it is there. One that sleeps is well, and
# takes what is waiting for it when it wakes.
_STATES = {
    "init": "it is starting, and not ready yet",
    "ready": None,
    "disconnected": "the device disconnected",
    "sleeping": None,
    "lost": "the device lost its connection",
}
_ROOT_LOST = "the device that it is reached through lost its connection"
_MAX_ALERT = 4096  # characters
_MAX_DESCRIPTIONS = 16 << 20  # bytes of all of them as they came


@dataclass(slots=True)
class _Device:
    """A device: it is there once both its state and its description are known."""

    id: str
    state: str | None = None
    about: described.Described | None = None
    digest: bytes = b""  # of the description
    size: int = 0  # of the description, in bytes

    @property
    def exists(self) -> bool:
        return self.state is not None and self.about is not None


class Homie:
    """The devices below one root topic, such as `homie/5/`, each by its id."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._devices: dict[str, _Device] = {}
        self._size = 0  # of all descriptions, in bytes
        self._children: dict[str, set[str]] = {}  # by the root of their tree
        self._values: dict[str, tuple[str, str, Property]] = {}  # device, point and property by topic
        self._early = Early()

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        """States and descriptions before values, so that a broker sends what is retained in that order."""
        # `+/+/+` brings no targets and no commands: they are a level deeper. Values may come once and never again.
        return [(f"{self._root}+/$state", 1), (f"{self._root}+/$description", 1), (f"{self._root}+/+/+", 1)]

    def greetings(self) -> Iterable[Publication]:
        """Nothing: what there is to know is retained."""
        return ()

    # ---- from the broker

    def receive(self, topic: str, payload: bytes, retained: bool) -> Iterable[Event]:
        """A value is looked up by its topic; what belongs to nobody is kept where it may come too early."""
        found = self._values.get(topic)
        if found is not None:
            return self._value(*found, payload, retained)
        id, _, rest = topic.removeprefix(self._root).partition("/")
        if not topic.startswith(self._root) or id.startswith("$"):
            return ()
        if rest in ("$state", "$description"):
            if not described.ID.fullmatch(id):
                return [Unreadable(None, f"{id[:40]!r} cannot be the id of a device")]
            device = self._devices.get(id)
            if device is None:
                if not payload:
                    return ()
                if len(self._devices) >= MAX_DEVICES:
                    return [Unreadable(None, f"{id!r} is one device too many: {MAX_DEVICES} are known")]
                device = _Device(id)
            if rest == "$state":
                return self._state(device, payload)
            return self._description(device, payload)
        device = self._devices.get(id)
        if rest.startswith("$alert/") and device is not None and device.exists:
            return self._alert(id, rest.removeprefix("$alert/"), payload, retained)
        if retained and not rest.startswith("$log/"):
            self._early.keep(topic, payload)
        return ()

    def _value(self, id: str, point: str, property: Property, payload: bytes, retained: bool) -> list[Event]:
        try:
            return [Heard(id, Sample({point: property.value(payload)}), retained)]
        except CodecError as error:
            return [Unreadable(id, f"{point}: {error}")]

    def _alert(self, id: str, alert: str, payload: bytes, retained: bool) -> list[Event]:
        """A message to people, as a text that is empty once it is resolved."""
        try:
            text = text_of(payload)
        except CodecError as error:
            return [Unreadable(id, str(error))]
        if not described.ID.fullmatch(alert) or len(text) > _MAX_ALERT:
            return [Unreadable(id, f"an alert of more than {_MAX_ALERT} characters, or without an id")]
        return [Heard(id, Sample({f"$alert.{alert}": text}), retained)]

    def _state(self, device: _Device, payload: bytes) -> list[Event]:
        state = payload.decode("utf-8", "replace")
        if payload and state not in _STATES:
            return [Unreadable(device.id, f"{state[:40]!r} is no state")]
        existed, was = device.exists, device.state
        device.state = state or None
        events = self._keep(device, existed)
        if "lost" in (was, device.state):
            children = sorted(self._children.get(device.id, ()))
            events += [event for child in children for event in self._available(self._devices[child])]
        return events

    def _description(self, device: _Device, payload: bytes) -> list[Event]:
        digest = hashlib.blake2b(payload, digest_size=16).digest()
        if device.about is not None and digest == device.digest:  # as at every connect
            return []
        size = self._size - device.size + len(payload)
        try:
            if size > _MAX_DESCRIPTIONS:
                raise CodecError(f"the descriptions of all devices have more than {_MAX_DESCRIPTIONS} bytes")
            about = described.read_description(device.id, payload) if payload else None
        except CodecError as error:
            return [Unreadable(device.id, str(error))]
        existed = device.exists
        self._forget(device)
        device.about, device.digest = about, digest
        self._size, device.size = size, len(payload)
        events = self._keep(device, existed, anew=True)
        return [Unreadable(device.id, about.wrong), *events] if about is not None and about.wrong else events

    def _keep(self, device: _Device, existed: bool, *, anew: bool = False) -> list[Event]:
        """Keeps what is left of a device, and tells whether it came, changed or went."""
        if not device.exists:
            self._forget(device)
            if device.state is None and device.about is None:
                self._devices.pop(device.id, None)
            else:
                self._devices[device.id] = device
            return [Removed(device.id)] if existed else []
        self._devices[device.id] = device
        if existed and not anew:
            return self._available(device)
        return self._appear(device)

    def _forget(self, device: _Device) -> None:
        """Takes the topics of a device out of the tables."""
        if device.about is not None:
            for point in device.about.properties:
                self._values.pop(self._topic(device.id, point), None)
            children = self._children.get(device.about.root or "", set())
            children.discard(device.id)
            if not children:
                self._children.pop(device.about.root or "", None)

    def _appear(self, device: _Device) -> list[Event]:
        """A device is there, or is another than it was."""
        about = device.about
        if about is None:
            return []
        for point, property in about.properties.items():
            self._values[self._topic(device.id, point)] = (device.id, point, property)
        if about.root is not None:
            self._children.setdefault(about.root, set()).add(device.id)
        topic = f"{self._root}{device.id}"
        events: list[Event] = [Described(device.id, about.description, topics=frozenset({topic}))]
        events += self._available(device)
        for early, payload in self._early.take(f"{topic}/").items():
            events += self.receive(early, payload, True)
        return events

    def _available(self, device: _Device) -> list[Event]:
        if not device.exists or device.state is None or device.about is None:
            return []
        root = self._devices.get(device.about.root or "")
        reason = _ROOT_LOST if root is not None and root.state == "lost" else _STATES[device.state]
        return [Available(device.id, reason is None, reason)]

    def _topic(self, id: str, point: str) -> str:
        return f"{self._root}{id}/{point.replace('.', '/')}"

    # ---- to the broker

    def encode(self, command: Outgoing) -> Publication:
        """`<root><device>/<node>/<property>/set` with the bare value."""
        device = self._devices.get(command.name or "")
        if device is None or device.about is None or not device.exists:
            raise CodecError("no such device has described itself")
        property = device.about.properties.get(command.point)
        if property is None:
            raise CodecError(f"it has no point {command.point[:40]!r}")
        return Publication(
            f"{self._topic(device.id, command.point)}/set", property.payload(command.point, command.value)
        )
