"""Profiles at work: a broker with devices as people own them, seen and commanded through the real adapter."""

import asyncio
from contextlib import suppress

import pytest

from device_sims.dialects.registry import ALL
from device_sims.fixtures import MqttFleetFactory
from gateway.adapters.mqtt.fleet import Fleet
from gateway.bus import Device
from gateway.model import DeviceState, Point, Value
from tests.adapters.rig import WITHIN, Rig, running
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

DIALECTS = ["esphome", "homeassistant", "homie", "shelly", "sparkplug", "tasmota", "zigbee2mqtt"]
EXTRA = {"zigbee2mqtt": 1}  # a device that the bridge does not support, which the fleet does not count
QUICK = 5.0  # readings a second


def config(broker: Mosquitto, *profiles: str, commands: bool = True, version: str = "5") -> str:
    more = {"sparkplug": ', writable: ["Setpoint", "Target Force"]'}
    listed = ", ".join(f"{{type: {name}, commands: {str(commands).lower()}{more.get(name, '')}}}" for name in profiles)
    return f"""
adapters: [{{id: house, type: mqtt, url: "{broker.url}", version: "{version}", profiles: [{listed}]}}]
"""


async def settled(rig: Rig, count: int) -> None:
    """Returns once there are so many devices, and each has told something."""
    await eventually(
        lambda: len(rig.devices) >= count and all(device.latest for device in rig.devices if device.described.points),
        WITHIN,
        f"{count} devices with values, not {[(device.id, len(device.latest)) for device in rig.devices]}",
    )


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_devices_of_a_dialect_are_there_online_and_say_what_they_are(
    mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory, dialect: str, version: str
) -> None:
    fleet = await mqtt_fleet(mosquitto.url, dialect, rate=QUICK)
    expected = len(fleet.devices[dialect]) + EXTRA.get(dialect, 0)
    async with running(config(mosquitto, dialect, version=version)) as rig:
        await settled(rig, expected)
        assert len(rig.devices) == expected, [device.id for device in rig.devices]
        known = [device for device in rig.devices if device.described.points]
        await eventually(lambda: all(device.state is DeviceState.ONLINE for device in known), WITHIN, "all online")
        # Nobody knows what Sparkplug's aliases mean before a birth, for which it asks: that much is lost, and counted.
        assert rig.errors() == 0 or dialect == "sparkplug"
        # Whatever was heard fits what was described.
        wrong = [(d.id, p, v[:3]) for d in known for p, v in d.latest.items() if v[2] == "bad" and v[0] is not None]
        assert not wrong


async def test_a_broker_with_every_dialect_shows_each_device_once(
    mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
) -> None:
    # Zigbee2MQTT tells Home Assistant of its devices too, as many people have it.
    fleet = await mqtt_fleet(mosquitto.url, ALL, rate=QUICK, discovery=True)
    names = [name for devices in fleet.devices.values() for name in devices]
    async with running(config(mosquitto, *DIALECTS)) as rig:
        await settled(rig, len(names) + 1)
        assert len(rig.devices) == len(names) + 1, sorted(device.id for device in rig.devices)


