"""`fieldgate record`."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from gateway.recordings import Entry, Recording
from tests.adapters.bystander import bystander
from tests.adapters.guarded_mosquitto import PASSWORD, USER, GuardedMosquitto
from tests.adapters.pty import Pty, bare_pty
from tests.cli.command import Ended, Fieldgate
from tests.parts.mosquitto import Mosquitto
from tests.parts.process import Process
from tests.parts.waiting import eventually


def entries(file: Path) -> list[Entry]:
    """What is in the file, which ends with a whole line."""
    with file.open("rb") as opened:
        recording = Recording(opened, file.name)
        found = list(recording)
    assert not recording.torn
    return found


def program(pid: int) -> str:
    """What the system calls the program of a process."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


def size(file: Path) -> int:
    return file.stat().st_size


async def started(fieldgate: Fieldgate, source: str, *options: str, file: str = "r.jsonl") -> tuple[Process, Path]:
    """A recording under way."""
    process = fieldgate.start("record", source, file, *options)
    await eventually(lambda: "Ctrl-C ends it" in process.stderr_text() or not process.running, 20, "its start")
    return process, fieldgate.directory / file


async def stopped(fieldgate: Fieldgate, process: Process, number: signal.Signals = signal.SIGINT) -> Ended:
    process.signal(number)
    return await fieldgate.ended(process)


async def say(pty: Pty, file: Path, *chunks: bytes) -> None:
    """Says them one after the other, each once the one before is in the file."""
    for chunk in chunks:
        before = size(file)
        pty.say(chunk)
        await eventually(lambda: size(file) > before, 10, "the entry")  # noqa: B023


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_bytes_of_a_port_are_kept_as_they_came(
    fieldgate: Fieldgate, tmp_path: Path, number: signal.Signals
) -> None:
    said = [b'{"temperature":21.4}\r\n', b"\x02\xff\x00\x03", "Größe\n".encode(), bytes(range(256))]
    with bare_pty(tmp_path / "board") as pty:
        process, file = await started(fieldgate, str(pty.link), "--baudrate", "9600")
        await say(pty, file, *said)
        ended = await stopped(fieldgate, process, number)
    assert (ended.code, ended.out) == (0, "")
    found = entries(file)
    assert b"".join(entry.data for entry in found) == b"".join(said)
    assert [entry.time for entry in found] == sorted(entry.time for entry in found)
    assert "recorded 290 bytes, 3 lines in " in ended.err


async def test_the_header_tells_what_was_recorded(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "board") as pty:
        process, file = await started(fieldgate, str(pty.link), "--baudrate", "9600", "--stopbits", "2")
        await stopped(fieldgate, process)
        with file.open("rb") as opened:
            header = Recording(opened, "r").header
    assert header.source == "serial"
    assert dict(header.settings) == {
        "port": str(pty.link),
        "baudrate": 9600,
        "bytesize": 8,
        "parity": "none",
        "stopbits": 2,
    }


async def test_it_ends_by_itself_after_its_duration(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "board") as pty:
        ended = await fieldgate.run("record", str(pty.link), "r.jsonl", "--duration", "300ms")
    assert ended.code == 0
    assert entries(fieldgate.directory / "r.jsonl") == []


async def test_it_ends_before_the_file_gets_too_large_and_says_so(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "board") as pty:
        process, file = await started(fieldgate, str(pty.link), "--max-size", "0.001")
        await say(pty, file, b"x" * 300, b"y" * 300)
        pty.say(b"z" * 600)
        ended = await fieldgate.ended(process)
    assert ended.code == 0
    assert "it ended because the file would be larger than --max-size 0.001" in ended.err
    assert [entry.data for entry in entries(file)] == [b"x" * 300, b"y" * 300]
    assert file.stat().st_size <= 1000


async def test_a_crash_costs_no_line_that_was_whole(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "board") as pty:
        process, file = await started(fieldgate, str(pty.link))
        await say(pty, file, b"one\n", b"two\n")
        process.kill()
    assert [entry.data for entry in entries(file)] == [b"one\n", b"two\n"]


async def test_a_port_that_goes_ends_it_with_1_and_the_file_is_whole(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "board") as pty:
        process, file = await started(fieldgate, str(pty.link))
        await say(pty, file, b"one\n")
        pty.close()
        ended = await fieldgate.ended(process)
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == "fieldgate: the port went away: unplugged?"
    assert [entry.data for entry in entries(file)] == [b"one\n"]


