"""Profiles: how the devices that people own speak MQTT. Pure translators, one file a dialect."""

from gateway.profiles.base import (
    Answered,
    Available,
    Described,
    Event,
    Heard,
    Ignore,
    Listen,
    Profile,
    ProfileOptions,
    Publication,
    Removed,
    Send,
    Unreadable,
)

__all__ = [
    "Answered",
    "Available",
    "Described",
    "Event",
    "Heard",
    "Ignore",
    "Listen",
    "Profile",
    "ProfileOptions",
    "Publication",
    "Removed",
    "Send",
    "Unreadable",
]
