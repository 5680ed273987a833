"""What every profile is: the messages of one MQTT dialect into events, commands into messages of that dialect.

A profile is a plain object: no event loop, no clock, no connection. It remembers what the messages told it of its
devices, within bounds, over the lives of the connection. A device is named as the dialect names it for good: every
event of that device has the same `device`, which is unique among the devices of the profile.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from gateway import plugins
from gateway.config.strict import Strict
from gateway.model import Acknowledgement, Description, Outgoing, Sample

MAX_MESSAGE = 8 * 1024 * 1024  # bytes of one that a profile is given: a bridge tells of all its devices in one
MAX_DEVICES = 4096  # of one profile
MAX_POINTS = 512  # of one device


@dataclass(frozen=True, slots=True)
class Publication:
    """A message to be published."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Described:
    """What a device is; told again whenever that changed.

    `identities` are its hardware addresses: `mac:` and 12, or `ieee:` and 16 lower-case hexadecimal digits. `topics`
    are those below which nobody but this device speaks; of one that others give, those that its values come on.
    Two descriptions are of one device where they share an identity, or a topic of one lies on or below one of the
    other.
    """

    device: str
    description: Description
    identities: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Removed:
    """The device is gone for good."""

    device: str


@dataclass(frozen=True, slots=True)
class Heard:
    """Values of a device; `retained` ones are old, and may be of any age."""

    device: str
    sample: Sample
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Available:
    """The device, or somebody for it, says whether it is there; `reason` is what a person reads while it is not."""

    device: str
    online: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The device answered a command."""

    device: str
    answer: Acknowledgement


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message of the dialect that makes no sense; `device` where it is known whose it was."""

    device: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Listen:
    """From now on the profile needs these topic filters too, with their QoS.

    Of one that it has already, it wants the retained messages again, or another QoS.
    """

    filters: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Ignore:
    """The profile does not need these topic filters any more."""

    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """A question that the dialect asks so that devices tell about themselves; it moves nothing."""

    publication: Publication


Event = Described | Removed | Heard | Available | Answered | Unreadable | Listen | Ignore | Send


class Profile(Protocol):
    """One dialect on one broker."""

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        """The topic filters that it needs now, with their QoS; all of them at every connect."""
        ...

    def greetings(self) -> Iterable[Publication]:
        """What is asked of the devices at every connect, once the subscriptions stand; it moves nothing."""
        ...

    def receive(self, topic: str, payload: bytes, retained: bool) -> Iterable[Event]:
        """What a message on one of the subscriptions means, in order; nothing where it is none of its own.

        Never raises: what cannot be read is `Unreadable`. Retained messages are never `Answered`.
        """
        ...

    def encode(self, command: Outgoing) -> Publication:
        """The command as a message; `command.name` is the device as the profile names it.

        Raises CodecError where the device, the point or the value cannot be commanded.
        """
        ...


class ProfileOptions(Strict):
    """The options of a profile, as configured.

    Actuators are read-only until `commands` is true, here or for the device. Of two profiles that tell of one device,
    that of the lower `rank` has it: 0 where devices say all that they are, 1 where others say it for them, 2 where the
    topics alone show it.
    """

    rank: ClassVar[int] = 0

    type: str
    commands: bool = False

    @abstractmethod
    def build(self) -> Profile:
        """The profile."""
        raise NotImplementedError


def usual_options(name: str) -> ProfileOptions:
    """The options of an installed profile where nothing is configured; raises TypeError where it is none."""
    found = plugins.find("profiles", name)
    options = found.model_validate({"type": name}) if found is not None else None
    if not isinstance(options, ProfileOptions):
        raise TypeError(f"profile plug-in {name!r} has no ProfileOptions as its options")
    return options
