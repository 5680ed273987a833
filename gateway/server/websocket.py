"""The WebSocket endpoint: one connection's reader, its deadlines, and the peer that the fan-out writes to."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

import orjson
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from gateway.errors import RequestError
from gateway.model import Identity
from gateway.server.auth import bearer
from gateway.server.fanout import HIGH_WATER
from gateway.server.frames import PING, close_frame, pong_frame, text_frame
from gateway.server.session import MAX_MESSAGE, PROTOCOL, Services, Session

_CLOSE_TIMEOUT = 1.0  # seconds that a peer has to answer a close frame
_DRAIN_POLL = 0.05  # seconds
_KERNEL_BUFFER = 32 * 1024  # bytes that the kernel holds unsent


class SocketPeer:
    """A connection as the fan-out and the session write to it: complete frames, straight to the transport."""

    __slots__ = ("_loop", "_transport", "closing", "heard", "late", "pinged", "quiet_since", "session", "wrote")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self.session: Session | None = None
        self.late: asyncio.TimerHandle | None = None  # when it must have authenticated
        self.closing = False
        self.wrote = False  # since the last look of the heartbeat
        self.quiet_since = self.heard = self.pinged = loop.time()

    def write(self, frame: bytes) -> None:
        """Hands over a frame; after the close frame nothing follows."""
        if not self.closing:
            self.wrote = True
            self._transport.write(frame)

    def control(self, frame: bytes) -> None:
        """Hands over a ping or pong: not a message, for the client's code does not see it."""
        if not self.closing:
            self._transport.write(frame)

    def backlog(self) -> int:
        """Bytes that the kernel did not take yet."""
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Says goodbye, and lets go soon whether or not the peer answers."""
        if not self.closing:
            self.write(close_frame(code, reason))
            self.closing = True
            self._loop.call_later(_CLOSE_TIMEOUT, self._transport.abort)

    def finish(self) -> None:
        """Closes once what was written is sent, or soon where the peer takes no more of it."""
        self.closing = True
        self._transport.close()
        if self.backlog():
            self._loop.call_later(_CLOSE_TIMEOUT, self._transport.abort)


class WebSockets:
    """All WebSocket connections of the server."""

    def __init__(
        self, services: Services, origins: tuple[str, ...], max_connections: int, max_connections_per_address: int
    ) -> None:
        self._services = services
        self._origins = frozenset(origin.lower() for origin in origins)
        self._max = max_connections
        self._max_per_address = max_connections_per_address
        self._peers: dict[SocketPeer, None] = {}
        self._addresses: Counter[str] = Counter()
        self._stopping = False

    def __len__(self) -> int:
        return len(self._peers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """`GET /ws`"""
        self._check_origin(request)
        address = request.remote or ""
        if self._stopping or len(self._peers) >= self._max:
            raise web.HTTPServiceUnavailable(text="too many connections", headers={"Retry-After": "10"})
        if self._addresses[address] >= self._max_per_address:
            raise web.HTTPTooManyRequests(text="too many connections from this address", headers={"Retry-After": "10"})
        offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        ws = web.WebSocketResponse(
            protocols=(PROTOCOL,) if PROTOCOL in offered else (),
            autoping=False,  # pongs are looked at here
            autoclose=False,
            compress=False,  # costs a compressor for each connection, and a frame could not be shared
            max_msg_size=MAX_MESSAGE + 1,  # the library refuses what reaches it
        )
        await ws.prepare(request)
        if not isinstance(request.transport, asyncio.Transport):
            return ws  # gone already
        _bound_kernel_buffer(request.transport)
        peer = SocketPeer(request.transport, asyncio.get_running_loop())
        self._peers[peer] = None
        self._addresses[address] += 1
        try:
            session = self._greet(peer, request)
            while self._take(await ws.receive(), peer, session):
                while peer.backlog() > HIGH_WATER and not peer.closing:
                    # Who does not take our answers gets to ask no more questions.
                    await asyncio.sleep(_DRAIN_POLL)
        finally:
            if peer.late is not None:
                peer.late.cancel()
            if peer.session is not None:
                peer.session.close()
            peer.finish()
            del self._peers[peer]
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
        return ws

    def _check_origin(self, request: web.Request) -> None:
        """A page of another site must not use a visitor's browser to reach the gateway."""
        origin = request.headers.get("Origin")
        if origin is not None and not allowed_origin(origin, request.host, self._origins):
            raise web.HTTPForbidden(text="this origin is not in server.origins")

    def _greet(self, peer: SocketPeer, request: web.Request) -> Session:
        """The connection's session, after its first frame."""
        authenticator = self._services.authenticator
        identity: Identity | None
        wrong = False
        token = bearer(request.headers.get("Authorization"))
        try:
            identity = authenticator.identify(token) if token is not None else authenticator.without_token()
        except RequestError:
            # A browser cannot see why a handshake failed, so it succeeds and then says.
            identity, wrong = None, True
        session = peer.session = Session(peer, self._services, identity)
        session.greet()
        if wrong:
            session.complain_unauthorized()
            session.refuse()
        elif identity is None:
            peer.late = asyncio.get_running_loop().call_later(authenticator.timeout, self._too_late, session)
        return session

    @staticmethod
    def _too_late(session: Session) -> None:
        if session.identity is None:
            session.complain_unauthorized()
            session.refuse()

    @staticmethod
    def _take(message: WSMessage, peer: SocketPeer, session: Session) -> bool:
        """Takes a message; False where it is the connection's end. Not a coroutine: each connection would keep one."""
        kind = message.type
        if kind is WSMsgType.TEXT:
            if not peer.closing:
                session.receive(message.data)
        elif kind is WSMsgType.PING:
            peer.control(pong_frame(bytes(message.data)))
        elif kind is WSMsgType.PONG:
            peer.heard = asyncio.get_running_loop().time()
        elif kind is WSMsgType.BINARY:
            peer.close(WSCloseCode.UNSUPPORTED_DATA, "text frames only")
        elif kind is WSMsgType.CLOSE:
            if not peer.closing:
                code = message.data if isinstance(message.data, int) and message.data >= 1000 else 1000
                peer.write(close_frame(code, ""))
            return False
        else:  # the library closed it: bad UTF-8, a broken frame, too large, or the connection is gone
            peer.closing = True
            return False
        return True

    # ---- heartbeats

    def beat(self) -> None:
        """Sends heartbeats and pings that are due, and drops the dead; called a few times a heartbeat."""
        now = asyncio.get_running_loop().time()
        interval = self._services.heartbeat
        heartbeat = text_frame(orjson.dumps({"type": "heartbeat", "time": time.time()}))
        for peer in list(self._peers):
            if peer.closing:
                continue
            if now - peer.heard > 2 * interval + interval / 2:
                peer.close(4408, "no pong")
                continue
            if peer.wrote:
                peer.wrote = False
                peer.quiet_since = now
            elif now - peer.quiet_since >= interval:
                peer.write(heartbeat)
                peer.wrote = False
                peer.quiet_since = now
            if now - peer.pinged >= interval:
                peer.pinged = now
                peer.control(PING)

    def close_revoked(self) -> None:
        """Closes the connections whose rights the configuration no longer gives."""
        for peer in list(self._peers):
            identity = peer.session.identity if peer.session else None
            if identity is not None and not self._services.authenticator.still_holds(identity):
                peer.close(4403, "token revoked")

    async def close(self) -> None:
        """Tells every client that the gateway stops, and waits a moment for them to leave."""
        self._stopping = True
        for peer in list(self._peers):
            peer.close(WSCloseCode.GOING_AWAY, "the gateway is stopping")
        deadline = asyncio.get_running_loop().time() + 2 * _CLOSE_TIMEOUT
        while self._peers and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)


def _bound_kernel_buffer(transport: asyncio.Transport) -> None:
    """Lets the kernel hold only so much for a peer that does not read; by itself it takes up to 4 MiB for each.

    It would also be long before such a peer was seen to be slow.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _KERNEL_BUFFER)


def allowed_origin(origin: str, host: str, origins: frozenset[str]) -> bool:
    """Whether a page of this origin may connect: one of the same host, or one that the configuration lists."""
    if origin.lower() in origins:
        return True
    try:
        parts = urlsplit(origin)
        default = {"http": ":80", "https": ":443"}[parts.scheme]
    except (ValueError, KeyError):
        return False
    netloc = parts.netloc.lower()
    return bool(netloc) and netloc.removesuffix(default) == host.lower().removesuffix(default)
