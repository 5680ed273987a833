"""`fieldgate discover`: every device of a broker once, and a configuration that runs as it is."""

import asyncio
import signal
from pathlib import Path

import aiomqtt
import pytest

from device_sims.dialects.registry import ALL
from device_sims.fixtures import MqttFleetFactory, MqttNodesFactory
from gateway.adapters.mqtt import MqttOptions
from gateway.cli.discover.survey import Survey
from gateway.config import parse
from gateway.profiles.esphome import EsphomeOptions
from tests.adapters.rig import WITHIN, running
from tests.cli.command import Ended, Fieldgate
from tests.parts.mosquitto import Mosquitto
from tests.parts.ports import free_port
from tests.parts.waiting import eventually

DIALECTS = {"esphome", "homeassistant", "homie", "shelly", "sparkplug", "tasmota", "zigbee2mqtt"}


def proposed(ended: Ended) -> MqttOptions:
    """The adapter that was proposed."""
    assert ended.code == 0, ended.err
    (adapter,) = parse(ended.out, "stdout", Path()).adapters
    assert isinstance(adapter, MqttOptions)
    return adapter


def listed(ended: Ended) -> list[str]:
    """The devices that were told, as they are named."""
    return [
        line.strip().partition("  ")[0].partition(" (")[0]
        for line in ended.err.splitlines()
        if line.startswith("  ") and line[2] != " "
    ]


async def test_a_mixed_fleet_is_found_each_device_once_and_what_it_prints_runs_as_it_is(
    fieldgate: Fieldgate, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory, mqtt_nodes: MqttNodesFactory
) -> None:
    # Zigbee2MQTT and ESPHome tell Home Assistant of their devices too, as many people have it.
    fleet = await mqtt_fleet(mosquitto.url, ALL, rate=5, discovery=True)
    await mqtt_nodes(mosquitto.url, profile="raw", rate=5)
    ended = await fieldgate.run("discover", mosquitto.url, "--seconds", "3", "--probe")
    options = proposed(ended)
    # What a node of ESPHome tells Home Assistant is more than its topics say.
    assert {profile.type for profile in options.profiles} == DIALECTS - {"esphome"}
    templates = {section.readings: section.codec.type for section in options.topics}
    assert templates == {"sensors/{device}/fan": "boolean", "sensors/{device}/{point}": "number"}

    devices = sum(len(names) for names in fleet.devices.values()) + 1  # Zigbee2MQTT has one that it does not support
    told = set(listed(ended))
    async with running(ended.out) as rig:
        await eventually(lambda: len(rig.devices) >= devices + 3, WITHIN, f"{devices} devices and 3 nodes")
        assert len(rig.devices) == devices + 3
        await eventually(lambda: "fan" in rig.device("node1").latest, WITHIN, "the node's fan")
        assert rig.device("node1").latest["fan"][0] in (True, False)
        assert not any(point.writable for device in rig.devices for point in device.points.values())
        assert told >= {device.name for device in rig.devices if device.described.points}


async def test_points_are_told_with_their_kind_and_an_example(
    fieldgate: Fieldgate, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
) -> None:
    await mqtt_fleet(mosquitto.url, "zigbee2mqtt", rate=5)
    ended = await fieldgate.run("discover", mosquitto.url, "--seconds", "1.5")
    lines = [" ".join(line.split()) for line in ended.err.splitlines()]
    assert "garden/sensor (Aqara WSDCGQ11LM) broker.garden_sensor-a6b12b74" in lines
    assert any(line.startswith("brightness integer 0 to 254, takes commands ") for line in lines)
    assert any(line.startswith("temperature number Cel ") and line[-1].isdigit() for line in lines)
    assert "commands: true" in ended.out


async def test_without_probe_nothing_is_published(
    fieldgate: Fieldgate, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
) -> None:
    await mqtt_fleet(mosquitto.url, ALL, rate=0)
    heard: list[str] = []

    async def listen() -> None:
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            await client.subscribe("#")
            async for message in client.messages:
                if not message.retain:
                    heard.append(str(message.topic))

    listening = asyncio.create_task(listen(), name="listening")
    try:
        assert (await fieldgate.run("discover", mosquitto.url, "--seconds", "1")).code == 0
        assert heard == []
        assert (await fieldgate.run("discover", mosquitto.url, "--seconds", "1", "--probe")).code == 0
        await eventually(lambda: {"shellies/command", "esphome/discover"} <= set(heard), WITHIN, "the questions")
    finally:
        listening.cancel()
        await asyncio.wait([listening])


