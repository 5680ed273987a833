"""A serial line behind a TCP server: readings and commands as on a port, and honest words when it goes."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from gateway.adapters.wire import Connection
from gateway.adapters.wire import socket as serial_socket
from gateway.adapters.wire.socket import SocketAddress, SocketWire
from gateway.errors import LinkError, NotSentError, UncertainError
from gateway.model import DeviceState
from tests.adapters.held import held
from tests.adapters.rig import WITHIN, running
from tests.parts.ports import free_port
from tests.parts.waiting import eventually


class Server:
    """A TCP server as ser2net is: one connection, which gets what is said and whose words are kept."""

    def __init__(self) -> None:
        self.port = free_port()
        self.heard = b""
        self.connections = 0
        self.reads = True
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1024)

    async def stop(self) -> None:
        """Goes, and takes the connection along."""
        if self._server is not None:
            self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def break_off(self) -> None:
        """Ends the connection without a word of farewell."""
        assert self._writer is not None
        self._writer.transport.abort()

    def say(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)

    async def line(self) -> bytes:
        await eventually(lambda: b"\n" in self.heard, WITHIN, "a line")
        line, _, self.heard = self.heard.partition(b"\n")
        return line

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writer = writer
        if not self.reads:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            return
        try:
            while data := await reader.read(65536):
                self.heard += data
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def until(value: Callable[[], object], wanted: object) -> None:
    """Returns once the value is the wanted one."""
    await eventually(lambda: value() == wanted, WITHIN, f"{wanted!r}")


def config(port: int) -> str:
    return f"""
