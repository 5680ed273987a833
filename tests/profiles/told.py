"""Hands messages to a profile, and picks what it tells of one kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from gateway.model import Description, Outgoing, Value
from gateway.profiles import Available, Described, Event, Heard, Profile, Publication, Send, Unreadable

Kind = TypeVar("Kind")
Message = tuple[str, bytes, bool]


def told(profile: Profile, messages: Iterable[Message]) -> list[Event]:
    """The events of all the messages, in order."""
    return [event for topic, payload, retained in messages for event in profile.receive(topic, payload, retained)]


def fresh(profile: Profile, topic: str, payload: bytes) -> list[Event]:
    """The events of one message that is not retained."""
    return list(profile.receive(topic, payload, False))


def only(kind: type[Kind], events: Iterable[Event]) -> list[Kind]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def devices(events: Iterable[Event]) -> dict[str, Description]:
    """The newest description of each device."""
    return {event.device: event.description for event in only(Described, events)}


def values(events: Iterable[Event]) -> dict[str, Value]:
    """The newest value of each point, whatever the device."""
    return {name: value for event in only(Heard, events) for name, value in event.sample.values.items()}


def complaints(events: Iterable[Event]) -> list[str]:
    """What was unreadable."""
    return [event.message for event in only(Unreadable, events)]


def availability(events: Iterable[Event]) -> list[tuple[str, bool]]:
    """Who is there, and who is not."""
    return [(event.device, event.online) for event in only(Available, events)]


def questions(events: Iterable[Event]) -> list[Publication]:
    """What devices are asked."""
    return [event.publication for event in only(Send, events)]


def command(device: str, point: str, value: Value, id: int = 17) -> Outgoing:
    """A command on its way to a device."""
    return Outgoing("house.device", device, point, value, id, 1e9)
