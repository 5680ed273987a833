"""`fieldgate replay`."""

import json
import os
import re
import signal
import time
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from device_sims.fixtures import MqttNodesFactory, SerialBoardFactory
from gateway.recordings import Entry, Header
from tests.cli.command import Fieldgate
from tests.parts.mosquitto import Mosquitto
from tests.parts.process import Process
from tests.parts.waiting import eventually

PORT = Header("serial", 1795338820.0, {"port": "/dev/ttyACM0", "baudrate": 115200})
BROKER = Header("mqtt", 1795338820.0, {"url": "mqtt://localhost", "topics": ["#"]})
BOARD = "adapters: [{id: board, type: serial, port: /dev/nowhere}]\n"
HOUSE = """\
adapters:
  - {id: house, type: mqtt, url: "mqtt://127.0.0.1", topics: [{readings: "sensors/{device}/telemetry"}]}
"""
UNIT = "devices: {board: {points: {n: {unit: Cel, max: 3}}}}\n"


def recording(fieldgate: Fieldgate, entries: Iterable[Entry], header: Header = PORT, name: str = "r.jsonl") -> str:
    """Writes a recording; gives its name in the commands' folder."""
    lines = [header.to_line(), *(entry.to_line() for entry in entries)]
    (fieldgate.directory / name).write_bytes(b"".join(lines))
    return name


def counting(count: int = 5, every: float = 0.0) -> list[Entry]:
    return [Entry(number * every, b'{"n":%d}\n' % number) for number in range(count)]


def configuration(fieldgate: Fieldgate, text: str = BOARD, name: str = "c.yaml") -> str:
    (fieldgate.directory / name).write_text(text)
    return name


def readings(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def summary(err: str) -> str:
    """What is said last of how much there was, without the seconds that it took."""
    (line,) = [line for line in err.splitlines() if " of the recording in " in line]
    return re.sub(r" in [0-9.]+ s$", "", line.removeprefix("fieldgate: "))


# ---- readings


async def test_readings_come_back_stamped_with_now(fieldgate: Fieldgate) -> None:
    file, config = recording(fieldgate, counting(4)), configuration(fieldgate, BOARD + UNIT)
    before = time.time()
    ended = await fieldgate.run("replay", file, config, "--speed", "max", "--json")
    assert ended.code == 0
    found = readings(ended.out)
    assert [reading["values"] for reading in found] == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]
    assert all(before <= reading["time"] <= time.time() for reading in found)
    assert summary(ended.err) == "4 frames, 4 readings, 0 unreadable; 0.0 s of the recording"


