"""The devices and groups of a Zigbee network, as `bridge/devices` and `bridge/groups` list them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import CodecError
from gateway.model import NOT_IN_TOPICS, Description, Value
from gateway.profiles.base import MAX_DEVICES, Described, Unreadable
from gateway.profiles.zigbee2mqtt.exposes import Exposed, Feature, read_exposes

# It becomes part of a topic, and must not be mistaken for a command or for what the bridge itself says.
_FRIENDLY_NAME = re.compile(r"(?!bridge(?:/|\Z))(?!(?:.*/)?(?:set|get)\Z)[^\x00-\x1f\x7f+#]{1,256}")
_IEEE = re.compile(r"0x[0-9a-f]{16}")
_MAX_TEXT = 128  # characters of a model or vendor

# What a group of devices has in common, and is commanded as one.
_SHARED = {
    "state",
    "brightness",
    "color_temp",
    "color.x",
    "color.y",
    "color.hue",
    "color.saturation",
    "position",
    "tilt",
}


@dataclass(slots=True)
class Node:
    """A device or a group: what it is, and what has to be remembered of it."""

    name: str
    topic: str
    exposed: Exposed
    description: Description
    ieee: str | None = None  # of a device
    disabled: bool = False
    online: bool | None = None  # as its own availability says
    paired: dict[str, Value] = field(default_factory=dict)  # the newest of those that commands carry beside another

    def __post_init__(self) -> None:
        self.paired |= {
            feature.beside: None for feature in self.exposed.features.values() if feature.beside is not None
        }

    def described(self, *, owns_topic: bool) -> Described:
        """What is told of it; below the topic of one that does not own it, others speak too."""
        return Described(
            self.name,
            self.description,
            frozenset({f"ieee:{self.ieee[2:]}"} if self.ieee else ()),
            frozenset({self.topic} if owns_topic else ()),
        )

    def is_same(self, other: Node | None) -> bool:
        """Whether it is that one, by its address, under the same name."""
        return other is not None and self.name == other.name and self.ieee == other.ieee


@dataclass(frozen=True, slots=True)
class Group:
    """A group, before it is known what its members can do."""

    name: str
    members: tuple[str, ...]


@dataclass(slots=True)
class Listed:
    """What a list holds, by name, and what of it could not be understood."""

    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)


def read_list(payload: bytes) -> Listed:
    """The entries of a list that have a name of their own, without the coordinator; raises CodecError."""
    found = Listed()
    try:
        entries = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise CodecError(f"the list is not JSON: {error}") from error
    if not isinstance(entries, list):
        raise CodecError("the list is not one")
    for entry in entries:
        if not isinstance(entry, dict):
            found.unreadable.append(Unreadable(None, "an entry of the list is not an object"))
            continue
        if entry.get("type") == "Coordinator":
            continue
        name = entry.get("friendly_name")
        if type(name) is not str or not _FRIENDLY_NAME.fullmatch(name) or NOT_IN_TOPICS.search(name):
            found.unreadable.append(Unreadable(None, f"{str(name)[:40]!r} cannot be a friendly name"))
        elif name in found.entries:
            found.unreadable.append(Unreadable(name, "two of one friendly name"))
        elif len(found.entries) >= MAX_DEVICES:
            found.unreadable.append(Unreadable(None, f"{name[:40]!r} is one too many: {MAX_DEVICES} are known"))
        else:
            found.entries[name] = entry
    return found


class Definitions:
    """Reads definitions, each of them once: many devices are of one model, and lists come again and again."""

    def __init__(self) -> None:
        self._known: dict[bytes, Exposed] = {}
        self._used: dict[bytes, Exposed] = {}

    def read(self, definition: dict[str, Any]) -> Exposed:
        """What a definition exposes."""
        exposes = definition.get("exposes", [])
        try:
            digest = hashlib.blake2b(orjson.dumps(exposes), digest_size=16).digest()
        except TypeError:  # it cannot write what is nested that deeply
            return read_exposes(exposes)
        found = self._used.get(digest) or self._known.get(digest)
        self._used[digest] = found = found or read_exposes(exposes)
        return found

    def forget(self) -> None:
        """Forgets those that were not read since it was last asked to."""
        self._known, self._used = self._used, {}


def read_device(name: str, entry: dict[str, Any], topic: str, definitions: Definitions) -> Node:
    """A device; one that is not supported has no points before it speaks."""
    given = entry.get("ieee_address")
    ieee = given.lower() if type(given) is str and _IEEE.fullmatch(given.lower()) else None
    definition = entry.get("definition")
    exposed = Exposed()
    model, vendor, kind = entry.get("model_id"), entry.get("manufacturer"), None
    if isinstance(definition, dict):
        exposed = definitions.read(definition)
        model, vendor, kind = definition.get("model"), definition.get("vendor"), _text(definition.get("description"))
    title = name
    if kind is not None and ieee is not None and name.lower() == ieee:  # nobody has named it yet
        title = f"{kind} {ieee[-4:]}"
    description = Description(exposed.points, title, _text(model), _text(vendor))
    return Node(name, topic, exposed, description, ieee, disabled=entry.get("disabled") is True)


def read_group(name: str, entry: dict[str, Any]) -> Group:
    """A group and the addresses of its members."""
    members = entry.get("members")
    addresses = [
        member["ieee_address"].lower()
        for member in (members if isinstance(members, list) else ())
        if isinstance(member, dict) and type(member.get("ieee_address")) is str
    ]
    return Group(name, tuple(dict.fromkeys(addresses)))


def make_group(group: Group, topic: str, devices: dict[str, Node]) -> Node:
    """The group with the points that all its members share; `devices` are by address."""
    members = [devices[address].exposed.features for address in group.members if address in devices]
    features = {
        name: feature
        for name, feature in (members[0] if members else {}).items()
        if name in _SHARED and all(name in other and _alike(feature, other[name]) for other in members)
    }
    exposed = Exposed(features).index()
    return Node(group.name, topic, exposed, Description(exposed.points, group.name, "group of devices"))


def parents(names: Iterable[str]) -> set[str]:
    """The names below whose topics others lie."""
    return {name[:at] for name in names for at, letter in enumerate(name) if letter == "/"}


def _alike(one: Feature, other: Feature) -> bool:
    return one.point.type == other.point.type and one.write == other.write


def _text(given: object) -> str | None:
    return given[:_MAX_TEXT] if type(given) is str and given else None