async def test_a_full_disk_ends_it_with_1_and_whole_lines(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "board") as pty:
        # No file may be larger than 2 blocks of the shell: 1024 bytes.
        command = f'ulimit -f 2; exec "$0" -m gateway.cli record {pty.link} r.jsonl'
        process = fieldgate.start_program("sh", "-c", command, sys.executable)
        await eventually(lambda: "Ctrl-C ends it" in process.stderr_text() or not process.running, 20, "its start")
        file = fieldgate.directory / "r.jsonl"
        await say(pty, file, b"x" * 300, b"y" * 300)
        pty.say(b"z" * 600)
        ended = await fieldgate.ended(process)
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith("fieldgate: r.jsonl cannot be written any further: ")
    assert [entry.data for entry in entries(file)] == [b"x" * 300, b"y" * 300]


async def test_messages_of_a_broker_have_their_topics(fieldgate: Fieldgate, mosquitto: Mosquitto) -> None:
    async with bystander(mosquitto.port) as other:
        await other.publish("house/hall/state", b"old", retain=True)
        process, file = await started(fieldgate, mosquitto.url, "--topic", "house/#", "--topic", "yard/+")
        await other.publish("cellar/state", b"not wanted")
        await other.publish("yard/gate", b"\xff\x00")
        await other.publish("house/hall/state", b"")
        await eventually(lambda: file.read_bytes().count(b"\n") >= 4, 10, "the messages")
        ended = await stopped(fieldgate, process)
    assert ended.code == 0
    assert "3 messages" in ended.err
    assert [(entry.topic, entry.data, entry.retained) for entry in entries(file)] == [
        ("house/hall/state", b"old", True),
        ("yard/gate", b"\xff\x00", False),
        ("house/hall/state", b"", False),
    ]


async def test_no_credentials_become_part_of_a_recording(fieldgate: Fieldgate, tmp_path: Path) -> None:
    broker = GuardedMosquitto(tmp_path)
    (fieldgate.directory / "secret").write_text(PASSWORD)
    try:
        await asyncio.to_thread(broker.start)
        url = f"mqtt://127.0.0.1:{broker.port}"
        process, file = await started(fieldgate, url, "--username", USER, "--password-file", "secret")
        await stopped(fieldgate, process)
    finally:
        broker.kill()
    text = file.read_text()
    assert url in text
    assert USER not in text
    assert PASSWORD not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/dev/nowhere", "r", "--topic", "a"], "--topic means nothing for a serial port"),
        (["mqtt://localhost", "r", "--baudrate", "9600"], "--baudrate means nothing for a broker"),
        (
            ["mqtt://me:secret@localhost", "r"],
            "URL: credentials go into --username and --password-file, not into the URL",
        ),
        (["mqtt://localhost", "r", "--topic", "a/#/b"], "--topic: # must be the last level"),
        (["/dev/nowhere", "r", "--stopbits", "3"], "--stopbits: expected 1, 1.5 or 2 stop bits"),
        (["socket://nowhere", "r"], "PORT: expected a device file such as /dev/ttyACM0, or socket://HOST:PORT"),
        (
            ["/dev/nowhere", "r", "--duration", "soon"],
            "--duration soon: expected a duration such as 500ms, 30s, 5m or ",
        ),
        (["/dev/nowhere", "taken"], "taken exists already, and is not overwritten"),
    ],
)
async def test_bad_usage_is_one_line_and_exit_2(fieldgate: Fieldgate, arguments: list[str], message: str) -> None:
    (fieldgate.directory / "taken").write_text("mine")
    ended = await fieldgate.run("record", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith(f"fieldgate: {message}")
    assert (fieldgate.directory / "taken").read_text() == "mine"
    assert not (fieldgate.directory / "r").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/dev/nowhere", "/dev/nowhere is not there: unplugged?"),
        ("/dev/null", "/dev/null is not a serial port"),
        ("mqtt://127.0.0.1:1", "cannot connect to the broker at 127.0.0.1:1: "),
    ],
)
async def test_what_cannot_be_opened_is_one_line_exit_1_and_no_file(
    fieldgate: Fieldgate, source: str, message: str
) -> None:
    ended = await fieldgate.run("record", source, "r")
    assert (ended.code, ended.out) == (1, "")
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith(f"fieldgate: {message}")
    assert not (fieldgate.directory / "r").exists()


async def test_a_folder_that_is_not_there_is_one_line(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "board") as pty:
        ended = await fieldgate.run("record", str(pty.link), "nowhere/r")
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == "fieldgate: nowhere/r cannot be written: no such file or directory"


async def test_a_port_that_another_has_is_said_with_who_it_is(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "board") as pty:
        process, _ = await started(fieldgate, str(pty.link))
        ended = await fieldgate.run("record", str(pty.link), "second")
        assert ended.code == 1
        assert f" is in use by {program(process.pid)} ({process.pid})" in ended.err
        await stopped(fieldgate, process)
