"""Commands that come over MQTT go the way of all commands, and their senders hear what became of them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.simulators import Simulators
from tests.northbound.site import Watcher, board, watcher
from tests.parts.client import connect
from tests.parts.gateway import StartGateway
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

HERE = "fieldgate/workshop/board"
SET = f"{HERE}/fan/set"
RESULT = f"{SET}/result"
STATE = f"{HERE}/$state"


async def results(seen: Watcher, topic: str = RESULT) -> list[dict[str, Any]]:
    """All that was answered, once something final was."""
    await seen.until(lambda: ended(seen, topic), f"an answer on {topic}")
    return [json.loads(payload) for payload in seen.payloads(topic)]


def ended(seen: Watcher, topic: str = RESULT) -> list[dict[str, Any]]:
    """The answers that are the last of their command."""
    read = [json.loads(payload) for payload in seen.payloads(topic)]
    return [one for one in read if one.get("final") or "error" in one]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_command_is_carried_out_under_its_own_identity_and_each_state_is_told(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path, version: str
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    more = ("commands: ['board*']", f'version: "{version}"')
    await gateway_process(board(tmp_path / "board", mosquitto.url, *more))
    async with watcher(mosquitto.port) as seen:
        await seen.shows(STATE, "online")
        await seen.publish(SET, "on")
        states = await results(seen)
        assert [one["state"] for one in states] == ["accepted", "sent", "acked"]
        assert {(one["by"], one["device"], one["point"], one["value"]) for one in states} == {
            ("(publish)", "board", "fan", True)
        }
        assert states[-1]["outcome"] == "executed"
        await seen.shows(f"{HERE}/fan", "true")
        assert not any(message.retain for message in seen.messages if str(message.topic) == RESULT)


async def test_who_gives_a_response_topic_gets_the_end_of_the_command_there_and_one_key_is_one_command(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    await gateway_process(board(tmp_path / "board", mosquitto.url, "commands: [board]", "answers: [panel/*]"))
    async with watcher(mosquitto.port) as seen:
        await seen.shows(STATE, "online")
        asked = {"ResponseTopic": "panel/answers", "UserProperty": [("key", "fan-1")], "MessageExpiryInterval": 10}
        await seen.publish(SET, "true", {**asked, "CorrelationData": b"7"})
        (first,) = await results(seen, "panel/answers")
        assert (first["key"], first["state"], first["final"]) == ("fan-1", "acked", True)
        # The broker counts the expiry down while a message waits with it.
        await seen.publish(SET, "true", {**asked, "CorrelationData": b"8", "MessageExpiryInterval": 9})
        await seen.until(lambda: len(seen.payloads("panel/answers")) == 2, "the same again")
        answers = [m for m in seen.messages if str(m.topic) == "panel/answers"]
        assert answers[0].payload == answers[1].payload, "nothing was done a second time"
        assert [getattr(m.properties, "CorrelationData", None) for m in answers] == [b"7", b"8"]
        await seen.publish(SET, "false", asked)
        await seen.until(lambda: len(seen.payloads("panel/answers")) == 3, "the conflict")
        assert json.loads(seen.last("panel/answers") or "")["error"]["code"] == "conflict"
        assert seen.last(f"{HERE}/fan") == "true"
        assert not seen.payloads(RESULT)


async def test_nobody_makes_the_gateway_speak_where_it_must_not(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    text = board(tmp_path / "board", mosquitto.url, "commands: [board]", "homeassistant: true", "answers: ['*/*']")
    gateway = await gateway_process(text)
    wanted = ["elsewhere", "$SYS/x", "fieldgate/workshop/status", f"{HERE}/setpoint/set", "homeassistant/status"]
    async with watcher(mosquitto.port) as seen:
        await seen.shows(STATE, "online")
        for topic in wanted:
            await seen.publish(SET, "true", {"ResponseTopic": topic})
        await seen.until(lambda: len(ended(seen)) == len(wanted), "an answer to each")
        assert not [m for m in seen.messages if str(m.topic) in wanted and text_of(m).startswith("{")]
    assert "no answer is sent to" in gateway.stderr_text()


def text_of(message: Any) -> str:
    return bytes(message.payload).decode()


async def test_rights_are_the_configured_ones_and_no_others(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    gateway = await gateway_process(board(tmp_path / "board", mosquitto.url, "commands: ['other*']"))
    async with watcher(mosquitto.port) as seen:
        await seen.shows(STATE, "online")
        await seen.publish(SET, "true")
        (refused,) = await results(seen)
        assert refused["error"]["code"] == "forbidden"
        assert (refused["device"], refused["point"]) == ("board", "fan")
        await seen.publish(f"{HERE}/sequence/set", "1")
        await eventually(lambda: "no point that would be commanded" in gateway.stderr_text(), 5, "the refusal")
        assert seen.last(f"{HERE}/fan") == "false"


async def test_a_retained_command_is_never_carried_out(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    async with watcher(mosquitto.port) as seen:
        await seen.publish(SET, "true", retain=True)
        gateway = await gateway_process(board(tmp_path / "board", mosquitto.url, "commands: [board]"))
        await eventually(lambda: "a retained command is never carried out" in gateway.stderr_text(), 10, "the refusal")
        await seen.shows(STATE, "online")
        await seen.publish(f"{HERE}/setpoint/set", "20")
        assert (await results(seen, f"{HERE}/setpoint/set/result"))[-1]["state"] == "acked"
        assert not seen.payloads(RESULT)
        assert seen.last(f"{HERE}/fan") == "false"


async def test_what_the_point_does_not_take_is_refused_and_nothing_else_is_lost_by_it(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    await gateway_process(board(tmp_path / "board", mosquitto.url, "commands: [board]"))
    async with watcher(mosquitto.port) as seen:
        await seen.shows(STATE, "online")
        for payload in (b"maybe", b"\xff", b"x" * 5000, b"", b'{"value":true}'):
            await seen.publish(SET, payload)
        await seen.publish(f"{HERE}/setpoint/set", "31")
        await seen.publish(f"{HERE}/setpoint/set", "nan")
        await seen.publish(SET, "true", {"UserProperty": [("key", "k" * 65)]})
        await seen.publish(SET, "true")
        await seen.until(lambda: len(seen.payloads(RESULT)) == 9, "the answers")
        answers = [json.loads(payload) for payload in seen.payloads(RESULT)]
        assert [one["error"]["code"] for one in answers[:6]] == ["bad_request"] * 6
        assert answers[-1]["state"] == "acked"
        bounds = [json.loads(payload)["error"] for payload in seen.payloads(f"{HERE}/setpoint/set/result")]
        assert [one["code"] for one in bounds] == ["bad_request"] * 2
        assert "numbers from 5 to 30" in bounds[0]["message"]


async def test_an_offline_device_refuses_and_a_flood_of_commands_is_bounded(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    simulator = await simulators.serial(tmp_path / "board", "--rate", 10)
    gateway = await gateway_process(board(tmp_path / "board", mosquitto.url, "commands: [board]"))
    async with watcher(mosquitto.port) as seen, connect(gateway.ws_url) as client:
        await seen.shows(STATE, "online")
        await asyncio.gather(*(seen.publish(SET, "true" if n % 2 else "false") for n in range(300)))
        await seen.until(lambda: len(ended(seen)) == 300, "an end of each", 30)
        simulator.toggle()
        await seen.shows(STATE, "offline")
        await seen.publish(SET, "true")
        await seen.until(lambda: len(ended(seen)) == 301, "the refusal")
        assert ended(seen)[-1]["state"] == "rejected"
        assert (await client.request({"type": "ping"}))["type"] == "pong"
