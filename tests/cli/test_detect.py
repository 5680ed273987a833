"""`fieldgate detect`: what it prints runs as it is, and it says so where it is not sure."""

import asyncio
import os
import random
import signal
import socket
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from device_sims.fixtures import SerialBoardFactory
from gateway.adapters.serial import SerialOptions
from gateway.cli.detect.listening import Heard, Listening
from gateway.cli.detect.telling import excerpt
from gateway.config import parse
from gateway.detection import Capture, guess
from gateway.detection.stanza import described
from tests.adapters.pty import Pty, bare_pty
from tests.adapters.rig import running
from tests.cli.command import Ended, Fieldgate
from tests.detection.hearing import heard
from tests.detection.uart import misread
from tests.parts.waiting import eventually

SPEEDS = {getattr(termios, f"B{speed}"): speed for speed in (4800, 9600, 19200, 38400, 57600, 115200)}


@asynccontextmanager
async def speaking(write: Callable[[], None], every: float = 0.05) -> AsyncIterator[None]:
    """Writes again and again meanwhile; that nobody listens yet, or reads fast enough, is no matter."""

    async def speak() -> None:
        while True:
            with suppress(OSError):
                write()
            await asyncio.sleep(every)

    task = asyncio.create_task(speak(), name="speaking")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def proposed(ended: Ended) -> SerialOptions:
    """The adapter that was proposed."""
    assert ended.code == 0, ended.err
    (adapter,) = parse(ended.out, "stdout", Path()).adapters
    assert isinstance(adapter, SerialOptions)
    return adapter


# ---- what it finds


@pytest.mark.parametrize(
    ("framing", "checksum", "codec", "found"),
    [
        ("lines", "none", "json", "lines of json"),
        ("lines", "xor8", "key_value", "lines of key_value"),
        ("lines", "none", "delimited", "lines of delimited"),
        ("lines", "none", "senml", "lines of senml"),
        ("cobs", "crc16-modbus", "struct", "cobs of struct"),
        ("slip", "none", "json", "slip of json"),
        ("stx_etx", "sum8", "struct", "stx_etx of struct"),
        ("length_prefixed", "crc32", "json", "length_prefixed of json"),
        ("fixed", "none", "struct", "fixed of struct"),
    ],
)
async def test_what_it_prints_runs_as_it_is(
    fieldgate: Fieldgate, serial_board: SerialBoardFactory, framing: str, checksum: str, codec: str, found: str
) -> None:
    board = await serial_board(rate=20, framing=framing, checksum=checksum, codec=codec)
    ended = await fieldgate.run("detect", str(board.link), "--seconds", "1")
    assert proposed(ended).summary().endswith(found)
    (fieldgate.directory / "found.yaml").write_text(ended.out)
    assert (await fieldgate.run("check", "found.yaml")).code == 0
    await eventually(lambda: not board.is_open, 5, "the port to be free")
    async with running(ended.out) as rig:
        await rig.reading()
        assert rig.errors() <= 1, "the frame that was under way when the port was opened"


async def test_it_stops_listening_once_it_is_sure(fieldgate: Fieldgate, serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=40)
    started = asyncio.get_running_loop().time()
    ended = await fieldgate.run("detect", str(board.link), "--seconds", "600")
    assert ended.code == 0
    assert asyncio.get_running_loop().time() - started < 10


