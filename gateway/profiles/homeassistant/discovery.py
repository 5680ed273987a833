"""A discovery message: which entities of which device it configures. Both forms, short and long keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gateway.codecs.json import parse
from gateway.errors import CodecError
from gateway.profiles.homeassistant.abbreviations import DEVICE_KEYS, KEYS, spelt_out
from gateway.profiles.homeassistant.availability import Presence, presence_of
from gateway.profiles.homeassistant.components import COMPONENTS
from gateway.profiles.homeassistant.entity import Channel, Entity
from gateway.profiles.homeassistant.templates import as_text
from gateway.profiles.learnt import label

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")  # as Home Assistant takes it in a topic
_MAX_KEYS = 16  # by which a device is known
_MAX_KEY = 128  # characters of one
_MAX_COMPONENTS = 512  # of a device
_OURS = "fieldgate"  # the origin of what a Fieldgate publishes

# What an entity has of its device's configuration where it does not say otherwise.
_SHARED = (
    "availability", "availability_mode", "availability_topic", "availability_template", "payload_available",
    "payload_not_available", "state_topic", "command_topic", "encoding", "qos",
)  # fmt: skip

# A device's address, whole or behind one word: `zigbee2mqtt_0x00158d0001a2b3c4`, `aa:bb:cc:dd:ee:ff`, `AABBCCDDEEFF`.
# What has more behind it is a part of a device, and not alone at that address.
_ADDRESS = re.compile(
    r"(?:[a-z0-9]{1,32}[_-])?"
    r"(?:0x(?P<ieee>[0-9a-f]{16})|(?P<mac>[0-9a-f]{2}(?P<mark>[:-]?)(?:[0-9a-f]{2}(?P=mark)){4}[0-9a-f]{2}))",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message was published: its component, node and object."""

    component: str
    node: str
    object: str


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """The device that entities share. `keys` are the names that it is known by, the first being the best."""

    keys: tuple[str, ...]
    name: str | None = None
    model: str | None = None
    vendor: str | None = None
    identities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Configured:
    """An entity, read: `id` tells it from all others."""

    id: str
    component: str
    node: str
    object: str
    channels: tuple[Channel, ...]
    presence: Presence | None


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a message configures. `problems` are the parts that are not understood, in words."""

    device: DeviceInfo
    entities: tuple[Configured, ...]
    problems: tuple[str, ...] = ()


def place_of(levels: list[str]) -> Place | None:
    """The place of a message by the levels between prefix and `config`; None where Home Assistant takes none there."""
    if len(levels) not in (2, 3) or not all(_ID.fullmatch(level) for level in levels):
        return None
    return Place(levels[0], levels[1] if len(levels) == 3 else "", levels[-1])


def read(place: Place, topic: str, payload: bytes) -> Discovered | None:
    """What the message configures; None where that is nothing for us. Raises CodecError.

    Devices that a Fieldgate publishes are left out, whichever it is: they would go round in circles.
    """
    members = parse(payload)
    if type(members) is not dict:
        raise CodecError("not a JSON object")
    config = spelt_out(members, KEYS)
    if _is_ours(config.get("origin")):
        return None
    info = _device_info(config.get("device"))
    if place.component != "device":
        parts = {"": (place.component, place.object, config)}
    else:
        if not info.keys:
            raise CodecError("a device without identifiers and connections")
        parts = dict(_components(config))
    entities: list[Configured] = []
    problems: list[str] = []
    for key, (component, object_id, settings) in parts.items():
        build = COMPONENTS.get(component)
        if build is None:
            continue
        entity = Entity(component, _based(settings))
        presence = presence_of(entity)
        build(entity)
        problems.extend(f"{component} {object_id}: {problem}" for problem in entity.problems)
        if entity.channels:
            channels = tuple(entity.channels)
            entities.append(Configured(f"{topic} {key}", component, place.node, object_id, channels, presence))
    if not info.keys:
        name = config.get("name")
        alone = as_text(config.get("unique_id") or "") or f"{place.node}/{place.object}".lstrip("/")
        info = DeviceInfo((_key(alone),), label(name))
    return Discovered(info, tuple(entities), tuple(problems)) if entities else None


def _is_ours(origin: object) -> bool:
    return isinstance(origin, dict) and str(origin.get("name", "")).lower() == _OURS


def _components(config: dict[str, Any]) -> list[tuple[str, tuple[str, str, dict[str, Any]]]]:
    """The components of a device's message with what they share; one that has a platform alone is taken out."""
    components = config.get("components")
    if type(components) is not dict or len(components) > _MAX_COMPONENTS:
        raise CodecError(f"components: not an object of at most {_MAX_COMPONENTS} components")
    shared = {key: config[key] for key in (*_SHARED, "~") if key in config}
    found = []
    for key, members in components.items():
        if type(members) is not dict:
            raise CodecError(f"components: {key[:40]!r} is not an object")
        settings = spelt_out(members, KEYS)
        platform = settings.pop("platform", None)
        if type(platform) is not str or not key or len(key) > _MAX_KEY:
            raise CodecError(f"components: {key[:40]!r} has no platform, or its name is too long")
        if settings:
            found.append((key, (platform, key, shared | settings)))
    return found


def _based(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with its base topic in the place of each `~` at an end of a topic."""
    base = config.get("~")
    if not isinstance(base, str) or not base:
        return config
    based = {key: _with_base(base, key, value) for key, value in config.items()}
    given = based.get("availability")
    items = [given] if isinstance(given, dict) else given
    if isinstance(items, list):
        spelt = [spelt_out(item, KEYS) if isinstance(item, dict) else {} for item in items]
        based["availability"] = [{key: _with_base(base, key, value) for key, value in item.items()} for item in spelt]
    return based


def _with_base(base: str, key: str, value: Any) -> Any:
    if type(value) is not str or not key.endswith("topic"):
        return value
    if value.startswith("~"):
        value = base + value[1:]
    return value[:-1] + base if value.endswith("~") else value


def _device_info(given: object) -> DeviceInfo:
    if given is None:
        return DeviceInfo(())
    if type(given) is not dict:
        raise CodecError("device: not an object")
    device = spelt_out(given, DEVICE_KEYS)
    keys, identities = [], set()
    ids = device.get("identifiers", [])
    for id in ids if type(ids) is list else [ids]:
        keys.append(_key(as_text(id)))
        identities |= _addresses(keys[-1])
    connections = device.get("connections", [])
    if type(connections) is not list or not all(type(pair) is list and len(pair) == 2 for pair in connections):
        raise CodecError("device: connections are not pairs")
    for kind, value in connections:
        address = as_text(value)
        keys.append(_key(f"{as_text(kind)}:{address}"))
        if kind in ("mac", "bluetooth", "zigbee"):
            identities |= _addresses(address)
    if len(keys) > _MAX_KEYS:
        raise CodecError(f"device: more than {_MAX_KEYS} identifiers")
    model, vendor = label(device.get("model")), label(device.get("manufacturer"))
    return DeviceInfo(tuple(keys), label(device.get("name")), model, vendor, frozenset(identities))


def _key(text: str) -> str:
    if not 0 < len(text) <= _MAX_KEY:
        raise CodecError(f"device: an identifier does not have 1 to {_MAX_KEY} characters")
    return text


def _addresses(text: str) -> set[str]:
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return set()
    if found["ieee"]:
        return {f"ieee:{found['ieee'].lower()}"}
    return {f"mac:{re.sub('[:-]', '', found['mac']).lower()}"}
