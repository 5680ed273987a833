"""What a Modbus meter is connected to: a TCP port, or a serial line on a pty."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from device_sims.faults import Faults
from device_sims.pty_port import PtyPort


class Answering(Protocol):
    """What answers on a connection; asyncio's transports feed it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""


Connection = Callable[[], Answering]  # makes what answers on a new connection


class TcpLine:
    """Listens on `host` and `port`; once plugged, `port` is the real one where it was 0."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._listener: asyncio.Server | None = None

    @property
    def plugged(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    async def plug(self, connection: Connection) -> None:
        """Listens; `OSError` where the address cannot be had."""
        if self._listener is None:
            self._listener = await asyncio.get_running_loop().create_server(
                # asyncio asks for no more than this either, but says so with classes.
                cast(Callable[[], asyncio.Protocol], connection),
                self.host,
                self.port,
            )
            self.port = self._listener.sockets[0].getsockname()[1]

    def unplug(self) -> None:
        """Listens no more; the connections are the caller's to end."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class RtuLine:
    """A pty behind the symlink `link`; `forget` is called when whoever had it open is gone."""

    def __init__(self, link: str | os.PathLike[str], faults: Faults, forget: Callable[[], None]) -> None:
        self.port = PtyPort(Path(link), receive=self._received, forget=forget, pause=faults.pause, piece=faults.piece)
        self._protocol: Answering | None = None

    @property
    def plugged(self) -> bool:
        """Whether there is a pty behind the link."""
        return self.port.plugged

    async def plug(self, connection: Connection) -> None:
        """Makes the pty; `FileExistsError` where something other than a symlink is in the way."""
        if self._protocol is None:
            self._protocol = connection()
            self._protocol.connection_made(_PtyTransport(self.port))
        self.port.plug()

    def unplug(self) -> None:
        """Takes the link away and hangs up."""
        self.port.unplug()
        self._protocol = None

    def _received(self, received: bytes) -> None:
        if self._protocol is not None:
            self._protocol.data_received(received)

    def __str__(self) -> str:
        return f"{self.port.link} -> {self.port.path}"


class _PtyTransport(asyncio.Transport):
    """The line as asyncio's protocols know it."""

    def __init__(self, port: PtyPort) -> None:
        super().__init__()
        self._port = port

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends, or loses it."""
        self._port.write(bytes(data))

    def close(self) -> None:
        """Nothing: the line ends with the port."""

    def abort(self) -> None:
        """Nothing."""
