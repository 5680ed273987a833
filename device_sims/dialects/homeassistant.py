"""Devices that nobody knows but by Home Assistant's MQTT discovery (home-assistant.io, MQTT).

A weather station describes each value by itself, with abbreviations and `~`; a boiler all of itself in one message (the
device form); a desk light in whole words. They speak through one radio bridge, whose last will counts for all.

homeassistant/sensor/weather-1/temperature/config   {"~":"weather/weather-1","stat_t":"~/state",…}, retained
homeassistant/device/boiler-1/config                {"dev":{…},"o":{…},"cmps":{…}}, retained
homeassistant/light/desk-1/config                   {"state_topic":"light/desk-1/state",…}, retained
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.hardware import hardware_address
from device_sims.signals import Drifting, Noisy, Signal, Stepping, derive

PREFIX = "homeassistant"
BIRTH = f"{PREFIX}/status"  # where Home Assistant says that it is there
BRIDGE = "radio-bridge/status"
ORIGIN = {"name": "Radio bridge", "sw": "3.4.1", "url": "https://radio-bridge.example"}


class _Device(Protocol):
    """A device; it is made with its id, its seed and what records its actuations."""

    base: str  # the topic below which it speaks

    def discovery(self) -> list[Publication]:
        """How it is described."""

    def states(self, age: float) -> list[Publication]:
        """What it measures, and how its actuators stand."""

    def obey(self, topic: str, text: str) -> list[Publication]:
        """How it answers a command on a topic below its own; ValueError where it does not understand."""


class Weather:
    """A weather station: one JSON object, of which each value is an entity."""

    def __init__(self, name: str, seed: int, record: Record) -> None:
        self.name = name
        self.base = f"weather/{name}"
        self._signals: Mapping[str, Signal] = {
            "temperature": _around(derive(seed, "temperature"), 14, 8, 3600, 0.1),
            "humidity": _around(derive(seed, "humidity"), 62, 20, 2700, 0.5),
            "wind_speed": Stepping(derive(seed, "wind"), 0, 14, 10),
        }
        self._rain = Stepping(derive(seed, "rain"), 0, 1, 60)

    def discovery(self) -> list[Publication]:
        """A message for each entity, abbreviated."""
        entities = {
            "temperature": ("sensor", {"unit_of_meas": "°C", "dev_cla": "temperature", "stat_cla": "measurement"}),
            "humidity": ("sensor", {"unit_of_meas": "%", "dev_cla": "humidity", "stat_cla": "measurement"}),
            "wind": ("sensor", {"unit_of_meas": "m/s", "dev_cla": "wind_speed", "stat_cla": "measurement"}),
            "battery": ("sensor", {"unit_of_meas": "%", "dev_cla": "battery", "ent_cat": "diagnostic"}),
            "rain": ("binary_sensor", {"dev_cla": "moisture", "pl_on": "wet", "pl_off": "dry"}),
        }
        paths = {"wind": "wind.speed"}
        made = []
        for key, (component, own) in entities.items():
            config = {
                "~": self.base,
                "name": key.capitalize(),
                "uniq_id": f"{self.name}_{key}",
                "stat_t": "~/state",
                "val_tpl": f"{{{{ value_json.{paths.get(key, key)} }}}}",
                "avty": [{"t": BRIDGE}, {"t": "~/status"}],
                "avty_mode": "all",
                "exp_aft": 600,
                **own,
                "dev": _device(self.name, "Weather station", "WS-2000", "Alpine Sensors"),
                "o": ORIGIN,
            }
            made.append(_config(f"{component}/{self.name}/{key}", config))
        return made

    def states(self, age: float) -> list[Publication]:
        """One object, not retained."""
        values = {key: round(signal.at(age), 1) for key, signal in self._signals.items()}
        state = {
            "temperature": values["temperature"],
            "humidity": values["humidity"],
            "wind": {"speed": values["wind_speed"]},
            "battery": 96,
            "rain": "wet" if self._rain.at(age) > 0.7 else "dry",
        }
        return [Publication(f"{self.base}/state", _json(state))]

    def obey(self, topic: str, text: str) -> list[Publication]:
        """It obeys nothing."""
        raise ValueError("a weather station takes no commands")


class Boiler:
    """A boiler: described in one message, with a topic for each value."""

    MODES = ("off", "eco", "comfort")
    LOWEST, HIGHEST = 30, 75  # °C

    def __init__(self, name: str, seed: int, record: Record) -> None:
        self.name = name
        self.base = f"boiler/{name}"
        self._record = record
        digits = hardware_address(seed, "boiler", 0)
        self._mac = ":".join(digits[i : i + 2] for i in range(0, 12, 2))
        self._water = _around(derive(seed, "water"), 52, 6, 900, 0.2)
        self._state: dict[str, Any] = {"pump": "ON", "target": 55, "mode": "eco"}

    def discovery(self) -> list[Publication]:
        """One message for all."""
        components: dict[str, dict[str, Any]] = {
            "water": {
                "p": "sensor",
                "name": "Water",
                "dev_cla": "temperature",
                "unit_of_meas": "°C",
                "stat_t": f"{self.base}/water",
                "val_tpl": "{{ value_json.celsius }}",
            },
            "pump": {"p": "switch", "name": "Pump", "pl_on": "ON", "pl_off": "OFF", **self._topics("pump")},
            "target": {
                "p": "number",
                "name": "Target",
                "min": self.LOWEST,
                "max": self.HIGHEST,
                "step": 0.5,
                "unit_of_meas": "°C",
                **self._topics("target"),
            },
            "mode": {"p": "select", "name": "Mode", "ops": list(self.MODES), **self._topics("mode")},
        }
        config = {
            "dev": _device(self.name, "Boiler", "HeatBox 3", "Kessel & Co") | {"cns": [["mac", self._mac]]},
            "o": ORIGIN,
            "avty": [{"t": BRIDGE}, {"t": f"{self.base}/status"}],
            "avty_mode": "all",
            "cmps": {key: own | {"uniq_id": f"{self.name}_{key}"} for key, own in components.items()},
            "qos": 1,
        }
        return [_config(f"device/{self.name}", config)]

    def _topics(self, key: str) -> dict[str, str]:
        return {"stat_t": f"{self.base}/{key}", "cmd_t": f"{self.base}/{key}/set"}

    def states(self, age: float) -> list[Publication]:
        """All values; how the actuators stand is retained."""
        water = _json({"celsius": round(self._water.at(age), 1)})
        return [Publication(f"{self.base}/water", water), *(self._said(key) for key in self._state)]

    def obey(self, topic: str, text: str) -> list[Publication]:
        """The new state on its topic."""
        key = topic.removesuffix("/set")
        match key:
            case "pump" if text in ("ON", "OFF"):
                self._state[key] = text
            case "mode" if text in self.MODES:
                self._state[key] = text
            case "target":
                target = float(text)
                if not self.LOWEST <= target <= self.HIGHEST:
                    raise ValueError(f"target takes {self.LOWEST} to {self.HIGHEST}")
                self._state[key] = int(target) if target.is_integer() else target
            case _:
                raise ValueError(f"{key} does not take {text!r}")
        self._record(self.name, key, self._state[key])
        return [self._said(key)]

    def _said(self, key: str) -> Publication:
        return Publication(f"{self.base}/{key}", str(self._state[key]).encode(), retain=True)


class Desk:
    """A desk light that can be dimmed, described in whole words."""

    def __init__(self, name: str, seed: int, record: Record) -> None:
        self.name = name
        self.base = f"light/{name}"
        self._record = record
        self._on = False
        self._brightness = 60  # %

    def discovery(self) -> list[Publication]:
        """One message, of one entity."""
        config = {
            "name": None,
            "unique_id": self.name,
            "state_topic": f"{self.base}/state",
            "command_topic": f"{self.base}/set",
            "payload_on": "on",
            "payload_off": "off",
            "brightness_state_topic": f"{self.base}/brightness",
            "brightness_command_topic": f"{self.base}/brightness/set",
            "brightness_scale": 100,
            "availability": [{"topic": BRIDGE}, {"topic": f"{self.base}/status"}],
            "availability_mode": "all",
            "device": {
                "identifiers": [self.name],
                "name": _title(self.name, "Desk light"),
                "model": "Lumo",
                "manufacturer": "Kessel & Co",
                "sw_version": "1.7",
            },
            "origin": {"name": ORIGIN["name"], "sw_version": ORIGIN["sw"], "support_url": ORIGIN["url"]},
        }
        return [_config(f"light/{self.name}", config)]

    def states(self, age: float) -> list[Publication]:
        """State and brightness, retained."""
        return [
            Publication(f"{self.base}/state", b"on" if self._on else b"off", retain=True),
            Publication(f"{self.base}/brightness", str(self._brightness).encode(), retain=True),
        ]

    def obey(self, topic: str, text: str) -> list[Publication]:
        """The new state; a brightness switches it on."""
        match topic, text:
            case "set", "on" | "off":
                self._on = text == "on"
                self._record(self.name, "state", self._on)
            case "brightness/set", _:
                brightness = int(text)
                if not 0 <= brightness <= 100:
                    raise ValueError("brightness takes 0 to 100")
                self._brightness, self._on = brightness, brightness > 0
                self._record(self.name, "brightness", brightness)
            case _:
                raise ValueError(f"{topic} does not take {text!r}")
        return self.states(0.0)


KINDS: Sequence[tuple[str, type[Weather] | type[Boiler] | type[Desk]]] = (
    ("weather", Weather),
    ("boiler", Boiler),
    ("desk", Desk),
)


class Fleet:
    """So many devices, of each kind in turn, behind one radio bridge."""

    def __init__(self, devices: int, seed: int, record: Record) -> None:
        self._age = 0.0
        self._devices: dict[str, _Device] = {}
        for i in range(devices):
            kind, made = KINDS[i % len(KINDS)]
            name = f"{kind}-{i // len(KINDS) + 1}"
            self._devices[name] = made(name, derive(seed, name), record)

    @property
    def devices(self) -> Sequence[str]:
        """The identifiers of the devices."""
        return list(self._devices)

    @property
    def subscriptions(self) -> Sequence[str]:
        """The command topics, and where Home Assistant says that it is there."""
        return [BIRTH, "boiler/+/+/set", "light/+/set", "light/+/brightness/set"]

    @property
    def will(self) -> Publication:
        """The bridge is offline."""
        return Publication(BRIDGE, b"offline", retain=True, qos=1)

    def hello(self) -> list[Publication]:
        """Descriptions, availability and states."""
        return [
            *self._described(),
            Publication(BRIDGE, b"online", retain=True, qos=1),
            *(Publication(f"{each.base}/status", b"online", retain=True) for each in self._devices.values()),
            *(said for each in self._devices.values() for said in each.states(self._age)),
        ]

    def goodbye(self) -> list[Publication]:
        """The bridge is offline."""
        return [self.will]

    def report(self, device: str, age: float) -> list[Publication]:
        """All states of the device."""
        self._age = age
        return self._devices[device].states(age)

    def receive(self, topic: str, payload: bytes) -> list[Publication]:
        """The new state of what was commanded; to Home Assistant's birth, all descriptions again."""
        text = payload.decode()
        if topic == BIRTH:
            return self._described() if text == "online" else []
        for device in self._devices.values():
            if topic.startswith(f"{device.base}/"):
                return device.obey(topic.removeprefix(f"{device.base}/"), text)
        raise ValueError(f"nobody listens to {topic}")

    def _described(self) -> list[Publication]:
        return [said for device in self._devices.values() for said in device.discovery()]


def _around(seed: int, centre: float, swing: float, period: float, noise: float) -> Signal:
    return Noisy(seed, Drifting(seed, centre, swing, period), noise)


def _title(name: str, title: str) -> str:
    number = name.rpartition("-")[2]
    return title if number == "1" else f"{title} {number}"


def _device(name: str, title: str, model: str, maker: str) -> dict[str, object]:
    return {"ids": [name], "name": _title(name, title), "mdl": model, "mf": maker, "sw": "2.0.4"}


def _config(path: str, config: Mapping[str, object]) -> Publication:
    return Publication(f"{PREFIX}/{path}/config", _json(config), retain=True, qos=1)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
