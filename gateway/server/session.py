"""One client's conversation in the protocol `fieldgate.v1`, without its socket.

Text comes in by `receive`, frames go out by the peer. Nothing here waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from gateway import __version__
from gateway.bus import Devices
from gateway.clock import clock_quality
from gateway.commands import Command, Commands, Sender
from gateway.errors import RequestError
from gateway.model import Identity, is_glob
from gateway.server.auth import Authenticator
from gateway.server.fanout import FanOut, Subscriber
from gateway.server.frames import text_frame
from gateway.server.peer import Peer
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
MAX_MESSAGE = 64 * 1024  # bytes
MAX_SUBSCRIPTIONS = 64
MAX_COMMANDS = 8  # of one connection, not final yet
_MAX_MALFORMED = 10

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


class Session:
    """The state of one connection: who it is, its subscriptions, its commands on the way."""

    # Ten thousand of them are nothing unusual.
    __slots__ = ("_address", "_in_flight", "_malformed", "_peer", "_services", "_subscribers", "identity")

    def __init__(self, peer: Peer, services: Services, identity: Identity | None, address: str = "") -> None:
        self._peer = peer
        self._address = address
        self._services = services
        self.identity: Identity | None = None
        self._subscribers: dict[str, Subscriber] = {}
        self._in_flight: dict[str, Command] = {}
        self._malformed = 0
        if identity is not None:
            self._become(identity)

    # ---- from the connection

    def greet(self) -> None:
        """Sends the first frame."""
        hello: dict[str, Any] = {
            "type": "hello",
            "protocol": PROTOCOL,
            "server": f"fieldgate/{__version__}",
            "gateway": self._services.name,
            "time": time.time(),
            "clock": clock_quality(),
            "heartbeat": self._services.heartbeat,
            "auth": "required" if self.identity is None else "ok",
            "limits": {"message": MAX_MESSAGE, "subscriptions": MAX_SUBSCRIPTIONS, "commands": MAX_COMMANDS},
        }
        if self.identity is not None:
            hello["identity"] = self.identity.to_json()
        self._send(hello)
        self._tell_what_is_owed()

    def receive(self, text: str) -> None:
        """A text message arrived."""
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
            if self.identity is None and kind != "auth":
                raise RequestError("unauthorized", "authenticate first")
            handler = _REQUESTS.get(kind)
            if handler is None:
                raise RequestError("bad_request", f"unknown type {kind[:40]!r}")
            handler(self, id, members)
        except RequestError as error:
            self._complain(id, error)
            if error.code == "unauthorized":
                self.refuse()
        except Exception:  # bulkhead: a bug met by one client must not end the others
            logger.exception("request %r", kind[:40])
            self._complain(id, RequestError("internal", "a bug in the gateway, see its log"))

    def refuse(self) -> None:
        """Ends a connection that did not authenticate."""
        self._peer.close(4401, "unauthorized")

    def complain_unauthorized(self) -> None:
        """Says that the token of the handshake, or the time it took, is not acceptable."""
        self._complain(None, RequestError("unauthorized", "no valid token was presented"))

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
        identity = self._services.authenticator.identify(request.token)
        if self._subscribers and self.identity is not None and identity.read != self.identity.read:
            raise RequestError("conflict", "the rights to read differ: unsubscribe first")
        new = self.identity is None
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
        if not known and len(self._subscribers) >= MAX_SUBSCRIPTIONS:
            raise RequestError("rate_limited", f"at most {MAX_SUBSCRIPTIONS} subscriptions on one connection")

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
        if len(self._in_flight) >= MAX_COMMANDS and request.key not in self._in_flight:
            raise RequestError("rate_limited", f"{MAX_COMMANDS} commands of this connection are on their way")
        command = self._services.commands.submit(identity, asked, Sender(self._address, None))
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
