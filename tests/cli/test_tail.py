"""`fieldgate tail`."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from device_sims.fixtures import SerialBoardFactory
from tests.cli.command import Fieldgate
from tests.cli.relay import Relay
from tests.parts.gateway import StartGateway
from tests.parts.process import Process
from tests.parts.waiting import eventually

LABELLED = """\
adapters: [{id: bench, type: loopback}]
devices: {bench: {points: {label: {type: string, writable: true}}}}
"""
HOSTILE = "\x1b[2J\x9b31m\u202e\nfake=1"


def serial(link: Path, heartbeat: str = "20s") -> str:
    return f"""\
server: {{heartbeat: {heartbeat}}}
adapters: [{{id: board, type: serial, port: {link}}}]
devices: {{board: {{points: {{temperature: {{unit: Cel, max: 100}}}}}}}}
"""


def readings(process: Process) -> list[dict[str, Any]]:
    """What `tail --json` has printed so far."""
    return [json.loads(line) for line in process.stdout_text().splitlines(keepends=True) if line.endswith("\n")]


def sequences(process: Process) -> list[int]:
    return [reading["values"]["sequence"] for reading in readings(process)]


async def test_json_is_one_reading_a_line_as_the_board_sent_it(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", rate=0)
    gateway = await gateway_process(serial(board.link))
    process = fieldgate.start("tail", "--json", "--url", gateway.url)
    # The first readings may come before it listens; what counts comes after one that it heard.
    await eventually(lambda: board.send(b'{"start":1}\n') and process.stdout_text(), 20, "the first reading")
    wire = {"zero": 0, "nought": 0.0, "off": False, "nothing": "", "text": "a b", "temperature": 120}
    board.send(json.dumps(wire).encode() + b'\n{"end":1}\n')
    await eventually(lambda: "end" in process.stdout_text(), 20, "the last reading")
    reading = readings(process)[-2]
    assert reading["device"] == "board"
    assert reading["values"] == wire
    assert [type(value) for value in reading["values"].values()] == [int, float, bool, str, str, int]
    assert reading["quality"] == {"temperature": "bad"}
    process.signal(signal.SIGINT)
    ended = await fieldgate.ended(process)
    assert ended.code == 0


async def test_plain_lines_have_time_device_values_units_and_quality(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", rate=0)
    gateway = await gateway_process(serial(board.link))
    process = fieldgate.start("tail", "board", "--url", gateway.url, TZ="UTC")
    await eventually(lambda: board.send(b'{"start":1}\n') and process.stdout_text(), 20, "the first reading")
    board.send(b'{"temperature":120,"fan":false,"text":"a b","none":null,"word":"ok"}\n')
    await eventually(lambda: "word=" in process.stdout_text(), 20, "the reading")
    moment, rest = process.stdout_text().splitlines()[-1].split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", moment)
    assert rest == 'board temperature=120 Cel (bad) fan=false text="a b" none=null (bad) word=ok'


async def test_a_cut_connection_is_resumed_without_a_hole_or_a_repeat(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory, relay: Relay
) -> None:
    board = await serial_board("climate", rate=50)
    gateway = await gateway_process(serial(board.link))
    process = fieldgate.start("tail", "board", "--json", "--url", relay.url_for(gateway.url))
    for cuts in range(1, 4):
        seen = len(sequences(process))
        await eventually(lambda: len(sequences(process)) > seen + 20, 20, "readings")  # noqa: B023
        relay.cut()
        await eventually(
            lambda: process.stderr_text().count("connected again: nothing was missed") == cuts,  # noqa: B023
            20,
            "the next connection",
        )
    seen = len(sequences(process))
    await eventually(lambda: len(sequences(process)) > seen + 20, 20, "readings")
    got = sequences(process)
    assert got == list(range(got[0], got[0] + len(got)))
    assert relay.connections == 4


async def test_it_survives_a_restart_of_the_gateway_and_says_that_something_may_be_lost(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", rate=20)
    gateway = await gateway_process(serial(board.link))
    process = fieldgate.start("tail", "--json", "--url", gateway.url)
    await eventually(lambda: readings(process), 20, "readings")
    await gateway.restart()
    await eventually(lambda: "connected again: what came meanwhile is lost" in process.stderr_text(), 20, "its return")
    assert "the gateway is stopping; connecting again" in process.stderr_text()
    seen = len(readings(process))
    await eventually(lambda: len(readings(process)) > seen + 5, 20, "readings after the restart")
    got = sequences(process)
    assert got == sorted(set(got))


async def test_a_gateway_that_says_nothing_for_two_heartbeats_is_left(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", rate=5)
    gateway = await gateway_process(serial(board.link, heartbeat="500ms"))
    process = fieldgate.start("tail", "--json", "--url", gateway.url)
    await eventually(lambda: readings(process), 20, "readings")
    gateway.signal(signal.SIGSTOP)
    try:
        await eventually(
            lambda: "nothing was heard from the gateway for 1 s" in process.stderr_text(), 20, "its notice"
        )
    finally:
        gateway.signal(signal.SIGCONT)
    await eventually(lambda: "connected again: nothing was missed" in process.stderr_text(), 20, "the next connection")


async def test_head_ends_it_at_once_even_where_nothing_more_comes(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", rate=0)
    gateway = await gateway_process(serial(board.link))
    tail = f"{sys.executable} -m gateway.cli tail board ghost --url {gateway.url}"
    process = fieldgate.start_program("bash", "-c", f"{tail} | head -n 1; exit ${{PIPESTATUS[0]}}")
    # Once it says so, it listens; and what it then prints is the only line there will be.
    await eventually(lambda: "there is no device ghost yet" in process.stderr_text(), 20, "the subscription")
    await board.opened()
    assert board.send(b'{"a":1}\n')
    ended = await fieldgate.ended(process)
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 1


async def test_what_a_device_says_cannot_steer_a_terminal_or_forge_a_line(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    gateway = await gateway_process(LABELLED)
    plain = fieldgate.start("tail", "--url", gateway.url)
    exact = fieldgate.start("tail", "--json", "--url", gateway.url)
    sends = 0
    while not (plain.stdout_text() and exact.stdout_text()):
        assert (sends := sends + 1) < 10
        assert (await fieldgate.run("send", "bench", "label", HOSTILE, "--url", gateway.url)).code == 0
    for process in (plain, exact):
        text = process.stdout_text()
        assert not set(text) & set("\x1b\x9b\u202e"), text
        assert all("label" in line for line in text.splitlines())
    assert readings(exact)[0]["values"] == {"label": HOSTILE}


async def test_a_terminal_gets_colours_and_aligned_columns(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", rate=20)
    gateway = await gateway_process(serial(board.link))
    master, slave = pty.openpty()
    command = [*fieldgate.command, "tail", "--url", gateway.url]
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(command, stdout=slave, env=environment | {"TERM": "xterm-256color"})  # noqa: ASYNC220
    os.close(slave)
    try:
        text = ""

        def enough() -> bool:
            nonlocal text
            if select.select([master], [], [], 0)[0]:
                text += os.read(master, 65536).decode()
            return text.count("\n") > 10

        await eventually(enough, 20, "ten lines")
        process.send_signal(signal.SIGINT)
        await eventually(lambda: process.poll() is not None, 20, "its end")
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    lines = text.split("\r\n")[4:10]
    assert all("\x1b[36mboard" in line and "°C" in line for line in lines)
    shown = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
    assert len({line.index("humidity") for line in shown}) == 1, shown


async def test_a_device_that_is_not_there_is_said_and_waited_for(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    gateway = await gateway_process(LABELLED)
    process = fieldgate.start("tail", "banch", "bench", "--url", gateway.url)
    await eventually(lambda: "there is no device banch yet" in process.stderr_text(), 20, "the notice")
    assert "no device bench" not in process.stderr_text()


async def test_what_cannot_be_followed_is_exit_1_with_one_line(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    made = await fieldgate.run("token", "create", "narrow", "--read", "house.*")
    token, _, yaml = made.out.partition("\n")
    gateway = await gateway_process(f"{yaml}\n{LABELLED}")
    for environment, said in (
        ({}, "the gateway needs a token: set FIELDGATE_TOKEN, or give --token"),
        ({"FIELDGATE_TOKEN": "fg_no"}, "the gateway does not accept the token"),
        ({"FIELDGATE_TOKEN": token}, "narrow may not read bench"),
        ({"FIELDGATE_URL": "http://127.0.0.1:1"}, "nothing listens at http://127.0.0.1:1: is the gateway running?"),
    ):
        ended = await fieldgate.run("tail", "bench", **{"FIELDGATE_URL": gateway.url} | environment)
        assert (ended.code, ended.out, ended.err) == (1, "", f"fieldgate: {said}\n")


async def test_an_address_that_is_none_is_exit_2(fieldgate: Fieldgate) -> None:
    for url in ("nowhere", "ftp://127.0.0.1", "http://user:secret@127.0.0.1", "http://127.0.0.1:99999"):
        ended = await fieldgate.run("tail", "--url", url)
        assert (ended.code, ended.out) == (2, "")
        assert "is not the address of a gateway, such as http://127.0.0.1:8080" in ended.err
