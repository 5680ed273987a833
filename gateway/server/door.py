"""The door: what every TCP connection passes before the HTTP library sees a byte of it.

The library has no deadline for a head or a message, holds whatever comes of one, and lets anybody open as many
connections as there are descriptors. Here each has its bound. The library gets whole heads and whole frames only, and
is not even called for a connection that sends none.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Protocol, cast

from aiohttp import web

from gateway.config.limits import LimitsSection, Network
from gateway.errors import worth_saying
from gateway.server.address import UNKNOWN, is_trusted
from gateway.server.boundaries import Boundaries
from gateway.server.headers import HEADERS
from gateway.server.heads import MAX_HEAD, Heads

BEFORE_AUTH = 12 * 1024  # bytes of a message from somebody who has not authenticated
MORE_PER_ADDRESS = 64  # connections of one address beside its WebSockets: a browser has six for each page
_LINGER = 1.0  # seconds for a client to read why it is turned away
_UNSENT = 8 * 1024  # bytes of answers that a client did not take, with which it may ask on
_DRAIN_TIME = 30.0  # seconds in which a client takes nothing of an answer

# Ten thousand connections are between two messages nearly always, and can share one of these. It is never fed.
_BETWEEN = Boundaries()

logger = logging.getLogger(__name__)


def _refusal(status: str, detail: str, *headers: str) -> bytes:
    body = f'{{"title":"{status[4:].lower()}","status":{status[:3]},"detail":"{detail}"}}'
    return "\r\n".join(
        (
            f"HTTP/1.1 {status}", "Content-Type: application/problem+json", f"Content-Length: {len(body)}",
            "Connection: close", *headers, *(f"{name}: {value}" for name, value in HEADERS.items()), "", body,
        )
    ).encode()  # fmt: skip


_FULL = _refusal("503 Service Unavailable", "too many connections", "Retry-After: 10")
_ADDRESS_FULL = _refusal("429 Too Many Requests", "too many connections from this address", "Retry-After: 10")
_HEAD_TOO_LATE = _refusal("408 Request Timeout", "the head of the request was not completed in time")
_HEAD_TOO_LARGE = _refusal("431 Request Header Fields Too Large", f"a head holds at most {MAX_HEAD} bytes")


class Guest(Protocol):
    """Who came in through a door by a WebSocket handshake."""

    closing: bool

    @property
    def known(self) -> bool:
        """Whether it has authenticated."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Closes the connection."""
        ...


class Entrance:
    """What all doors share: limits, counts, and whom they wait for."""

    def __init__(
        self,
        limits: LimitsSection,
        room: int,
        per_address: int,
        trusted_proxies: tuple[Network, ...],
        serve: Callable[[], asyncio.Protocol],
    ) -> None:
        self.limits = limits
        self.serve = serve  # makes the library's side of a connection
        self._room = room
        self._per_address = per_address + MORE_PER_ADDRESS
        self._trusted = trusted_proxies
        self._addresses: Counter[str] = Counter()
        # Without WebSockets on which nothing is incomplete: there may be ten thousand of those.
        self.watched: dict[Door, None] = {}
        self.connections = 0
        self.turned_away = 0

    def admit(self, address: str) -> bytes | None:
        """Counts a connection in; what to answer instead where there is no room for it."""
        refusal = None
        if self.connections >= self._room:
            refusal = _FULL
        elif self._addresses[address] >= self._per_address and not is_trusted(address, self._trusted):
            refusal = _ADDRESS_FULL
        if refusal is None:
            self.connections += 1
            self._addresses[address] += 1
        else:
            self.turned_away += 1
            if worth_saying(self.turned_away):
                why = "in all" if refusal is _FULL else "from its address"
                logger.warning(
                    "turned %d connections away so far, now one from %s: too many %s", self.turned_away, address, why
                )
        return refusal

    def leave(self, address: str) -> None:
        """Counts a connection out."""
        self.connections -= 1
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]

    def sweep(self) -> None:
        """Closes what is overdue; to be called about once a second, or more often where the deadlines are short."""
        now = _now()
        for door in list(self.watched):
            door.look(now)

    def close(self) -> None:
        """Lets go of the connections that the library does not know of."""
        for door in list(self.watched):
            door.abandon()


