"""A wire that breaks is shown to who watches within two seconds of the fact, and heals by itself."""

import time
from pathlib import Path

import pytest

from tests.e2e.simulators import Simulators
from tests.e2e.site import site, watching
from tests.parts.client import connect
from tests.parts.gateway import StartGateway
from tests.parts.mosquitto import Mosquitto

SHOWN_WITHIN = 2.0  # seconds
HEALED_WITHIN = 45.0  # seconds; the wait for a broker doubles up to thirty


async def test_a_board_that_is_pulled_and_returned_is_shown_within_two_seconds(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    board = await simulators.serial(tmp_path / "board", "--rate", 20)
    gateway = await gateway_process(site(tmp_path / "board"))
    async with watching(gateway.ws_url) as watched:
        await watched.state("board", "online")
        for times in range(1, 4):
            board.toggle()
            device = await watched.state("board", "offline", within=SHOWN_WITHIN)
            assert device["reason"] in (
                "the port went away: unplugged?",
                f"{tmp_path / 'board'} is not there: unplugged?",
            )
            board.toggle()
            device = await watched.state("board", "online", within=SHOWN_WITHIN + 1)
            assert device["link"]["reconnects"] == times
            before = len(watched.readings)
            await watched.until(lambda before=before: len(watched.readings) > before + 5, "readings again")  # type: ignore[misc]


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.long)])
async def test_a_broker_that_is_killed_and_restarted_is_shown_within_two_seconds(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path, times: int
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 20)
    await simulators.mqtt(mosquitto.url, "--devices", 3, "--rate", 10)
    gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
    nodes = [f"house.node{n}" for n in (1, 2, 3)]
    async with watching(gateway.ws_url) as watched:
        for id in ("board", *nodes):
            await watched.state(id, "online")
        for _ in range(times):
            mosquitto.kill()
            began = time.monotonic()
            for id in nodes:
                device = await watched.state(id, "offline", within=SHOWN_WITHIN)
                assert "the broker at 127.0.0.1:" in device["reason"]
            assert time.monotonic() - began < SHOWN_WITHIN
            assert watched.devices["board"]["state"] == "online", "the other wire is no part of it"
            mosquitto.start()
            for id in nodes:
                await watched.state(id, "online", within=HEALED_WITHIN)
        assert watched.devices["board"]["link"]["reconnects"] == 0


async def test_a_broker_that_freezes_is_shown_by_its_silence_and_a_command_to_it_is_unknown(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto
) -> None:
    await simulators.mqtt(mosquitto.url, "--devices", 1, "--rate", 10)
    gateway = await gateway_process(site(url=mosquitto.url))
    async with watching(gateway.ws_url) as watched, connect(gateway.ws_url) as client:
        await watched.state("house.node1", "online")
        mosquitto.freeze()
        try:
            await client.request({"type": "command", "device": "house.node1", "point": "fan", "value": True, "ttl": 2})
            ended = await client.until(lambda frame: frame["type"] == "command" and frame["command"]["final"], 10)
            assert (ended["command"]["state"], ended["command"]["outcome"]) == ("lost", "unknown")
            await watched.state("house.node1", "offline", within=2 * 2 + 4)
        finally:
            mosquitto.thaw()
        await watched.state("house.node1", "online", within=HEALED_WITHIN)


async def test_a_gateway_that_starts_before_its_devices_finds_them(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    mosquitto.kill()
    gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
    async with watching(gateway.ws_url) as watched:
        device = await watched.state("board", "offline")
        assert device["reason"] == f"{tmp_path / 'board'} is not there: unplugged?"
        await watched.state("house.node1", "offline")
        mosquitto.start()
        await simulators.serial(tmp_path / "board", "--rate", 20)
        await watched.state("board", "online")
        await simulators.mqtt(mosquitto.url, "--devices", 1, "--rate", 10)
        await watched.state("house.node1", "online", within=HEALED_WITHIN)


async def test_a_board_that_goes_silent_is_degraded_and_online_when_it_speaks_again(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 20, "--fault", "silence=after:2,seconds:3")
    gateway = await gateway_process(site(tmp_path / "board").replace("silence: 5s", "silence: 1s"))
    async with watching(gateway.ws_url) as watched:
        await watched.state("board", "online")
        device = await watched.state("board", "degraded")
        assert device["reason"] == "silent for more than 1 s"
        await watched.state("board", "online")
