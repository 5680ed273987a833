"""Before the door of a TLS listener: the handshake, which counts as a connection and has a deadline."""

from __future__ import annotations

import asyncio
from asyncio import sslproto
from typing import cast

from gateway.server.address import UNKNOWN
from gateway.server.door import Door, Entrance
from gateway.server.secured import Secured
from gateway.server.tls import Certificates

_READ_AT_ONCE = 4 * 1024  # bytes
_GOODBYE = 30.0  # seconds that a client has to take what was written, and to answer the end of a TLS connection


class Handshakes:
    """The handshakes that are under way; each may take `time` seconds."""

    def __init__(self, entrance: Entrance, certificates: Certificates, time: float) -> None:
        self.entrance = entrance
        self.certificates = certificates
        self.time = time
        self._under_way: set[asyncio.Task[None]] = set()
        # The loop fills a buffer of this size for each connection, 256 KiB by itself: ten thousand would take 2.5 GiB.
        sslproto.SSLProtocol.max_size = _READ_AT_ONCE

    def __call__(self) -> Porch:
        """The protocol of one more connection."""
        return Porch(self)

    def begin(self, porch: Porch, transport: asyncio.Transport) -> None:
        """Shakes hands, whoever waits for it."""
        task = asyncio.get_running_loop().create_task(porch.shake_hands(transport), name="handshake")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def close(self) -> None:
        """Ends those that are under way."""
        for task in self._under_way:
            task.cancel()


class Porch(asyncio.Protocol):
    """One TCP connection until it speaks TLS; then it stands at the door."""

    __slots__ = ("_address", "_early", "_handshakes")

    def __init__(self, handshakes: Handshakes) -> None:
        self._handshakes = handshakes
        self._address = UNKNOWN
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is counted in; where there is no room it ends at once, for it could not read why."""
        raw = cast(asyncio.Transport, transport)
        peer = raw.get_extra_info("peername")
        self._address = peer[0] if peer else UNKNOWN
        if self._handshakes.entrance.admit(self._address) is None:
            self._handshakes.begin(self, raw)
        else:
            raw.abort()

    def data_received(self, data: bytes) -> None:
        """The request may come in one packet with the last of the handshake."""
        self._early += data

    async def shake_hands(self, raw: asyncio.Transport) -> None:
        """Goes on to the door, or ends the connection: who does not speak TLS is told nothing."""
        entrance, secured = self._handshakes.entrance, None
        try:
            secured = await asyncio.get_running_loop().start_tls(
                raw,
                self,
                self._handshakes.certificates.context,
                server_side=True,
                ssl_handshake_timeout=self._handshakes.time,
                ssl_shutdown_timeout=_GOODBYE,
            )
        except OSError:  # no TLS, none that we speak, too late, or gone
            raw.abort()
        finally:
            entrance.leave(self._address)  # at the door it is counted again
        if secured is not None and not secured.is_closing():
            door = Door(entrance)
            secured.set_protocol(door)
            door.connection_made(Secured(secured))
            if self._early:
                door.data_received(self._early)
