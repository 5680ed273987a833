"""What others see on the broker: values, states, and that the gateway is there."""

import json
import time
from pathlib import Path

import pytest

from tests.e2e.simulators import Simulators
from tests.e2e.site import ready, watching
from tests.e2e.test_reload import reload
from tests.northbound.site import board, watcher
from tests.parts.gateway import StartGateway
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

HERE = "fieldgate/workshop/board"
STATE = f"{HERE}/$state"
STATUS = "fieldgate/workshop/status"


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_every_reading_of_a_serial_board_is_published_bare_and_kept(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path, version: str
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    async with watcher(mosquitto.port) as seen:
        gateway = await gateway_process(board(tmp_path / "board", mosquitto.url, f'version: "{version}"'))
        async with watching(gateway.ws_url) as watched:
            await seen.until(lambda: len(seen.payloads(f"{HERE}/sequence")) > 60, "sixty readings")
            await watched.until(lambda: len(watched.values("board", "sequence")) > 60, "sixty readings")
        published = [int(text) for text in seen.payloads(f"{HERE}/sequence")]
        assert published[1:] == list(range(published[1], published[1] + len(published) - 1)), "none is left out"
        assert set(seen.payloads(f"{HERE}/fan")) == {"false"}
        assert -40 < float(seen.last(f"{HERE}/temperature") or "nan") < 85
        assert seen.last(STATE) == "online"
        assert seen.last(STATUS) == "online"
        assert all(message.retain for message in seen.messages)
    async with watcher(mosquitto.port) as late:
        await late.shows(f"{HERE}/temperature")
        assert late.last(STATE) == "online"


async def test_a_reading_can_be_one_object_with_the_quality_of_what_is_not_good(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 20)
    text = board(tmp_path / "board", mosquitto.url, "topic: site/{device}", "state: site/{device}/is", "retain: false")
    text = text.replace("{unit: Cel, title", "{unit: Cel, max: -300, title")
    async with watcher(mosquitto.port) as seen:
        await gateway_process(text)
        await seen.shows("site/board")
        read = json.loads(seen.last("site/board") or "")
        assert {"time", "quality", "temperature", "humidity", "fan", "setpoint", "sequence"} <= read.keys()
        assert read["quality"] == {"temperature": "bad"}
        assert read["temperature"] > -40, "the value is there to be judged"
        assert read["fan"] is False
        await seen.shows("site/board/is", "online")
        assert not any(message.retain for message in seen.messages if str(message.topic) == "site/board")


async def test_a_value_that_went_stale_is_no_value_and_one_that_comes_is_again(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    simulator = await simulators.serial(tmp_path / "board", "--rate", 10)
    text = board(tmp_path / "board", mosquitto.url).replace("{unit: Cel, title", "{unit: Cel, stale_after: 1s, title")
    async with watcher(mosquitto.port) as seen:
        await gateway_process(text)
        await seen.shows(f"{HERE}/temperature")
        simulator.toggle()
        await seen.shows(STATE, "offline")
        await seen.shows(f"{HERE}/temperature", "null")
        assert seen.last(f"{HERE}/humidity") != "null", "nothing says when that one is stale"
        simulator.toggle()
        await seen.shows(STATE, "online")
        await seen.until(lambda: seen.last(f"{HERE}/temperature") != "null", "a new temperature")


async def test_a_killed_gateway_is_offline_by_its_will_and_a_stopped_one_says_so_of_each_device(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    gateway = await gateway_process(board(tmp_path / "board", mosquitto.url))
    async with watcher(mosquitto.port) as seen:
        await seen.shows(STATE, "online")
        gateway.kill()
        await seen.shows(STATUS, "offline")
        assert seen.last(STATE) == "online", "nobody was left to say it"
        told = len(seen.payloads(f"{HERE}/sequence"))
        await gateway.start()
        await seen.until(lambda: len(seen.payloads(f"{HERE}/sequence")) > told, "the board")
        assert seen.last(STATUS) == seen.last(STATE) == "online"
        assert await gateway.stop() == 0
        await seen.shows(STATUS, "offline")
        assert seen.last(STATE) == "offline"


async def test_a_broker_that_was_away_gets_the_newest_of_each_topic_and_what_was_left_out_is_said(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    gateway = await gateway_process(board(tmp_path / "board", mosquitto.url))
    async with watcher(mosquitto.port) as seen:
        await seen.shows(f"{HERE}/sequence")
    mosquitto.kill()
    await eventually(lambda: "publish: lost the broker" in gateway.stderr_text(), 10, "the loss being said")
    async with watching(gateway.ws_url) as watched:
        before = len(watched.values("board", "sequence"))
        await watched.until(lambda: len(watched.values("board", "sequence")) > before + 50, "readings meanwhile")
        mosquitto.start()
        async with watcher(mosquitto.port) as seen:
            await seen.shows(STATE, "online", within=30)
            await seen.shows(f"{HERE}/sequence")
            first = int(seen.payloads(f"{HERE}/sequence")[0])
            await watched.until(lambda: watched.values("board", "sequence")[-1] >= first, "the same reading")
            assert first >= before + 50, "it is the newest"
    await eventually(lambda: "values were replaced by newer ones" in gateway.stderr_text(), 10, "the count")
    assert gateway.stderr_text().count("publish: lost the broker") == 1


async def test_a_broker_that_takes_nothing_costs_the_dashboards_nothing(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 500)
    gateway = await gateway_process(
        board(tmp_path / "board", mosquitto.url, "keepalive: 60s").replace("  keepalive: 2s\n", "")
    )
    async with watcher(mosquitto.port) as seen:
        await seen.shows(f"{HERE}/sequence")
    mosquitto.freeze()
    try:
        async with watching(gateway.ws_url) as watched:
            await watched.until(lambda: len(watched.values("board", "sequence")) > 1500, "readings meanwhile")
            sequences = watched.values("board", "sequence")
            assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
            began = time.monotonic()
            assert await gateway.stop() == 0
            assert time.monotonic() - began < 5, "nor does it hold up the end"
    finally:
        mosquitto.thaw()


async def test_a_device_that_goes_leaves_nothing_on_the_broker(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    gateway = await gateway_process(board(tmp_path / "board", mosquitto.url, "homeassistant: true"))
    async with watcher(mosquitto.port) as seen:
        await seen.shows(f"{HERE}/temperature")
        await seen.until(lambda: [m for m in seen.messages if m.topic.matches("homeassistant/device/+/config")], "it")
        adapters = "gateway: {name: workshop}\nadapters: [{id: other, type: loopback}]\n"
        await reload(gateway, f"{adapters}publish: {{url: '{mosquitto.url}', keepalive: 2s, homeassistant: true}}\n")
        await seen.shows("fieldgate/workshop/other/$state")
        await seen.until(
            lambda: not seen.last(STATE) and not seen.last(f"{HERE}/temperature"), "its topics being cleared"
        )
    async with watcher(mosquitto.port) as late:
        await late.shows(STATUS, "online")
        await late.publish("mark", "")
        await late.until(lambda: late.payloads("mark"), "the mark")
        assert not [m.topic for m in late.messages if "board" in str(m.topic)]


async def test_without_the_section_everything_is_taken_back(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    gateway = await gateway_process(board(tmp_path / "board", mosquitto.url, "homeassistant: true"))
    async with watcher(mosquitto.port) as seen:
        await seen.shows(f"{HERE}/temperature")
        await seen.until(lambda: [m for m in seen.messages if m.topic.matches("homeassistant/device/+/config")], "it")
        await reload(gateway, board(tmp_path / "board"))
        await seen.shows(STATUS, "offline")
    async with watcher(mosquitto.port) as late:
        await late.publish("mark", "")
        await late.until(lambda: late.payloads("mark"), "the mark")
        assert [str(m.topic) for m in late.messages] == [STATUS, "mark"]


async def test_another_template_takes_the_old_topics_away(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 10)
    gateway = await gateway_process(board(tmp_path / "board", mosquitto.url))
    async with watcher(mosquitto.port) as seen:
        await seen.shows(f"{HERE}/temperature")
        await reload(gateway, board(tmp_path / "board", mosquitto.url, "topic: '{device}/now/{point}'"))
        await seen.shows("board/now/temperature")
        await seen.until(lambda: seen.last(f"{HERE}/temperature") == "", "the old topic being cleared")
        assert seen.last(STATE) == "online"
        assert "offline" not in seen.payloads(STATE)


async def test_what_the_gateway_publishes_it_never_hears(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Not with an adapter that hears everything on the same broker, and all its devices published again."""
    await simulators.serial(tmp_path / "board", "--rate", 50)
    adapters = f"""
  - id: house
    type: mqtt
    url: {mosquitto.url}
    version: 3.1.1
    profiles: [homeassistant]
    topics:
      - {{readings: "fieldgate/+/{{device}}/{{point}}", codec: text}}
      - {{readings: "lab/{{device}}", codec: json}}"""
    await_all = board(
        tmp_path / "board", mosquitto.url, "devices: ['*']", "homeassistant: true", "commands: ['*']", adapters=adapters
    )
    gateway = await gateway_process(await_all)
    async with watcher(mosquitto.port) as seen, watching(gateway.ws_url) as watched:
        await seen.until(lambda: len(seen.payloads(f"{HERE}/sequence")) > 100, "readings")
        await seen.publish("lab/lamp", '{"level":3}')
        await seen.shows("fieldgate/workshop/house.lamp/level", "3")
        await seen.publish("fieldgate/attic/stove/heat", "hot")
        await seen.shows("fieldgate/workshop/house.stove/heat", "hot")
        await seen.until(lambda: len(seen.payloads(f"{HERE}/sequence")) > 200, "readings")
        assert seen.payloads("fieldgate/workshop/house.lamp/level") == ["3"]
        await watched.until(lambda: "house.stove" in watched.devices, "the stove")
        assert sorted(watched.devices) == ["board", "house.lamp", "house.stove"]


async def test_devices_that_came_over_a_broker_are_not_published_unless_they_are_named(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 20)
    adapters = f"""
  - {{id: house, type: mqtt, url: "{mosquitto.url}", topics: [{{readings: "lab/{{device}}", codec: json}}]}}"""
    gateway = await gateway_process(board(tmp_path / "board", mosquitto.url, adapters=adapters))
    await ready(gateway.url)
    async with watcher(mosquitto.port) as seen, watching(gateway.ws_url) as watched:
        await seen.publish("lab/lamp", '{"level":3}')
        await watched.until(lambda: watched.values("house.lamp", "level"), "the lamp")
        await seen.until(lambda: len(seen.payloads(f"{HERE}/sequence")) > 10, "readings after it")
        assert not [m for m in seen.messages if "house.lamp" in str(m.topic)]


async def test_a_state_that_nobody_was_left_to_tell_is_told_by_the_next_gateway(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 20)
    async with watcher(mosquitto.port) as seen:
        await seen.publish("fieldgate/workshop/board.gone/$state", "online", retain=True)
        await seen.publish("fieldgate/workshop/attic/$state", "online", retain=True)
        await gateway_process(board(tmp_path / "board", mosquitto.url))
        await seen.shows("fieldgate/workshop/board.gone/$state", "offline")
        await seen.until(lambda: seen.last("fieldgate/workshop/attic/$state") == "", "an adapter that is not there")
