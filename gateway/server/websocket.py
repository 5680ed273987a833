"""The WebSocket endpoint: one connection's reader, its deadlines, and the peer that the fan-out writes to."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from contextlib import suppress

import orjson
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from gateway.errors import RequestError
from gateway.model import Identity
from gateway.server.access import AccessLog
from gateway.server.address import client_address, host_of
from gateway.server.credentials import offered, presented
from gateway.server.door import door_of
from gateway.server.fanout import HIGH_WATER
from gateway.server.frames import PING, close_frame, pong_frame, text_frame
from gateway.server.origins import Origins
from gateway.server.session import PROTOCOL, Services, Session

logger = logging.getLogger(__name__)

_CLOSE_TIMEOUT = 1.0  # seconds that a peer has to answer a close frame
_DRAIN_POLL = 0.05  # seconds
_KERNEL_BUFFER = 32 * 1024  # bytes that the kernel holds unsent


class SocketPeer:
    """A connection as the fan-out and the session write to it: complete frames, straight to the transport."""

    __slots__ = (
        "_loop",
        "_transport",
        "closing",
        "code",
        "heard",
        "late",
        "pinged",
        "quiet_since",
        "received",
        "sent",
        "session",
        "wrote",
    )

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self.session: Session | None = None
        self.late: asyncio.TimerHandle | None = None  # when it must have authenticated
        self.closing = False
        self.code: int = WSCloseCode.ABNORMAL_CLOSURE  # with which it ended
        self.received = self.sent = 0  # messages from it, frames to it
        self.wrote = False  # since the last look of the heartbeat
        self.quiet_since = self.heard = self.pinged = loop.time()

    @property
    def known(self) -> bool:
        """Whether it has authenticated."""
        return self.session is not None and self.session.identity is not None

    @property
    def name(self) -> str | None:
        """Who it is, once it has authenticated."""
        return self.session.identity.name if self.session is not None and self.session.identity is not None else None

    def write(self, frame: bytes) -> None:
        """Hands over a frame; after the close frame, or the connection's end, nothing follows."""
        if not self.closing and not self._transport.is_closing():
            self.wrote = True
            self.sent += 1
            self._transport.write(frame)

    def control(self, frame: bytes) -> None:
        """Hands over a ping or pong: not a message, for the client's code does not see it."""
        if not self.closing and not self._transport.is_closing():
            self._transport.write(frame)

    def backlog(self) -> int:
        """Bytes that the kernel did not take yet."""
        return self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Says goodbye, and lets go soon whether or not the peer answers."""
        if not self.closing:
            self.write(close_frame(code, reason))
            self.closing = True
            self.code = code
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
        self,
        services: Services,
        origins: Origins,
        max_connections: int,
        max_connections_per_address: int,
        access: AccessLog,
    ) -> None:
        self._services = services
        self._access = access
        self._origins = origins
        self._max = max_connections
        self._max_per_address = max_connections_per_address
        self._peers: dict[SocketPeer, None] = {}
        self._addresses: Counter[str] = Counter()
        self._stopping = False

    def __len__(self) -> int:
        return len(self._peers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """`GET /ws`"""
        if not self._origins.allow(request.headers.get("Origin"), host_of(request)):
            raise web.HTTPForbidden(text="this origin is not in server.origins")
        address = client_address(request, self._services.trusted_proxies)
        if self._stopping or len(self._peers) >= self._max:
            raise web.HTTPServiceUnavailable(text="too many connections", headers={"Retry-After": "10"})
        if self._addresses[address] >= self._max_per_address:
            raise web.HTTPTooManyRequests(text="too many connections from this address", headers={"Retry-After": "10"})
        ws = web.WebSocketResponse(
            protocols=(PROTOCOL,) if PROTOCOL in offered(request) else (),
            autoping=False,  # pongs are looked at here
            autoclose=False,
            compress=False,  # costs a compressor for each connection, and a frame could not be shared
            max_msg_size=self._services.limits.message + 1,  # the library refuses what reaches it
        )
        door = door_of(request)
        if door is None or not ws.can_prepare(request) or request.headers.get("Content-Length", "0") != "0":
            raise web.HTTPBadRequest(text="this is not a WebSocket handshake")
        door.upgrade()
        try:
            await ws.prepare(request)
        except ConnectionError:
            return web.Response(status=400)  # gone already: nobody reads it, and the library logs no error
        if not isinstance(request.transport, asyncio.Transport):
            return ws  # likewise
        _bound_kernel_buffer(request.transport)
        peer = SocketPeer(request.transport, asyncio.get_running_loop())
        door.welcome(peer)
        self._peers[peer] = None
        self._addresses[address] += 1
        began = peer.heard
        try:
            session = self._greet(peer, request, address)
            self._access.opened(request, peer.name)
            while self._take(await ws.receive(), peer, session):
                while peer.backlog() > HIGH_WATER and not peer.closing:
                    # Who does not take our answers gets to ask no more questions.
                    await asyncio.sleep(_DRAIN_POLL)
        except Exception:  # bulkhead: a bug met by one client must not end the others
            logger.exception("a WebSocket connection")
            peer.close(WSCloseCode.INTERNAL_ERROR, "a bug in the gateway")
        finally:
            lasted = asyncio.get_running_loop().time() - began
            self._access.closed(request, peer.name, peer.code, lasted, peer.received, peer.sent)
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

    def _greet(self, peer: SocketPeer, request: web.Request, address: str) -> Session:
        """The connection's session, after its first frame."""
        authenticator = self._services.authenticator
        credential = presented(request)
        identity: Identity | None = None
        refusal: RequestError | None = None
        if credential is None:
            identity = authenticator.without_token()
        else:
            try:
                identity = authenticator.admit(credential, address)
            except RequestError as error:
                refusal = error
        session = peer.session = Session(peer, self._services, identity, address)
        session.greet()
        if refusal is not None:
            # A browser cannot see why a handshake failed, so it succeeds and then says.
            session.refuse(refusal)
        elif identity is None:
            peer.late = asyncio.get_running_loop().call_later(authenticator.timeout, self._too_late, session)
        return session

    @staticmethod
    def _too_late(session: Session) -> None:
        if session.identity is None:
            session.refuse(RequestError("unauthorized", "no token was shown in time"))

    @staticmethod
    def _take(message: WSMessage, peer: SocketPeer, session: Session) -> bool:
        """Takes a message; False where it is the connection's end. Not a coroutine: each connection would keep one."""
        kind = message.type
        if kind is WSMsgType.TEXT:
            if not peer.closing:
                peer.received += 1
                session.receive(message.data)
        elif kind is WSMsgType.PING:
            if session.within_rate():
                peer.control(pong_frame(bytes(message.data)))
        elif kind is WSMsgType.PONG:
            peer.heard = asyncio.get_running_loop().time()
        elif kind is WSMsgType.BINARY:
            peer.close(WSCloseCode.UNSUPPORTED_DATA, "text frames only")
        elif kind is WSMsgType.CLOSE:
            if not peer.closing:
                peer.code = _answer_to_close(message.data)
                peer.write(close_frame(peer.code, ""))
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
            if peer.session is not None:
                peer.session.keep_time(now)
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


def _answer_to_close(code: object) -> int:
    """The close code that answers a client's: its own, or 1002 for one that no frame may carry (RFC 6455 §7.4).

    The library lets 1006 and codes beyond 4999 through. 0 stands for a close frame without a code.
    """
    if code == 0:
        return WSCloseCode.OK
    if isinstance(code, int) and 1000 <= code < 5000 and code != WSCloseCode.ABNORMAL_CLOSURE:
        return code
    return WSCloseCode.PROTOCOL_ERROR


def _bound_kernel_buffer(transport: asyncio.Transport) -> None:
    """Lets the kernel hold only so much for a peer that does not read; by itself it takes up to 4 MiB for each.

    It would also be long before such a peer was seen to be slow.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _KERNEL_BUFFER)
