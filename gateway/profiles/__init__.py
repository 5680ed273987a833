"""Profiles: how the devices that people own speak MQTT. Pure translators, one file a dialect."""

from gateway.profiles.base import (
    MAX_MESSAGE,
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
    usual_options,
)

__all__ = [
    "MAX_MESSAGE",
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
    "usual_options",
]
