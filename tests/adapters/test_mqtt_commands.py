"""Commands over a real Mosquitto: how they travel, whose answer counts, and what is known when none comes."""

import asyncio
import json

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device_sims.faults import NoAcknowledgement, Refusal
from device_sims.fixtures import MqttNodesFactory
from gateway.model import DeviceState
from tests.adapters.bystander import bystander
from tests.adapters.rig import WITHIN, running
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

VERSIONS = pytest.mark.parametrize("version", ["5", "3.1.1"])
COMMANDS = 'commands: {topic: "sensors/{device}/set", ack: "sensors/{device}/ack", timeout: %s}'


def config(broker: Mosquitto, more: str = "", timeout: str = "5s", commands: str = COMMANDS) -> str:
    commands = commands.replace("%s", timeout)
    return f"""
adapters:
  - id: house
    type: mqtt
    url: {broker.url}
    topics: [{{readings: "sensors/{{device}}/telemetry", {commands}}}]
    {more}
devices:
  house.a: &points
    points:
      fan: {{type: boolean, writable: true}}
      level: {{type: number, writable: true}}
      text: {{type: string, writable: true}}
      blink: {{type: action, writable: true}}
  house.node1: *points
"""


@VERSIONS
async def test_a_command_is_acknowledged_refused_or_unknown_as_the_node_has_it(
    mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory, version: str
) -> None:
    nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=20)
    async with running(config(mosquitto, f"version: {version}", "0.5s")) as rig:
        await rig.state(DeviceState.ONLINE, "node1")
        done = await rig.command("fan", True, "node1")
        assert (done.state, done.outcome) == ("acked", "executed")
        with nodes.faults.during(Refusal(error="jammed")):
            refused = await rig.command("fan", False, "node1")
        assert (refused.state, refused.outcome, refused.detail) == ("failed", "not_executed", "jammed")
        with nodes.faults.during(NoAcknowledgement()):
            silent = await rig.command("fan", False, "node1")
        assert (silent.state, silent.outcome) == ("timeout", "unknown")
        assert [a.value for a in nodes.actuations] == [True, False]
        assert rig.errors() == 0


@VERSIONS
async def test_a_command_has_quality_1_is_never_retained_and_expires(mosquitto: Mosquitto, version: str) -> None:
    async with (
        bystander(mosquitto.port, "sensors/a/set") as other,
        running(config(mosquitto, f"version: {version}")) as rig,
    ):
        await rig.up()
        rig.submit("level", 21.5, "a", ttl=30)
        seen = await other.next()
        assert (seen.topic, seen.qos, seen.retain) == ("sensors/a/set", 1, False)
        sent = json.loads(seen.payload)
        assert sent == {"command": "level", "value": 21.5, "id": sent["id"]}
        if version == "5":
            assert seen.expiry in (28, 29, 30)
        else:
            assert seen.expiry is None
        assert await other.retained("sensors/a/set") is None


async def test_a_device_that_comes_back_too_late_does_not_get_the_command(mosquitto: Mosquitto) -> None:
    """The broker keeps it for a session that sleeps, and drops it when its time to live is over."""
    session = {"identifier": "sleeper", "clean_start": False, "properties": _sleeping()}
    async with running(config(mosquitto, timeout="0.2s")) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        async with bystander(mosquitto.port, "sensors/a/set", **session):
            pass
        late = await rig.command("fan", True, "a", ttl=1.2)
        assert (late.state, late.outcome) == ("timeout", "unknown")
        await asyncio.sleep(2.2)  # nothing tells that it is over, and Mosquitto counts whole seconds
        in_time = await rig.command("level", 7, "a", ttl=60)
        assert in_time.outcome == "unknown"
        async with bystander(mosquitto.port, **session) as sleeper:
            assert json.loads((await sleeper.next()).payload)["command"] == "level"
            await other.publish("sensors/a/set", b"last")
            assert (await sleeper.next()).payload == b"last", "nothing else was kept"


def _sleeping() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 120
    return properties


@VERSIONS
async def test_any_answer_topic_of_the_rule_ends_the_command_with_its_id(mosquitto: Mosquitto, version: str) -> None:
    """Retained or not: what is published now is of today."""
    async with (
        bystander(mosquitto.port, "sensors/a/set") as other,
        running(config(mosquitto, f"version: {version}")) as rig,
    ):
        await rig.up()
        for topic, retain in (("sensors/a/ack", False), ("sensors/a/ack", True), ("sensors/b/ack", False)):
            command = rig.submit("fan", True, "a")
            id = json.loads((await other.next()).payload)["id"]
            await other.publish(topic, json.dumps({"ack": id + 1, "ok": True}))
            await other.publish(topic, json.dumps({"ack": id, "ok": False}), retain=retain)
            async with asyncio.timeout(WITHIN):
                await rig.commands.finished(command)
            assert command.state == "failed"
        assert rig.errors() == 0


