"""Home Assistant finds the serial devices by itself, shows them as they are, and commands what it may."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.simulators import Simulators
from tests.e2e.test_reload import reload
from tests.northbound.consumer import Consumer, consumer
from tests.northbound.site import board, watcher
from tests.parts.gateway import StartGateway
from tests.parts.mosquitto import Mosquitto

FAN = "Greenhouse.fan"
AIR = "Greenhouse.Air temperature"
AS_OBJECTS = ("topic: 'site/{device}'", "state: 'site/{device}/is'")


def state_of(home: Consumer, name: str) -> Any:
    """What a person sees: None where it is unavailable or unknown."""
    entity = home.entities.get(name)
    return entity.state if entity is not None and entity.available else None


@pytest.mark.parametrize("topics", [(), AS_OBJECTS], ids=["a topic a point", "objects"])
async def test_it_sees_a_serial_board_and_switches_its_fan(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path, topics: tuple[str, ...]
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    more = ("homeassistant: true", "commands: [board]", *topics)
    await gateway_process(board(tmp_path / "board", mosquitto.url, *more))
    async with consumer(mosquitto.port) as home:
        await home.until(lambda: state_of(home, FAN) == "off" and state_of(home, AIR), "their states")
        air = home.entities[AIR]
        assert home.entities[FAN].platform == "switch"
        assert air.platform == "sensor"
        assert air.config["unit_of_measurement"] == "°C"
        assert air.config["device_class"] == "temperature"
        assert air.config["state_class"] == "measurement"
        assert -40 < float(state_of(home, AIR)) < 85
        await home.turn(FAN, True)
        await home.until(lambda: state_of(home, FAN) == "on", "the fan going on")
        await home.turn(FAN, False)
        await home.until(lambda: state_of(home, FAN) == "off", "the fan going off")
        await home.command("Greenhouse.setpoint", "21.5")
        await home.until(lambda: state_of(home, "Greenhouse.setpoint") == "21.5", "the setpoint")


async def test_without_rights_a_writable_point_is_shown_and_not_commanded(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    text = board(tmp_path / "board", mosquitto.url, "homeassistant: true")
    gateway = await gateway_process(text)
    async with consumer(mosquitto.port) as home:
        await home.until(lambda: state_of(home, FAN) == "off", "the fan")
        assert home.entities[FAN].platform == "binary_sensor"
        assert not any("command_topic" in entity.config for entity in home.entities.values())
        await reload(gateway, text + "  commands: ['bo*']\n")
        await home.until(lambda: FAN in home.entities and home.entities[FAN].platform == "switch", "the right")
        await home.until(lambda: state_of(home, FAN) == "off", "its state")
        await reload(gateway, text)
        await home.until(lambda: FAN in home.entities and home.entities[FAN].platform == "binary_sensor", "no right")


async def test_a_board_that_is_pulled_and_a_gateway_that_dies_make_entities_unavailable(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    simulator = await simulators.serial(tmp_path / "board", "--rate", 10)
    gateway = await gateway_process(board(tmp_path / "board", mosquitto.url, "homeassistant: {prefix: homeassistant}"))
    async with consumer(mosquitto.port) as home:
        await home.until(lambda: state_of(home, FAN), "the fan")
        simulator.toggle()
        await home.until(lambda: not home.entities[FAN].available, "the board's absence")
        simulator.toggle()
        await home.until(lambda: state_of(home, FAN), "the board again", 20)
        gateway.kill()
        await home.until(lambda: not home.entities[FAN].available, "the gateway's absence")


async def test_when_it_starts_it_is_told_everything_again(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 1)
    await gateway_process(board(tmp_path / "board", mosquitto.url, "homeassistant: true", "retain: false"))
    async with consumer(mosquitto.port) as home:
        await home.until(lambda: state_of(home, FAN), "the fan")
        (id,) = home.configs
        told = home.told[id]
        await home.restarted()
        await home.until(lambda: home.told[id] > told, "the config again")
        await home.until(lambda: state_of(home, FAN), "the fan again")


async def test_a_restart_takes_nothing_from_it_and_leaves_nothing_that_went(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Points that are learnt from readings stay while the board was not heard yet; what nobody has any more goes."""
    simulator = await simulators.serial(tmp_path / "board", "--rate", 10)
    text = board(tmp_path / "board", mosquitto.url, "homeassistant: true", "commands: ['*']")
    gateway = await gateway_process(text)
    async with consumer(mosquitto.port) as home:
        await home.until(lambda: state_of(home, "Greenhouse.humidity"), "a point that was learnt")
        (id,) = home.configs
        await gateway.stop()
        simulator.toggle()
        other = {
            "avty": [{"t": "fieldgate/workshop/status"}, {"t": "fieldgate/workshop/attic.stove/$state"}],
            "cmps": {"sensor.heat": {"p": "sensor", "name": "heat", "uniq_id": "x", "stat_t": "heat"}},
            "dev": {"ids": ["x"], "name": "Stove"},
            "o": {"name": "fieldgate"},
        }
        stove = f"{id.rpartition('_')[0]}_attic_stove-00000000"
        await home.publish(f"homeassistant/device/{stove}/config", json.dumps(other))
        await home.until(lambda: stove in home.configs, "the stove of an adapter that is no more")
        told = home.told[id]
        await gateway.start()
        await home.until(lambda: home.told[id] > told, "the board being told of again")
        await home.until(lambda: stove not in home.configs, "the stove's end")
        assert "Greenhouse.humidity" in home.entities, "it may come again"
        assert not home.entities["Greenhouse.humidity"].available
        simulator.toggle()
        await home.until(lambda: state_of(home, "Greenhouse.humidity"), "the board", 20)


async def test_what_others_discover_is_left_alone(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    topics = [
        "homeassistant/device/fieldgate_board/config",
        "homeassistant/device/lamp/config",
        "homeassistant/x/y/config",
    ]
    async with watcher(mosquitto.port) as seen:
        for topic in topics:
            await seen.publish(topic, '{"cmps":{}}', retain=True)
        gateway = await gateway_process(board(tmp_path / "board", mosquitto.url, "homeassistant: true"))
        await seen.until(
            lambda: any("fieldgate_" in str(m.topic) and b"Greenhouse" in m.payload for m in seen.messages), "it"
        )
        assert [seen.last(topic) for topic in topics] == ['{"cmps":{}}'] * 3
    assert "refused" not in gateway.stderr_text()  # nobody meant a command
