"""What messages of a real Mosquitto become: readings, states of devices, or counted errors."""

import asyncio

import pytest

from device_sims.fixtures import MqttNodesFactory
from gateway.model import DeviceState, Quality, Value
from tests.adapters.bystander import Bystander, bystander
from tests.adapters.rig import WITHIN, Rig, running
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

AVAILABILITY = 'availability: {topic: "sensors/{device}/status"}'


def config(broker: Mosquitto, topics: str, more: str = "") -> str:
    return f"adapters: [{{id: house, type: mqtt, url: {broker.url}, topics: [{topics}]{more}}}]"


def readings(topic: str, codec: str = "json", more: str = "") -> str:
    return f'{{readings: "{topic}", codec: {codec}{", " + more if more else ""}}}'


TELEMETRY = readings("sensors/{device}/telemetry", more=AVAILABILITY)


async def said(rig: Rig, other: Bystander, topic: str, *payloads: bytes) -> None:
    """Publishes them, and returns once the gateway has read all."""
    for payload in payloads:
        await other.publish(topic, payload)
    before = len(rig.values("mark", "marker"))
    await other.publish("sensors/marker/telemetry", b'{"mark":1}')
    await eventually(lambda: len(rig.values("mark", "marker")) > before, WITHIN, "the mark")


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_every_reading_of_the_nodes_arrives_in_order(
    mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory, version: str
) -> None:
    async with running(config(mosquitto, TELEMETRY, f", version: {version}")) as rig:
        await rig.up()
        await mqtt_nodes(mosquitto.url, devices=3, rate=100)
        await eventually(lambda: all(rig.values("sequence", f"node{n}")[50:] for n in (1, 2, 3)), WITHIN, "50 of each")
        for n in (1, 2, 3):
            first, *rest = rig.values("sequence", f"node{n}")
            assert isinstance(first, int)
            assert rest == list(range(first + 1, first + 1 + len(rest)))
            assert rig.device(f"node{n}").state is DeviceState.ONLINE
        assert rig.errors() == 0


async def test_on_topics_of_points_each_payload_is_one_value(
    mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
) -> None:
    topics = readings("sensors/{device}/{point}", more=AVAILABILITY)
    async with running(config(mosquitto, topics)) as rig:
        await rig.up()
        await mqtt_nodes(mosquitto.url, devices=1, rate=20, profile="raw")
        await eventually(lambda: len(rig.values("sequence", "node1")) > 5, WITHIN, "some readings")
        points = rig.device("node1").points
        assert {name: point.type for name, point in points.items()} == {
            "temperature": "number",
            "humidity": "number",
            "pressure": "number",
            "fan": "boolean",
            "setpoint": "number",
            "sequence": "number",
        }
        assert rig.errors() == 0


@pytest.mark.parametrize(
    ("codec", "payload", "values"),
    [
        ("json", b"0", {"p": 0}),
        ("json", b"0.0", {"p": 0.0}),
        ("json", b"false", {"p": False}),
        ("json", b'""', {"p": ""}),
        ("json", b'{"a":0,"b":{"c":""}}', {"p.a": 0, "p.b.c": ""}),
        ("json", b"null", {"p": None}),
        ("json", b"NaN", {"p": None}),
        ("json", b"-Infinity", {"p": None}),
        ("number", b"0", {"p": 0}),
        ("number", b" 0.0\n", {"p": 0.0}),
        ("number", b"nan", {"p": None}),
        ("number", b"1e999", {"p": None}),
        ("text", b"", {"p": ""}),
        ("text", b"false", {"p": "false"}),
        ("text", "21 °C".encode(), {"p": "21 °C"}),
    ],
)
async def test_a_payload_arrives_as_the_value_that_it_is(
    mosquitto: Mosquitto, codec: str, payload: bytes, values: dict[str, Value]
) -> None:
    async with (
        running(config(mosquitto, readings("raw/{device}/{point}", codec))) as rig,
        bystander(mosquitto.port) as other,
    ):
        await rig.up()
        await other.publish("raw/d/p", payload)
        reading = await rig.reading()
        assert [repr(value) for value in reading.values.values()] == [repr(value) for value in values.values()]
        assert reading.values == values
        assert reading.quality == {name: Quality.BAD for name, value in values.items() if value is None}
        assert rig.errors() == 0


async def test_a_bare_value_on_a_topic_without_a_point_is_called_value(mosquitto: Mosquitto) -> None:
    async with (
        running(config(mosquitto, readings("t/{device}", "number"))) as rig,
        bystander(mosquitto.port) as other,
    ):
        await rig.up()
        await other.publish("t/d", "21.5")
        assert (await rig.reading()).values == {"value": 21.5}


async def test_a_topic_without_a_device_is_the_adapter_itself(mosquitto: Mosquitto) -> None:
    async with running(config(mosquitto, readings("meter/+/now"))) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        await other.publish("meter/7/now", '{"power":3}')
        assert (await rig.reading()).device == "house"


MALFORMED = [
    b"",
    b"{",
    b"\xff\xfe\x00",
    b"not json",
    b"[" * 200_000,
    b'{"a":' * 50 + b"1" + b"}" * 50,
    b"{" + b",".join(b'"p%d":1' % n for n in range(600)) + b"}",
    b'"' + b"x" * 300_000 + b'"',
]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_malformed_payload_is_counted_and_costs_nothing_else(mosquitto: Mosquitto, version: str) -> None:
    async with (
        running(config(mosquitto, TELEMETRY, f", version: {version}")) as rig,
        bystander(mosquitto.port) as other,
    ):
        await rig.up()
        for number, payload in enumerate(MALFORMED):
            for qos in (0, 1):
                await other.publish("sensors/a/telemetry", payload, qos=qos)
                await said(rig, other, "sensors/a/telemetry", b'{"n":%d}' % (2 * number + qos))
        assert rig.values("n", "a") == list(range(2 * len(MALFORMED)))
        assert rig.device("a").to_json()["link"]["errors"] == 2 * len(MALFORMED)
        assert rig.device("marker").to_json()["link"]["errors"] == 1, "the first came before the device was known"
        assert rig.link.info.reconnects == 0
        assert rig.device("a").state is DeviceState.ONLINE