async def test_they_are_printed_as_tail_prints_them(fieldgate: Fieldgate) -> None:
    file, config = recording(fieldgate, counting(5)), configuration(fieldgate, BOARD + UNIT)
    ended = await fieldgate.run("replay", file, config, "--speed", "max", TZ="UTC")
    lines = [line.split(" ", 1) for line in ended.out.splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", moment) for moment, _ in lines)
    assert [rest for _, rest in lines] == [*(f"board n={n} Cel" for n in range(4)), "board n=4 Cel (bad)"]


async def test_what_cannot_be_read_is_counted_and_costs_nothing_else(fieldgate: Fieldgate) -> None:
    entries = [Entry(0, b'{"n":1}\n{"n":'), Entry(1, b'2}\nnoise\n\xff\xfe\n{"n":3}\n')]
    ended = await fieldgate.run(
        "replay", recording(fieldgate, entries), configuration(fieldgate), "--speed", "max", "--json"
    )
    assert ended.code == 0
    assert [reading["values"]["n"] for reading in readings(ended.out)] == [1, 2, 3]
    assert summary(ended.err) == "5 frames, 3 readings, 2 unreadable; 1.0 s of the recording"


async def test_wrong_checksums_are_told(fieldgate: Fieldgate) -> None:
    config = configuration(
        fieldgate, "adapters: [{id: b, type: serial, port: x, framing: {type: lines, checksum: sum8}, codec: number}]\n"
    )
    file = recording(fieldgate, [Entry(0, b"1*31\n2*33\n3*33\n")])
    ended = await fieldgate.run("replay", file, config, "--speed", "max")
    assert ended.code == 0
    assert summary(ended.err) == (
        "3 frames, 2 readings, 1 unreadable, 1 of them by their checksum; 0.0 s of the recording"
    )


async def test_pauses_are_those_of_the_recording_however_fast_it_is_played(fieldgate: Fieldgate) -> None:
    """Without a sync word, a pause is all that ends a half-received frame."""
    config = configuration(
        fieldgate,
        "adapters: [{id: b, type: serial, port: x, framing: {type: fixed, length: 4, gap: 200ms}, codec: text}]\n",
    )
    file = recording(fieldgate, [Entry(0, b"lo"), Entry(1, b"frame"), Entry(1.1, b"two"), Entry(9, b"tree")])
    ended = await fieldgate.run("replay", file, config, "--speed", "max", "--json")
    assert [reading["values"]["value"] for reading in readings(ended.out)] == ["fram", "etwo", "tree"]


@pytest.mark.parametrize(("speed", "least", "most"), [("1", 0.3, 0.6), ("10", 0.02, 0.15)])
async def test_it_goes_as_fast_as_it_was_times_the_speed(
    fieldgate: Fieldgate, speed: str, least: float, most: float
) -> None:
    file, config = recording(fieldgate, counting(4, every=0.4)), configuration(fieldgate)
    ended = await fieldgate.run("replay", file, config, "--speed", speed, "--json")
    pauses = [after["time"] - before["time"] for before, after in pairwise(readings(ended.out))]
    assert all(least < pause < most for pause in pauses), pauses


async def test_messages_go_to_their_devices(fieldgate: Fieldgate) -> None:
    entries = [
        Entry(0, b'{"t":1}', "sensors/a/telemetry", retained=True),
        Entry(1, b'{"t":2}', "sensors/b/telemetry"),
        Entry(2, b"not for us", "elsewhere"),
        Entry(3, b"{", "sensors/a/telemetry"),
    ]
    file = recording(fieldgate, entries, BROKER)
    ended = await fieldgate.run("replay", file, configuration(fieldgate, HOUSE), "--speed", "max", "--json")
    assert ended.code == 0
    found = readings(ended.out)
    assert [(one["device"], one["values"], one.get("retained")) for one in found] == [
        ("house.a", {"t": 1}, True),
        ("house.b", {"t": 2}, None),
    ]
    assert summary(ended.err).startswith("3 frames, 2 readings, 1 unreadable; ")


async def test_what_was_polled_is_told_without_asking(fieldgate: Fieldgate) -> None:
    config = configuration(
        fieldgate,
        "adapters: [{id: b, type: serial, port: x, poll: {requests: [{device: d, send: '?'}], every: 50ms}}]\n",
    )
    ended = await fieldgate.run("replay", recording(fieldgate, counting(3, every=0.1)), config, "--json")
    assert [reading["device"] for reading in readings(ended.out)] == ["b", "b", "b"]
    assert " 0 unreadable" in ended.err


# ---- the real thing, there and back


async def test_a_board_comes_back_reading_by_reading(fieldgate: Fieldgate, serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=20)
    file = await recorded(fieldgate, str(board.link))
    ended = await fieldgate.run("replay", file, configuration(fieldgate), "--speed", "max", "--json")
    assert ended.code == 0, ended.err
    sequences = [reading["values"]["sequence"] for reading in readings(ended.out)]
    assert len(sequences) >= 15
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


@pytest.mark.parametrize(
    ("framing", "checksum", "codec"), [("slip", "crc16-ccitt", "json"), ("cobs", "crc32", "struct")]
)
async def test_without_a_configuration_it_is_detected(
    fieldgate: Fieldgate, serial_board: SerialBoardFactory, framing: str, checksum: str, codec: str
) -> None:
    board = await serial_board(rate=20, framing=framing, checksum=checksum, codec=codec)
    file = await recorded(fieldgate, str(board.link))
    ended = await fieldgate.run("replay", file, "--speed", "max", "--json")
    assert ended.code == 0, ended.err
    assert f"it looks like {framing} with {checksum}, {codec}" in ended.err
    assert len(readings(ended.out)) >= 15


async def test_the_messages_of_a_broker_come_back(
    fieldgate: Fieldgate, mosquitto: Mosquitto, mqtt_nodes: MqttNodesFactory
) -> None:
    await mqtt_nodes(mosquitto.url, devices=2, rate=10)
    file = await recorded(fieldgate, mosquitto.url, "--topic", "sensors/#")
    ended = await fieldgate.run("replay", file, configuration(fieldgate, HOUSE), "--speed", "max", "--json")
    assert ended.code == 0, ended.err
    assert {reading["device"] for reading in readings(ended.out)} == {"house.node1", "house.node2"}


async def recorded(fieldgate: Fieldgate, source: str, *options: str) -> str:
    """A recording of twenty entries, ended as a person ends it."""
    file = fieldgate.directory / "recorded.jsonl"
    process = fieldgate.start("record", source, file.name, *options)
    await eventually(lambda: file.exists() and file.read_bytes().count(b"\n") > 20, 20, "twenty entries")
    process.signal(signal.SIGINT)
    ended = await fieldgate.ended(process)
    assert ended.code == 0, ended.err
    return file.name


# ---- with a dashboard


async def listening(fieldgate: Fieldgate, *arguments: str) -> tuple[Process, str]:
    """A replay that serves, and its address."""
    process = fieldgate.start("replay", *arguments, "--listen", "127.0.0.1:0")
    await eventually(lambda: "http://" in process.stderr_text() or not process.running, 20, "its address")
    found = re.search(r"http://[0-9.:]+", process.stderr_text())
    assert found, process.stderr_text()
    return process, found[0]


async def test_the_whole_gateway_serves_while_it_replays(fieldgate: Fieldgate) -> None:
    file, config = recording(fieldgate, counting(600, every=0.05)), configuration(fieldgate)
    process, url = await listening(fieldgate, file, config, "--json")
    await eventually(lambda: len(process.stdout_text().splitlines()) > 2, 10, "readings")
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v1/devices/board") as answer:
        device = await answer.json()
    assert device["state"] == "online"
    assert device["values"]["n"]["value"] >= 2
    process.signal(signal.SIGINT)
    ended = await fieldgate.ended(process)
    assert ended.code == 0
    assert ended.err.count(" of the recording in ") == 1


async def test_a_replay_sends_nothing_and_records_no_command(fieldgate: Fieldgate) -> None:
    config = configuration(
        fieldgate,
        "audit: {path: audit.db}\n"
        "adapters: [{id: board, type: serial, port: /dev/nowhere, commands: {}}]\n"
        "devices: {board: {points: {fan: {type: boolean, writable: true}}}}\n",
    )
    process, url = await listening(fieldgate, recording(fieldgate, counting(600, every=0.05)), config)
    await eventually(process.stdout_text, 10, "a reading")
    sent = await fieldgate.run("send", "board", "fan", "on", "--url", url)
    assert sent.code == 1
    assert "a replay sends nothing" in sent.out + sent.err
    process.signal(signal.SIGINT)
    await fieldgate.ended(process)
    assert not [path.name for path in fieldgate.directory.iterdir() if "audit" in path.name]


async def test_it_ends_when_the_recording_does(fieldgate: Fieldgate) -> None:
    process, _ = await listening(
        fieldgate, recording(fieldgate, counting(3, every=0.2)), configuration(fieldgate), "--json"
    )
    ended = await fieldgate.ended(process)
    assert (ended.code, len(readings(ended.out))) == (0, 3)


async def test_other_machines_are_let_in_by_no_accident(fieldgate: Fieldgate) -> None:
    file, config = recording(fieldgate, counting()), configuration(fieldgate)
    ended = await fieldgate.run("replay", file, config, "--listen", "0.0.0.0:0")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "fieldgate: 0.0.0.0:0 is reachable from other machines, which needs a CONFIG with an `auth` section\n"
    )


