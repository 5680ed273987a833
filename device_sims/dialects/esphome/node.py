"""One ESPHome node: its topics, its answer to those who look for nodes, and its discovery for Home Assistant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.esphome.entities import Cover, Entity, Sensor, object_id
from device_sims.dialects.hardware import compact

VERSION = "2025.11.0"


@dataclass(frozen=True, slots=True)
class Board:
    """What a node runs on; `port` is that of the native API where the node has one beside MQTT."""

    platform: str
    name: str
    port: int | None = None


class Node:
    """A node whose topics begin with its name."""

    def __init__(
        self, name: str, title: str, board: Board, entities: Sequence[Entity], mac: str, ip: str, record: Record
    ) -> None:
        self.name = name
        self._title = title
        self._board = board
        self._mac = mac
        self._ip = ip
        self._record = record
        self._entities = entities
        self._commanded = {
            f"{self._base(entity)}/{end}": (entity, end) for entity in entities for end in entity.commands
        }

    def _base(self, entity: Entity) -> str:
        return f"{self.name}/{entity.component}/{object_id(entity.name)}"

    @property
    def subscriptions(self) -> list[str]:
        """Where its actuators hear commands."""
        return list(self._commanded)

    def status(self, online: bool) -> Publication:
        """Its birth message, or its last will."""
        return Publication(f"{self.name}/status", b"online" if online else b"offline", retain=True)

    def introduction(self) -> Publication:
        """What it answers to whoever looks for nodes, and says when it is connected; retained."""
        info: dict[str, Any] = {
            "ip": self._ip,
            "name": self.name,
            "friendly_name": self._title,
            **({"port": self._board.port} if self._board.port else {}),
            "version": VERSION,
            "mac": self._mac,
            "platform": self._board.platform,
            "board": self._board.name,
            "network": "wifi",
        }
        return Publication(f"esphome/discover/{self.name}", compact(info), retain=True, qos=2)

    def announcements(self) -> list[Publication]:
        """The discovery messages for Home Assistant, with the abbreviated names that nodes use."""
        said = []
        for entity in self._entities:
            base, own = self._base(entity), object_id(entity.name)
            topics: dict[str, str] = {} if entity.component == "button" else {"stat_t": f"{base}/state"}
            if entity.commands:
                topics["cmd_t"] = f"{base}/command"
            if isinstance(entity, Cover):
                topics |= {"pos_t": f"{base}/position/state", "set_pos_t": f"{base}/position/command"}
            config = {
                **entity.described,
                "name": entity.name,
                **topics,
                "avty_t": f"{self.name}/status",
                "uniq_id": f"ESP{entity.component}{own}",
                "dev": {
                    "ids": self._mac,
                    "name": self._title,
                    "sw": f"{VERSION} (config hash 0x{int(self._mac, 16) * 0x9E3779B1 & 0xFFFFFFFF:08x})",
                    "mdl": self._board.name,
                    "mf": "Espressif",
                    "cns": [["mac", self._mac]],
                },
            }
            topic = f"homeassistant/{entity.component}/{self.name}/{own}/config"
            said.append(Publication(topic, compact(config), retain=True))
        return said

    def states(self, entity: Entity, told: list[tuple[str, str]]) -> list[Publication]:
        """What an entity tells, retained as nodes do."""
        return [Publication(f"{self._base(entity)}/{end}", text.encode(), retain=True) for end, text in told]

    def hello(self, *, discovery: bool) -> list[Publication]:
        """What it says when it is connected."""
        said = [self.introduction(), *(self.announcements() if discovery else [])]
        for entity in self._entities:
            said += self.states(entity, entity.states())
        return [*said, self.status(True)]

    def report(self, age: float) -> list[Publication]:
        """New readings, and a line of its log, which it publishes too."""
        said: list[Publication] = []
        for entity in self._entities:
            told = entity.read(age)
            if isinstance(entity, Sensor) and not said:
                line = (
                    f"\033[0;36m[D][sensor:135]: '{entity.name}': Sending state {entity.value:.5f} {entity.unit} "
                    f"with {entity.decimals} decimals of accuracy\033[0m"
                )
                said.append(Publication(f"{self.name}/debug", line.encode()))
            said += self.states(entity, told)
        return said

    def receive(self, topic: str, payload: bytes) -> list[Publication]:
        """Obeys a command, and answers with the state; ValueError for what the node warns of in its log."""
        entity, end = self._commanded[topic]
        for point, value in entity.obey(end, payload.decode()):
            self._record(self.name, point, value)
        return self.states(entity, entity.states())
