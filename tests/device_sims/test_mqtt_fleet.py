"""Fleets of every dialect on a real Mosquitto."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
import pytest

from device_sims.dialects.registry import DIALECTS, SEPARATE, read_profiles
from device_sims.dialects.sparkplug.payload import decode
from device_sims.faults import BadChecksum, DoubleAcknowledgement, Garbage, NoAcknowledgement, Refusal, Silence
from device_sims.faults import SlowAcknowledgement as Slow
from device_sims.fixtures import MqttFleetFactory
from device_sims.mqtt_fleet import DEVICES, MqttFleet, nodes_or_fleet
from device_sims.mqtt_node import MOST_CONNECTIONS, MqttNodes
from tests.parts.leaks import descriptors
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

DEADLINE = 10.0  # seconds
LAMP = "zigbee2mqtt/living room/lamp"


class Watcher:
    """A client of the broker that remembers the newest of what it hears."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.heard: dict[str, tuple[bytes, bool]] = {}  # payload and whether it came retained, by topic
        self.count = 0
        self._client = client

    async def run(self) -> None:
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            self.heard[str(message.topic)] = message.payload, message.retain
            self.count += 1

    async def payload(self, topic: str, *, retained: bool | None = None) -> bytes:
        """The newest payload of a topic, once there is one (that came retained, or did not)."""

        def there() -> bool:
            return topic in self.heard and retained in (None, self.heard[topic][1])

        await eventually(there, DEADLINE, topic)
        return self.heard[topic][0]

    async def until(self, topic: str, payload: bytes) -> None:
        await eventually(lambda: self.heard.get(topic, (b"",))[0] == payload, DEADLINE, f"{payload!r} on {topic}")

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        await self._client.publish(topic, payload, qos=1, retain=retain)


@asynccontextmanager
async def watching(broker: Mosquitto, topics: str = "#") -> AsyncIterator[Watcher]:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe(topics, qos=1)
        watcher = Watcher(client)
        task = asyncio.create_task(watcher.run(), name="watcher")
        try:
            yield watcher
        finally:
            task.cancel()
            await asyncio.wait({task})