async def test_readings_are_scaled_and_held_back_as_the_configuration_says(fieldgate: Fieldgate) -> None:
    points = "devices: {board: {points: {n: {scale: 10, interval: 500ms}}}}\n"
    file, config = recording(fieldgate, counting(8, every=0.1)), configuration(fieldgate, BOARD + points)
    ended = await fieldgate.run("replay", file, config, "--json")
    values = [reading["values"]["n"] for reading in readings(ended.out)]
    assert values[0] == 0
    assert 2 <= len(values) < 8
    assert all(value % 10 == 0 for value in values)


# ---- what is wrong


async def test_a_torn_last_line_is_left_out_and_said(fieldgate: Fieldgate) -> None:
    name = recording(fieldgate, counting(3))
    file = fieldgate.directory / name
    file.write_bytes(file.read_bytes()[:-5])
    ended = await fieldgate.run("replay", name, configuration(fieldgate), "--speed", "max", "--json")
    assert ended.code == 0
    assert len(readings(ended.out)) == 2
    assert ended.err.splitlines()[-1] == "fieldgate: the last line of the recording was cut off, and is left out"


async def test_a_line_that_cannot_be_read_is_an_error_with_its_place(fieldgate: Fieldgate) -> None:
    name = recording(fieldgate, counting(3))
    file = fieldgate.directory / name
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], b"{]\n", *lines[3:]]))
    ended = await fieldgate.run("replay", name, configuration(fieldgate), "--speed", "max", "--json")
    assert ended.code == 1
    assert "fieldgate: r.jsonl:4: not a JSON object" in ended.err.splitlines()