async def test_a_board_that_speaks_seldom_is_listened_to_for_longer(
    fieldgate: Fieldgate, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board(rate=2)
    ended = await fieldgate.run("detect", str(board.link), "--seconds", "1")
    assert proposed(ended).codec.type == "json"


async def test_what_it_heard_and_why_is_told_beside(fieldgate: Fieldgate, serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=20, codec="key_value")
    ended = await fieldgate.run("detect", str(board.link))
    lines = ended.err.splitlines()
    assert lines[0] == "the baud rate means nothing on a pseudo-terminal"
    assert "    temperature=" in ended.err
    assert "lines of key_value" in ended.err
    assert any("frames read, 2" in line and " a second:" in line for line in lines), "the rate of the frames"
    assert parse(ended.out, "stdout", Path()).devices[board.link.name].points["temperature"].unit == "Cel"


async def test_several_devices_on_a_line_are_found(fieldgate: Fieldgate, serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=10, devices=3)
    ended = await fieldgate.run("detect", str(board.link))
    devices = proposed(ended).devices
    assert devices is not None
    assert devices.field == "node"
    assert list(parse(ended.out, "stdout", Path()).devices) == [f"{board.link.name}.n{n}" for n in (1, 2, 3)]


async def test_a_line_behind_a_tcp_server_is_listened_to(fieldgate: Fieldgate) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            for number in range(1000):
                writer.write(b"T=%d.5 H=48\r\n" % (number % 30))
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ended = await fieldgate.run("detect", f"socket://127.0.0.1:{port}")
    adapter = proposed(ended)
    assert (adapter.port, adapter.codec.type) == (f"socket://127.0.0.1:{port}", "key_value")
    assert "baudrate" not in ended.out


# ---- at which speed


@pytest.mark.parametrize(
    ("framing", "checksum", "codec"),
    [("lines", "none", "json"), ("cobs", "crc16-modbus", "struct"), ("fixed", "none", "struct")],
)
async def test_the_speed_is_found_at_which_a_board_speaks(
    tmp_path: Path, framing: str, checksum: str, codec: str
) -> None:
    """The far end of a pty sees at which speed the near end listens, and lets it hear what that makes of the frames."""
    frames = iter([frame for _, frame in heard(framing, checksum, codec, frames=1000)])
    with bare_pty(tmp_path / "board") as pty:

        def say() -> None:
            read_at = SPEEDS.get(termios.tcgetattr(pty.master)[4])
            if read_at is not None:  # else nobody has it open yet
                ((_, sound),) = misread([(0.0, next(frames))], 19200, read_at) or [(0.0, b"")]
                os.write(pty.master, sound)

        notes: list[str] = []
        listening = Listening(str(pty.link), lambda text: None, notes.append, probe=False)
        async with speaking(say):
            found = await listening.run((115200, 9600, 19200, 57600), 0.6)
    best = found[0]
    assert best.baudrate == 19200
    assert best.best is not None
    assert best.best.sure
    assert described(best.best.framing).startswith(framing)
    assert best.best.codec["type"] == codec
    if best.best.proven:
        assert not any(note.startswith("57600") for note in notes), "nothing is left to be tried"


async def test_no_speed_makes_sense_of_noise(tmp_path: Path) -> None:
    draw = random.Random(5)
    with bare_pty(tmp_path / "board") as pty:
        notes: list[str] = []
        listening = Listening(str(pty.link), lambda text: None, notes.append, probe=False)
        async with speaking(lambda: (os.write(pty.master, draw.randbytes(40)), None)[1]):
            found = await listening.run((115200, 9600), 0.4)
    assert all(one.best is None or not one.best.sure for one in found)
    assert "not clear yet: listening for longer where something was heard" in notes


def test_what_is_proven_comes_before_what_may_be() -> None:
    text = Capture.of(heard("lines", "none", "number"))
    binary = Capture.of(heard("fixed", "none", "struct", frames=60))
    listened = [Heard(9600, binary, guess(binary)), Heard(1200, text, guess(text)), Heard(300, Capture.of([]), [])]
    ordered = sorted(listened, key=lambda one: one.promise, reverse=True)
    assert [one.baudrate for one in ordered] == [1200, 9600, 300]
    assert [one.settled for one in ordered] == [True, False, False]


# ---- what it does not know


async def test_noise_is_not_claimed_to_be_anything(fieldgate: Fieldgate, tmp_path: Path) -> None:
    noise = random.Random(1)
    with bare_pty(tmp_path / "port") as pty:
        async with speaking(lambda: (os.write(pty.master, noise.randbytes(noise.randrange(1, 200))), None)[1], 0.01):
            ended = await fieldgate.run("detect", str(pty.link), "--seconds", "1")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].startswith("fieldgate: not sure: ")
    assert "heard, for example:" in ended.err


