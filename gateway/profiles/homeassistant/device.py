"""A device, put together from the entities that name it."""

from __future__ import annotations

from gateway.errors import CodecError
from gateway.model import Description, Outgoing, Point
from gateway.profiles.base import MAX_POINTS, Described, Publication
from gateway.profiles.commanded import commanded
from gateway.profiles.homeassistant.availability import Presence, Source
from gateway.profiles.homeassistant.discovery import Configured, DeviceInfo
from gateway.profiles.homeassistant.entity import Channel
from gateway.profiles.homeassistant.names import names_of

Bindings = dict[str, tuple[tuple[str, Channel], ...]]  # by topic filter, the points and how they are read


class Device:
    """Its entities by the message that configures them, and what comes of all of them."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.told: Described | None = None
        self.latest: Source | None = None  # the source of availability that was heard last
        self.presences: tuple[Presence, ...] = ()
        self.sources: frozenset[Source] = frozenset()
        self.bindings: Bindings = {}
        self._infos: dict[str, DeviceInfo] = {}
        self._entities: dict[str, tuple[Configured, ...]] = {}
        self._channels: dict[str, Channel] = {}  # by point
        self.described = Described(key, Description({}))

    def __len__(self) -> int:
        return sum(map(len, self._entities.values()))

    @property
    def keys(self) -> set[str]:
        """All names that the device is known by."""
        return {key for info in self._infos.values() for key in info.keys}

    def room_for(self, topic: str, entities: tuple[Configured, ...]) -> bool:
        """Whether the entities of a message fit in."""
        others = [each for name, held in self._entities.items() if name != topic for each in held]
        return sum(len(entity.channels) for entity in (*others, *entities)) <= MAX_POINTS

    def put(self, topic: str, info: DeviceInfo, entities: tuple[Configured, ...]) -> None:
        """Takes what a message configures, in the place of what it configured before."""
        self._infos[topic] = info
        self._entities[topic] = entities
        self._settle()

    def take(self, topic: str) -> None:
        """Lets go of what a message configured."""
        self._infos.pop(topic, None)
        self._entities.pop(topic, None)
        self._settle()

    def _settle(self) -> None:
        """Works out points, topics and availability anew."""
        infos = list(self._infos.values())
        info = DeviceInfo(
            tuple(dict.fromkeys(key for each in infos for key in each.keys)),
            next((each.name for each in infos if each.name), None),
            next((each.model for each in infos if each.model), None),
            next((each.vendor for each in infos if each.vendor), None),
            frozenset().union(*(each.identities for each in infos)),
        )
        entities = [entity for held in self._entities.values() for entity in held]
        names = names_of(entities, info)
        self._channels = {
            f"{names[entity.id]}.{channel.suffix}" if channel.suffix else names[entity.id]: channel
            for entity in sorted(entities, key=lambda entity: names[entity.id])
            for channel in entity.channels
        }
        bound: dict[str, list[tuple[str, Channel]]] = {}
        topics = set()
        for point, channel in self._channels.items():
            if channel.state is not None:
                bound.setdefault(channel.state, []).append((point, channel))
                if "+" not in channel.state:
                    topics.add(channel.state)
            if channel.command is not None:
                topics.add(channel.command)
        self.bindings = {topic: tuple(pairs) for topic, pairs in bound.items()}
        self.presences = tuple(dict.fromkeys(entity.presence for entity in entities if entity.presence is not None))
        self.sources = frozenset(
            source for presence in self.presences for source in presence.sources if source.topic is not None
        )
        points: dict[str, Point] = {point: channel.point for point, channel in self._channels.items()}
        description = Description(points, info.name, info.model, info.vendor)
        self.described = Described(self.key, description, info.identities, frozenset(topics))

    def online(self, known: dict[Source, bool]) -> bool | None:
        """Whether it is there: as soon as one of its entities is. None where that is not known yet."""
        said = [presence.verdict(known, self.latest) for presence in self.presences]
        if True in said:
            return True
        return False if said and None not in said else None

    def encode(self, command: Outgoing) -> Publication:
        """The command as a message; raises CodecError."""
        channel = self._channels.get(command.point)
        if channel is None or channel.command is None:
            raise CodecError(f"{command.point[:40]!r} takes no commands")
        return Publication(channel.command, channel.payload(commanded(command.point, channel.point, command.value)))
