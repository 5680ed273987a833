"""A profile of Sparkplug B, and what it was told."""

from gateway.model import Outgoing, Value
from gateway.profiles import Available, Described, Event, Heard, Profile, Publication, Send, Unreadable
from gateway.profiles.sparkplug import SparkplugOptions
from tests.profiles.sparkplug_messages import DEVICE, DEVICE_METRICS, NODE, NODE_METRICS, payload, topic

# "Node Control/Rebirth" = true, as bytes: metric { name, datatype 11, boolean_value (14) }.
REBIRTH = bytes.fromhex("121a 0a14 4e6f646520436f6e74726f6c2f52656269727468 200b 7001")
ASKED = Send(Publication("spBv1.0/Sparkplug B Devices/NCMD/Raspberry Pi", REBIRTH))


class World:
    """A profile, and what it was told."""

    def __init__(self, *groups: str) -> None:
        options = SparkplugOptions(groups=groups) if groups else SparkplugOptions()
        self.profile: Profile = options.build()
        self.devices: dict[str, Described] = {}

    def say(self, kind: str, raw: bytes, key: str = NODE, *, retained: bool = False) -> list[Event]:
        events = list(self.profile.receive(topic(kind, key), raw, retained))
        self.devices.update({event.device: event for event in events if isinstance(event, Described)})
        return events

    def order(self, device: str, point: str, value: Value) -> Publication:
        return self.profile.encode(Outgoing("x", device, point, value, 1, 0.0))


def born() -> World:
    """A node and its device, with sequence number 1 as the last."""
    world = World()
    world.say("NBIRTH", payload(*NODE_METRICS, seq=0))
    world.say("DBIRTH", payload(*DEVICE_METRICS, seq=1), DEVICE)
    return world


def heard(events: list[Event]) -> dict[str, Value]:
    return {
        point: value for event in events if isinstance(event, Heard) for point, value in event.sample.values.items()
    }


def problems(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Unreadable)]


def asks(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, Send)]


def available(events: list[Event]) -> dict[str, bool]:
    return {event.device: event.online for event in events if isinstance(event, Available)}