async def test_what_a_board_says_cannot_steer_the_terminal(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with speaking(lambda: pty.say(b"\x1b[2J\x9b31m temp\xe2\x80\xae: 21.4\r\n")):
            ended = await fieldgate.run("detect", str(pty.link), "--seconds", "0.5")
    assert "\x1b" not in ended.err
    assert "\u202e" not in ended.err
    assert "\x9b" not in ended.err


async def test_a_silent_board_is_told_apart_from_one_that_is_not_understood(
    fieldgate: Fieldgate, tmp_path: Path
) -> None:
    with bare_pty(tmp_path / "port") as pty:
        ended = await fieldgate.run("detect", str(pty.link), "--seconds", "0.5")
        assert (ended.code, ended.out) == (1, "")
        assert f"fieldgate: nothing was heard on {pty.link}" in ended.err.splitlines()
        assert "Is the board powered" in ended.err
        assert "--probe" in ended.err
        assert pty.listen() == b"", "it only listens"


async def test_a_probe_is_a_line_end_and_a_question_mark_and_only_where_it_was_asked_for(
    fieldgate: Fieldgate, tmp_path: Path
) -> None:
    with bare_pty(tmp_path / "port") as pty:
        ended = await fieldgate.run("detect", str(pty.link), "--seconds", "0.6", "--probe")
        assert pty.listen() == b"\r\n?\r\n"
    assert ended.code == 1
    assert "not even an answer to" in ended.err


async def test_a_board_that_answers_a_probe_is_recognised(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:

        def answer() -> None:
            if pty.listen():
                pty.say(b'{"temperature":21.4,"humidity":48}\r\n')

        async with speaking(answer):
            ended = await fieldgate.run("detect", str(pty.link), "--probe")
    assert proposed(ended).codec.type == "json"


async def test_a_board_that_speaks_is_not_probed(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with speaking(lambda: pty.say(b"21.4,48,7\r\n")):
            ended = await fieldgate.run("detect", str(pty.link), "--probe")
        assert ended.code == 0
        assert pty.listen() == b""


# ---- what is wrong


async def test_a_port_that_is_not_there_is_one_line(fieldgate: Fieldgate) -> None:
    ended = await fieldgate.run("detect", "/dev/nowhere")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines() == ["fieldgate: /dev/nowhere is not there: unplugged?"]


async def test_a_port_that_is_in_use_is_one_line_with_who_has_it(
    fieldgate: Fieldgate, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board()
    held = fieldgate.start("record", str(board.link), "r.jsonl")
    await eventually(lambda: board.is_open, 20, "the port to be open")
    ended = await fieldgate.run("detect", str(board.link))
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert ended.err.endswith(f" is in use by {program(held.pid)} ({held.pid})\n")
    held.signal(signal.SIGINT)
    await fieldgate.ended(held)


async def test_a_board_that_is_pulled_out_meanwhile_is_one_line(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        process = fieldgate.start("detect", str(pty.link), "--seconds", "60")
        await eventually(lambda: is_open(pty) or not process.running, 20, "the port to be open")
        pty.close()
        ended = await fieldgate.ended(process)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == "fieldgate: the port went away: unplugged?"


def program(pid: int) -> str:
    """What the system calls the program of a process."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


def is_open(pty: Pty) -> bool:
    """Whether somebody has the near end open: without, reading of the far end fails."""
    try:
        os.read(pty.master, 1)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["socket://nowhere"], "socket://nowhere: expected a device file such as /dev/ttyACM0, or socket://HOST:PORT"),
        (["socket://h:1", "--baudrate", "9600"], "--baudrate means nothing for socket://: the server there decides it"),
    ],
)
async def test_bad_usage_is_one_line_and_exit_2(fieldgate: Fieldgate, arguments: list[str], message: str) -> None:
    ended = await fieldgate.run("detect", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"fieldgate: {message}\n"


async def test_a_server_that_is_not_there_is_one_line(fieldgate: Fieldgate) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        ended = await fieldgate.run("detect", f"socket://127.0.0.1:{port}")
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith(f"fieldgate: socket://127.0.0.1:{port} ")


async def test_ctrl_c_ends_it_at_once(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        process = fieldgate.start("detect", str(pty.link), "--seconds", "600")
        await eventually(lambda: is_open(pty) or not process.running, 20, "the port to be open")
        process.signal(signal.SIGINT)
        ended = await fieldgate.ended(process, 5)
    assert (ended.code, ended.out) == (1, "")


# ---- excerpts


def test_an_excerpt_of_text_begins_with_a_whole_line_and_is_short() -> None:
    lines = excerpt(b"rn line\r\nT=21.4\r\n\r\n" + b"x" * 300 + b"\r\n" + b"y\r\n" * 50)
    assert lines[0] == "T=21.4"
    assert len(lines) == 6
    assert len(lines[1]) == 100


def test_an_excerpt_of_bytes_is_hexadecimal() -> None:
    lines = excerpt(b"\x02\xff\x00temp" * 40)
    assert lines[0].startswith("02 ff 00 74 65 6d 70 02 ")
    assert lines[0].endswith("...temp...temp..")
    assert len(lines) == 6
    assert excerpt(b"") == []