@VERSIONS
async def test_an_answer_that_the_broker_kept_ends_no_command(mosquitto: Mosquitto, version: str) -> None:
    async with (
        bystander(mosquitto.port, "sensors/a/set") as other,
        running(config(mosquitto, f"version: {version}", "1s")) as rig,
    ):
        await rig.up()
        receive = rig.adapter._receive  # type: ignore[attr-defined]
        command = rig.submit("fan", True, "a")
        id = json.loads((await other.next()).payload)["id"]
        # As a reconnect in the middle of a command would bring it.
        receive("sensors/a/ack", b'{"ack":%d,"ok":true}' % id, True)
        async with asyncio.timeout(WITHIN):
            await rig.commands.finished(command)
        assert command.state == "timeout"


async def test_a_command_that_someone_retained_is_none_of_ours(mosquitto: Mosquitto) -> None:
    async with bystander(mosquitto.port) as other:
        await other.publish("sensors/a/set", b'{"command":"fan","value":true,"id":1}', retain=True)
        async with running(config(mosquitto)) as rig:
            await rig.up()
            await other.publish("sensors/a/telemetry", b'{"n":1}')
            await rig.reading(lambda reading: "n" in reading.values)
            assert len(rig.readings) == 1
            assert rig.errors() == 0


@VERSIONS
async def test_our_own_commands_that_come_back_are_not_readings(mosquitto: Mosquitto, version: str) -> None:
    """The readings' filter takes them in, and MQTT 3.1.1 cannot leave them out."""
    topics = 'topics: [{readings: "x/{device}/{point}", codec: text, commands: {topic: "x/{device}/set"}}]'
    text = f"""
adapters: [{{id: house, type: mqtt, url: {mosquitto.url}, version: {version}, {topics}}}]
devices: {{house.a: {{points: {{fan: {{type: boolean, writable: true}}}}}}}}
"""
    async with running(text) as rig, bystander(mosquitto.port, "x/a/set") as other:
        await rig.up()
        command = await rig.command("fan", True, "a")
        assert (command.state, command.outcome) == ("sent", "unconfirmed"), "no answer was promised"
        await other.next()
        await other.publish("x/a/last", "1")
        reading = await rig.reading()
        assert reading.values == {"last": "1"}


async def test_on_a_topic_with_the_point_the_payload_is_the_bare_value(mosquitto: Mosquitto) -> None:
    commands = 'commands: {topic: "sensors/{device}/{point}/set"}'
    async with (
        bystander(mosquitto.port, "sensors/a/+/set") as other,
        running(config(mosquitto, commands=commands)) as rig,
    ):
        await rig.up()
        for point, value, payload in (
            ("fan", True, b"true"),
            ("fan", False, b"false"),
            ("level", 0, b"0"),
            ("level", 21.5, b"21.5"),
            ("text", "", b""),
            ("text", "ä\r\n{", "ä\r\n{".encode()),
            ("blink", None, b""),
        ):
            command = await rig.command(point, value, "a")
            assert (command.state, command.outcome) == ("sent", "unconfirmed")
            seen = await other.next()
            assert (seen.topic, seen.payload) == (f"sensors/a/{point}/set", payload)


async def test_a_node_that_takes_bare_values_obeys(mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory) -> None:
    nodes = await mqtt_nodes(mosquitto.url, devices=1, rate=20, profile="raw")
    text = config(mosquitto, commands='commands: {topic: "sensors/{device}/{point}/set"}')
    async with running(text.replace("{device}/telemetry", "{device}/{point}")) as rig:
        await rig.state(DeviceState.ONLINE, "node1")
        command = await rig.command("fan", True, "node1", confirm="sent")
        assert command.outcome == "unconfirmed"
        async with asyncio.timeout(WITHIN):
            await nodes.actuated()
        await eventually(lambda: True in rig.values("fan", "node1"), WITHIN, "the value shown")


