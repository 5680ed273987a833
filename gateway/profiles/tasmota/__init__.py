"""Tasmota (https://tasmota.github.io/docs/MQTT/): devices are recognised by the discovery messages that they leave.

tasmota/discovery/DC4F22A1B2C3/config   who it is, where its topics are, which relays and lights it has
tasmota/discovery/DC4F22A1B2C3/sensors  which sensors
tele/plug/LWT                           Online, Offline
tele/plug/STATE, tele/plug/SENSOR       its values, every five minutes
stat/plug/RESULT, stat/plug/POWER       what a command or a button changed
cmnd/plug/POWER                         ON, OFF
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from gateway.errors import CodecError
from gateway.model import Outgoing
from gateway.profiles.base import (
    MAX_DEVICES,
    Available,
    Event,
    Ignore,
    Listen,
    Profile,
    ProfileOptions,
    Publication,
    Removed,
    Send,
    Unreadable,
)
from gateway.profiles.learnt import leaves, mac_identity, members_of, plain_topic
from gateway.profiles.tasmota.device import PREFIXES, Roots, TasmotaDevice, object_in

_TOKENS = ("%prefix%", "%topic%", "%hostname%", "%id%")
_ANSWERS = {"STATUS8": "StatusSNS", "STATUS10": "StatusSNS", "STATUS11": "StatusSTS"}
_RELAY = re.compile(r"POWER\d{0,2}", re.ASCII)
_LONGEST = 8192  # bytes of a list of sensors that has to wait for its device; the firmware sends far less
_GONE = "its last will says so"


def _full_topic(given: str) -> str:
    levels = given.removesuffix("/").split("/")
    tokens = [level for level in levels if level in _TOKENS]
    plain = "/".join("x" if level in _TOKENS else level for level in levels)
    once = len(tokens) == len(set(tokens)) and {"%prefix%", "%topic%"} <= set(tokens)
    if not once or "%" in plain or "" in levels or not plain_topic(plain):
        raise PydanticCustomError("topic", "expected a full topic such as %prefix%/%topic%/, with both of these")
    return given


FullTopic = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_full_topic)]


class TasmotaOptions(ProfileOptions):
    """`tasmota`, `{type: tasmota, full_topic: "home/%prefix%/%topic%/"}`"""

    type: str = "tasmota"
    full_topic: FullTopic | None = "%prefix%/%topic%/"

    def build(self) -> Profile:
        """The profile."""
        return Tasmota(self.full_topic)


class Tasmota:
    """The Tasmota devices of one broker; `full_topic` is that of devices that leave no discovery messages."""

    def __init__(self, full_topic: str | None) -> None:
        self._full = full_topic
        self._filters = {"tasmota/discovery/+/config": 1, "tasmota/discovery/+/sensors": 1}
        self._generic: list[re.Pattern[str]] = []
        for prefix in PREFIXES[1:] if full_topic is not None else ():
            root = (full_topic or "").removesuffix("/").replace("%prefix%", prefix)
            level = "|".join(map(re.escape, _TOKENS))
            self._filters[re.sub(level, "+", root) + "/+"] = 0
            parts = (_group(part) for part in re.split(f"({level})", root))
            self._generic.append(re.compile("".join(parts)))
        self._devices: dict[str, TasmotaDevice] = {}
        self._macs: dict[str, str] = {}  # of discovered devices: their keys
        self._sensors: dict[str, bytes] = {}  # of those whose configuration is yet to come
        self._roots: dict[str, TasmotaDevice] = {}
        self._wills: dict[str, bytes] = {}  # of devices that are yet to be recognised

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        """The discovery messages, and the topics of devices."""
        return list(self._filters.items())

    def greetings(self) -> Iterable[Publication]:
        """What the known devices are asked for their values."""
        return [question for device in self._devices.values() for question in device.questions()]

    def receive(self, topic: str, payload: bytes, retained: bool) -> Iterable[Event]:
        """What a message means."""
        root, _, leaf = topic.rpartition("/")
        device = self._roots.get(root)
        try:
            if device is not None:
                return self._told(device, leaf, payload, retained)
            if root.startswith("tasmota/discovery/"):
                return list(self._discovery(root[18:], leaf, payload))
            return list(self._unknown(root, leaf, payload, retained))
        except CodecError as error:
            return [Unreadable(None if device is None else device.key, str(error))]

    def encode(self, command: Outgoing) -> Publication:
        """The command as a message on `cmnd/…`."""
        device = self._devices.get(command.name or "")
        if device is None:
            raise CodecError("there is no such device")
        return device.encode(command)

    def _told(self, device: TasmotaDevice, leaf: str, payload: bytes, retained: bool) -> list[Event]:
        if leaf == "SENSOR":
            return device.measured(members_of(payload), retained)
        if leaf == "LWT":
            if not payload:  # somebody cleared it
                return []
            online = device.online(payload)
            return [] if device.sleeps and not online else [Available(device.key, online, None if online else _GONE)]
        if leaf in _ANSWERS:
            inner = object_in(payload, _ANSWERS[leaf])
            read = device.measured if _ANSWERS[leaf] == "StatusSNS" else device.state
            return read(inner, retained)
        if leaf in ("STATE", "RESULT"):
            return device.state(members_of(payload), retained)
        # With SetOption4 an answer comes on a topic named after its command, as JSON; a relay's also as the bare word.
        if payload[:1] == b"{" and not leaf.startswith(("STATUS", "INFO", "LOGGING")):
            return device.state(members_of(payload), retained)
        return device.word(leaf, payload, retained) if _RELAY.fullmatch(leaf) else []

    def _discovery(self, mac: str, leaf: str, payload: bytes) -> Iterator[Event]:
        if leaf not in ("config", "sensors") or mac_identity(mac) is None or len(mac) != 12:
            raise CodecError("it is not of a MAC address")
        key = self._macs.get(mac)
        if leaf == "sensors":
            if key is None:
                self._keep(mac, payload)
                return
            device = self._devices[key]
            device.sensors(object_in(payload, "sn") if payload else {})
            yield from device.heard({}, True)
            return
        if not payload:
            if key is not None:
                del self._macs[mac]
                yield from self._remove(key)
            return
        config = members_of(payload)
        if config.get("mac") != mac:
            raise CodecError("it claims another device than its topic")
        roots = _roots_of(config, mac)
        owners = {self._roots.get(root) for root in (roots.answers, roots.tells)} - {None}
        same = next(iter(owners), None)
        if any(owner is not None and owner.key != roots.key for owner in owners) or (
            same is not None and same.discovered and key != roots.key
        ):
            raise CodecError(f"another device speaks on {roots.tells[:80]!r} already")
        if key is not None and key != roots.key:  # it was given another topic
            del self._macs[mac]
            yield from self._remove(key)
        device = self._devices.get(roots.key) or self._add(roots)
        new = not device.discovered
        self._macs[mac] = device.key
        device.configure(config)
        sensors = self._sensors.pop(mac, None)
        if sensors is not None:
            device.sensors(object_in(sensors, "sn"))
        yield from device.heard({}, True)
        if new:
            yield from self._newly(device)

    def _keep(self, mac: str, payload: bytes) -> None:
        """Keeps a list of sensors that came before its device."""
        if not payload:
            self._sensors.pop(mac, None)
            return
        leaves(object_in(payload, "sn"))  # it will be readable when its time comes
        if len(payload) > _LONGEST or (len(self._sensors) >= MAX_DEVICES and mac not in self._sensors):
            raise CodecError("there is no room for it until its device is known")
        self._sensors[mac] = payload

    def _unknown(self, root: str, leaf: str, payload: bytes, retained: bool) -> Iterator[Event]:
        """A topic of the default form: of a device that leaves no discovery message, or of nobody's."""
        found = next((match for generic in self._generic if (match := generic.fullmatch(root))), None)
        if found is None or self._full is None or leaf not in ("LWT", "STATE", "STATUS11"):
            return
        words = {token: found.groupdict().get(token.strip("%")) or "" for token in _TOKENS[1:]}
        roots = Roots.of(self._full, PREFIXES, words)
        if roots.key in self._devices or roots.tells in self._roots or roots.answers in self._roots:
            return
        if leaf == "LWT":
            if len(payload) <= 64 and (roots.key in self._wills or len(self._wills) < MAX_DEVICES):
                asked = roots.key in self._wills
                self._wills[roots.key] = payload
                if payload == b"Online" and not asked:
                    yield from map(Send, TasmotaDevice(roots).questions())
            return
        members = object_in(payload, "StatusSTS") if leaf == "STATUS11" else members_of(payload)
        if not isinstance(members.get("Time"), str) or not isinstance(members.get("Uptime"), str):
            return  # not the firmware's
        device = self._add(roots)
        yield from device.state(members, retained)
        yield from self._newly(device)

    def _add(self, roots: Roots) -> TasmotaDevice:
        if len(self._devices) >= MAX_DEVICES:
            raise CodecError(f"there are {MAX_DEVICES} devices already")
        device = self._devices[roots.key] = TasmotaDevice(roots)
        self._roots[roots.answers] = self._roots[roots.tells] = device
        return device

    def _newly(self, device: TasmotaDevice) -> Iterator[Event]:
        """What follows the first description: what its last will said, its topics, and questions."""
        will = self._wills.pop(device.key, b"").decode("utf-8", "replace")
        if will in device.words and (device.words[will] or not device.sleeps):
            yield Available(device.key, device.words[will], None if device.words[will] else _GONE)
        needed = {f"{root}/+": 0 for root in (device.roots.answers, device.roots.tells) if not self._covered(root)}
        needed = {filter: qos for filter, qos in needed.items() if filter not in self._filters}
        if needed:
            self._filters.update(needed)
            yield Listen(tuple(needed.items()))
        yield from map(Send, device.questions())

    def _covered(self, root: str) -> bool:
        return any(generic.fullmatch(root) for generic in self._generic)

    def _remove(self, key: str) -> Iterator[Event]:
        device = self._devices.pop(key)
        roots = {device.roots.answers, device.roots.tells}
        for root in roots:
            del self._roots[root]
        unheard = tuple(filter for root in sorted(roots) if self._filters.pop(filter := f"{root}/+", None) is not None)
        yield Removed(key)
        if unheard:
            yield Ignore(unheard)


def _group(part: str) -> str:
    """A part of a full topic as a pattern: a token is one level, everything else itself."""
    return f"(?P<{part.strip('%')}>[^/]+)" if part in _TOKENS else re.escape(part)


def _roots_of(config: dict[str, object], mac: str) -> Roots:
    """Where the topics of a discovered device are; raises CodecError where the message does not tell."""
    full, topic, prefixes, host = (config.get(member) for member in ("ft", "t", "tp", "hn"))
    if not isinstance(full, str) or not isinstance(topic, str) or not topic or len(full) > 256:
        raise CodecError("it has no topic")
    if not isinstance(prefixes, list) or len(prefixes) != 3 or not all(isinstance(p, str) and p for p in prefixes):
        raise CodecError("it has no three prefixes")
    words = {"%topic%": topic, "%hostname%": host if isinstance(host, str) else "", "%id%": mac}
    return Roots.of(full, tuple(prefixes), words)
