"""A device as others see it: its topics, and what of it is still to be published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from gateway.bus import Device
from gateway.model import Quality, Value
from gateway.northbound.outlet import Outlet
from gateway.northbound.topics import Topics

NULL = b"null"
# Beside a bare payload nothing could tell how far it can be trusted.
_NO_VALUE = (Quality.BAD, Quality.STALE)

Claim = Callable[[str, str, str], bool]  # topic, device, and what of it


class Shown:
    """One device. `claim` tells whether a topic is its alone: names may be such that two would share one."""

    __slots__ = (
        "_claim", "_topics", "commands", "components", "device", "earlier", "home", "home_told", "state_told",
        "state_topic", "state_waits", "told_stale", "topics", "waiting",
    )  # fmt: skip

    def __init__(self, device: Device, topics: Topics, claim: Claim) -> None:
        self.device = device
        self._topics = topics
        self._claim = claim
        self.state_topic = self._claimed(topics.state(device.id), "its state")
        self.state_told: str | None = None
        self.state_waits = False
        self.topics: dict[str, str | None] = {}  # by point, or of "" where one topic has all points
        self.commands: dict[str, str | None] = {}  # by point
        self.waiting: dict[str, None] = {}  # keys of `topics` whose newest value is still to be published
        self.told_stale: set[str] = set()  # points that others know to be stale
        self.home = self._claimed(topics.home(device.id), "its discovery") if topics.has_home else None
        self.home_told: bytes | None = None  # what Home Assistant was told last
        self.components: list[str] = []  # those of this
        self.earlier: dict[str, dict[str, Any]] = {}  # and those that the process before this one told of

    def _claimed(self, topic: str, what: str) -> str | None:
        return topic if self._claim(topic, self.device.id, what) else None

    def look(self, *, takes_commands: bool) -> Iterable[tuple[str, str]]:
        """Finds topics for the points that it has now; returns those that are new to commands, each with its topic."""
        if not self._topics.has_point and "" not in self.topics:
            self.topics[""] = self._claimed(self._topics.values(self.device.id, None), "its values")
        found = []
        for name, point in self.device.points.items():
            if self._topics.has_point and name not in self.topics:
                self.topics[name] = self._claimed(self._topics.values(self.device.id, name), name)
            if takes_commands and point.writable and name not in self.commands:
                topic = self._claimed(self._topics.command(self.device.id, name), f"commands to {name}")
                self.commands[name] = topic
                if topic is not None:
                    found.append((name, topic))
        return found

    def let_go(self) -> tuple[list[str], list[str]]:
        """Lets go of points that the device has no more; returns the topics of their values, and of their commands."""
        points = self.device.points
        values = [name for name in self.topics if name not in points] if self._topics.has_point else []
        commands = [name for name in self.commands if name not in points]
        for name in values:
            self.told_stale.discard(name)
            self.waiting.pop(name, None)
        found = [self.topics.pop(name) for name in values], [self.commands.pop(name) for name in commands]
        return list(filter(None, found[0])), list(filter(None, found[1]))

    def has_topic(self, point: str) -> bool:
        """Whether the values of a point are published anywhere."""
        return self.topics.get(point if self._topics.has_point else "") is not None

    @property
    def retained(self) -> Iterable[str]:
        """The topics on which the broker keeps something of the device."""
        return [topic for topic in (self.state_topic, self.home, *self.topics.values()) if topic is not None]

    @property
    def claimed(self) -> Iterable[str]:
        """All its topics."""
        return [*self.retained, *(topic for topic in self.commands.values() if topic is not None)]

    @property
    def valued(self) -> Iterable[str]:
        """The keys of `topics` that have a value."""
        return self.device.latest if self._topics.has_point else [""]

    def payload(self, key: str) -> bytes | None:
        """What is to be published on one of `topics` now; None where it has no value yet."""
        if not self._topics.has_point:
            return self._object()
        newest = self._newest(key)
        return bare(*newest) if newest is not None else None

    def _newest(self, point: str) -> tuple[Value, Quality] | None:
        """The newest value as clients were told it, and how good it is."""
        filter = self.device.filters.get(point)
        latest = filter.told if filter is not None and filter.told is not None else self.device.latest.get(point)
        return (latest[0], latest[2]) if latest is not None else None

    def _object(self) -> bytes | None:
        """All newest values, the time of the newest, and the quality of those that are not good."""
        told = self.device.told()
        if not told:
            return None
        members: dict[str, Any] = {"time": max(latest[1] for latest in told.values())}
        quality = {point: latest[2] for point, latest in told.items() if latest[2] is not Quality.GOOD}
        if quality:
            members["quality"] = quality
        # A point may have the name of one of the two. Its value comes first.
        return orjson.dumps(members | {point: latest[0] for point, latest in told.items()})

    def catch_up(self, outlet: Outlet, qos: int, retain: bool) -> bool:
        """Publishes what waits, the state first; returns whether that was all."""
        if self.state_waits and self.state_topic is not None:
            state = self.device.state.value.encode()
            self.state_waits = not outlet.post(self.state_topic, state, qos=qos, retain=True)
        while self.waiting and outlet.takes_more:
            key = next(iter(self.waiting))
            topic, payload = self.topics.get(key), self.payload(key)
            if topic is not None and payload is not None and not outlet.post(topic, payload, qos=qos, retain=retain):
                return False
            del self.waiting[key]
        return not self.waiting and not (self.state_waits and self.state_topic is not None)

    def went_stale(self) -> list[str]:
        """The keys of `topics` where a value is stale that others do not know to be."""
        stale = []
        for point in self.device.deadlines:
            newest = self._newest(point)
            if newest is not None and newest[1] is Quality.STALE and point not in self.told_stale:
                stale.append(point)
        self.told_stale.update(stale)
        return stale if self._topics.has_point else [""] * bool(stale)


def bare(value: Value, quality: str = Quality.GOOD) -> bytes:
    """A value as a bare payload: `21.4`, `true`, text as it stands; `null` for one that is bad or stale, or none."""
    if value is None or quality in _NO_VALUE:
        return NULL
    return value.encode("utf-8", "replace") if isinstance(value, str) else orjson.dumps(value)
