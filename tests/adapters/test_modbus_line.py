"""One open connection: what cannot be delivered in time is never delivered."""

import asyncio
import socket
import time

import pytest

from gateway.adapters.modbus.address import ModbusAddress
from gateway.adapters.modbus.frames import SilentError, TcpFrames, write_coil
from gateway.adapters.modbus.line import Line, Timing
from gateway.adapters.wire.socket import SocketWire
from gateway.bus import Devices, Link, Log
from gateway.errors import LinkError, NotSentError
from tests.parts.waiting import eventually


def made(timeout: float = 0.1) -> Line:
    return Line(TcpFrames(), Timing(timeout, 0.0), Link("plant", Devices(Log(100, 60.0), {}), single=True))


def listening(buffer: int | None = None) -> socket.socket:
    server = socket.socket()
    if buffer is not None:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server


def heard_until_reset(far: socket.socket) -> bytes:
    heard = b""
    try:
        while part := far.recv(65536):
            heard += part
    except ConnectionResetError:
        return heard
    raise AssertionError("the connection was closed, and not reset")


async def test_a_write_that_the_far_end_has_not_taken_is_not_delivered_later() -> None:
    with listening(buffer=2304) as server:
        line = made()
        await line.open(SocketWire(ModbusAddress(*server.getsockname())))
        far, _ = server.accept()
        with far:
            connection = line._connection
            assert connection is not None
            await connection.write(b"\0" * 30_000, time.monotonic() + 5)  # more than the far end has room for
            request = write_coil(1, 0xABCD, True)
            with pytest.raises(SilentError):
                await line.ask(request, time.monotonic() + 5)
            line.drop_undelivered()
            with pytest.raises(LinkError, match="takes no data"):
                line.check()
            await eventually(lambda: connection._transport is None, 5, "the end")
            assert b"\xab\xcd" not in await asyncio.to_thread(heard_until_reset, far)


async def test_a_connection_that_delivered_everything_is_kept() -> None:
    with listening() as server:
        line = made()
        await line.open(SocketWire(ModbusAddress(*server.getsockname())))
        far, _ = server.accept()
        with far:
            with pytest.raises(SilentError):
                await line.ask(write_coil(1, 3, True), time.monotonic() + 5)
            line.drop_undelivered()
            line.check()
            assert far.recv(100)[-4:] == b"\0\3\xff\0"
            line.close()


async def test_nothing_is_sent_after_the_deadline_or_the_end() -> None:
    with listening() as server:
        line = made()
        await line.open(SocketWire(ModbusAddress(*server.getsockname())))
        far, _ = server.accept()
        with far:
            with pytest.raises(NotSentError, match="time to live"):
                await line.ask(write_coil(1, 3, True), time.monotonic() - 0.001)
            far.shutdown(socket.SHUT_WR)
            await eventually(line.ended.done, 5, "the end")
            with pytest.raises(NotSentError):
                await line.ask(write_coil(1, 3, True), time.monotonic() + 5)
            line.close()
            assert far.recv(100) == b""