class TestSpeaking:
    async def test_a_late_subscriber_sees_what_there_is(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        await mqtt_fleet(mosquitto.url, "zigbee2mqtt", "homeassistant", "homie", rate=0)
        async with watching(mosquitto) as watcher:
            devices = json.loads(await watcher.payload("zigbee2mqtt/bridge/devices", retained=True))
            assert len(devices) == DEVICES + 2
            assert b"boiler-1" in await watcher.payload("homeassistant/device/boiler-1/config", retained=True)
            assert b'"5.0"' in await watcher.payload("homie/5/hub/$description", retained=True)
            assert await watcher.payload("homie/5/light-1/$state", retained=True) == b"ready"
            assert await watcher.payload(f"{LAMP}/availability", retained=True) == b'{"state":"online"}'
            assert LAMP not in watcher.heard  # what is measured is not retained

    async def test_every_device_reports_again_and_again(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        async with watching(mosquitto) as watcher:
            fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", "homie", devices=3, rate=20)
            await eventually(lambda: fleet.sent >= 60, DEADLINE)
            for topic in (LAMP, "zigbee2mqtt/garden/sensor", "homie/5/thermostat-1/air/temperature"):
                assert not watcher.heard[topic][1]

    async def test_a_fleet_that_speaks_only_when_told_says_the_same_for_the_same_seed(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        said = []
        for _ in range(2):
            async with (
                watching(mosquitto, "zigbee2mqtt/garden/sensor") as watcher,
                MqttFleet(mosquitto.url, ["zigbee2mqtt"], rate=0, seed=3) as fleet,
            ):
                assert await fleet.report("zigbee2mqtt", "garden/sensor")
                await eventually(lambda: watcher.count == 2)
                said.append(watcher.heard["zigbee2mqtt/garden/sensor"][0])
        assert said[0] == said[1]

    @pytest.mark.parametrize("name", DIALECTS)
    async def test_a_dialect_speaks_and_parts(self, mosquitto: Mosquitto, name: str) -> None:
        async with watching(mosquitto) as watcher:
            async with MqttFleet(mosquitto.url, [name], rate=50, seed=1) as fleet:
                await eventually(lambda: fleet.sent >= 3 * DEVICES, DEADLINE)
                assert fleet.profiles == [name]
                assert len(fleet.devices[name]) == len(set(fleet.devices[name])) == DEVICES
                assert fleet.errors == fleet.ignored == 0
            assert watcher.count > 3 * DEVICES

    async def test_all_dialects_live_together(self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory) -> None:
        fleet = await mqtt_fleet(mosquitto.url, devices=2, rate=10)
        assert fleet.profiles == list(DIALECTS)
        assert fleet.connections == len(DIALECTS) + len(SEPARATE)
        await eventually(lambda: fleet.sent >= 4 * len(DIALECTS), DEADLINE)
        assert fleet.errors == 0


class TestCommands:
    async def test_commands_are_answered_and_recorded(self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory) -> None:
        fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", "homeassistant", "homie", rate=0)
        async with watching(mosquitto) as watcher:
            await watcher.publish(f"{LAMP}/set", b'{"state":"ON"}')
            assert json.loads(await watcher.payload(LAMP))["state"] == "ON"
            await watcher.publish("boiler/boiler-1/mode/set", b"comfort")
            await watcher.until("boiler/boiler-1/mode", b"comfort")
            await watcher.publish("homie/5/light-1/lamp/power/set", b"false")
            await watcher.until("homie/5/light-1/lamp/power", b"false")
        assert [(each.id, each.device, each.point, each.value) for each in await fleet.actuated(3)] == [
            (None, "living room/lamp", "state", "ON"),
            (None, "boiler-1", "mode", "comfort"),
            (None, "light-1", "lamp/power", False),
        ]

    async def test_what_makes_no_sense_is_counted(self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory) -> None:
        fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", "homie", rate=0)
        async with watching(mosquitto) as watcher:
            await watcher.publish("zigbee2mqtt/nowhere/set", b"ON")
            await watcher.publish("homie/5/light-1/lamp/power/set", b"ON")
            await eventually(lambda: fleet.errors == 2)
        assert fleet.actuations == []

    async def test_a_retained_command_is_ignored(self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory) -> None:
        async with watching(mosquitto) as watcher:
            await watcher.publish(f"{LAMP}/set", b"ON", retain=True)
            fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", rate=0)
            await eventually(lambda: fleet.ignored == 1)
        assert fleet.actuations == []


class TestAvailability:
    async def test_an_unplugged_fleet_is_declared_gone_by_its_last_will_and_comes_back(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", "homie", "homeassistant", rate=0)
        async with watching(mosquitto) as watcher:
            assert await watcher.payload("zigbee2mqtt/bridge/state") == b'{"state":"online"}'
            fleet.unplug("zigbee2mqtt")
            await watcher.until("zigbee2mqtt/bridge/state", b'{"state":"offline"}')
            assert not await fleet.report("zigbee2mqtt", "garden/sensor")
            assert await fleet.report("homie", "meter-1")
            fleet.unplug()
            await watcher.until("homie/5/hub/$state", b"lost")
            await watcher.until("radio-bridge/status", b"offline")
            fleet.replug()
            await watcher.until("zigbee2mqtt/bridge/state", b'{"state":"online"}')
            await watcher.until("homie/5/hub/$state", b"ready")

    async def test_a_last_will_is_that_of_its_connection(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        fleet = await mqtt_fleet(mosquitto.url, "sparkplug", rate=0)
        deaths = []
        for connections in (2, 3):
            async with watching(mosquitto, "spBv1.0/plant/NDEATH/edge1") as watcher:
                fleet.unplug()
                [death] = decode(await watcher.payload("spBv1.0/plant/NDEATH/edge1")).metrics
                deaths.append((death.name, death.value))
            fleet.replug()
            await eventually(lambda: fleet.connections == connections and fleet._links[0].up.is_set())  # noqa: B023
        assert deaths == [("bdSeq", 0), ("bdSeq", 1)]

    async def test_a_fleet_that_parts_says_so(self, mosquitto: Mosquitto) -> None:
        async with MqttFleet(mosquitto.url, ["zigbee2mqtt", "homie"], rate=0):
            pass
        async with watching(mosquitto) as watcher:
            assert await watcher.payload("zigbee2mqtt/bridge/state", retained=True) == b'{"state":"offline"}'
            assert await watcher.payload("homie/5/hub/$state", retained=True) == b"disconnected"

    @pytest.mark.parametrize("name", SEPARATE)
    async def test_devices_with_a_connection_each_have_a_last_will_each(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory, name: str
    ) -> None:
        fleet = await mqtt_fleet(mosquitto.url, name, devices=3, rate=0)
        parting = {each.topic: each.payload for each in fleet._dialects[name].goodbye() if each.retain}
        assert len(parting) == 3
        async with watching(mosquitto) as watcher:
            for topic, offline in parting.items():
                assert await watcher.payload(topic) != offline
            fleet.unplug()
            for topic, offline in parting.items():
                await watcher.until(topic, offline)

    async def test_a_large_fleet_does_not_flood_the_broker_with_connections(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        fleet = await mqtt_fleet(mosquitto.url, "tasmota", devices=100, rate=0)
        assert fleet.connections == MOST_CONNECTIONS

    async def test_a_fleet_comes_back_by_itself_when_the_broker_does(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", "homie", rate=20)
        before = len(descriptors())
        mosquitto.kill()
        await eventually(lambda: not any(link.up.is_set() for link in fleet._links))
        mosquitto.start()
        async with asyncio.timeout(DEADLINE):
            await fleet.connected()
        async with watching(mosquitto) as watcher:
            assert await watcher.payload("zigbee2mqtt/bridge/devices", retained=True)
            await watcher.publish(f"{LAMP}/set", b"ON")
            await fleet.actuated(1)
        assert fleet.connections == 4
        await eventually(lambda: len(descriptors()) == before)


class TestFaults:
    async def test_a_silent_fleet_obeys_and_says_nothing(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", rate=0)
        async with watching(mosquitto, "zigbee2mqtt/#") as watcher:
            with fleet.faults.during(Silence()):
                await watcher.publish(f"{LAMP}/set", b"ON")
                await fleet.actuated(1)
                assert not await fleet.report("zigbee2mqtt", "living room/lamp")
            await watcher.publish(f"{LAMP}/set/brightness", b"9")
            assert json.loads(await watcher.payload(LAMP))["brightness"] == 9

    async def test_garbage_comes_as_messages_of_its_own(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        payloads: list[Any] = []
        fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", rate=0, faults=[Garbage(every=2)])
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client, asyncio.timeout(DEADLINE):
            await client.subscribe(LAMP)
            for _ in range(4):
                await fleet.report("zigbee2mqtt", "living room/lamp")
            async for message in client.messages:
                payloads.append(message.payload)
                if len(payloads) == 6:
                    break
        assert [payload.startswith(b"\xff") for payload in payloads] == [False, True, False] * 2

    async def test_a_fleet_that_refuses_does_not_obey(self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory) -> None:
        fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", rate=0, faults=[Refusal(every=2)])
        async with watching(mosquitto) as watcher:
            for brightness in (b"1", b"2", b"3"):
                await watcher.publish(f"{LAMP}/set/brightness", brightness)
            assert [each.value for each in await fleet.actuated(2)] == [1, 3]
        assert fleet.errors == 0

    async def test_an_answer_that_is_lost_shows_in_the_next_report(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", rate=0, faults=[NoAcknowledgement()])
        async with watching(mosquitto) as watcher:
            await watcher.publish(f"{LAMP}/set", b"ON")
            await fleet.actuated(1)
            await watcher.publish("marker", b"x")
            await watcher.payload("marker")
            assert LAMP not in watcher.heard
            await fleet.report("zigbee2mqtt", "living room/lamp")
            assert json.loads(await watcher.payload(LAMP))["state"] == "ON"

    async def test_an_answer_may_be_late_and_come_twice(
        self, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
    ) -> None:
        loop = asyncio.get_running_loop()
        fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", rate=0, faults=[Slow(0.2), DoubleAcknowledgement()])
        async with watching(mosquitto, LAMP) as watcher:
            began = loop.time()
            await watcher.publish(f"{LAMP}/set", b"ON")
            await fleet.actuated(1)
            assert loop.time() - began < 0.2
            await eventually(lambda: watcher.count == 2)
            assert loop.time() - began >= 0.2

    def test_a_fault_of_a_line_is_none_of_a_fleet(self) -> None:
        with pytest.raises(ValueError, match="bad-checksum is a fault of serial boards"):
            MqttFleet("mqtt://127.0.0.1", ["homie"], faults=[BadChecksum()])


class TestChoosing:
    @pytest.mark.parametrize(
        ("given", "profiles"),
        [
            (["homie"], ["homie"]),
            (["homie,tasmota", "homie"], ["homie", "tasmota"]),
            (["shelly , esphome"], ["shelly", "esphome"]),
            (["all"], list(DIALECTS)),
            (["sparkplug,all"], ["sparkplug", *(name for name in DIALECTS if name != "sparkplug")]),
        ],
    )
    def test_profiles_are_read_as_they_are_written(self, given: list[str], profiles: list[str]) -> None:
        assert read_profiles(given) == profiles

    def test_an_unknown_profile_is_told_with_what_there_is(self) -> None:
        with pytest.raises(
            ValueError, match=r"^no profile is named 'homy': there are raw, zigbee2mqtt, .*'homie'\?\)$"
        ):
            read_profiles(["tasmota,homy"], others=["raw"])

    def test_nodes_and_fleets_are_made_by_their_profiles(self) -> None:
        nodes = nodes_or_fleet("mqtt://h", ["raw"], {"kind": "power", "devices": 2})
        assert isinstance(nodes, MqttNodes)
        fleet = nodes_or_fleet("mqtt://h", ["homie,zigbee2mqtt"], {"devices": 2, "discovery": True})
        assert isinstance(fleet, MqttFleet)
        assert {name: len(devices) for name, devices in fleet.devices.items()} == {"homie": 2, "zigbee2mqtt": 2}

    @pytest.mark.parametrize(
        ("profiles", "settings", "says"),
        [
            (["raw", "homie"], {}, "telemetry and raw are for nodes of one profile, and go with no other"),
            (["telemetry,raw"], {}, "telemetry and raw are for nodes of one profile, and go with no other"),
            (["raw"], {"discovery": True}, "the profile raw has no discovery"),
            (["homie"], {"kind": "power"}, "a fleet has no kind"),
            (["homie"], {"prefix": "home"}, "a fleet has no prefix"),
            (["homie"], {"stamp": True}, "a fleet has no stamp"),
            (
                ["homie"],
                {"discovery": True},
                "only zigbee2mqtt and esphome can describe their devices to Home Assistant",
            ),
            (["homie"], {"devices": 0}, "devices must be at least 1"),
            ([], {}, "a fleet has at least one profile"),
        ],
    )
    def test_impossible_settings_are_refused(self, profiles: list[str], settings: dict[str, Any], says: str) -> None:
        with pytest.raises(ValueError, match=f"^{says}$"):
            nodes_or_fleet("mqtt://127.0.0.1", profiles, settings)
