"""The profile of Home Assistant's MQTT discovery."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from gateway.codecs.json import parse
from gateway.codecs.paths import MISSING
from gateway.codecs.text import text_of
from gateway.errors import CodecError
from gateway.model import Outgoing, Sample, Value
from gateway.profiles.base import (
    MAX_DEVICES,
    MAX_POINTS,
    Available,
    Event,
    Heard,
    Profile,
    ProfileOptions,
    Publication,
    Removed,
    Unreadable,
)
from gateway.profiles.homeassistant.device import Device
from gateway.profiles.homeassistant.discovery import Discovered, place_of, read
from gateway.profiles.homeassistant.feeds import MAX_FEEDS, Feed, Feeds
from gateway.profiles.topic import BaseTopic

_MAX_MESSAGES = 16384  # that configure entities


class HomeassistantOptions(ProfileOptions):
    """`homeassistant`, or `{type: homeassistant, prefix: homeassistant, commands: true}`"""

    rank: ClassVar[int] = 1

    type: str = "homeassistant"
    prefix: BaseTopic = "homeassistant"

    def build(self) -> Profile:
        """The profile."""
        return HomeassistantProfile(self.prefix)


class HomeassistantProfile:
    """The devices that are announced below one prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}/"
        self._devices: dict[str, Device] = {}
        self._by_key: dict[str, Device] = {}  # by any name that a device is known by
        self._messages: dict[str, tuple[int, Device]] = {}  # by topic, what it said last and of which device
        self._feeds = Feeds()

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        """The discovery topics, and those that the devices found there speak on."""
        yield f"{self._prefix}+/+/config", 1
        yield f"{self._prefix}+/+/+/config", 1
        yield from self._feeds.filters

    def greetings(self) -> Iterable[Publication]:
        """None: the birth message that makes devices announce themselves again is Home Assistant's own."""
        return ()

    def receive(self, topic: str, payload: bytes, retained: bool) -> Iterable[Event]:
        """What a message means: a discovery, values, availability, or several of them."""
        feeds = self._feeds.on(topic)
        if len(feeds) == 1:
            return self._hear(feeds[0], payload, retained)
        events = [event for feed in feeds for event in self._hear(feed, payload, retained)]
        if topic.startswith(self._prefix) and topic.endswith("/config"):
            events += self._discover(topic, payload)
        return events

    # ---- discovery

    def _discover(self, topic: str, payload: bytes) -> list[Event]:
        before = self._messages.get(topic)
        if not payload.strip():
            return [] if before is None else self._remove(topic, before[1])
        said = hash(payload)
        if before is not None and before[0] == said:  # as retained messages are, at each connect
            return []
        place = place_of(topic[len(self._prefix) :].split("/")[:-1])
        if place is None:
            return [Unreadable(None, "not a topic of a discovery")]
        try:
            found = read(place, topic, payload)
            if found is None:
                return [] if before is None else self._remove(topic, before[1])
            return self._take(topic, said, found)
        except CodecError as error:
            return [Unreadable(before[1].key if before else None, str(error))]

    def _take(self, topic: str, said: int, found: Discovered) -> list[Event]:
        """Takes a discovery in; raises CodecError where there is no room for it."""
        device = next((self._by_key[key] for key in found.device.keys if key in self._by_key), None)
        before = self._messages.get(topic)
        if before is None and len(self._messages) >= _MAX_MESSAGES:
            raise CodecError(f"more than {_MAX_MESSAGES} discoveries")
        if device is None:
            if len(self._devices) >= MAX_DEVICES:
                raise CodecError(f"more than {MAX_DEVICES} devices")
            name = next((key for key in found.device.keys if key not in self._devices), None)
            if name is None:
                raise CodecError("another device has its identifiers")
            device = Device(name)
        if not device.room_for(topic, found.entities):
            raise CodecError(f"more than {MAX_POINTS} points of one device")
        gone = self._remove(topic, before[1]) if before is not None and before[1] is not device else []
        known = device.keys
        device.put(topic, found.device, found.entities)
        if not self._feeds.room_for(device):
            device.take(topic)
            return [*gone, *self._settled(device), Unreadable(None, f"more than {MAX_FEEDS} topics")]
        self._messages[topic] = (said, device)
        self._rename(device, known)
        problems = [Unreadable(device.key, problem) for problem in found.problems]
        return [*gone, *self._settled(device), *problems]

    def _remove(self, topic: str, device: Device) -> list[Event]:
        del self._messages[topic]
        known = device.keys
        device.take(topic)
        self._rename(device, known)
        return self._settled(device)

    def _rename(self, device: Device, before: set[str]) -> None:
        """Finds the device by its present keys, and no others."""
        now = device.keys
        for key in before - now:
            if self._by_key.get(key) is device:
                del self._by_key[key]
        for key in now:
            self._by_key.setdefault(key, device)
        if now:
            self._devices[device.key] = device
        else:
            self._devices.pop(device.key, None)

    def _settled(self, device: Device) -> list[Event]:
        """What is told of a device whose entities changed."""
        if not len(device):
            was_told, device.told = device.told is not None, None
            return [*([Removed(device.key)] if was_told else []), *self._feeds.update(device, gone=True)]
        events: list[Event] = []
        if device.described != device.told:
            device.told = device.described
            events.append(device.described)
        events += self._feeds.update(device)
        return [*events, *self._availability(device)]

    # ---- values

    def _hear(self, feed: Feed, payload: bytes, retained: bool) -> list[Event]:
        if not payload:  # a retained message was cleared
            return []
        try:
            text = text_of(payload)
        except CodecError as error:
            return [Unreadable(self._whose(feed), str(error))]
        document: Any = MISSING
        if feed.wants_json:
            try:
                document = parse(payload)
            except CodecError as error:
                document = error
        events: list[Event] = []
        if feed.sources:
            self._judge(feed, text, document, events)
        for key, pairs in feed.readers.items():
            values: dict[str, Value] = {}
            wrong = None
            for point, channel in pairs:
                if retained and channel.momentary:
                    continue
                template = channel.template
                try:
                    if template is not None and template.is_json and isinstance(document, CodecError):
                        raise document
                    value = channel.read(text, document)
                except CodecError as error:
                    wrong = f"{point}: {error}"
                    continue
                if value is not MISSING:
                    values[point] = value
            if values:
                events.append(Heard(key, Sample(values), retained))
            if wrong is not None:
                events.append(Unreadable(key, wrong))
        return events

    def _judge(self, feed: Feed, text: str, document: Any, events: list[Event]) -> None:
        """Takes what a message says of availability."""
        heard = set()
        for source in feed.sources:
            try:
                if source.template is not None and source.template.is_json and isinstance(document, CodecError):
                    raise document
                online = source.says(text, document)
            except CodecError as error:
                events.append(Unreadable(self._whose(feed), str(error)))
                continue
            if online is not None:
                self._feeds.known[source] = online
                heard.add(source)
        if heard:
            for device in feed.watchers.values():
                device.latest = next((source for source in device.sources if source in heard), device.latest)
                events += self._availability(device)

    def _availability(self, device: Device) -> list[Event]:
        online = device.online(self._feeds.known)
        return [] if online is None else [Available(device.key, online)]

    def _whose(self, feed: Feed) -> str | None:
        """The one device that a feed is of."""
        devices = {*feed.readers, *feed.watchers}
        return next(iter(devices)) if len(devices) == 1 else None

    # ---- commands

    def encode(self, command: Outgoing) -> Publication:
        """The command as a message; never retained, whatever the configuration says."""
        device = self._devices.get(command.name or "")
        if device is None:
            raise CodecError(f"no device is called {str(command.name)[:40]!r}")
        return device.encode(command)