async def test_a_dialect_whose_devices_must_be_asked_is_told_and_configured(
    fieldgate: Fieldgate, mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
) -> None:
    fleet = await mqtt_fleet(mosquitto.url, "sparkplug", rate=10)
    ended = await fieldgate.run("discover", mosquitto.url, "--seconds", "1.5")
    assert "sparkplug: devices that say what they are when asked: --probe" in ended.err
    assert "not understood" not in ended.err
    (profile,) = proposed(ended).profiles
    assert profile.type == "sparkplug"
    async with running(ended.out) as rig:
        await eventually(lambda: len(rig.devices) == len(fleet.devices["sparkplug"]), WITHIN, "all that are asked")


def test_what_introduces_a_device_that_is_known_already_is_no_topic_of_its_own() -> None:
    survey = Survey([EsphomeOptions()])
    for name in ("hall", "attic"):
        survey.receive(f"{name}/status", b"online", True)
        survey.receive(f"esphome/discover/{name}", b'{"name":"%s"}' % name.encode(), True)
        survey.receive(f"{name}/switch/fan/state", b"ON", True)
    assert {one.device.name for one in survey.found()} == {"hall", "attic"}
    assert survey.proposals() == []
    assert survey.left_out([]) == []


async def test_what_gateways_publish_is_left_out(fieldgate: Fieldgate, mosquitto: Mosquitto) -> None:
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.publish("fieldgate/workshop/house/status", b"online", retain=True)
        await client.publish("fieldgate/workshop/greenhouse/temperature", b"21.5", retain=True)
    ended = await fieldgate.run("discover", mosquitto.url, "--seconds", "0.5")
    assert ended.code == 1
    assert "not understood" not in ended.err


async def test_ctrl_c_ends_it_with_what_was_found(
    fieldgate: Fieldgate, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
) -> None:
    await mqtt_nodes(mosquitto.url, rate=20)
    process = fieldgate.start("discover", mosquitto.url, "--seconds", "600")
    await eventually(lambda: "listening on" in process.stderr_text(), WITHIN, "the beginning")
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.subscribe("sensors/+/telemetry")
        for _ in range(9):
            await anext(client.messages)
    process.signal(signal.SIGINT)
    ended = await fieldgate.ended(process)
    (section,) = proposed(ended).topics
    assert section.readings == "sensors/{device}/telemetry"
    assert section.availability is not None
    assert section.availability.topic == "sensors/{device}/status"


async def test_a_broker_with_nothing_on_it_is_said_to_have_nothing(fieldgate: Fieldgate, mosquitto: Mosquitto) -> None:
    ended = await fieldgate.run("discover", mosquitto.url, "--seconds", "0.5")
    assert ended.code == 1
    assert ended.out == ""
    assert f"nothing was recognised on {mosquitto.url}" in ended.err


async def test_what_no_codec_reads_is_told_and_steers_no_terminal(fieldgate: Fieldgate, mosquitto: Mosquitto) -> None:
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.publish("camera/\N{CYRILLIC SMALL LETTER ZHE}/picture", b"\xff\xd8\xff", retain=True)
        await client.publish("lab/oven/label", b"\x1b]0;owned\x07 hot", retain=True)
        await client.publish("lab/oven/temperature", b"21.5", retain=True)
        await client.publish("lab/oven/set", b"21.5", retain=True)
    ended = await fieldgate.run("discover", mosquitto.url, "--seconds", "0.5")
    (section,) = proposed(ended).topics
    assert section.readings == "lab/{device}/{point}"
    assert "not understood: 2 topics" in ended.err
    assert "camera/\N{CYRILLIC SMALL LETTER ZHE}/picture" in ended.err
    assert "\x1b" not in ended.err + ended.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["http://127.0.0.1"], 2, "URL: expected mqtt://HOST:PORT"),
        (["mqtt://me:secret@127.0.0.1"], 2, "credentials go into"),
        (["mqtt://127.0.0.1", "--seconds", "0"], 2, "--seconds"),
        (["mqtt://127.0.0.1", "--password-file", "nowhere"], 2, "--password-file: "),
        (["mqtt://127.0.0.1", "--ca", "nowhere"], 2, "--ca: the certificate of an authority nowhere cannot be read"),
        (["mqtts://127.0.0.1", "--ca", "nowhere"], 2, "--ca: the certificate of an authority nowhere cannot be read"),
        ([], 2, "Missing argument 'URL'"),
    ],
)
async def test_bad_usage_is_one_line_that_says_what_to_do(
    fieldgate: Fieldgate, arguments: list[str], code: int, said: str
) -> None:
    ended = await fieldgate.run("discover", *arguments)
    assert ended.code == code
    assert said in ended.err
    assert "secret" not in ended.err


async def test_a_broker_that_is_not_there_is_said_in_a_line(fieldgate: Fieldgate) -> None:
    port = free_port()
    ended = await fieldgate.run("discover", f"mqtt://127.0.0.1:{port}")
    assert ended.code == 1
    assert ended.err.strip() == f"fieldgate: cannot connect to the broker at 127.0.0.1:{port}: Connection refused"
