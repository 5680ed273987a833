"""A Zigbee2MQTT bridge and its devices (zigbee2mqtt.io, Usage, MQTT topics and messages).

zigbee2mqtt/bridge/state              {"state":"online"}, retained, and the last will
zigbee2mqtt/bridge/devices            what there is, retained
zigbee2mqtt/living room/lamp          {"state":"OFF","brightness":254,…,"linkquality":120}
zigbee2mqtt/living room/lamp/set      {"state":"ON"}, answered by the state
zigbee2mqtt/…/availability            {"state":"online"}, retained
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.zigbee_devices import KINDS, Device, Remote
from device_sims.dialects.zigbee_discovery import discovery_of
from device_sims.dialects.zigbee_exposes import GET
from device_sims.kinds import RefusedError
from device_sims.signals import derive

BASE = "zigbee2mqtt"
VERSION = "2.1.3"
BIRTH = "homeassistant/status"  # where Home Assistant says that it is there
DEPTH = 3  # levels of the longest name, its endpoint included


class Fleet:
    """A bridge with so many devices, and one beside them that it does not support.

    With `discovery`, it describes them to Home Assistant too, as the real one does where it is told to.
    """

    def __init__(self, devices: int, seed: int, record: Record, *, discovery: bool = False) -> None:
        made = (KINDS[i % len(KINDS)] for i in range(devices))
        self._devices: dict[str, Device] = {}
        for i, kind in enumerate(made):
            name = kind.model.name + (f" {i // len(KINDS) + 1}" if i >= len(KINDS) else "")
            self._devices[name] = kind(name, seed)
        self._record = record
        self._discovery = discovery
        self._coordinator = f"0x00124b{derive(seed, 'coordinator') & 0xFFFFFFFFFF:010x}"
        self._unsupported = f"0x00169a{derive(seed, 'unsupported') & 0xFFFFFFFFFF:010x}"

    @property
    def devices(self) -> Sequence[str]:
        """The friendly names, without the coordinator and what is not supported."""
        return list(self._devices)

    @property
    def subscriptions(self) -> Sequence[str]:
        """Where it hears `/set` and `/get`, with the attribute in the topic and without."""
        depths = ["+/" * depth for depth in range(1, DEPTH + 1)]
        filters = [f"{BASE}/{each}{verb}{tail}" for each in depths for verb in ("set", "get") for tail in ("", "/+")]
        return [*filters, BIRTH] if self._discovery else filters

    @property
    def will(self) -> Publication:
        """The bridge is offline."""
        return self._state_of_bridge("offline")

    def hello(self) -> list[Publication]:
        """The bridge, its devices, whether they are there, and the states that it remembers."""
        info = {
            "version": VERSION,
            "commit": "unknown",
            "coordinator": {"ieee_address": self._coordinator, "type": "zStack3x0", "meta": {"revision": 20230507}},
            "network": {"channel": 15, "pan_id": 6754, "extended_pan_id": "0xdddddddddddddddd"},
            "log_level": "info",
            "permit_join": False,
            "restart_required": False,
            "config": {"availability": {"enabled": True}, "homeassistant": {"enabled": self._discovery}},
        }
        names = [*self._devices, self._unsupported]
        return [
            self._state_of_bridge("online"),
            _said(f"{BASE}/bridge/info", info, retain=True),
            _said(f"{BASE}/bridge/devices", self._inventory(), retain=True),
            _said(f"{BASE}/bridge/groups", [], retain=True),
            *(_said(f"{BASE}/{name}/availability", {"state": "online"}, retain=True) for name in names),
            *self._discovered(),
            *(self._state(device) for device in self._devices.values()),
        ]

    def goodbye(self) -> list[Publication]:
        """The bridge is offline."""
        return [self.will]

    def report(self, device: str, age: float) -> list[Publication]:
        """The whole state of a device, `age` seconds after the start; of a remote, a press of its next button."""
        found = self._devices[device]
        found.measure(age)
        return [self._state(found, action=found.press()) if isinstance(found, Remote) else self._state(found)]

    def receive(self, topic: str, payload: bytes) -> list[Publication]:
        """The state after a `/set` or `/get`, behind a line of the log for each attribute that it could not take."""
        if topic == BIRTH:
            return list(self._discovered()) if payload == b"online" else []
        name, verb, attribute = self._addressed(topic)
        device, endpoint = self._named(name)
        asked = _attributes(payload, attribute)
        if endpoint:
            asked = {f"{key}_{endpoint}": value for key, value in asked.items()}
        refused: list[Publication] = []
        for key, value in asked.items():
            try:
                if verb == "set":
                    self._record(device.name, key, device.obey(key, value))
                elif not device.features.get(key, {"access": 0})["access"] & GET:
                    raise RefusedError(f"no converter available for '{key}'")
            except RefusedError as error:
                said = {"level": "error", "message": f"z2m: '{verb}' of '{device.name}' failed: {error}"}
                refused.append(_said(f"{BASE}/bridge/logging", said))
        return refused if len(refused) == len(asked) else [*refused, self._state(device)]

    def _addressed(self, topic: str) -> tuple[str, str, str]:
        """Name, `set` or `get`, and the attribute where the topic has one."""
        path = topic.removeprefix(f"{BASE}/")
        for verb in ("set", "get"):
            name, found, attribute = path.rpartition(f"/{verb}/")
            if found:
                return name, verb, attribute
            if path.endswith(f"/{verb}"):
                return path.removesuffix(f"/{verb}"), verb, ""
        raise ValueError(f"{topic} is no topic for commands")

    def _named(self, name: str) -> tuple[Device, str]:
        """The device, and its endpoint where the topic names one."""
        if name in self._devices:
            return self._devices[name], ""
        base, _, endpoint = name.rpartition("/")
        device = self._devices.get(base)
        if device is None or not any(feature.get("endpoint") == endpoint for feature in device.features.values()):
            raise ValueError(f"entity '{name}' is unknown")
        return device, endpoint

    def _discovered(self) -> Iterator[Publication]:
        if self._discovery:
            for device in self._devices.values():
                for topic, config in discovery_of(device, BASE, VERSION, self._coordinator):
                    yield _said(topic, config, retain=True, qos=1)

    def _inventory(self) -> list[dict[str, Any]]:
        return [
            _entry(self._coordinator, "Coordinator", type="Coordinator", network_address=0),
            *(_described(device) for device in self._devices.values()),
            _entry(self._unsupported, self._unsupported, type="EndDevice", power_source="Battery"),
        ]

    def _state(self, device: Device, **more: str) -> Publication:
        return _said(f"{BASE}/{device.name}", {**more, **device.state})

    def _state_of_bridge(self, state: str) -> Publication:
        return _said(f"{BASE}/bridge/state", {"state": state}, retain=True, qos=1)


def _said(topic: str, value: object, *, retain: bool = False, qos: int = 0) -> Publication:
    return Publication(topic, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), retain, qos)


def _attributes(payload: bytes, attribute: str) -> dict[str, Any]:
    """What is asked for: an object, a bare state such as `ON`, or the value of the attribute in the topic."""
    text = payload.decode()
    try:
        value = json.loads(text) if text else ""
    except RecursionError as error:
        raise ValueError("too deep") from error
    except ValueError:
        if "{" in text:
            raise
        value = text
    if attribute:
        return {attribute: value}
    return value if isinstance(value, dict) else {"state": value}


def _entry(address: str, name: str, **more: Any) -> dict[str, Any]:
    """A device in the list of devices; without more, one that is not supported."""
    return {
        "ieee_address": address,
        "type": "Router",
        "network_address": int(address, 16) & 0xFFFF,
        "supported": False,
        "disabled": False,
        "friendly_name": name,
        "endpoints": {"1": {"bindings": [], "configured_reportings": [], "clusters": {"input": [], "output": []}}},
        "definition": None,
        "power_source": None,
        "date_code": None,
        "model_id": None,
        "scenes": [],
        "interviewing": False,
        "interview_completed": True,
        **more,
    }


def _described(device: Device) -> dict[str, Any]:
    model = device.model
    definition = {
        "model": model.model,
        "vendor": model.vendor,
        "description": model.description,
        "exposes": model.exposes,
        "options": [],
    }
    return _entry(
        device.address,
        device.name,
        type="Router" if model.mains else "EndDevice",
        supported=True,
        definition=definition,
        power_source="Mains (single phase)" if model.mains else "Battery",
        model_id=model.model_id,
        manufacturer=model.vendor,
    )
