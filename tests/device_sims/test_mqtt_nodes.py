"""MQTT nodes on a real Mosquitto."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import aiomqtt
import pytest

from device_sims.faults import (
    BadChecksum,
    DoubleAcknowledgement,
    Garbage,
    LateAcknowledgement,
    NoAcknowledgement,
    Refusal,
    Silence,
    SlowAcknowledgement,
    Unplug,
)
from device_sims.fixtures import MqttNodesFactory
from device_sims.mqtt_node import MOST_CONNECTIONS, MqttNodes
from device_sims.mqtt_simulator import BrokerUnreachableError
from tests.parts.leaks import descriptors
from tests.parts.mosquitto import Mosquitto
from tests.parts.ports import free_port
from tests.parts.waiting import eventually

DEADLINE = 10.0  # seconds


class Watcher:
    """A client of the broker that sees everything below its filter."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def message(self, topic: str) -> bytes:
        """The next payload on a topic; what comes on others before it is passed over."""
        async with asyncio.timeout(DEADLINE):
            async for message in self._client.messages:
                if str(message.topic) == topic:
                    assert isinstance(message.payload, bytes)
                    return message.payload
        raise AssertionError("the messages ended")

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        await self._client.publish(topic, payload, qos=1, retain=retain)

    async def command(self, node: str, point: object, value: object, id: object) -> None:
        await self.publish(f"sensors/{node}/set", json.dumps({"command": point, "value": value, "id": id}))


@asynccontextmanager
async def watching(broker: Mosquitto, topics: str = "#") -> AsyncIterator[Watcher]:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe(topics, qos=1)
        yield Watcher(client)


