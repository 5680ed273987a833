"""A household of ESPHome nodes that speak MQTT (esphome.io, MQTT client component)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.esphome.entities import (
    BinarySensor,
    Button,
    Cover,
    Entity,
    Light,
    Number,
    Select,
    Sensor,
    Switch,
    TextSensor,
)
from device_sims.dialects.esphome.node import Board, Node
from device_sims.dialects.hardware import hardware_address, network_address
from device_sims.kinds import drifting
from device_sims.signals import Stepping, derive

SEARCH = "esphome/discover"  # whoever says anything there is answered by every node
PING = "esphome/ping"  # followed by the name of the node that is to answer


@dataclass(frozen=True, slots=True)
class Model:
    """A node as its owner wrote it; `entities` makes what it has of a seed."""

    name: str
    title: str
    board: Board
    entities: Callable[[int], Sequence[Entity]]


def _signal(seed: int) -> Sensor:
    signal = drifting("signal", -58, 8, 400, 1)(seed)
    return Sensor("WiFi Signal", signal, "dBm", 0, "signal_strength", ent_cat="diagnostic")


def _workshop(seed: int) -> Sequence[Entity]:
    return [
        Sensor("Temperature", drifting("temperature", 20.5, 3, 180, 0.1)(seed), "°C", 1, "temperature"),
        Sensor("Humidity", drifting("humidity", 48, 9, 240, 0.6)(seed), "%", 1, "humidity"),
        _signal(seed),
        BinarySensor("Motion", Stepping(derive(seed, "motion"), 0, 1, 20), "motion"),
        TextSensor("WiFi SSID", "workshop"),
        Switch("Relay", False),
        Light("Lamp", True, 128 + seed % 128),
        Number("Fan Speed", 40, 0, 100, 1, "%"),
        Select("Mode", ["Auto", "Eco", "Boost"]),
        Button("Restart", "restart"),
        Cover("Blind", seed % 101, seconds=15),
    ]


def _greenhouse(seed: int) -> Sequence[Entity]:
    return [
        Sensor("Soil Moisture", drifting("moisture", 37, 9, 600, 0.3)(seed), "%", 1, "moisture"),
        Sensor("Air Temperature", drifting("temperature", 24, 5, 240, 0.1)(seed), "°C", 2, "temperature"),
        Sensor("Illuminance", drifting("light", 5200, 3000, 300, 40)(seed), "lx", 0, "illuminance"),
        _signal(seed),
        Switch("Pump", False),
    ]


def _blind(seed: int) -> Sequence[Entity]:
    return [
        Cover("Blind", seed % 101, seconds=25),
        BinarySensor("Rain", Stepping(derive(seed, "rain"), 0, 1, 60), "moisture"),
        _signal(seed),
    ]


MODELS = (
    Model("workshop", "Workshop", Board("ESP32", "esp32dev", port=6053), _workshop),
    Model("greenhouse", "Greenhouse", Board("ESP8266", "d1_mini"), _greenhouse),
    Model("blind-south", "Blind South", Board("ESP32", "esp32-c3-devkitm-1"), _blind),
)


class Fleet:
    """`devices` nodes, by their names. With `discovery` they describe themselves to Home Assistant too."""

    def __init__(self, devices: int, seed: int, record: Record, *, discovery: bool = False) -> None:
        self._discovery = discovery
        self._nodes: dict[str, Node] = {}
        for i in range(devices):
            model, again = MODELS[i % len(MODELS)], i // len(MODELS) + 1
            name = model.name if again == 1 else f"{model.name}-{again}"
            title = model.title if again == 1 else f"{model.title} {again}"
            mac, entities = hardware_address(seed, "esphome", i), model.entities(derive(seed, name))
            self._nodes[name] = Node(name, title, model.board, entities, mac, network_address(i), record)

    @property
    def devices(self) -> Sequence[str]:
        """The names of the nodes."""
        return list(self._nodes)

    @property
    def subscriptions(self) -> Sequence[str]:
        """Searches, pings, and the commands of every node."""
        commands = [topic for node in self._nodes.values() for topic in node.subscriptions]
        return [SEARCH, f"{PING}/+", *commands]

    @property
    def will(self) -> Publication:
        """The last will of the first node: the others share its connection, and a connection has one will."""
        return next(iter(self._nodes.values())).status(False)

    def hello(self) -> list[Publication]:
        """What every node says when it is connected."""
        return [said for node in self._nodes.values() for said in node.hello(discovery=self._discovery)]

    def goodbye(self) -> list[Publication]:
        """That every node is offline."""
        return [node.status(False) for node in self._nodes.values()]

    def report(self, device: str, age: float) -> list[Publication]:
        """The readings of one node."""
        return self._nodes[device].report(age)

    def receive(self, topic: str, payload: bytes) -> list[Publication]:
        """Introductions for those who search, or the state after a command; ValueError for what no node takes."""
        if topic == SEARCH:
            return [node.introduction() for node in self._nodes.values()]
        pinged = self._nodes.get(topic.removeprefix(f"{PING}/"))
        if topic.startswith(f"{PING}/"):
            return [pinged.introduction()] if pinged else []
        node = self._nodes.get(topic.partition("/")[0])
        if node is None or topic not in node.subscriptions:
            raise ValueError(f"no node listens to {topic}")
        return node.receive(topic, payload)
