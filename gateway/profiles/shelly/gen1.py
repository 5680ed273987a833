"""Shelly's first generation: `shellies/<id>/…`, a topic for each value.

shellies/shelly1pm-84CCA8AE2F66/online            true, false
shellies/shelly1pm-84CCA8AE2F66/announce          {"id":…,"model":"SHSW-PM","mac":"84CCA8AE2F66",…}
shellies/shelly1pm-84CCA8AE2F66/relay/0           on, off, overpower
shellies/shelly1pm-84CCA8AE2F66/relay/0/power     20.18
shellies/shelly1pm-84CCA8AE2F66/relay/0/command   on, off
shellies/command                                  announce, update: whoever is there tells who it is, and its values
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gateway.errors import CodecError
from gateway.model import Outgoing, Value
from gateway.profiles.base import MAX_DEVICES, Available, Event, Publication
from gateway.profiles.learnt import LearntDevice, mac_identity, members_of, plain_topic
from gateway.profiles.shelly.gen1_topics import Setting, family, of_value

_GONE = "its connection broke"
# Those whose connection always ends so: they sleep, and wake for seconds.
_SLEEPERS = re.compile(r"shelly(ht|flood|smoke2?|dw2?|button[12])-", re.ASCII | re.IGNORECASE)
_SLEEPING_MODELS = re.compile(r"SH(HT|WT|SM|DW|BTN)-\d{1,2}", re.ASCII)
_TEMPERATURE = "sensor.temperature"
_POWERED = "sensor.ext_power"
_SCALES = {"C": "Cel", "F": "[degF]"}
_NOT_VALUES = frozenset({"timestamp", "unixtime"})


class Gen1Device(LearntDevice):
    """What is known of a device, and where its points are set."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.vendor = "Shelly"
        self.topics = frozenset({f"shellies/{key}"})
        self.announced = False
        self.scale: str | None = None  # the unit of a thermometer that may be set to °C or °F
        self.settings: dict[str, Setting] = {}
        self.powered = False  # by more than its battery

    @property
    def sleeps(self) -> bool:
        """Whether an end of its connection says nothing."""
        known = _SLEEPERS.match(self.key) or _SLEEPING_MODELS.fullmatch(self.model or "")
        return known is not None and not self.powered


class Gen1:
    """The devices of the first generation on one broker.

    `room` raises CodecError where there is none for one more device of that key.
    """

    subscriptions: tuple[tuple[str, int], ...] = (("shellies/#", 0),)

    def __init__(self, room: Callable[[str], None]) -> None:
        self._room = room
        self._devices: dict[str, Gen1Device] = {}
        self._online: dict[str, bool] = {}  # of devices of which nothing else is known yet

    def greetings(self) -> Iterable[Publication]:
        """What every device is asked at a connect."""
        return (Publication("shellies/command", b"announce"), Publication("shellies/command", b"update"))

    @property
    def known(self) -> Mapping[str, Gen1Device]:
        """The devices by their keys."""
        return self._devices

    def owner(self, topic: str) -> str | None:
        """The known device that speaks on the topic."""
        levels = topic.split("/", 2)
        return levels[1] if len(levels) > 1 and levels[0] == "shellies" and levels[1] in self._devices else None

    def receive(self, below: str, payload: bytes, retained: bool) -> list[Event]:
        """What a message on a topic below `shellies/` means; raises CodecError where it makes no sense."""
        key, _, rest = below.partition("/")
        if not rest:
            # What all announce on: it says whose it is only itself, so the device's own topic goes before it.
            return list(self._announced(None, payload)) if key == "announce" else []
        if not plain_topic(key):
            return []
        if rest == "announce":
            return list(self._announced(key, payload))
        device = self._devices.get(key)
        if rest == "online":
            return list(self._availability(key, device, payload))
        if rest == "info":
            return [] if device is None else self._informed(device, members_of(payload))
        return list(self._told(key, device, rest, payload, retained))

    def encode(self, command: Outgoing) -> Publication:
        """The command as a message on `shellies/<id>/…`; raises CodecError where there is none."""
        device = self._devices.get(command.name or "")
        if device is None:
            raise CodecError("there is no such device")
        value = device.commanded(command)
        setting = device.settings[command.point]  # every writable point has one
        return Publication(f"shellies/{device.key}/{setting.topic}", setting.payload(value))

    def _told(self, key: str, device: Gen1Device | None, rest: str, payload: bytes, retained: bool) -> Iterator[Event]:
        found = family(rest)
        if found is None or not payload or (device is None and rest == "status"):
            return  # others have a topic of that name too
        values = found.read(found.name, payload)
        new = device is None
        device = device or self._add(key)
        taken: dict[str, Value] = {}
        for name, value in values.items():
            point = device.points.get(name)
            if point is None:
                point = found.points.get(name) or of_value(name, value)
                if point is None or name.rpartition(".")[2] in _NOT_VALUES:
                    continue
                if name == _TEMPERATURE:
                    point = replace(point, unit=device.scale)
                if not device.learn(name, point):
                    continue
                if name in found.settings and point.writable:
                    device.settings[name] = found.settings[name]
            taken[name] = value
        if _POWERED in taken:
            device.powered = taken[_POWERED] is True
        yield from device.heard(taken, retained)
        if new:
            yield from self._was_online(device)

    def _announced(self, key: str | None, payload: bytes) -> Iterator[Event]:
        members = members_of(payload)
        claimed = members.get("id")
        if isinstance(members.get("gen"), int) and members["gen"] > 1:
            return  # a script that announces a newer device to those who know the old form only
        if not isinstance(claimed, str) or not plain_topic(claimed) or "/" in claimed:
            raise CodecError("it has no id")
        if key is not None and claimed != key:
            raise CodecError("it claims another device than its topic")
        known = self._devices.get(claimed)
        if key is None and known is not None and known.announced:
            return
        device = known or self._add(claimed)
        device.announced = device.announced or key is not None
        device.called(device.name, members.get("model"), "Shelly")
        device.identified(mac_identity(members.get("mac")))
        yield from device.heard({}, True)
        if known is None:
            yield from self._was_online(device)

    def _availability(self, key: str, device: Gen1Device | None, payload: bytes) -> Iterator[Event]:
        if payload not in (b"true", b"false"):
            if not payload:
                return
            raise CodecError(f"{payload[:40]!r} is neither true nor false")
        online = payload == b"true"
        if device is not None:
            yield from self._says(device, online)
        elif key in self._online or len(self._online) < MAX_DEVICES:
            self._online[key] = online

    def _informed(self, device: Gen1Device, members: dict[str, Any]) -> list[Event]:
        """`info` repeats everything; only the unit of the thermometer is nowhere else."""
        reading = members.get("tmp")
        unit = reading.get("units") if isinstance(reading, dict) else None
        if isinstance(unit, str) and unit in _SCALES:
            device.scale = _SCALES[unit]
            if _TEMPERATURE in device.points:
                device.learn(_TEMPERATURE, replace(device.points[_TEMPERATURE], unit=device.scale))
        return device.heard({}, True)

    def _was_online(self, device: Gen1Device) -> Iterator[Event]:
        online = self._online.pop(device.key, None)
        if online is not None:
            yield from self._says(device, online)

    def _says(self, device: Gen1Device, online: bool) -> Iterator[Event]:
        if online or not device.sleeps:
            yield Available(device.key, online, None if online else _GONE)

    def _add(self, key: str) -> Gen1Device:
        self._room(key)
        device = self._devices[key] = Gen1Device(key)
        return device