class TestReadings:
    async def test_each_node_publishes_readings_in_order(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        async with watching(mosquitto) as watcher:
            await mqtt_nodes(mosquitto.url, devices=3, rate=50)
            for node in ("node1", "node2", "node3"):
                readings = [json.loads(await watcher.message(f"sensors/{node}/telemetry")) for _ in range(5)]
                assert set(readings[0]) == {"temperature", "humidity", "pressure", "fan", "setpoint", "sequence"}
                assert all(b["sequence"] == a["sequence"] + 1 for a, b in pairwise(readings))

    async def test_many_nodes_share_one_connection_and_all_keep_the_rate(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        count = MOST_CONNECTIONS + 84
        async with watching(mosquitto, "sensors/+/telemetry") as watcher:
            nodes = await mqtt_nodes(mosquitto.url, devices=count, rate=10)
            assert nodes.connections == 1
            first = json.loads(await watcher.message(f"sensors/node{count}/telemetry"))
            second = json.loads(await watcher.message(f"sensors/node{count}/telemetry"))
            assert second["sequence"] == first["sequence"] + 1

    async def test_raw_nodes_publish_bare_values_on_a_topic_for_each_point(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        async with watching(mosquitto) as watcher:
            await mqtt_nodes(mosquitto.url, devices=1, profile="raw", prefix="home/upstairs", kind="power")
            assert 200 < float(await watcher.message("home/upstairs/node1/voltage")) < 260
            assert await watcher.message("home/upstairs/node1/relay") == b"true"

    async def test_a_node_that_speaks_only_when_told_says_the_same_for_the_same_seed(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        said = []
        async with watching(mosquitto) as watcher:
            for prefix in ("first", "second"):
                nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=0, seed=3, prefix=prefix)
                assert await nodes.report(nodes.devices[0])
                said.append(await watcher.message(f"{prefix}/node1/telemetry"))
        assert said[0] == said[1]


class TestCommands:
    async def test_a_command_is_acknowledged_and_shows_in_the_reading_that_follows(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        nodes = await mqtt_nodes(mosquitto.url, rate=0)
        async with watching(mosquitto) as watcher:
            await watcher.command("node2", "fan", True, 17)
            assert await watcher.message("sensors/node2/ack") == b'{"ack":17,"ok":true}'
            assert json.loads(await watcher.message("sensors/node2/telemetry"))["fan"] is True
        assert [(a.device, a.id, a.point, a.value) for a in nodes.actuations] == [("node2", 17, "fan", True)]

    async def test_nodes_that_share_a_connection_obey_each_for_itself(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        nodes = await mqtt_nodes(mosquitto.url, devices=MOST_CONNECTIONS + 1, rate=0)
        async with watching(mosquitto) as watcher:
            await watcher.command("node99", "fan", True, 1)
            await watcher.command("node17", "fan", True, 2)
            assert await watcher.message("sensors/node17/ack") == b'{"ack":2,"ok":true}'
        assert [a.device for a in nodes.actuations] == ["node17"]

    async def test_what_cannot_be_obeyed_is_refused_and_what_cannot_be_read_is_counted(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=0)
        async with watching(mosquitto) as watcher:
            for noise in (b"\xff", b"", b"{", b"[]", b"{}"):
                await watcher.publish("sensors/node1/set", noise)
            await watcher.command("node1", "fan", "warm", 1)
            answer = json.loads(await watcher.message("sensors/node1/ack"))
        assert answer == {"ack": 1, "ok": False, "error": "fan takes true or false"}
        assert nodes.errors == 5
        assert nodes.actuations == []

    async def test_a_retained_command_is_ignored(self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory) -> None:
        async with watching(mosquitto) as watcher:
            await watcher.publish("sensors/node1/set", b'{"command":"fan","value":true,"id":1}', retain=True)
            nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=0)
            await watcher.command("node1", "setpoint", 20, 2)
            assert await watcher.message("sensors/node1/ack") == b'{"ack":2,"ok":true}'
        assert nodes.ignored == 1
        assert [a.id for a in nodes.actuations] == [2]

    async def test_a_raw_command_is_a_bare_value_and_shows_at_once(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=0, profile="raw", prefix="home")
        async with watching(mosquitto) as watcher:
            await watcher.publish("home/node1/fan/set", b"ON")
            assert await watcher.message("home/node1/fan") == b"true"
            await watcher.publish("home/node1/setpoint/set", b"18.5")
            assert [await watcher.message("home/node1/setpoint") for _ in range(2)] == [b"21", b"18.5"]
            await watcher.publish("home/node1/fan/set", b"maybe")
            await watcher.publish("home/node1/fan/set", b"off")
            assert await watcher.message("home/node1/fan") == b"false"
        assert [a.value for a in nodes.actuations] == [True, 18.5, False]


class TestAvailability:
    async def test_a_node_is_online_until_it_parts(self, mosquitto: Mosquitto) -> None:
        topics = ("sensors/node1/status", "sensors/node2/status")  # a watcher each: retained ones come in any order

        async def states() -> list[bytes]:
            seen = []
            for topic in topics:
                async with watching(mosquitto, topic) as watcher:
                    seen.append(await watcher.message(topic))
            return seen

        async with MqttNodes(mosquitto.url, devices=2):
            assert await states() == [b"online", b"online"]
        assert await states() == [b"offline", b"offline"]

    async def test_nodes_that_share_a_connection_have_their_state_each(self, mosquitto: Mosquitto) -> None:
        last = f"sensors/node{MOST_CONNECTIONS + 1}/status"
        async with MqttNodes(mosquitto.url, devices=MOST_CONNECTIONS + 1, rate=0), watching(mosquitto) as watcher:
            assert await watcher.message(last) == b"online"
        async with watching(mosquitto) as watcher:
            assert await watcher.message(last) == b"offline"

    async def test_an_unplugged_node_is_declared_offline_by_its_last_will_and_comes_back(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        nodes = await mqtt_nodes(mosquitto.url, devices=2, rate=20)
        async with watching(mosquitto) as watcher:
            assert await watcher.message("sensors/node1/status") == b"online"
            nodes.unplug("node1")
            assert await watcher.message("sensors/node1/status") == b"offline"
            assert not await nodes.report(nodes.devices[0])
            await watcher.message("sensors/node2/telemetry")
            nodes.replug("node1")
            assert await watcher.message("sensors/node1/status") == b"online"
            await watcher.message("sensors/node1/telemetry")

    async def test_nodes_come_back_by_themselves_when_the_broker_does(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        nodes = await mqtt_nodes(mosquitto.url, devices=3, rate=20)
        before = len(descriptors())
        for _ in range(3):
            mosquitto.kill()
            await eventually(lambda: not any(link.up.is_set() for link in nodes._links))
            mosquitto.start()
            async with asyncio.timeout(DEADLINE):
                await nodes.connected()
            async with watching(mosquitto) as watcher:
                assert await watcher.message("sensors/node3/status") == b"online"
                await watcher.command("node3", "fan", True, 1)
                assert await watcher.message("sensors/node3/ack") == b'{"ack":1,"ok":true}'
        assert nodes.connections == 12
        assert len(descriptors()) == before

    async def test_unplug_cycles_leak_nothing(self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory) -> None:
        nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=0)
        before, tasks = len(descriptors()), len(asyncio.all_tasks())
        for _ in range(20):
            nodes.unplug()
            await eventually(lambda: not nodes._links[0].up.is_set())
            nodes.replug()
            async with asyncio.timeout(DEADLINE):
                await nodes.connected()
        await eventually(lambda: len(asyncio.all_tasks()) == tasks)
        assert len(descriptors()) == before


class TestFaults:
    async def test_silent_nodes_stay_online_obey_and_say_nothing(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=50)
        async with watching(mosquitto) as watcher:
            with nodes.faults.during(Silence()):
                made = nodes.devices[0].sequence  # one may still be on its way out
                await watcher.command("node1", "fan", True, 1)
                async with asyncio.timeout(DEADLINE):
                    await nodes.actuated(1)
                assert not await nodes.report(nodes.devices[0])
                assert nodes.devices[0].sequence == made
            assert await watcher.message("sensors/node1/status") == b"online"
            while not json.loads(await watcher.message("sensors/node1/telemetry"))["fan"]:
                pass

    async def test_garbage_comes_as_messages_of_its_own(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=0, faults=[Garbage(every=2)])
        async with watching(mosquitto) as watcher:
            for _ in range(4):
                await nodes.report(nodes.devices[0])
            payloads = [await watcher.message("sensors/node1/telemetry") for _ in range(6)]
        assert [payload.startswith(b"\xff") for payload in payloads] == [False, True, False] * 2

    async def test_acknowledgements_are_refused_or_lost(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=0)
        async with watching(mosquitto) as watcher:
            with nodes.faults.during(Refusal(error="stuck")):
                await watcher.command("node1", "fan", True, 1)
                answer = json.loads(await watcher.message("sensors/node1/ack"))
                assert answer == {"ack": 1, "ok": False, "error": "stuck"}
            with nodes.faults.during(NoAcknowledgement()):
                await watcher.command("node1", "fan", True, 2)
                assert json.loads(await watcher.message("sensors/node1/telemetry"))["fan"] is True
            await watcher.command("node1", "fan", False, 3)
            assert await watcher.message("sensors/node1/ack") == b'{"ack":3,"ok":true}'
        assert [a.id for a in nodes.actuations] == [2, 3]

    async def test_a_slow_node_obeys_at_once_and_answers_late_and_twice(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        loop = asyncio.get_running_loop()
        async with watching(mosquitto) as watcher:
            faults = [SlowAcknowledgement(seconds=0.2), DoubleAcknowledgement()]
            await mqtt_nodes(mosquitto.url, devices=1, rate=0, faults=faults)
            began = loop.time()
            await watcher.command("node1", "fan", True, 1)
            assert json.loads(await watcher.message("sensors/node1/telemetry"))["fan"] is True
            answers = [await watcher.message("sensors/node1/ack") for _ in range(2)]
        assert answers == [b'{"ack":1,"ok":true}'] * 2
        assert loop.time() - began >= 0.2

    async def test_an_answer_that_is_late_when_the_node_is_gone_is_lost(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        async with watching(mosquitto) as watcher:
            nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=0)
            with nodes.faults.during(LateAcknowledgement(seconds=0.3)):
                await watcher.command("node1", "fan", True, 1)
                await watcher.message("sensors/node1/telemetry")
            nodes.unplug()
            await asyncio.sleep(0.35)  # the answer would have come
            nodes.replug()
            await eventually(lambda: nodes.connections == 2)
            await nodes.connected()
            await watcher.command("node1", "fan", False, 2)
            assert await watcher.message("sensors/node1/ack") == b'{"ack":2,"ok":true}'

    def test_a_fault_of_a_line_is_none_of_a_node(self) -> None:
        with pytest.raises(ValueError, match="bad-checksum is a fault of serial boards"):
            MqttNodes("mqtt://127.0.0.1", faults=[BadChecksum()])

    async def test_unplug_in_turns_goes_offline_and_comes_back(
        self, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
    ) -> None:
        async with watching(mosquitto, "sensors/+/status") as watcher:
            await mqtt_nodes(mosquitto.url, devices=1, faults=[Unplug(after=0.5, seconds=0.3)])
            states = [await watcher.message("sensors/node1/status") for _ in range(4)]
        assert states == [b"online", b"offline", b"online", b"offline"]


class TestStart:
    async def test_a_broker_that_is_not_there_is_one_clear_error_in_time(self) -> None:
        before, tasks = descriptors(), asyncio.all_tasks()
        port = free_port()
        with pytest.raises(BrokerUnreachableError, match=rf"^no connection to mqtt://127.0.0.1:{port}: .*refused"):
            async with MqttNodes(f"mqtt://127.0.0.1:{port}", start_timeout=0.5):
                pass
        assert asyncio.all_tasks() == tasks
        assert descriptors() == before

    async def test_a_broker_that_does_not_answer_is_an_error_in_time_that_leaks_nothing(
        self, mosquitto: Mosquitto
    ) -> None:
        before, tasks = len(descriptors()), len(asyncio.all_tasks())
        mosquitto.freeze()
        try:
            with pytest.raises(BrokerUnreachableError, match="no connection to mqtt://"):
                async with MqttNodes(mosquitto.url, devices=2, start_timeout=0.5):
                    pass
        finally:
            mosquitto.thaw()
        await eventually(lambda: (len(descriptors()), len(asyncio.all_tasks())) == (before, tasks))

    async def test_nodes_wait_for_a_broker_that_comes_late(self, mosquitto: Mosquitto) -> None:
        mosquitto.stop()

        async def connect() -> int:
            async with MqttNodes(mosquitto.url, devices=1) as nodes:
                return nodes.connections

        connecting = asyncio.ensure_future(connect())
        await asyncio.sleep(0.3)  # long enough for an attempt that fails
        mosquitto.start()
        assert await connecting == 1

    async def test_leaving_ends_every_task(self, mosquitto: Mosquitto) -> None:
        tasks = asyncio.all_tasks()
        async with MqttNodes(mosquitto.url, devices=2):
            names = {task.get_name() for task in asyncio.all_tasks() - tasks}
            assert {"nodes:sensors", "nodes:sensors:readings", "nodes:sensors:link1", "nodes:sensors:link2"} <= names
        await eventually(lambda: asyncio.all_tasks() == tasks)

    async def test_leaving_never_hangs_however_busy_the_nodes_are(self, mosquitto: Mosquitto) -> None:
        async with asyncio.timeout(3 * DEADLINE):
            for i in range(40):
                async with MqttNodes(mosquitto.url, devices=4, rate=500):
                    await asyncio.sleep(0.001 * (i % 7))  # to leave at another moment each time

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"profile": "homie"}, "no profile is named 'homie': there are telemetry, raw"),
            ({"prefix": "a/+"}, "the prefix is a topic, without wildcards"),
            ({"prefix": ""}, "the prefix is a topic, without wildcards"),
            ({"kind": "toaster"}, "no kind of device is named 'toaster'"),
            ({"devices": 0}, "devices must be at least 1"),
        ],
    )
    def test_impossible_settings_are_refused(self, settings: dict[str, str], says: str) -> None:
        with pytest.raises(ValueError, match="^" + says.replace("+", r"\+")):
            MqttNodes("mqtt://127.0.0.1", **settings)  # type: ignore[arg-type]
