"""A serial line behind a TCP server such as ser2net: `socket://HOST:PORT`, bytes as they are."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import re
import socket
import struct
import sys
import termios
from dataclasses import dataclass
from typing import ClassVar

from gateway.adapters.wire import STUCK, Connection, Receive
from gateway.adapters.wire.threads import in_thread
from gateway.errors import LinkError

SCHEME = "socket://"

_CONNECT_TIMEOUT = 5.0  # seconds
_BUFFER = 65536  # bytes that the kernel keeps of each direction, as a serial port's does: no flood, no pile of commands
# A far end that went without a word is noticed in 25 s, whether something is under way to it or not.
_OPTIONS = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000, "TCP_NODELAY": 1}
_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%\w+)?)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """Where a TCP server listens; `server` is what would listen there."""

    server: ClassVar[str] = "ser2net"
    host: str
    port: int

    def __str__(self) -> str:
        return f"{SCHEME}[{self.host}]:{self.port}" if ":" in self.host else f"{SCHEME}{self.host}:{self.port}"


def parse_socket(url: str) -> SocketAddress | None:
    """The address in `socket://HOST:PORT`; None where it is something else."""
    found = _ADDRESS.fullmatch(url.removeprefix(SCHEME)) if url.startswith(SCHEME) else None
    if found is None or not 0 < int(found["port"]) < 1 << 16:
        return None
    return SocketAddress(found["v6"] or found["host"], int(found["port"]))


class SocketWire:
    """The wire of a serial line behind a TCP server."""

    def __init__(self, address: SocketAddress) -> None:
        self._address = address

    async def open(self, receive: Receive) -> Connection:
        """The connection, whose bytes go to `receive`; raises LinkError with a line that says what to do."""
        address = self._address
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                connected = await _connect(address)
        except TimeoutError:
            raise LinkError(f"{address} does not answer within {_CONNECT_TIMEOUT:g} s: is that machine on?") from None
        except OSError as error:
            raise LinkError(_connecting_failed(address, error)) from error
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: SocketConnection(receive), sock=connected
        )
        return connection

    async def wait(self, seconds: float) -> None:
        """Waits so long: nothing tells that a server is back."""
        await asyncio.sleep(seconds)

    def give_up(self) -> None:
        """Nothing outlives an attempt."""


class SocketConnection(Connection):
    """The events of a TCP connection."""

    def _take_back(self) -> int:
        # asyncio gives nothing back, so the connection ends with it. It took so much without a word that it is no loss.
        transport = self._transport
        if transport is None:
            return 0
        unsent = transport.get_write_buffer_size()
        self._end(STUCK)
        self._reset(transport)
        return unsent

    def drop_undelivered(self) -> bool:
        """Ends the connection where what was written has not arrived, so that it never does; returns whether it did."""
        transport = self._transport
        if transport is None:
            return False
        waiting = fcntl.ioctl(transport.get_extra_info("socket"), termios.TIOCOUTQ, bytes(4))
        if not int.from_bytes(waiting, sys.byteorder) and not transport.get_write_buffer_size():
            return False
        self._end("the far end takes no data any more")
        self._reset(transport)
        return True

    @staticmethod
    def _reset(transport: asyncio.WriteTransport) -> None:
        # What the kernel has of it must not arrive either, some time later: a reset takes it along.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def _why(self, error: Exception | None) -> str:
        if error is None:
            return "the far end closed the connection"
        number = error.errno if isinstance(error, OSError) else None
        if number == errno.ETIMEDOUT or isinstance(error, TimeoutError):
            return "the far end does not answer any more"
        return f"the connection broke: {os.strerror(number) if number is not None else type(error).__name__}"


async def _connect(address: SocketAddress) -> socket.socket:
    """A connected socket; raises OSError where no address of the name takes the connection."""
    # Not in the loop's own threads, whose end is waited for: a name server that is away takes its time.
    found = await in_thread(
        lambda: socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM), f"name:{address.host}"
    )
    failure = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    for family, kind, protocol, _, where in found:
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            _set_up(made)
            await asyncio.get_running_loop().sock_connect(made, where)
        except OSError as error:
            made.close()
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failure


def _set_up(made: socket.socket) -> None:
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        made.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
    for name, value in _OPTIONS.items():
        if hasattr(socket, name):  # not every system has all of them
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _connecting_failed(address: SocketAddress, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"{address}: the name {address.host} is not known"
    if isinstance(error, ConnectionRefusedError):
        return f"{address} refuses the connection: does {address.server} run there?"
    return f"{address} cannot be reached: {os.strerror(error.errno) if error.errno is not None else error}"
