"""A consumer in the manner of Home Assistant, after the rules of its MQTT discovery, and of nothing of ours.

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery: device form, abbreviations, `~`, availability, and of
templates `{{ value }}`, `{{ value_json }}` and what lies in it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

LONG = {
    "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic", "cmd_t": "command_topic",
    "cmps": "components", "dev": "device", "dev_cla": "device_class", "exp_aft": "expire_after", "ids": "identifiers",
    "mdl": "model", "mf": "manufacturer", "o": "origin", "ops": "options", "p": "platform",
    "pl_avail": "payload_available", "pl_not_avail": "payload_not_available", "pl_off": "payload_off",
    "pl_on": "payload_on", "pl_prs": "payload_press", "stat_cla": "state_class", "stat_off": "state_off",
    "stat_on": "state_on", "stat_t": "state_topic", "sw": "sw_version", "t": "topic", "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}  # fmt: skip
PLATFORMS = {"sensor", "binary_sensor", "switch", "number", "select", "text", "button"}
_CONFIG = re.compile(r"homeassistant/device/([A-Za-z0-9_-]+)/config")
_ID = re.compile(r"[A-Za-z0-9_.-]+")
_TEMPLATE = re.compile(r"\{\{\s*(value|value_json)((?:\.\w+|\['(?:[^'\\]|\\.)*'\])*)\s*\}\}")
_STEP = re.compile(r"\.(\w+)|\['((?:[^'\\]|\\.)*)'\]")


def lengthened(given: Any, base: str = "") -> Any:
    """The configuration with whole words, and `~` replaced at either end of a topic."""
    if isinstance(given, list):
        return [lengthened(item, base) for item in given]
    if not isinstance(given, dict):
        return given
    base = given.get("~", base)
    told = {LONG.get(key, key): lengthened(value, base) for key, value in given.items() if key != "~"}
    for key, value in told.items():
        if isinstance(value, str) and base and str(key).endswith("topic"):
            topic = base + value[1:] if value.startswith("~") else value
            told[key] = topic[:-1] + base if topic.endswith("~") else topic
    return told


def rendered(template: str | None, payload: str) -> str | None:
    """What a template makes of a payload, as text; None where it cannot."""
    if template is None:
        return payload
    found = _TEMPLATE.fullmatch(template.strip())
    assert found, f"no template that is known: {template}"
    if found[1] == "value":
        return payload
    try:
        value = json.loads(payload)
        for name, quoted in _STEP.findall(found[2]):
            if name:  # as Jinja: attributes of Python's own come first
                assert not hasattr(value, name), f"{template}: .{name} is a method"
            value = value[name or re.sub(r"\\(.)", r"\1", quoted)]
    except (ValueError, KeyError, TypeError):
        return None
    return str(value)  # True, None, 21.4: Python's words


class Entity:
    """One component: its state in the words of Home Assistant, None while that is unknown."""

    def __init__(self, device: dict[str, Any], config: dict[str, Any]) -> None:
        self.device = device
        self.config = config
        self.platform = config["platform"]
        self.state: str | None = None
        self.states: list[str | None] = []
        self._there: dict[str, bool] = {}
        assert self.platform in PLATFORMS, self.platform
        assert self.platform != "number" or config["min"] < config["max"]
        assert self.platform != "number" or config["step"] >= 0.001
        assert self.platform == "button" or "state_topic" in config
        assert self.platform not in ("switch", "number", "select", "text", "button") or "command_topic" in config
        assert self.platform != "select" or config["options"]
        assert config["unique_id"]

    @property
    def topics(self) -> set[str]:
        """What it listens to."""
        found = {one["topic"] for one in self.config.get("availability", [])}
        return found | ({self.config["state_topic"]} if "state_topic" in self.config else set())

    @property
    def available(self) -> bool:
        """Whether all that it depends on is there (`availability_mode: all`)."""
        wanted = [one["topic"] for one in self.config.get("availability", [])]
        assert self.config.get("availability_mode", "latest") == "all" or len(wanted) < 2
        return all(self._there.get(topic, False) for topic in wanted)

    def hear(self, topic: str, payload: str) -> None:
        """A message on one of its topics."""
        for one in self.config.get("availability", []):
            if topic == one["topic"]:
                if payload == one.get("payload_available", "online"):
                    self._there[topic] = True
                elif payload == one.get("payload_not_available", "offline"):
                    self._there[topic] = False
        if topic == self.config.get("state_topic"):
            value = rendered(self.config.get("value_template"), payload)
            if value is not None:
                self._take(value)

    def _take(self, value: str) -> None:
        if self.platform == "binary_sensor":
            known = {self.config.get("payload_on", "ON"): "on", self.config.get("payload_off", "OFF"): "off"}
        elif self.platform == "switch":
            on, off = self.config.get("payload_on", "ON"), self.config.get("payload_off", "OFF")
            known = {self.config.get("state_on", on): "on", self.config.get("state_off", off): "off"}
        else:
            if self.config.get("unit_of_measurement") and value != "None":
                float(value)  # it would refuse any other
            known = {value: value}
        if value == "None":
            self.state = None
        elif value in known:
            self.state = known[value]
        self.states.append(self.state)


class Consumer:
    """Home Assistant with its MQTT integration: entities by the names that people see, `device.component`."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self.entities: dict[str, Entity] = {}
        self.configs: dict[str, dict[str, Any]] = {}  # by object id
        self.told: dict[str, int] = {}  # how often each config came
        self._last: dict[str, str] = {}
        self._subscribed: set[str] = set()
        self._changed = asyncio.Condition()

    async def start(self) -> None:
        """Listens for what is discovered."""
        await self._client.subscribe("homeassistant/#", qos=1)

    async def restarted(self) -> None:
        """Forgets everything, and says that it has started."""
        self.entities.clear()
        self.configs.clear()
        await self._client.publish("homeassistant/status", "online", qos=1)

    async def command(self, name: str, payload: str) -> None:
        """What happens when a person touches the entity."""
        await self._client.publish(self.entities[name].config["command_topic"], payload, qos=1)

    async def publish(self, topic: str, payload: str) -> None:
        """Something that the broker keeps."""
        await self._client.publish(topic, payload, qos=1, retain=True)

    async def turn(self, name: str, on: bool) -> None:
        """Switches a switch."""
        config = self.entities[name].config
        await self.command(name, config.get("payload_on", "ON") if on else config.get("payload_off", "OFF"))

    async def until(self, predicate: Any, what: str, within: float = 10.0) -> Any:
        """The first true result of the predicate, looked at after each message."""
        try:
            async with asyncio.timeout(within), self._changed:
                return await self._changed.wait_for(predicate)
        except TimeoutError:
            seen = {name: (one.available, one.state) for name, one in self.entities.items()}
            raise AssertionError(f"{what} did not come within {within:g} s; it has {seen}") from None

    async def listen(self) -> None:
        """Takes what comes, for ever."""
        async for message in self._client.messages:
            topic = str(message.topic)
            payload = message.payload.decode() if isinstance(message.payload, bytes) else ""
            self._last[topic] = payload
            found = _CONFIG.fullmatch(topic)
            if found:
                await self._discover(found[1], payload)
            for entity in list(self.entities.values()):
                if topic in entity.topics:
                    entity.hear(topic, payload)
            async with self._changed:
                self._changed.notify_all()

    async def _discover(self, id: str, payload: str) -> None:
        self.told[id] = self.told.get(id, 0) + 1
        if not payload:
            gone = self.configs.pop(id, None)
            if gone is not None:
                self.entities = {n: e for n, e in self.entities.items() if e.device is not gone["device"]}
            return
        config = lengthened(json.loads(payload))
        assert config["origin"]["name"], "an origin is required of the device form"
        assert set(config["origin"]) <= {"name", "sw_version", "support_url"}
        assert config["device"]["identifiers"] or config["device"]["connections"]
        before = self.configs.get(id)
        self.configs[id] = config
        shared = {key: value for key, value in config.items() if key not in ("device", "origin", "components")}
        if before is not None:
            self.entities = {n: e for n, e in self.entities.items() if e.device is not before["device"]}
        for key, component in config["components"].items():
            assert _ID.fullmatch(key), key
            if set(component) == {"platform"}:
                continue  # taken out
            entity = Entity(config["device"], {**shared, **component})
            name = f"{config['device']['name']}.{component['name']}"
            assert name not in self.entities, f"two entities are {name}"
            self.entities[name] = entity
            for topic in sorted(entity.topics):
                if topic not in self._subscribed:
                    self._subscribed.add(topic)
                    await self._client.subscribe(topic, options=SubscribeOptions(qos=1))
                elif topic in self._last:  # the broker would send it again
                    entity.hear(topic, self._last[topic])


@asynccontextmanager
async def consumer(port: int) -> AsyncIterator[Consumer]:
    """A consumer that listens until the end of the block."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, timeout=10) as client:
        home = Consumer(client)
        listening = asyncio.create_task(home.listen(), name="consumer")
        await home.start()
        try:
            yield home
            if listening.done():
                listening.result()
        finally:
            listening.cancel()
            await asyncio.wait([listening])
