"""One client's conversation in the protocol `fieldgate.v1`, without its socket.

Text comes in by `receive`, frames go out by the peer. Nothing here waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway import __version__
from gateway.bus import Devices
from gateway.clock import clock_quality
from gateway.commands import Command, Commands, Sender
from gateway.config.limits import LimitsSection, Network
from gateway.errors import RequestError
from gateway.model import Identity, is_glob
from gateway.server.auth import Authenticator
from gateway.server.credentials import Credential
from gateway.server.fanout import FanOut, Subscriber
from gateway.server.frames import text_frame
from gateway.server.peer import Peer
from gateway.server.rates import Rate
from gateway.server.requests import (
    AuthRequest,
    CancelRequest,
    CommandRequest,
    SubscribeRequest,
    UnsubscribeRequest,
    parse,
)
from gateway.server.stream import Selection

PROTOCOL = "fieldgate.v1"
_MAX_MALFORMED = 10
_EXPIRING = 60.0  # seconds before its identity's end at which a client is told

RequestId = int | str | None

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Services:
    """What sessions and the HTTP API work on. `authenticator` is replaced when the configuration is read anew."""

    name: str  # of the gateway
    devices: Devices
    commands: Commands
    fanout: FanOut
    authenticator: Authenticator
    heartbeat: float  # seconds
    limits: LimitsSection = field(default_factory=LimitsSection)
    trusted_proxies: tuple[Network, ...] = ()
    rate: Rate = field(init=False)

    def __post_init__(self) -> None:
        self.rate = Rate(self.limits.requests)


class Session:
    """The state of one connection: who it is, its subscriptions, its commands on the way."""

    # Ten thousand of them are nothing unusual.
    __slots__ = (
        "_address", "_due", "_ends", "_in_flight", "_malformed", "_peer", "_services", "_subscribers", "_warns",
        "identity",
    )  # fmt: skip

    def __init__(self, peer: Peer, services: Services, identity: Identity | None, address: str) -> None:
        self._peer = peer
        self._services = services
        self._address = address
        # When the client is told that its identity expires, and when it does: monotonic seconds, found once, so that
        # no jump of the wall clock moves them. None where that is never, or done.
        self._warns: float | None = None
        self._ends: float | None = None
        self.identity: Identity | None = None
        self._subscribers: dict[str, Subscriber] = {}
        self._in_flight: dict[str, Command] = {}
        self._malformed = 0
        self._due = 0.0  # see Rate
        if identity is not None:
            self._become(identity)

    # ---- from the connection

    def greet(self) -> None:
        """Sends the first frame."""
        limits = self._services.limits
        hello: dict[str, Any] = {
            "type": "hello",
            "protocol": PROTOCOL,
            "server": f"fieldgate/{__version__}",
            "gateway": self._services.name,
            "time": time.time(),
            "clock": clock_quality(),
            "heartbeat": self._services.heartbeat,
            "auth": "required" if self.identity is None else "ok",
            "limits": {"message": limits.message, "subscriptions": limits.subscriptions, "commands": limits.commands},
        }
        if self.identity is not None:
            hello["identity"] = self.identity.to_json()
        self._send(hello)
        self._tell_what_is_owed()

    def receive(self, text: str) -> None:
        """A text message arrived."""
        within_rate = self.within_rate()
        try:
            members = orjson.loads(text)
        except orjson.JSONDecodeError:
            members = None
        if not isinstance(members, dict) or not isinstance(members.get("type"), str):
            self._complain(None, RequestError("bad_request", "expected a JSON object with a `type`"))
            self._malformed += 1
            if self._malformed >= _MAX_MALFORMED:
                self._peer.close(4400, "too many malformed frames")
            return
        id = members.get("id")
        kind = members["type"]
        try:
            if not _is_request_id(id):
                id = None
                raise RequestError("bad_request", "`id` must be an integer or a text of at most 128 characters")
            if not within_rate:
                raise RequestError("rate_limited", f"more than {self._services.rate.per_second:g} requests a second")
            if self.identity is None and kind != "auth":
                raise RequestError("unauthorized", "authenticate first")
            if self._ends is not None and time.monotonic() >= self._ends:
                raise RequestError("unauthorized", "the token has expired")
            handler = _REQUESTS.get(kind)
            if handler is None:
                raise RequestError("bad_request", f"unknown type {kind[:40]!r}")
            handler(self, id, members)
        except RequestError as error:
            self._complain(id, error)
            if error.code == "unauthorized" or (error.code == "rate_limited" and self.identity is None):
                self._end(error)
        except Exception:  # bulkhead: a bug met by one client must not end the others
            logger.exception("request %r", kind[:40])
            self._complain(id, RequestError("internal", "a bug in the gateway, see its log"))

    def within_rate(self) -> bool:
        """Counts a message or ping; whether it may be answered. Who goes on regardless is closed."""
        now, rate = time.monotonic(), self._services.rate
        self._due = rate.ask(self._due, now)
        if rate.regardless(self._due, now):
            self._peer.close(4429, "too many requests")
        return rate.allows(self._due, now)

    def refuse(self, error: RequestError) -> None:
        """Says why the token of the handshake, or the time it took, is not acceptable, and ends the connection."""
        self._complain(None, error)
        self._end(error)

    def keep_time(self, now: float) -> None:
        """Tells once that the identity is about to expire, and ends the connection when it does; `now` is monotonic."""
        if self._warns is not None and now >= self._warns and self.identity is not None:
            self._warns = None
            self._send({"type": "expiring", "expires": self.identity.expires})
        if self._ends is not None and now >= self._ends:
            self._peer.close(4410, "token expired")

    def close(self) -> None:
        """The connection ended: nothing of it remains."""
        for subscriber in self._subscribers.values():
            self._services.fanout.unsubscribe(subscriber)
        self._subscribers.clear()
        self._services.fanout.drop(self._peer)
        if self.identity is not None:
            self._services.commands.ledger.unwatch(self.identity.name, self._command_changed)
            for command in self._in_flight.values():
                if not command.final:
                    self._services.commands.ledger.owe(command)
            self.identity = None

    # ---- requests

    def _authenticate(self, id: RequestId, members: dict[str, Any]) -> None:
        request = parse(AuthRequest, members)
        identity = self._services.authenticator.admit(Credential("message", request.token), self._address)
        if self._subscribers and self.identity is not None and identity.read != self.identity.read:
            raise RequestError("conflict", "the rights to read differ: unsubscribe first")
        new = self.identity is None or self.identity.name != identity.name
        self._become(identity)
        self._reply(id, identity=identity.to_json())
        if new:
            self._tell_what_is_owed()

    def _tell_what_is_owed(self) -> None:
        """Says what became of commands whose sender's connection dropped meanwhile: this may be the same client."""
        if self.identity is not None:
            for command in self._services.commands.ledger.owed(self.identity.name):
                self._command_changed(command)

    def _become(self, identity: Identity) -> None:
        ledger = self._services.commands.ledger
        if self.identity is not None:
            ledger.unwatch(self.identity.name, self._command_changed)
        self.identity = identity
        ledger.watch(identity.name, self._command_changed)
        if identity.expires is None:
            self._warns = self._ends = None
        else:
            left = identity.expires - time.time()
            self._ends = time.monotonic() + left
            # Where there is less left, half of it: a client that renews at once, and gets as little, must not spin.
            self._warns = self._ends - (_EXPIRING if left > _EXPIRING else left / 2)

    def _end(self, error: RequestError) -> None:
        if self._ends is not None and time.monotonic() >= self._ends:
            self._peer.close(4410, "token expired")
        elif error.code == "rate_limited":
            self._peer.close(4429, "too many requests")
        else:
            self._peer.close(4401, "unauthorized")

    def _ping(self, id: RequestId, members: dict[str, Any]) -> None:
        self._send({"type": "pong", "id": id, "time": time.time()})

    def _list_devices(self, id: RequestId, members: dict[str, Any]) -> None:
        identity = self._identity()
        self._reply(id, devices=[d.to_json() for d in self._services.devices if identity.may_read(d.id)])

    def _subscribe(self, id: RequestId, members: dict[str, Any]) -> None:
        request = parse(SubscribeRequest, members)
        identity = self._identity()
        for device in request.devices:
            if not is_glob(device) and not identity.may_read(device):
                raise RequestError("forbidden", f"{identity.name} may not read {device[:129]}")
        selection = Selection(
            devices=tuple(sorted(set(request.devices))),
            points=tuple(sorted(set(request.points))),
            readable=identity.read,
            mode=request.mode,
            max_rate=request.max_rate or 0.0,
        )
        known = any(subscriber.stream.selection == selection for subscriber in self._subscribers.values())
        if not known and len(self._subscribers) >= self._services.limits.subscriptions:
            most = self._services.limits.subscriptions
            raise RequestError("rate_limited", f"at most {most} subscriptions on one connection")

        def reply(sub: str, cursor: str, recovered: bool) -> None:
            self._reply(id, sub=sub, cursor=cursor, recovered=recovered)

        subscriber = self._services.fanout.subscribe(self._peer, selection, request.since, reply)
        self._subscribers[subscriber.stream.sub] = subscriber

    def _unsubscribe(self, id: RequestId, members: dict[str, Any]) -> None:
        request = parse(UnsubscribeRequest, members)
        subscriber = self._subscribers.pop(request.sub, None)
        if subscriber is None:
            raise RequestError("not_found", f"this connection has no subscription {request.sub[:64]!r}")
        self._services.fanout.unsubscribe(subscriber)
        self._reply(id)

    def _command(self, id: RequestId, members: dict[str, Any]) -> None:
        request = parse(CommandRequest, members)
        identity, asked = self._identity(), request.asked(request.device)
        if request.dry_run:
            self._reply(id, command=self._services.commands.rehearse(identity, asked))
            return
        self._in_flight = {key: command for key, command in self._in_flight.items() if not command.final}
        most = self._services.limits.commands
        if len(self._in_flight) >= most and request.key not in self._in_flight:
            raise RequestError("rate_limited", f"{most} commands of this connection are on their way")
        command = self._services.commands.submit(identity, asked, Sender(self._address, identity.jti))
        if not command.final:
            self._in_flight[command.key] = command
        self._reply(id, command=command.to_json())

    def _cancel(self, id: RequestId, members: dict[str, Any]) -> None:
        request = parse(CancelRequest, members)
        command = self._services.commands.cancel(self._identity(), request.key)
        self._reply(id, command=command.to_json())

    # ---- to the client

    def _command_changed(self, command: Command) -> None:
        self._send({"type": "command", "command": command.to_json()})

    def _identity(self) -> Identity:
        if self.identity is None:
            raise RequestError("unauthorized", "authenticate first")
        return self.identity

    def _reply(self, id: RequestId, **members: Any) -> None:
        self._send({"type": "ok", "id": id, **members})

    def _complain(self, id: RequestId, error: RequestError) -> None:
        self._send({"type": "error", "id": id, "code": error.code, "message": error.message, "retry": error.retry})

    def _send(self, members: dict[str, Any]) -> None:
        self._peer.write(text_frame(orjson.dumps(members)))


_REQUESTS: dict[str, Callable[[Session, RequestId, dict[str, Any]], None]] = {
    "auth": Session._authenticate,
    "ping": Session._ping,
    "devices": Session._list_devices,
    "subscribe": Session._subscribe,
    "unsubscribe": Session._unsubscribe,
    "command": Session._command,
    "cancel": Session._cancel,
}


def _is_request_id(id: object) -> bool:
    if isinstance(id, bool):
        return False
    return isinstance(id, int) or (isinstance(id, str) and len(id) <= 128)
