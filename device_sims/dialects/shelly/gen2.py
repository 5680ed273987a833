"""Shellies of the second generation and later: JSON-RPC below a prefix (shelly-api-docs, Gen2+, RPC and MQTT)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.hardware import compact, hardware_address, network_address, parse_object
from device_sims.dialects.shelly.actuators import Cover, Light, Switch
from device_sims.dialects.shelly.components import Component
from device_sims.dialects.shelly.rpc import INVALID_ARGUMENT, NO_HANDLER, NOT_FOUND, RpcError, missing, refused
from device_sims.dialects.shelly.sensors import (
    CaseTemperature,
    DevicePower,
    Humidity,
    Input,
    Temperature,
    ThreePhaseData,
    ThreePhases,
)
from device_sims.signals import derive

VERSION = "1.4.4"
FIRMWARE = "20241011-114449/1.4.4-g6d2a586"
LONGEST_SOURCE = 128  # letters of the name of who calls


@dataclass(frozen=True, slots=True)
class Model:
    """A product: `prefix` of its id, its `code` and `app`, and the kinds of its components with how many of each."""

    prefix: str
    code: str
    app: str
    components: Sequence[tuple[type[Component], int]]
    profile: str | None = None
    sleeps: bool = False


MODELS = (
    Model("shellyplus1pm", "SNSW-001P16EU", "Plus1PM", [(Switch, 1), (Input, 1)]),
    Model("shellyplus2pm", "SNSW-102P16EU", "Plus2PM", [(Cover, 1), (Input, 2)], profile="cover"),
    Model("shellyplusht", "SNSN-0013A", "PlusHT", [(DevicePower, 1), (Humidity, 1), (Temperature, 1)], sleeps=True),
    Model("shellypro3em", "SPEM-003CEBEU", "Pro3EM", [(ThreePhases, 1), (ThreePhaseData, 1), (CaseTemperature, 1)]),
    Model("shellyplus010v", "SNDM-00100WW", "Plus10V", [(Light, 1), (Input, 2)]),
)


class Gen2:
    """One device. `start` is seconds since 1970 when the age was 0."""

    def __init__(self, number: int, model: Model, seed: int, record: Record, start: float) -> None:
        mac = hardware_address(seed, "shelly", number)
        self.id = f"{model.prefix}-{mac}"
        self.age = 0.0
        self._model = model
        self._mac = mac.upper()
        self._ip = network_address(number)
        self._start = start
        own = derive(seed, self.id)
        made = [
            kind(i, own, lambda point, value: record(self.id, point, value))
            for kind, count in model.components
            for i in range(count)
        ]
        for component in made:
            component.start = start
        self._components = {component.key: component for component in made}
        self._services = {component.service: component.kind for component in made}
        meters = [each for each in made if isinstance(each, ThreePhases)]
        for counter in (each for each in made if isinstance(each, ThreePhaseData)):
            counter.follow(meters[counter.id])
        self._own: dict[str, Callable[[], object]] = {
            "Shelly.GetDeviceInfo": self._info,
            "Shelly.GetStatus": self._status,
            "Shelly.ListMethods": lambda: {"methods": sorted([*self._own, *self._methods()])},
            "Sys.GetStatus": lambda: self._common()["sys"],
            "Wifi.GetStatus": lambda: self._common()["wifi"],
            "Mqtt.GetStatus": lambda: self._common()["mqtt"],
        }

    @property
    def sleeps(self) -> bool:
        """Whether it hears nothing between its reports."""
        return self._model.sleeps

    @property
    def subscriptions(self) -> list[str]:
        """Where it hears calls, and the plain texts of its control topics."""
        return [] if self.sleeps else [f"{self.id}/rpc", f"{self.id}/command/+"]

    def online(self, online: bool) -> Publication:
        """Its availability, which is its last will too."""
        return Publication(f"{self.id}/online", b"true" if online else b"false", retain=True, qos=1)

    def hello(self) -> list[Publication]:
        """What it says when it is connected."""
        return [self.online(True), self._notification("NotifyFullStatus", self._status())]

    def report(self, age: float) -> list[Publication]:
        """What has changed, and what it measures; one that sleeps wakes up and tells everything."""
        self._advance(age)
        if self.sleeps:
            return self.hello()
        said = self._changes()
        readings = {key: {"id": each.id, **each.readings()} for key, each in self._components.items()}
        measured = {key: values for key, values in readings.items() if len(values) > 1}
        return [*said, self._notification("NotifyStatus", measured)] if measured else said

    def _advance(self, age: float) -> None:
        self.age = max(age, self.age)
        for component in self._components.values():
            component.advance(self.age)

    def _notification(self, method: str, told: dict[str, Any]) -> Publication:
        frame = {
            "src": self.id,
            "dst": f"{self.id}/events",
            "method": method,
            "params": {"ts": round(self._start + self.age, 2), **told},
        }
        return Publication(f"{self.id}/events/rpc", compact(frame))

    def _changes(self) -> list[Publication]:
        said = []
        for key, component in self._components.items():
            if component.changes:
                said.append(self._notification("NotifyStatus", {key: {"id": component.id, **component.changes}}))
                component.changes = {}
        return said

    # What it is asked

    def control(self, key: str, text: str) -> list[Publication]:
        """Takes a plain text on `<id>/command/<component>`; ValueError for one that means nothing."""
        component = self._components.get(key)
        if component is None:
            raise ValueError(f"{self.id} has no {key:.40}")
        component.control(text)
        return self._changes()

    def call(self, payload: bytes) -> list[Publication]:
        """Answers a request frame; ValueError for what is none.

        Who does not say who it is gets no answer.
        """
        frame = parse_object(payload)
        method, source, id = frame.get("method"), frame.get("src"), frame.get("id")
        if not isinstance(method, str):
            raise ValueError("a frame without a method")
        if source is not None and (not isinstance(source, str) or not _is_topic(source)):
            raise ValueError("a frame from nobody that could be answered")
        if id is not None and (isinstance(id, bool) or not isinstance(id, (int, str))):
            raise ValueError("a frame with an id that is none")
        str(id).encode()  # an id that could not be sent back is refused before anything is done
        answer: dict[str, Any]
        try:
            answer = {"result": self._result(method, frame.get("params"))}
        except RpcError as error:
            answer = {"error": {"code": error.code, "message": str(error)}}
        said = self._changes()
        if source is None:
            return said
        head = {"src": self.id, "dst": source} if id is None else {"id": id, "src": self.id, "dst": source}
        return [Publication(f"{source}/rpc", compact({**head, **answer})), *said]

    def _result(self, method: str, params: object) -> object:
        if params is not None and not isinstance(params, dict):
            raise RpcError(INVALID_ARGUMENT, "Invalid argument 'params'!")
        if method in self._own:
            return self._own[method]()
        service, _, name = method.partition(".")
        if method not in self._methods():
            raise RpcError(NO_HANDLER, f"No handler for {method[:60]}")
        params = params or {}
        id = params.get("id")
        if id is None:
            raise missing("id")
        if isinstance(id, bool) or not isinstance(id, int):
            raise refused("id", id, "is not a number")
        component = self._components.get(f"{self._services[service]}:{str(id)[:20]}")
        if component is None:
            raise RpcError(NOT_FOUND, f"Argument 'id', value {str(id)[:20]} not found!")
        return component.methods[name](params, "MQTT")

    def _methods(self) -> list[str]:
        return [f"{each.service}.{name}" for each in self._components.values() if each.id == 0 for name in each.methods]

    def _info(self) -> dict[str, Any]:
        return {
            "name": None,
            "id": self.id,
            "mac": self._mac,
            "slot": 1,
            "model": self._model.code,
            "gen": 2,
            "fw_id": FIRMWARE,
            "ver": VERSION,
            "app": self._model.app,
            "auth_en": False,
            "auth_domain": None,
            **({"profile": self._model.profile} if self._model.profile else {}),
        }

    def _status(self) -> dict[str, Any]:
        return dict(
            sorted({**self._common(), **{key: each.status() for key, each in self._components.items()}}.items())
        )

    def _common(self) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._start + self.age, UTC)
        system = {
            "mac": self._mac,
            "restart_required": False,
            "time": now.strftime("%H:%M"),
            "unixtime": int(now.timestamp()),
            "uptime": 2 if self.sleeps else int(self.age) + 12,
            "ram_size": 262108,
            "ram_free": 146216,
            "fs_size": 393216,
            "fs_free": 106496,
            "cfg_rev": 13,
            "kvs_rev": 0,
            "schedule_rev": 0,
            "webhook_rev": 0,
            "available_updates": dict[str, object](),
            "reset_reason": 8 if self.sleeps else 3,
        }
        if self.sleeps:
            system |= {"wakeup_reason": {"boot": "deepsleep_wake", "cause": "periodic"}, "wakeup_period": 7200}
        return {
            "ble": {},
            "cloud": {"connected": False},
            "mqtt": {"connected": True},
            "sys": system,
            "wifi": {"sta_ip": self._ip, "status": "got ip", "ssid": "workshop", "rssi": -58},
            "ws": {"connected": False},
        }


def _is_topic(text: str) -> bool:
    """Whether an answer can be published below that text."""
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return 0 < len(text) <= LONGEST_SOURCE and not set(text) & set("+#\0") and not text.startswith("$")
