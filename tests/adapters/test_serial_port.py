"""Opening a port and why it does not open, who else may have it, and writing to a far end that does not read."""

import asyncio
import fcntl
import getpass
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial

from device_sims.fixtures import SerialBoardFactory
from gateway.adapters.wire import Connection
from gateway.adapters.wire import port as serial_port
from gateway.adapters.wire.port import Opener, PortSettings
from gateway.errors import LinkError, NotSentError, UncertainError
from gateway.model import DeviceState
from tests.adapters.held import held
from tests.adapters.pty import bare_pty
from tests.adapters.rig import running
from tests.parts.waiting import eventually


def config(port: object, more: str = "") -> str:
    return f"""
adapters: [{{id: board, type: serial, port: "{port}", commands: {{timeout: 1s}}{more}}}]
devices: {{board: {{points: {{fan: &p {{type: boolean, writable: true}}, lamp: *p}}}}}}
"""


def settings(port: object) -> PortSettings:
    return PortSettings(str(port), 115200, 8, "N", 1)


# ---- opening


async def test_a_port_is_opened_by_its_link(serial_board: SerialBoardFactory) -> None:
    board = await serial_board()
    async with running(config(board.link)) as rig:
        await rig.state(DeviceState.ONLINE)
        assert board.is_open
    await eventually(lambda: not board.is_open, 5, "the port's end")


async def test_a_second_gateway_on_the_port_is_told_so_and_takes_over_when_the_first_goes(
    serial_board: SerialBoardFactory,
) -> None:
    board = await serial_board()
    async with AsyncExitStack() as first_ends:
        first = await first_ends.enter_async_context(running(config(board.link)))
        await first.state(DeviceState.ONLINE)
        async with running(config(board.link)) as second:
            reason = f"{board.link} is in use by this gateway itself: another adapter has it"  # they share a process
            assert await second.down() == reason
            assert (await second.state(DeviceState.OFFLINE)).reason == reason
            assert first.device().state is DeviceState.ONLINE
            assert second.readings == []
            await first_ends.aclose()
            await second.state(DeviceState.ONLINE)


@contextmanager
def other_program(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that locks the port as pyserial, picocom and others do, until it is ended."""
    script = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY), fcntl.LOCK_EX); "
    script += "print('held', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdin=pipe, stdout=pipe, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "held\n"
        yield program
        assert program.stdin is not None
        program.stdin.close()
        program.wait()


async def test_another_program_on_the_port_is_named_as_the_reason_and_waited_for(
    serial_board: SerialBoardFactory,
) -> None:
    board = await serial_board()
    with other_program(board.link) as program:
        async with running(config(board.link)) as rig:
            reason = f"{board.link} is in use by python ({program.pid})"
            assert await rig.down() == reason
            assert (await rig.command("fan", True)).detail == f"the device is offline: {reason}"
    async with running(config(board.link)) as rig:
        await rig.state(DeviceState.ONLINE)


async def test_a_port_that_need_not_be_exclusive_is_shared(serial_board: SerialBoardFactory) -> None:
    board = await serial_board()
    with other_program(board.link):
        async with running(config(board.link, ", exclusive: false")) as rig:
            await rig.state(DeviceState.ONLINE)


async def test_the_gateway_locks_the_port_against_others(serial_board: SerialBoardFactory) -> None:
    board = await serial_board()
    async with running(config(board.link)) as rig:
        await rig.up()
        other = os.open(board.link, os.O_RDWR | os.O_NOCTTY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(other)


async def test_a_missing_port_is_said_to_be_unplugged_and_is_opened_when_it_comes(
    tmp_path: Path, serial_board: SerialBoardFactory
) -> None:
    link = tmp_path / "later"
    async with running(config(link)) as rig:
        assert await rig.down() == f"{link} is not there: unplugged?"
        await serial_board(link=link)
        await rig.state(DeviceState.ONLINE)
        assert rig.link.info.reconnects == 0, "the first time is no reconnect"


@contextmanager
def nobody() -> Iterator[None]:
    """An unprivileged user for a while, since root may open everything."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


async def test_a_port_without_permission_says_what_to_do(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        os.chmod(pty.path, 0o600)
        # The path, which only root can follow, is left out of it.
        with nobody(), pytest.raises(LinkError) as caught:
            serial_port._open_port(settings(pty.path))
    assert str(caught.value) == (
        f"{pty.path} may not be opened: it belongs to {getpass.getuser()} alone (mode 0600); "
        'a udev rule with GROUP="dialout", MODE="0660" gives it to a group'
    )


async def test_a_node_that_is_given_to_its_group_a_moment_after_it_appeared_is_not_complained_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with bare_pty(tmp_path / "port") as pty:
        os.chmod(pty.path, 0)
        async with AsyncExitStack() as stack:
            with nobody():
                rig = await stack.enter_async_context(running(config(pty.path)))
                await eventually(lambda: rig.adapter._wire._seen is not None, 5, "the attempt")  # type: ignore[attr-defined]
                await eventually(lambda: rig.adapter._wire._opening is None, 5, "its failure")  # type: ignore[attr-defined]
            assert not rig.link.is_up
            began = time.monotonic()
            os.chmod(pty.path, 0o606)  # noqa: S103  as udev gives it to a group
            await rig.up()
            assert time.monotonic() - began < 0.5
            assert rig.link.reason is None
    assert "may not be opened" not in caplog.text


async def test_a_node_that_stays_denied_is_complained_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, "_SETTLE", 0.3)
    with bare_pty(tmp_path / "port") as pty:
        os.chmod(pty.path, 0)
        with nobody():
            async with running(config(pty.path)) as rig:
                assert (await rig.down()).startswith(f"{pty.path} may not be opened: ")


@pytest.mark.parametrize("kind", ["file", "folder", "device"])
async def test_what_is_no_serial_port_is_called_that(tmp_path: Path, kind: str) -> None:
    path = {"file": tmp_path / "file", "folder": tmp_path, "device": Path("/dev/null")}[kind]
    if kind == "file":
        path.touch()
    async with running(config(path)) as rig:
        assert await rig.down() == f"{path} is not a serial port"


async def test_settings_that_the_port_does_not_take_are_named(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link, ", parity: even, bytesize: 7")) as rig:
            reason = await rig.down()
    assert reason == f"{pty.link} does not take these settings of baudrate, bytesize, parity and stopbits"