async def test_nothing_that_could_be_read_is_exit_1(fieldgate: Fieldgate) -> None:
    file = recording(fieldgate, [Entry(0, b"hello\n"), Entry(1, b"world\n")])
    ended = await fieldgate.run("replay", file, configuration(fieldgate), "--speed", "max")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == "fieldgate: nothing could be read"


@pytest.mark.parametrize("text", ["", "adapters: []\n", '{"t":1,"data":"a"}\n'])
async def test_a_file_that_is_no_recording_is_one_line_and_exit_1(fieldgate: Fieldgate, text: str) -> None:
    (fieldgate.directory / "r.jsonl").write_text(text)
    ended = await fieldgate.run("replay", "r.jsonl", configuration(fieldgate))
    assert ended.code == 1
    assert ended.err == "fieldgate: r.jsonl:1: not a recording of `fieldgate record`\n"


async def test_a_file_that_is_not_there_is_one_line_and_exit_1(fieldgate: Fieldgate) -> None:
    ended = await fieldgate.run("replay", "nowhere.jsonl")
    assert ended.code == 1
    assert ended.err == "fieldgate: nowhere.jsonl cannot be read: no such file or directory\n"


async def test_what_is_not_recognised_needs_a_configuration(fieldgate: Fieldgate) -> None:
    file = recording(fieldgate, [Entry(n, os.urandom(40)) for n in range(10)])
    ended = await fieldgate.run("replay", file, "--speed", "max")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == ("fieldgate: not sure what the recording says: give a CONFIG with its framing and codec\n")


TWO = """\
adapters:
  - {id: one, type: serial, port: /dev/nowhere}
  - {id: two, type: serial, port: /dev/nowhere2}
  - {id: line, type: loopback}
"""


@pytest.mark.parametrize(
    ("header", "config", "options", "message"),
    [
        (PORT, TWO, [], "say --adapter, one of one, two"),
        (PORT, TWO, ["--adapter", "three"], "there is no adapter 'three': there are one, two, line"),
        (PORT, TWO, ["--adapter", "line"], "the adapter line is of type loopback, and the recording of type serial"),
        (PORT, HOUSE, [], "there is no adapter of type serial"),
        (BROKER, BOARD, [], "there is no adapter of type mqtt"),
        (BROKER, None, [], "a recording of a broker needs a CONFIG, which says which topics are devices"),
        (PORT, None, ["--adapter", "one"], "--adapter needs a CONFIG"),
        (PORT, BOARD, ["--speed", "fast"], "--speed is `max` or a number such as 1, 10 or 0.5, not 'fast'"),
        (PORT, BOARD, ["--speed", "0"], "--speed is `max` or a number such as 1, 10 or 0.5, not '0'"),
        (PORT, BOARD, ["--listen", "here"], "--listen: expected ADDRESS:PORT, such as 127.0.0.1:8080, not 'here'"),
    ],
)
async def test_bad_usage_is_one_line_and_exit_2(
    fieldgate: Fieldgate, header: Header, config: str | None, options: list[str], message: str
) -> None:
    arguments = [recording(fieldgate, [], header)] + ([configuration(fieldgate, config)] if config else [])
    ended = await fieldgate.run("replay", *arguments, *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"fieldgate: {message}\n"


async def test_an_adapter_is_chosen_by_its_id(fieldgate: Fieldgate) -> None:
    file, config = recording(fieldgate, counting(2)), configuration(fieldgate, TWO)
    ended = await fieldgate.run("replay", file, config, "--adapter", "two", "--speed", "max", "--json")
    assert [reading["device"] for reading in readings(ended.out)] == ["two", "two"]


async def test_a_reader_that_goes_ends_it_quietly(fieldgate: Fieldgate) -> None:
    file, config = recording(fieldgate, counting(2000, every=0.01)), configuration(fieldgate)
    command = f'"$0" -m gateway.cli replay {file} {config} --json | head -n 2'
    process = fieldgate.start_program("sh", "-c", command, fieldgate.command[0])
    ended = await fieldgate.ended(process)
    assert len(readings(ended.out)) == 2
    assert "closed" not in ended.err
    assert ended.err.count(" of the recording in ") == 1


async def test_ctrl_c_ends_it_and_says_how_far_it_came(fieldgate: Fieldgate) -> None:
    file, config = recording(fieldgate, counting(2000, every=0.05)), configuration(fieldgate)
    process = fieldgate.start("replay", file, config, "--json")
    await eventually(lambda: len(process.stdout_text().splitlines()) >= 3, 20, "readings")
    process.signal(signal.SIGINT)
    ended = await fieldgate.ended(process)
    assert ended.code == 0
    assert re.match(rf"{len(readings(ended.out))} frames, ", summary(ended.err))
