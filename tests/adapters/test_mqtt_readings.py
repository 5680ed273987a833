"""What messages of a real Mosquitto become: readings, states of devices, or counted errors."""

import asyncio
import re

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


POINTS = "{type: json, points: {t: AM2301.Temperature, h: AM2301.Humidity, n: list.1, gone: AM2301.Pressure}}"
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
        ("number", "21.4 °C".encode(), {"p": 21.4}),
        ("boolean", b"OFF", {"p": False}),
        ("boolean", b"1\n", {"p": True}),
        ("{type: boolean, on: open, off: [closed, locked]}", b"Locked", {"p": False}),
        ("json", b'{"value":48,"unit":"%"}', {"p": 48}),
        (POINTS, b'{"AM2301":{"Temperature":0.0,"Humidity":null},"list":[{}, 7]}', {"p.t": 0.0, "p.h": None, "p.n": 7}),
        ("senml", b'[{"bn":"d:","n":"t","u":"Cel","v":1},{"n":"h","v":2}]', {"p.t": 1, "p.h": 2}),
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


@pytest.mark.parametrize(
    ("codec", "payload", "units"),
    [
        ("number", "21.4 °C".encode(), {"p": "Cel"}),
        (
            "json",
            '{"t":{"value":21.4,"unit":"°C"},"w":{"unit":"kWh","value":3}}'.encode(),
            {"p.t": "Cel", "p.w": "kW.h"},
        ),
        ("{type: json, points: {t: a.t}}", '{"a":{"t":{"value":21.4,"unit":"°C"}}}'.encode(), {"p.t": "Cel"}),
        ("senml", b'[{"bn":"d:","n":"t","u":"%RH","v":1}]', {"p.t": "%"}),
    ],
)
async def test_a_unit_in_the_payload_is_the_points(
    mosquitto: Mosquitto, codec: str, payload: bytes, units: dict[str, str]
) -> None:
    async with (
        running(config(mosquitto, readings("raw/{device}/{point}", codec))) as rig,
        bystander(mosquitto.port) as other,
    ):
        await rig.up()
        await other.publish("raw/d/p", payload)
        reading = await rig.reading()
        assert set(reading.values) == set(units)
        assert {name: point.unit for name, point in rig.device("d").points.items()} == units


async def test_a_payload_that_claims_another_device_is_refused_and_counted(mosquitto: Mosquitto) -> None:
    topics = f"{TELEMETRY}, {readings('senml/{device}', 'senml')}"
    async with running(config(mosquitto, topics)) as rig, bystander(mosquitto.port) as other:
        await rig.up()
        await said(rig, other, "sensors/a/telemetry", b'{"n":1}')
        foreign = [b'{"n":2,"device":"b"}', b'{"n":2,"device_id":"A"}', b'{"n":2,"deviceId":""}']
        await said(rig, other, "sensors/a/telemetry", *foreign)
        await said(rig, other, "senml/a", b'[{"bn":"b:","n":"n","v":2}]')
        own = [b'{"n":3,"device":"a"}', b'{"n":4,"sub":{"device":"b"}}']
        await said(rig, other, "sensors/a/telemetry", *own)
        await said(rig, other, "senml/a", b'[{"bn":"a/","n":"n","v":5}]')
        assert rig.values("n", "a") == [1, 3, 4, 5]
        assert rig.device("a").errors == 4
        assert {device.id for device in rig.devices} == {"house.a", "house.marker"}


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


@pytest.mark.parametrize("name", ["living room", "Küche", "温度 1", "a.b", "a'b\"c", "{device}", "$x", " ", "x" * 256])
async def test_a_name_of_any_letters_is_kept_and_its_id_is_the_same_every_time(mosquitto: Mosquitto, name: str) -> None:
    ids = []
    for _ in range(2):
        async with running(config(mosquitto, TELEMETRY)) as rig, bystander(mosquitto.port) as other:
            await rig.up()
            await other.publish(f"sensors/{name}/telemetry", b'{"n":1}')
            reading = await rig.reading()
            device = rig.devices.get(reading.device)
            assert device is not None
            assert device.to_json()["name"] == name
            assert rig.errors() == 0
            ids.append(device.id)
    assert ids[0] == ids[1]
    assert re.fullmatch(r"house\.[A-Za-z0-9_-]{1,64}", ids[0])


RETAINED = [
    ("json", b'{"n":1}', "p.n"),
    ("{type: json, points: {n: a.0}}", b'{"a":[1]}', "p.n"),
    ("json", b'{"value":1,"unit":"W"}', "p"),
    ("number", b"1 W", "p"),
    ("boolean", b"ON", "p"),
    ("text", b"on", "p"),
    ("senml", b'[{"bn":"a:","bt":1795338820,"n":"n","v":1}]', "p.n"),
]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize(("codec", "payload", "point"), RETAINED)
async def test_a_retained_reading_is_marked_and_never_fresh(
    mosquitto: Mosquitto, codec: str, payload: bytes, point: str, version: str
) -> None:
    text = config(mosquitto, readings("sensors/{device}/{point}", codec), f", version: {version}")
    declared = f'{text}\ndevices: {{house.a: {{points: {{"{point}": {{type: string, stale_after: 1h}}}}}}}}'
    async with bystander(mosquitto.port) as other:
        await other.publish("sensors/a/p", payload, retain=True)
        async with running(declared) as rig:
            reading = await rig.reading()
            device = rig.device("a")
            assert reading.retained
            assert reading.to_json()["retained"] is True
            assert (device.state, device.last_heard, device.heard) == (DeviceState.UNKNOWN, None, None)
            rig.devices.mark_stale()
            assert device.latest[point][2] is Quality.STALE, "it may be of any age"
            await other.publish("sensors/a/p", payload)
            await rig.state(DeviceState.ONLINE, "a")
            assert not rig.readings[1].retained
            rig.devices.mark_stale()
            assert device.latest[point][2] is Quality.GOOD
            assert rig.errors() == 0


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_gateways_that_share_a_subscription_share_the_readings(mosquitto: Mosquitto, version: str) -> None:
    text = config(
        mosquitto, readings("sensors/{device}/telemetry", more="share: pool, qos: 1"), f", version: {version}"
    )
    async with running(text) as first, running(text) as second, bystander(mosquitto.port) as other:
        await first.up()
        await second.up()
        for number in range(20):
            await other.publish("sensors/a/telemetry", b'{"n":%d}' % number)
        await eventually(lambda: len(first.readings) + len(second.readings) >= 20, WITHIN, "all of them")
        heard = [reading.values["n"] for rig in (first, second) for reading in rig.readings]
        assert sorted(heard, key=int) == list(range(20))  # type: ignore[arg-type]
        assert first.readings
        assert second.readings


async def test_what_gateways_say_of_themselves_is_no_reading_of_a_wildcard(mosquitto: Mosquitto) -> None:
    async with bystander(mosquitto.port) as other:
        await other.publish("fieldgate/elsewhere/house/status", "online", retain=True)
        await other.publish("last/x", "1", retain=True)
        async with running(config(mosquitto, readings("#", "text"))) as rig:
            await rig.reading(lambda reading: reading.values == {"value": "1"})
            assert len(rig.readings) == 1


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
