"""`fieldgate record` and `replay`: what a wire brought comes back through the real pipeline, whole."""

import asyncio
import json
import signal
from pathlib import Path

from device_sims.fixtures import MqttNodesFactory, SerialBoardFactory
from tests.cli.command import Fieldgate
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

BOARD = """
adapters:
  - {id: board, type: serial, port: /dev/nowhere}
"""
HOUSE = """
adapters:
  - {id: house, type: mqtt, url: "mqtt://127.0.0.1", topics: [{readings: "sensors/{device}/telemetry"}]}
"""


async def recorded(fieldgate: Fieldgate, source: str, *options: str) -> Path:
    """A recording of a few seconds, ended as a person ends it."""
    file = fieldgate.directory / "file.rec"
    process = fieldgate.start("record", source, str(file), *options)
    await eventually(lambda: file.exists() and file.read_bytes().count(b"\n") > 20, 20, "twenty entries")
    process.signal(signal.SIGINT)
    ended = await fieldgate.ended(process)
    assert ended.code == 0, ended.err
    return file


def sequences(out: str) -> list[int]:
    return [json.loads(line)["values"]["sequence"] for line in out.splitlines()]


async def test_a_board_comes_back_reading_by_reading(fieldgate: Fieldgate, serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=20)
    file = await recorded(fieldgate, str(board.link))
    (fieldgate.directory / "board.yaml").write_text(BOARD)
    ended = await fieldgate.run("replay", str(file), "board.yaml", "--speed", "max", "--json")
    assert ended.code == 0, ended.err
    found = sequences(ended.out)
    assert len(found) >= 15
    assert found == list(range(found[0], found[0] + len(found)))


async def test_without_a_configuration_it_is_detected(fieldgate: Fieldgate, serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=20, framing="slip", checksum="crc16-ccitt")
    file = await recorded(fieldgate, str(board.link))
    ended = await fieldgate.run("replay", str(file), "--speed", "max", "--json")
    assert ended.code == 0, ended.err
    assert len(sequences(ended.out)) >= 15


async def test_the_messages_of_a_broker_come_back(
    fieldgate: Fieldgate, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
) -> None:
    await mqtt_nodes(mosquitto.url, devices=2, rate=10)
    file = await recorded(fieldgate, mosquitto.url, "--topic", "sensors/#")
    (fieldgate.directory / "house.yaml").write_text(HOUSE)
    ended = await fieldgate.run("replay", str(file), "house.yaml", "--speed", "max", "--json")
    assert ended.code == 0, ended.err
    assert {json.loads(line)["device"] for line in ended.out.splitlines()} == {"house.node1", "house.node2"}


async def test_a_torn_last_line_is_passed_over_and_another_is_an_error(
    fieldgate: Fieldgate, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board(rate=20)
    file = await recorded(fieldgate, str(board.link))
    whole = file.read_bytes()
    (fieldgate.directory / "board.yaml").write_text(BOARD)
    file.write_bytes(whole[:-8])
    assert (await fieldgate.run("replay", str(file), "board.yaml", "--speed", "max")).code == 0
    lines = whole.splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], b"{]\n", *lines[3:]]))
    ended = await fieldgate.run("replay", str(file), "board.yaml", "--speed", "max")
    assert ended.code != 0
    assert f"{file}:4" in ended.err


async def test_a_file_that_is_there_is_not_written_over(fieldgate: Fieldgate) -> None:
    file = fieldgate.directory / "file.rec"
    await asyncio.to_thread(file.write_text, "mine")
    ended = await fieldgate.run("record", "/dev/nowhere", str(file))
    assert ended.code != 0
    assert file.read_text() == "mine"