# ---- a driver that hangs


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A driver whose opening hangs until the event is set, and the library's patience cut short."""
    opens, release = serial.Serial, threading.Event()

    def hang(*args: Any, **options: Any) -> serial.Serial:
        assert release.wait(30)
        return opens(*args, **options)

    monkeypatch.setattr(serial, "Serial", hang)
    monkeypatch.setattr(serial_port, "_OPEN_TIMEOUT", 0.1)
    yield release
    release.set()


async def test_a_driver_that_hangs_costs_one_thread_and_is_waited_for(
    hanging: threading.Event, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board()
    threads = threading.active_count()
    async with running(config(board.link)) as rig:
        assert await rig.down() == f"{board.link} does not open: the driver hangs"
        for _ in range(3):  # more attempts
            reason, rig.link.reason = rig.link.reason, None
            await eventually(lambda: rig.link.reason, 10, "another attempt")
            assert rig.link.reason == reason
        assert threading.active_count() == threads + 1
        hanging.set()
        await rig.state(DeviceState.ONLINE)


@pytest.mark.parametrize("when", ["opening", "between attempts"])
async def test_a_port_that_opens_after_its_adapter_went_is_closed(
    hanging: threading.Event, serial_board: SerialBoardFactory, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    board = await serial_board()
    if when == "opening":
        monkeypatch.setattr(serial_port, "_OPEN_TIMEOUT", 60)
    before = held()
    async with running(config(board.link)) as rig:
        if when == "opening":
            await eventually(lambda: threading.active_count() > before.threads, 5, "the attempt")
        else:
            await rig.down()
    hanging.set()
    await eventually(lambda: threading.active_count() == before.threads, 5, "the thread's end")
    await eventually(lambda: not board.is_open, 5, "the port's end")
    assert held() == before


async def test_whatever_fails_in_opening_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(serial, "Serial", broken)
    opener = Opener(settings("/dev/null"))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await opener.open(lambda data: None)


# ---- a far end that does not read


class Lag:
    """The longest time that the event loop was held up while it watched."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            self.longest = max(self.longest, time.monotonic() - before - 0.01)


async def test_a_far_end_that_does_not_read_blocks_nothing_and_the_command_says_so(tmp_path: Path) -> None:
    lag = Lag()
    watching = asyncio.create_task(lag.watch(), name="lag")
    with bare_pty(tmp_path / "port") as pty:
        pty.fill()
        async with running(config(pty.link)) as rig:
            await rig.up()
            before = held()
            first, second = rig.submit("fan", True, ttl=0.4), rig.submit("lamp", False, ttl=0.6)
            pty.say(b'{"temperature":21.5}\n')
            await rig.reading()
            for command in (first, second):
                async with asyncio.timeout(5):
                    await rig.commands.finished(command)
                assert (command.state, command.outcome) == ("expired", "not_executed")
                assert command.detail == "the port takes no data: is its flow control stuck?"
            assert rig.link.is_up, "the port is open still, and is read"
            assert held() == before

            pty.listen()
            pty.heard = b""
            running_again = rig.submit("fan", True, ttl=5)
            (line,) = await pty.line()
            assert b'"value":true' in line
            assert pty.heard.count(b"\n") == 1, "nothing of the expired ones was written late"
            async with asyncio.timeout(5):
                await rig.commands.finished(running_again)
            assert running_again.state == "timeout"

            pty.fill()
            rig.submit("fan", False, ttl=30)
            await asyncio.sleep(0)  # being written now
            began = time.monotonic()
        assert time.monotonic() - began < 1, "a blocked port closes at once"
    watching.cancel()
    assert lag.longest < 2, "a write that blocks does so for ever, and a busy machine for a second"


async def test_a_frame_that_went_out_in_part_is_unknown_and_ends_the_connection(tmp_path: Path) -> None:
    """The next frame would be glued to the torn one."""
    with bare_pty(tmp_path / "port") as pty:
        connection = await Opener(settings(pty.link)).open(lambda data: None)
        more_than_the_kernel_holds = b"x" * 1_000_000
        with pytest.raises(UncertainError, match="a part of it only"):
            await connection.write(more_than_the_kernel_holds, time.monotonic() + 0.3)
        with pytest.raises(LinkError, match="a command went out in part: the port takes no data"):
            await asyncio.wait_for(connection.lost, 5)
        connection.close()
        await eventually(lambda: connection._transport is None, 5, "the end")
        assert 0 < len(pty.listen()) < 1_000_000


async def test_a_driver_that_says_ready_and_takes_nothing_does_not_hold_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, takes, refused = os.write, asyncio.Event(), 0

    def reluctant(descriptor: int, data: bytes) -> int:
        nonlocal refused
        if takes.is_set() or data != b"frame\n":
            return write(descriptor, data)
        refused += 1
        assert refused < 1_000_000, "it tries again and again, and nothing else gets a turn"
        raise BlockingIOError

    with bare_pty(tmp_path / "port") as pty:
        connection = await Opener(settings(pty.link)).open(lambda data: None)
        monkeypatch.setattr(os, "write", reluctant)
        asyncio.get_running_loop().call_later(0.05, takes.set)
        await asyncio.wait_for(connection.write(b"frame\n", time.monotonic() + 30), 10)
        assert refused > 0
        assert await pty.line() == [b"frame"]
        connection.close()
        await eventually(lambda: connection._transport is None, 5, "the end")


async def test_a_port_that_is_closing_takes_nothing_and_says_that_nothing_was_sent(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        connection = await Opener(settings(pty.link)).open(lambda data: None)
        connection.close()
        connection.close()  # twice is once
        with pytest.raises(NotSentError, match="not open"):
            await connection.write(b"frame\n", time.monotonic() + 5)
        await eventually(connection.lost.done, 5, "the end")
        with pytest.raises(NotSentError, match="not open"):
            await connection.write(b"frame\n", time.monotonic() + 5)
        assert pty.listen() == b""


async def test_a_receiver_that_raises_ends_the_connection_instead_of_leaving_it_deaf(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(data: bytes) -> None:
        raise ZeroDivisionError

    with bare_pty(tmp_path / "port") as pty:
        connection: Connection = await Opener(settings(pty.link)).open(broken)
        pty.say(b"x")
        with pytest.raises(LinkError, match=r"^internal error, see the log$"):
            await asyncio.wait_for(connection.lost, 5)
        connection.close()
        await eventually(lambda: connection._transport is None, 5, "the end")
    assert "ZeroDivisionError" in caplog.text
