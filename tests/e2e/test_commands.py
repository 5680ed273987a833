"""Commands from a client to a simulated actuator and back: done, refused, unknown."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.cli.command import Fieldgate
from tests.e2e.simulators import Simulators
from tests.e2e.site import site, watching
from tests.parts.client import Client, connect
from tests.parts.gateway import StartGateway
from tests.parts.mosquitto import Mosquitto

OUTCOMES = pytest.mark.parametrize(
    ("fault", "state", "outcome", "code"),
    [
        (None, "acked", "executed", 0),
        ("refuse=error:jammed", "failed", "not_executed", 1),
        ("no-ack", "timeout", "unknown", 3),
    ],
    ids=["executed", "refused", "silent"],
)


async def finished(client: Client, **request: Any) -> list[dict[str, Any]]:
    """The states of a command, from the reply to its end."""
    reply = await client.request({"type": "command", **request})
    assert reply["type"] == "ok", reply
    states = [reply["command"]]
    while not states[-1]["final"]:
        states.append((await client.next("command", 20))["command"])
    return states


@OUTCOMES
async def test_what_became_of_a_command_is_told_as_the_device_has_it(
    gateway_process: StartGateway,
    simulators: Simulators,
    mosquitto: Mosquitto,
    tmp_path: Path,
    fault: str | None,
    state: str,
    outcome: str,
    code: int,
) -> None:
    faults = ["--fault", fault] if fault else []
    await simulators.serial(tmp_path / "board", "--rate", 10, *faults)
    await simulators.mqtt(mosquitto.url, "--devices", 1, "--rate", 10, *faults)
    gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
    async with watching(gateway.ws_url) as watched, connect(gateway.ws_url) as client:
        for id in ("board", "house.node1"):
            await watched.state(id, "online")
            states = await finished(client, device=id, point="fan", value=True)
            assert [s["state"] for s in states] == ["accepted", "sent", state]
            assert (states[-1]["outcome"], states[-1]["by"]) == (outcome, "local")
            if fault and fault.startswith("refuse"):
                assert states[-1]["detail"] == "jammed"
            if state == "acked":
                await watched.until(lambda id=id: True in watched.values(id, "fan"), "the fan's new state")  # type: ignore[misc]
    fieldgate = Fieldgate(tmp_path)
    try:
        for id in ("board", "house.node1"):
            ended = await fieldgate.run("send", id, "fan", "on", "--url", gateway.url)
            assert ended.code == code, ended.err
    finally:
        fieldgate.kill()


async def test_devices_are_commanded_side_by_side_over_http_too(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    await simulators.mqtt(mosquitto.url, "--devices", 1, "--rate", 10)
    gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
    async with watching(gateway.ws_url) as watched, aiohttp.ClientSession() as session:
        for id in ("board", "house.node1"):
            await watched.state(id, "online")

        async def post(id: str, value: bool) -> dict[str, Any]:
            body = {"point": "fan", "value": value}
            async with session.post(f"{gateway.url}/api/v1/devices/{id}/commands?wait=true", json=body) as answer:
                assert answer.status == 200
                command: dict[str, Any] = await answer.json()
                return command

        for value in (True, False):
            for command in await asyncio.gather(*(post(id, value) for id in ("board", "house.node1"))):
                assert (command["state"], command["outcome"]) == ("acked", "executed"), command


async def test_a_command_to_a_device_that_is_gone_is_not_executed_and_says_why(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    board = await simulators.serial(tmp_path / "board", "--rate", 10)
    gateway = await gateway_process(site(tmp_path / "board"))
    async with watching(gateway.ws_url) as watched, connect(gateway.ws_url) as client:
        await watched.state("board", "online")
        board.toggle()
        device = await watched.state("board", "offline")
        (*_, last) = await finished(client, device="board", point="fan", value=True)
        assert (last["state"], last["outcome"]) == ("rejected", "not_executed")
        assert last["detail"].startswith("the device is offline: ")
        assert device["reason"]


async def test_what_no_device_can_take_is_refused_before_it_is_a_command(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    gateway = await gateway_process(site(tmp_path / "board"))
    async with watching(gateway.ws_url) as watched, connect(gateway.ws_url) as client:
        await watched.state("board", "online")
        await watched.until(lambda: "temperature" in watched.devices["board"]["points"], "the learnt points")
        for request, error in (
            ({"device": "nowhere", "point": "fan", "value": True}, "not_found"),
            ({"device": "board", "point": "nothing", "value": True}, "not_found"),
            ({"device": "board", "point": "fan", "value": 1}, "bad_request"),
            ({"device": "board", "point": "setpoint", "value": 31}, "bad_request"),
            ({"device": "board", "point": "temperature", "value": 1}, "unsupported"),
        ):
            answer = await client.request({"type": "command", **request})
            assert (answer["type"], answer.get("code")) == ("error", error)