class Door(asyncio.Protocol):
    """One TCP connection, between its transport and the library."""

    __slots__ = ("_address", "_entrance", "_guest", "_held", "_inner", "_owes", "_stage", "_transport")

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._transport: asyncio.Transport | None = None
        self._address: str | None = None  # once it is counted
        self._inner: asyncio.Protocol | None = None
        self._stage: Heads | Boundaries | None = None  # None: whatever still comes is ignored
        self._held: bytes | bytearray = b""  # of an incomplete frame
        self._guest: Guest | None = None
        self._owes = False  # a request is answered, and the next was not let in yet

    # ---- from the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is counted in, or turned away."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        address: str = peer[0] if peer else UNKNOWN
        refusal = self._entrance.admit(address)
        if refusal is not None:
            self._transport.write(refusal)
            self._transport.close()  # at once: its descriptor is needed
            return
        self._address = address
        self._stage = Heads(_now())
        self._entrance.watched[self] = None

    def data_received(self, data: bytes) -> None:
        """Passes on what is whole."""
        stage = self._stage
        if isinstance(stage, Boundaries):
            self._stage = stage = Boundaries() if stage is _BETWEEN else stage
            self._take_frames(stage, data)
            if stage.is_between and self._stage is stage:
                self._stage = _BETWEEN
        elif stage is not None:
            self._let_in(stage)
            self._pass_on(stage.receive_data(data, _now()))
            if stage.too_large:
                self._turn_away(None if stage.under_way else _HEAD_TOO_LARGE)

    def eof_received(self) -> bool | None:
        """The client sends no more: the transport closes, once all is written."""
        return self._inner.eof_received() if self._inner is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        """It is counted out."""
        self._entrance.watched.pop(self, None)
        if self._address is not None:
            self._entrance.leave(self._address)
            self._address = None
        self._stage = None
        self._held = b""
        self._guest = None
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not take what is written."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The client took it."""
        if self._inner is not None:
            self._inner.resume_writing()

    # ---- from the server

    def answered(self) -> None:
        """The request is answered, and the next may come once the client took most of what it asked for before."""
        if isinstance(self._stage, Heads):
            self._owes = True
            self._let_in(self._stage)

    def upgrade(self) -> None:
        """The request is a WebSocket handshake that will be accepted: what came behind it is frames."""
        if isinstance(self._stage, Heads):
            rest = self._stage.rest()
            self._stage = _BETWEEN
            self._entrance.watched.pop(self, None)
            if rest:
                self.data_received(rest)

    def welcome(self, guest: Guest) -> None:
        """The handshake is done."""
        self._guest = guest

    # ---- from the entrance

    def look(self, now: float) -> None:
        """Closes the connection where it is overdue."""
        limits, stage, transport = self._entrance.limits, self._stage, self._transport
        if transport is None or stage is None:
            return
        if isinstance(stage, Heads):
            self._let_in(stage)
            if stage.since is not None and now - stage.since >= limits.head_time:
                if stage.begun:
                    self._turn_away(_HEAD_TOO_LATE)
                else:
                    transport.close()  # a browser opens some in advance, and expects no answer to nothing
            elif stage.is_stuck(transport.get_write_buffer_size(), now, _DRAIN_TIME):
                transport.abort()
        elif stage.since is not None:
            if not transport.is_reading():
                stage.since = now  # it is we who do not read on
            elif now - stage.since >= limits.message_time:
                if self._guest is None:
                    transport.abort()
                else:
                    self._guest.close(4408, "message not completed in time")

    def abandon(self) -> None:
        """Ends the connection if the library does not know of it."""
        if self._inner is None and self._transport is not None:
            self._transport.abort()

    # ----

    def _let_in(self, stage: Heads) -> None:
        """Passes on the next request, if it is its turn."""
        if self._owes and self._transport is not None and self._transport.get_write_buffer_size() <= _UNSENT:
            self._owes = False
            self._pass_on(stage.answered(_now()))

    def _pass_on(self, data: bytes) -> None:
        if data and self._transport is not None:
            if self._inner is None:
                self._inner = self._entrance.serve()
                self._inner.connection_made(self._transport)
            self._inner.data_received(data)

    def _turn_away(self, refusal: bytes | None) -> None:
        """Ends the connection with this answer; at once where there is none, for another is under way."""
        if self._transport is not None:
            self._stage = None
            self._entrance.watched.pop(self, None)
            if refusal is None:
                self._transport.abort()
            else:
                self._transport.write(refusal)
                asyncio.get_running_loop().call_later(_LINGER, self._transport.abort)

    def _take_frames(self, stage: Boundaries, data: bytes) -> None:
        """Passes whole frames on; once the connection is closing, waits for the client to close it too."""
        guest, transport = self._guest, self._transport
        if transport is None or stage.is_broken:
            return
        limit = self._entrance.limits.message
        if guest is None or not guest.known:
            limit = min(limit, BEFORE_AUTH)
        whole = stage.receive_data(data, _now(), limit)
        if guest is not None and guest.closing:
            self._held = b""
            if stage.goodbye:
                transport.close()
            return
        if whole:
            self._pass_on(bytes(self._held + data[:whole]) if self._held else data[:whole])
            self._held = b""
        if stage.fault is not None:
            self._held = b""
            if guest is None:
                transport.abort()
            else:
                guest.close(*stage.fault)
        elif whole < len(data):
            self._held = bytearray(self._held) if isinstance(self._held, bytes) else self._held
            self._held += data[whole:]
        if stage.since is None or stage.fault is not None:
            self._entrance.watched.pop(self, None)
        else:
            self._entrance.watched[self] = None


def _now() -> float:
    return asyncio.get_running_loop().time()


def door_of(request: web.Request) -> Door | None:
    """The door that a request came through; None where its connection is gone."""
    door = request.transport.get_protocol() if request.transport is not None else None
    return door if isinstance(door, Door) else None
