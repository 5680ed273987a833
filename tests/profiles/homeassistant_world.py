"""A profile of Home Assistant's discovery, and what it told so far."""

import json
from typing import Any

from gateway.model import Outgoing, Point, Value
from gateway.profiles import Described, Event, Heard, Ignore, Listen, Profile, Publication, Removed, Unreadable
from gateway.profiles.homeassistant import HomeassistantOptions


class World:
    """A profile and what it told so far."""

    def __init__(self, **options: Any) -> None:
        self.profile: Profile = HomeassistantOptions(**options).build()
        self.devices: dict[str, Described] = {}
        self.filters: set[str] = set()

    def say(self, topic: str, payload: str | bytes, *, retained: bool = False) -> list[Event]:
        raw = payload.encode() if isinstance(payload, str) else payload
        events = list(self.profile.receive(topic, raw, retained))
        for event in events:
            if isinstance(event, Described):
                self.devices[event.device] = event
            elif isinstance(event, Removed):
                del self.devices[event.device]
            elif isinstance(event, Listen):
                self.filters.update(filter for filter, _ in event.filters)
            elif isinstance(event, Ignore):
                self.filters.difference_update(event.filters)
        return events

    def configure(self, place: str, config: dict[str, Any]) -> list[Event]:
        return self.say(f"homeassistant/{place}/config", json.dumps(config), retained=True)

    def values(self, topic: str, payload: str | bytes, *, retained: bool = False) -> dict[str, Value]:
        heard = [event for event in self.say(topic, payload, retained=retained) if isinstance(event, Heard)]
        return {f"{event.device}:{point}": value for event in heard for point, value in event.sample.values.items()}

    def points(self, device: str) -> dict[str, Point]:
        return dict(self.devices[device].description.points)

    def order(self, device: str, point: str, value: Value) -> Publication:
        return self.profile.encode(Outgoing("x", device, point, value, 1, 0.0))


def only(place: str, **config: Any) -> World:
    world = World()
    world.configure(place, config)
    return world


def problems(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Unreadable)]
