"""The topics that devices' values and availability come on, and who wants what of them."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.profiles.base import Event, Ignore, Listen
from gateway.profiles.homeassistant.availability import Source
from gateway.profiles.homeassistant.device import Device
from gateway.profiles.homeassistant.entity import Channel
from gateway.profiles.homeassistant.templates import ValueTemplate

MAX_FEEDS = 16384  # topic filters


class Feed:
    """One topic filter: the points of each device that are on it, and what it says of whose availability."""

    __slots__ = ("readers", "sources", "wants_json", "watchers")

    def __init__(self) -> None:
        self.readers: dict[str, tuple[tuple[str, Channel], ...]] = {}  # by device
        self.watchers: dict[str, Device] = {}
        self.sources: dict[Source, int] = {}  # and how many devices go by it
        self.wants_json = False  # whether anybody has read its payloads as JSON

    def note(self, templates: Iterable[ValueTemplate | None]) -> None:
        """Notes how some of those who want it read it."""
        self.wants_json = self.wants_json or any(each is not None and each.is_json for each in templates)


class Feeds:
    """All feeds by their filter. `known` is what each source of availability said last."""

    def __init__(self) -> None:
        self.known: dict[Source, bool] = {}
        self._feeds: dict[str, Feed] = {}
        self._wild: dict[tuple[int, str], dict[str, list[str]]] = {}  # by number of levels and the last, filters
        self._of: dict[str, tuple[frozenset[str], frozenset[Source]]] = {}  # by device, what it has now

    @property
    def filters(self) -> list[tuple[str, int]]:
        """The topic filters with their QoS: what tells of availability must not be lost."""
        return [(topic, 1 if feed.watchers else 0) for topic, feed in self._feeds.items()]

    def on(self, topic: str) -> list[Feed]:
        """The feeds that a message on this topic belongs to."""
        feed = self._feeds.get(topic)
        found = [] if feed is None else [feed]
        if self._wild:
            levels = topic.split("/")
            for filter, wanted in self._wild.get((len(levels), levels[-1]), {}).items():
                if all(level in ("+", given) for level, given in zip(wanted, levels, strict=True)):
                    found.append(self._feeds[filter])
        return found

    def room_for(self, device: Device) -> bool:
        """Whether the topics of a device fit in."""
        new = sum(topic not in self._feeds for topic in {*device.bindings, *_watched(device)})
        return len(self._feeds) + new <= MAX_FEEDS

    def update(self, device: Device, *, gone: bool = False) -> list[Event]:
        """Gives the device what it wants now, and nothing else; one that is gone wants nothing."""
        before, sources_before = self._of.pop(device.key, (frozenset(), frozenset()))
        watched = frozenset() if gone else _watched(device)
        wanted = frozenset() if gone else watched | device.bindings.keys()
        listen = [self._give(device, topic, watched) for topic in sorted(wanted)]
        sources = frozenset() if gone else device.sources
        for source in sources - sources_before:
            feed = self._feeds[str(source.topic)]
            feed.sources[source] = feed.sources.get(source, 0) + 1
            feed.note([source.template])
        for source in sources_before - sources:
            self._let_go(source)
        ignore = [topic for topic in sorted(before - wanted) if self._take(device, topic)]
        if wanted:
            self._of[device.key] = (wanted, sources)
        new = tuple(each for each in listen if each is not None)
        return [*([Listen(new)] if new else []), *([Ignore(tuple(ignore))] if ignore else [])]

    def _give(self, device: Device, topic: str, watched: frozenset[str]) -> tuple[str, int] | None:
        """Gives the device a topic; the filter and its QoS where it is to be subscribed to, or again."""
        feed = self._feeds.get(topic)
        is_new = feed is None
        if feed is None:
            feed = self._feeds[topic] = Feed()
            if "+" in topic:
                levels = topic.split("/")
                self._wild.setdefault((len(levels), levels[-1]), {})[topic] = levels
        was_watched = bool(feed.watchers)
        gains = False  # what is new on a topic has not got the retained message that the others have
        if pairs := device.bindings.get(topic):
            gains = not set(pairs) <= set(feed.readers.get(device.key, ()))
            feed.readers[device.key] = pairs
            feed.note(channel.template for _, channel in pairs)
        else:
            feed.readers.pop(device.key, None)
        if topic in watched:
            feed.watchers[device.key] = device
        else:
            feed.watchers.pop(device.key, None)
        rises = bool(feed.watchers) and not was_watched
        return (topic, 1 if feed.watchers else 0) if is_new or rises or gains else None

    def _take(self, device: Device, topic: str) -> bool:
        """Takes a topic from the device; whether nobody wants it any more."""
        feed = self._feeds[topic]
        feed.readers.pop(device.key, None)
        feed.watchers.pop(device.key, None)
        if feed.readers or feed.watchers:
            return False
        del self._feeds[topic]
        if "+" in topic:
            levels = topic.split("/")
            place = (len(levels), levels[-1])
            self._wild[place].pop(topic)
            if not self._wild[place]:
                del self._wild[place]
        return True

    def _let_go(self, source: Source) -> None:
        held = self._feeds[str(source.topic)].sources
        held[source] -= 1
        if not held[source]:
            del held[source]
            self.known.pop(source, None)


def _watched(device: Device) -> frozenset[str]:
    return frozenset(source.topic for source in device.sources if source.topic is not None)