adapters: [{{id: board, type: serial, port: "socket://127.0.0.1:{port}", commands: {{timeout: 500ms}}}}]
devices: {{board: {{points: {{fan: {{type: boolean, writable: true}}}}}}}}
"""


def wire(port: int) -> SocketWire:
    return SocketWire(SocketAddress("127.0.0.1", port))


async def test_readings_come_and_commands_go_as_on_a_port() -> None:
    async with server() as far, running(config(far.port)) as rig:
        await rig.up()
        far.say(b'{"n":1}\n{"n":')
        await rig.reading()
        far.say(b"2}\n")
        await eventually(lambda: rig.values("n") == [1, 2], WITHIN, "the second")
        command = rig.submit("fan", True)
        line = await far.line()
        far.say(b'{"ack":%d,"ok":true}\n' % int(line.rpartition(b":")[2][:-1]))
        async with asyncio.timeout(WITHIN):
            await rig.commands.finished(command)
        assert command.outcome == "executed"


async def test_a_server_that_goes_and_comes_is_followed_and_nothing_grows() -> None:
    async with server() as far, running(config(far.port)) as rig:
        await rig.up()
        before = held()
        for number in range(1, 4):
            far.hang_up()
            await until(lambda: rig.link.info.reconnects, number)
            far.say(b'{"n":%d}\n' % number)
            await until(lambda: rig.values("n")[-1:], [number])
        await eventually(lambda: held() == before, 5, "the end of what was")


async def test_a_server_that_is_not_there_is_said_to_refuse_and_is_waited_for() -> None:
    async with server() as far:
        await far.stop()
        async with running(config(far.port)) as rig:
            assert await rig.down() == (
                f"socket://127.0.0.1:{far.port} refuses the connection: does ser2net run there?"
            )
            await far.start()
            await rig.up()


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (Server.hang_up, "the far end closed the connection"),
        (Server.break_off, "the connection broke: Connection reset by peer"),
    ],
    ids=["politely", "rudely"],
)
async def test_the_end_of_the_connection_is_told_in_plain_words(end: Any, reason: str) -> None:
    async with server() as far:
        connection = await wire(far.port).open(lambda data: None)
        await eventually(lambda: far.connections == 1, WITHIN, "the connection")
        if end is Server.break_off:  # what it has not read makes its end a rude one
            far._writer.get_extra_info("socket").setsockopt(  # type: ignore[union-attr]
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
        end(far)
        with pytest.raises(LinkError) as caught:
            await asyncio.wait_for(connection.lost, WITHIN)
        assert str(caught.value) == reason
        with pytest.raises(NotSentError, match="not open"):
            await connection.write(b"x", time.monotonic() + 5)


async def test_a_frame_that_meets_a_broken_connection_was_not_sent() -> None:
    async with server() as far:
        connection = await wire(far.port).open(lambda data: None)
        assert connection._transport is not None
        # As after a reset that nobody has read yet: only who writes meets it.
        connection._transport.get_extra_info("socket").shutdown(socket.SHUT_WR)
        with pytest.raises(NotSentError, match="the link broke"):
            await connection.write(b"x", time.monotonic() + 5)
        with pytest.raises(LinkError, match="the connection broke: Broken pipe"):
            await asyncio.wait_for(connection.lost, 5)


async def test_a_name_that_is_not_known_is_said_to_be_that() -> None:
    with pytest.raises(LinkError, match=r"^socket://no such\.invalid:1: the name no such\.invalid is not known$"):
        await SocketWire(SocketAddress("no such.invalid", 1)).open(lambda data: None)


async def test_a_machine_that_does_not_answer_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_socket, "_CONNECT_TIMEOUT", 0.2)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = []
        for _ in range(3):  # nobody takes them, and no more fit
            other = socket.socket()
            other.setblocking(False)
            other.connect_ex(full.getsockname())
            others.append(other)
        before = held()
        try:
            with pytest.raises(LinkError, match=r"does not answer within 0\.2 s: is that machine on\?"):
                await wire(full.getsockname()[1]).open(lambda data: None)
            assert held() == before
        finally:
            for other in others:
                other.close()


async def test_a_dead_peer_is_looked_for_and_commands_are_not_held_back() -> None:
    async with server() as far:
        connection = await wire(far.port).open(lambda data: None)
        assert connection._transport is not None
        made = connection._transport.get_extra_info("socket")
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        idle, between, count = socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT
        seconds = [made.getsockopt(socket.IPPROTO_TCP, option) for option in (idle, between, count)]
        assert seconds[0] + seconds[1] * seconds[2] <= 30
        connection.close()
        await eventually(connection.lost.done, 5, "the end")


# ---- a far end that does not read


async def write_when_full(connection: Connection, data: bytes) -> None:
    """Fills what the kernel holds for the far end, and writes; again where the kernel had made room meanwhile.

    It moves what it has for some time, and takes single bytes long before it calls the socket writable.
    """
    for _ in range(50):
        assert connection._transport is not None
        descriptor = connection._transport.get_extra_info("socket").fileno()
        with suppress(BlockingIOError):
            while True:
                os.write(descriptor, b"x")
        await connection.write(data, time.monotonic() + 1)


async def test_a_frame_that_a_full_connection_takes_nothing_of_was_not_sent() -> None:
    async with server() as far:
        far.reads = False
        connection = await wire(far.port).open(lambda data: None)
        await eventually(lambda: far.connections == 1, WITHIN, "the connection")
        with pytest.raises(NotSentError, match="takes no data"):
            await write_when_full(connection, b"x")
        with pytest.raises(LinkError, match="takes no data"):
            await asyncio.wait_for(connection.lost, 5)
        await eventually(lambda: connection._transport is None, 5, "the end")


async def test_a_frame_that_went_out_in_part_is_unknown_and_ends_the_connection() -> None:
    async with server() as far:
        far.reads = False
        connection = await wire(far.port).open(lambda data: None)
        await eventually(lambda: far.connections == 1, WITHIN, "the connection")
        with pytest.raises(UncertainError, match="a part of it only"):
            await connection.write(b"x" * 10_000_000, time.monotonic() + 0.3)
        with pytest.raises(LinkError):
            await asyncio.wait_for(connection.lost, 5)
        await eventually(lambda: connection._transport is None, 5, "the end")


async def test_a_command_to_a_far_end_that_does_not_read_ends_in_time() -> None:
    async with server() as far:
        far.reads = False
        async with running(config(far.port)) as rig:
            await rig.up()
            command = await rig.command("fan", True)
            # The kernel took it: whether anybody will read it is not known.
            assert (command.state, command.outcome) == ("timeout", "unknown")
            assert rig.device().state is not DeviceState.OFFLINE