async def test_an_answer_of_the_broker_in_the_moment_of_its_end_does_not_keep_an_adapter_from_ending(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def follow(*_: object) -> None:
        """As `asyncio.wait_for` of Python 3.11 ends when it is cancelled and has its result in one moment."""
        asked.set()
        with suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(Fleet, "follow", follow)
    async with running(config(mosquitto, "zigbee2mqtt")):  # it ends within five seconds
        await asked.wait()


# What a point takes whose description leaves open what that is.
TAKEN: dict[str, Value] = {
    "Color": "#00FF00FF00",
    "lamp.color": "rgb,10,20,30",
    "select.mode": "Eco",
    "color.x": 0.3,
    "color.y": 0.3,
}


def another(name: str, point: Point, latest: Value) -> Value:
    """A value that the point takes, and does not show."""
    taken = next((value for known, value in TAKEN.items() if name.endswith(known)), None)
    if taken is not None:
        return taken
    match point.type:
        case "boolean":
            return not latest
        case "enum":
            return next(value for value in point.values or () if value != latest)
        case "action":
            return None
        case "string":
            return "something else"
    low = 0.0 if point.min is None else point.min
    high = low + 100 if point.max is None else point.max
    middle = low + (high - low) / 2
    value = middle if latest != middle else low + (high - low) / 4
    return int(value) if point.type == "integer" else round(value)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_actuator_is_commanded_and_what_is_said_of_it_is_true(
    mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory, dialect: str
) -> None:
    fleet = await mqtt_fleet(mosquitto.url, dialect, rate=QUICK)
    expected = len(fleet.devices[dialect]) + EXTRA.get(dialect, 0)
    async with running(config(mosquitto, dialect)) as rig:
        await settled(rig, expected)

        async def command_all(device: Device) -> list[str]:
            said = []
            for name, point in list(device.points.items()):
                if point.writable:
                    value = another(name, point, device.latest[name][0] if name in device.latest else None)
                    command = await rig.command(name, value, device.id.partition(".")[2])
                    said.append(f"{name}={value!r} {point.confirm}: {command.state} {command.detail or ''}".strip())
            return said

        said = {
            device.id: told
            for device, told in zip(
                rig.devices, await asyncio.gather(*(command_all(device) for device in rig.devices)), strict=True
            )
        }
        flat = [(id, line) for id, told in said.items() for line in told]
        assert flat, "no device takes commands"
        proven = ("verified: verified", "acked: acked", "sent: sent")
        wrong = [f"{id} {line}" for id, line in flat if not any(words in line for words in proven)]
        assert not wrong, "\n".join(wrong)
        assert fleet.actuations


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_actuators_are_read_only_until_commands_are_allowed(
    mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory, dialect: str
) -> None:
    fleet = await mqtt_fleet(mosquitto.url, dialect, rate=QUICK)
    async with running(config(mosquitto, dialect, commands=False)) as rig:
        await settled(rig, len(fleet.devices[dialect]))
        assert not any(point.writable for device in rig.devices for point in device.points.values())
        assert any(point.writable for device in rig.devices for point in device.described.points.values())


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_devices_that_go_are_offline_and_come_back(
    mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory, dialect: str
) -> None:
    fleet = await mqtt_fleet(mosquitto.url, dialect, rate=QUICK)
    expected = len(fleet.devices[dialect]) + EXTRA.get(dialect, 0)
    async with running(config(mosquitto, dialect)) as rig:
        await settled(rig, expected)
        # A thermometer that sleeps ends each of its connections so: nobody can tell that from its end.
        sleepers = {d.id for d in rig.devices if dialect == "shelly" and "ht-" in d.id}
        fleet.unplug()
        await eventually(
            lambda: all(
                d.state is DeviceState.OFFLINE for d in rig.devices if d.described.points and d.id not in sleepers
            ),
            WITHIN,
            f"all offline: {[(d.id, d.state.value) for d in rig.devices]}",
        )
        assert all(d.state is DeviceState.ONLINE for d in rig.devices if d.id in sleepers)
        fleet.replug()
        await eventually(
            lambda: all(d.state is DeviceState.ONLINE for d in rig.devices if d.described.points),
            WITHIN,
            f"all online: {[(d.id, d.state.value) for d in rig.devices]}",
        )


async def test_a_broker_that_comes_back_brings_every_device_back(
    mosquitto: Mosquitto, mqtt_fleet: MqttFleetFactory
) -> None:
    fleet = await mqtt_fleet(mosquitto.url, "zigbee2mqtt", "homeassistant", "sparkplug", rate=QUICK)
    count = sum(len(devices) for devices in fleet.devices.values())
    async with running(config(mosquitto, "zigbee2mqtt", "homeassistant", "sparkplug")) as rig:
        await settled(rig, count)
        ids = {device.id for device in rig.devices}
        for _ in range(2):
            mosquitto.kill()
            await rig.down()
            assert all(device.state is DeviceState.OFFLINE for device in rig.devices)
            mosquitto.start()
            await rig.up()
            await eventually(
                lambda: all(d.state is DeviceState.ONLINE for d in rig.devices if d.described.points),
                2 * WITHIN,
                "all online",
            )
            assert {device.id for device in rig.devices} == ids
