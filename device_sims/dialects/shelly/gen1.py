"""Shellies of the first generation: a topic for each value, below `shellies/<id>` (shelly-api-docs, Gen1, MQTT)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.hardware import compact, hardware_address, network_address
from device_sims.kinds import Value, drifting
from device_sims.signals import derive

ALL: Final = "shellies"  # stands in the place of the device in what is meant for all
FIRMWARE = "20230913-112316/v1.14.0-gcb84623"

Told = Iterable[tuple[str, str]]  # the end of a topic, and the text on it


class Gen1:
    """What they all do. `start` is seconds since 1970 when the age was 0."""

    prefix: str  # of the id
    model: str
    mode: str | None = None
    listens: tuple[str, ...] = ()  # the ends of its command topics
    sleeps = False

    def __init__(self, number: int, seed: int, record: Record, start: float) -> None:
        self.mac = hardware_address(seed, "shelly", number).upper()
        self.id = f"{self.prefix}-{self.mac}"
        self.age = 0.0
        self._ip = network_address(number)
        self._record = record
        self._start = start
        own = derive(seed, self.id)
        self._case = drifting("case", 41, 4, 600, 0.2)(own)
        self.set_up(own)

    def set_up(self, seed: int) -> None:
        """Makes its parts."""
        raise NotImplementedError

    def values(self) -> Told:
        """All that it tells in an update."""
        raise NotImplementedError

    def obey(self, end: str, text: str) -> Told:
        """Takes a command, and gives what it tells at once; ValueError for a text that it does not know."""
        raise ValueError(f"{self.id} takes no commands")

    def parts(self) -> dict[str, Any]:
        """What its kind adds to the status in `info`."""
        return {}

    def advance(self) -> Told:
        """What it tells because of the time that has passed."""
        return []

    def note(self, point: str, value: Value) -> None:
        """Notes what an actuator did."""
        self._record(self.id, point, value)

    @property
    def subscriptions(self) -> list[str]:
        """Where it hears commands of its own."""
        ends = ("command", *self.listens)
        return [] if self.sleeps else [f"shellies/{self.id}/{end}" for end in ends]

    def online(self, online: bool) -> Publication:
        """Its availability, which is its last will too."""
        return Publication(f"shellies/{self.id}/online", b"true" if online else b"false", retain=True)

    def announce(self) -> list[Publication]:
        """Who it is, on the topic of all and on its own."""
        info = {
            "id": self.id,
            "model": self.model,
            "mac": self.mac,
            "ip": self._ip,
            "new_fw": False,
            "fw_ver": FIRMWARE,
            **({"mode": self.mode} if self.mode else {}),
        }
        return [Publication(topic, compact(info)) for topic in ("shellies/announce", f"shellies/{self.id}/announce")]

    def update(self) -> list[Publication]:
        """Every value, and the status as one JSON object."""
        return [*self.told(self.values()), Publication(f"shellies/{self.id}/info", compact(self._status()))]

    def told(self, values: Told) -> list[Publication]:
        """Values on their topics."""
        return [Publication(f"shellies/{self.id}/{end}", text.encode()) for end, text in values]

    def hello(self) -> list[Publication]:
        """What it says when it is connected."""
        return [self.online(True), *self.announce(), *self.update()]

    def report(self, age: float) -> list[Publication]:
        """The update that comes every half minute; one that sleeps wakes up for it and says who it is."""
        self.age = max(age, self.age)
        awake = [self.online(True), *self.announce()] if self.sleeps else []
        return [*awake, *self.told(self.advance()), *self.update()]

    def receive(self, end: str, text: str) -> list[Publication]:
        """How it answers on its own topics and on `shellies/command`."""
        if end == "command":
            if text not in {"announce", "update", "update_fw"}:
                raise ValueError(f"no command of all Shellies: {text!r:.40}")
            return {"announce": self.announce, "update": self.update}.get(text, list[Publication])()
        return self.told(self.obey(end, text))

    def warmth(self) -> Told:
        """The temperature of the case, as three of its topics tell it."""
        celsius = self._case.at(self.age)
        yield "temperature", f"{celsius:.2f}"
        yield "temperature_f", f"{celsius * 1.8 + 32:.2f}"
        yield "overtemperature", "0"

    def _status(self) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._start + self.age, UTC)
        return {
            "wifi_sta": {"connected": True, "ssid": "workshop", "ip": self._ip, "rssi": -61},
            "cloud": {"enabled": False, "connected": False},
            "mqtt": {"connected": True},
            "time": now.strftime("%H:%M"),
            "unixtime": int(now.timestamp()),
            "serial": 1 + int(self.age),
            "has_update": False,
            "mac": self.mac,
            **self.parts(),
            "update": {"status": "idle", "has_update": False, "new_version": FIRMWARE, "old_version": FIRMWARE},
            "ram_total": 51688,
            "ram_free": 39164,
            "fs_size": 233681,
            "fs_free": 146082,
            "uptime": int(self.age) + 12,
        }