async def test_many_megabytes_in_one_message_are_an_error_and_the_link_holds(mosquitto: Mosquitto) -> None:
    async with running(config(mosquitto, TELEMETRY)) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        for qos in (0, 1):
            await other.publish("sensors/a/telemetry", b"x" * 8_000_000, qos=qos)
        await said(rig, other, "sensors/a/telemetry", b'{"n":1}')
        assert rig.values("n", "a") == [1]
        assert rig.errors() == 2
        assert rig.link.info.reconnects == 0


async def test_names_that_no_device_may_have_get_a_safe_one_and_too_long_ones_none(mosquitto: Mosquitto) -> None:
    async with running(config(mosquitto, TELEMETRY)) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        await said(rig, other, "sensors/küche <b>/telemetry", b'{"n":1}')
        await said(rig, other, "sensors/" + "x" * 300 + "/telemetry", b'{"n":2}')
        (reading,) = [reading for reading in rig.readings if "n" in reading.values]
        assert reading.device.startswith("house.k_che_b-")
        assert rig.errors() == 1


async def test_a_retained_reading_is_marked_and_does_not_make_its_device_online(mosquitto: Mosquitto) -> None:
    async with bystander(mosquitto.port) as other:
        await other.publish("sensors/a/telemetry", b'{"n":1}', retain=True)
        async with running(config(mosquitto, TELEMETRY)) as rig:
            reading = await rig.reading()
            assert reading.retained
            assert rig.device("a").state is DeviceState.UNKNOWN
            await said(rig, other, "sensors/a/telemetry", b'{"n":2}')
            assert rig.device("a").state is DeviceState.ONLINE
            assert not rig.readings[1].retained


async def test_the_availability_topic_decides_until_the_device_speaks(mosquitto: Mosquitto) -> None:
    async with running(config(mosquitto, TELEMETRY)) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        await other.publish("sensors/a/status", b"offline", retain=True)
        device = await rig.state(DeviceState.OFFLINE, "a")
        assert device.reason == "the device reported itself offline"
        await other.publish("sensors/a/status", b'{"state":"online"}', retain=True)
        await rig.state(DeviceState.ONLINE, "a")
        await other.publish("sensors/a/status", b"offline", retain=True)
        await rig.state(DeviceState.OFFLINE, "a")
        await other.publish("sensors/a/telemetry", b'{"n":1}')
        await rig.state(DeviceState.ONLINE, "a")
        await said(rig, other, "sensors/a/status", b"perhaps")
        assert rig.device("a").errors == 1


async def test_availability_may_have_its_own_words(mosquitto: Mosquitto) -> None:
    words = 'availability: {topic: "sensors/{device}/LWT", online: Online, offline: Offline}'
    topics = readings("sensors/{device}/telemetry", more=words)
    async with running(config(mosquitto, topics)) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        await other.publish("sensors/a/LWT", b"Online")
        await rig.state(DeviceState.ONLINE, "a")
        await other.publish("sensors/a/LWT", b"Offline")
        await rig.state(DeviceState.OFFLINE, "a")


async def test_a_node_whose_connection_breaks_is_offline_by_its_last_will(
    mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
) -> None:
    async with running(config(mosquitto, TELEMETRY)) as rig:
        await rig.up()
        nodes = await mqtt_nodes(mosquitto.url, devices=2, rate=20)
        for name in ("node1", "node2"):
            await rig.state(DeviceState.ONLINE, name)
        nodes.unplug("node1")
        await rig.state(DeviceState.OFFLINE, "node1")
        assert rig.device("node2").state is DeviceState.ONLINE
        nodes.replug("node1")
        await rig.state(DeviceState.ONLINE, "node1")


async def test_a_silent_device_is_degraded(mosquitto: Mosquitto) -> None:
    async with (
        running(config(mosquitto, TELEMETRY, ", silence: 400ms")) as rig,
        bystander(mosquitto.port) as other,
    ):
        await rig.up()
        await other.publish("sensors/a/telemetry", b'{"n":1}')
        await rig.state(DeviceState.ONLINE, "a")
        assert (await rig.state(DeviceState.DEGRADED, "a")).reason == "silent for more than 0.4 s"


async def test_a_flood_is_read_whole_and_the_loop_keeps_turning(mosquitto: Mosquitto) -> None:
    count = 5000
    async with running(config(mosquitto, TELEMETRY)) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        turning = asyncio.create_task(turn(), name="turns")
        for number in range(count):
            # Every packet length, so that packets are cut in every place.
            await other.publish("sensors/a/telemetry", b'{"n":%d,"pad":"%s"}' % (number, b"x" * (number % 300)), qos=0)
            if number % 500 == 0:
                await said(rig, other, "sensors/a/telemetry")  # the broker drops what it cannot hold
        await eventually(lambda: len(rig.values("n", "a")) == count, 20, "all of them")
        turning.cancel()
        assert rig.values("n", "a") == list(range(count))
        assert rig.errors() == 0
        assert turns > 100