async def test_a_device_is_commanded_on_the_topics_that_it_was_heard_on(mosquitto: Mosquitto) -> None:
    text = f"""
adapters:
  - id: house
    type: mqtt
    url: {mosquitto.url}
    topics:
      - {{readings: "one/{{device}}", commands: {{topic: "one/{{device}}/set"}}}}
      - readings: "two/{{device}}"
        commands: {{topic: "two/{{device}}/set"}}
        availability: {{topic: "two/{{device}}/up"}}
devices:
  house.a: &points {{points: {{fan: {{type: boolean, writable: true}}}}}}
  house.b: *points
"""
    async with bystander(mosquitto.port, "+/+/set") as other, running(text) as rig:
        await rig.up()
        await other.publish("two/a", b'{"n":1}')
        await other.publish("two/b/up", b"online")
        await rig.state(DeviceState.ONLINE, "a")
        await rig.state(DeviceState.ONLINE, "b")
        for name in ("a", "b"):
            await rig.command("fan", True, name)
            assert (await other.next()).topic == f"two/{name}/set"


async def test_a_name_that_would_change_the_topic_is_refused_before_anything_is_sent(mosquitto: Mosquitto) -> None:
    commands = 'commands: {topic: "sensors/{device}/{point}/set"}'
    text = config(mosquitto, commands=commands).replace("text:", '"a/b":')
    async with running(text) as rig:
        await rig.up()
        command = await rig.command("a/b", "x", "a")
        assert (command.state, command.outcome) == ("rejected", "not_executed")
        assert command.detail == "'a/b' cannot be a part of a topic"


async def test_while_the_broker_is_away_commands_are_rejected_and_none_is_sent_later(mosquitto: Mosquitto) -> None:
    async with running(config(mosquitto)) as rig:
        await rig.up()
        mosquitto.kill()
        reason = await rig.down()
        command = await rig.command("fan", True, "a", ttl=60)
        assert (command.state, command.outcome) == ("rejected", "not_executed")
        assert command.detail == f"the device is offline: {rig.link.reason}"
        assert f"127.0.0.1:{mosquitto.port}" in reason
        mosquitto.start()
        async with bystander(mosquitto.port, "#") as other:
            await eventually(lambda: rig.link.is_up, 40, "the link")
            await other.publish("end", b"")
            while (seen := await other.next()).topic != "end":
                assert not seen.topic.endswith("/set")


@pytest.mark.parametrize("patience", ["0.2s", "30s"])
async def test_a_frozen_broker_leaves_a_command_unknown_and_the_devices_offline(
    mosquitto: Mosquitto, patience: str
) -> None:
    async with running(config(mosquitto, "keepalive: 60s", patience)) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        await other.publish("sensors/a/telemetry", b'{"n":1}')
        await rig.state(DeviceState.ONLINE, "a")
        mosquitto.freeze()
        try:
            async with asyncio.timeout(WITHIN):  # long before the keepalive would tell
                command = await rig.command("fan", True, "a", ttl=2)
                assert (command.state, command.outcome) == ("lost", "unknown")
                await rig.state(DeviceState.OFFLINE, "a")
        finally:
            mosquitto.thaw()
        await eventually(lambda: rig.link.is_up, 40, "the link")


async def test_a_frozen_broker_is_noticed_without_a_command_too(mosquitto: Mosquitto) -> None:
    async with running(config(mosquitto, "keepalive: 2s")) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        await other.publish("sensors/a/telemetry", b'{"n":1}')
        await rig.state(DeviceState.ONLINE, "a")
        mosquitto.freeze()
        try:
            async with asyncio.timeout(2 * 2 + 3):  # twice the keepalive, and the library's look every second
                await rig.state(DeviceState.OFFLINE, "a")
        finally:
            mosquitto.thaw()


async def test_a_command_with_a_short_time_to_live_does_not_cost_the_connection(mosquitto: Mosquitto) -> None:
    """A broker that takes a moment is no dead one, and whoever commands one device cannot take the others offline."""
    async with running(config(mosquitto)) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        mosquitto.freeze()
        try:
            command = rig.submit("fan", True, "a", ttl=0.05, confirm="sent")
            await asyncio.sleep(0.3)  # the broker's moment
        finally:
            mosquitto.thaw()
        async with asyncio.timeout(WITHIN):
            await rig.commands.finished(command)
        assert command.outcome in ("unconfirmed", "unknown")
        await other.publish("sensors/a/telemetry", b'{"n":1}')
        await rig.reading()
        assert rig.link.info.reconnects == 0
        assert rig.link.is_up
