"""How clients of each kind of server get to where readings come in: connect, upgrade, subscribe."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load import mqtt, websocket

_BATCH = 100  # connections opened at once; well below what a listener queues
_PATIENCE = 20.0  # seconds for one answer
_MOST = 16 * 1024 * 1024  # bytes of answer


@dataclass(frozen=True, slots=True)
class Step:
    """Something to say, and the bytes that the answer to it holds."""

    say: bytes
    until: bytes


def steps(kind: str, port: int, path: str, subscribe: str, name: str, token: str = "") -> list[Step]:
    """What a client of a server says: `fieldgate`, `mqtt` (over WebSockets) or `plain` (subscribed by connecting)."""
    host = f"127.0.0.1:{port}"
    if kind == "fieldgate":
        request = json.dumps({"type": "subscribe", "id": 1, "devices": [subscribe]}).encode()
        return [
            Step(websocket.upgrade(host, path, "fieldgate.v1", token), b'"hello"'),
            Step(websocket.frame(websocket.TEXT, request), b'"snapshot"'),
        ]
    if kind == "mqtt":
        return [
            Step(websocket.upgrade(host, path, "mqtt"), b"\r\n\r\n"),
            Step(websocket.frame(websocket.BINARY, mqtt.connect(name)), bytes((mqtt.CONNACK, 2))),
            Step(websocket.frame(websocket.BINARY, mqtt.subscribe(subscribe)), bytes((mqtt.SUBACK, 3))),
        ]
    return [Step(websocket.upgrade(host, path, None), b"\r\n\r\n")]


def join(
    port: int, count: int, addresses: int, steps_of: Callable[[int], list[Step]], receive_buffer: int | None = None
) -> list[socket.socket]:
    """So many joined connections, from so many source addresses in turn; raises OSError or RuntimeError."""
    joined: list[socket.socket] = []
    while len(joined) < count:
        first = len(joined)
        batch = [
            connect(port, f"127.0.0.{1 + (first + index) % addresses}", receive_buffer)
            for index in range(min(_BATCH, count - first))
        ]
        plans = [steps_of(first + index) for index in range(len(batch))]
        for turn in range(len(plans[0])):
            for sock, plan in zip(batch, plans, strict=True):
                sock.sendall(plan[turn].say)
            for sock, plan in zip(batch, plans, strict=True):
                _await(sock, plan[turn].until)
        joined += batch
    return joined


def connect(port: int, source: str, receive_buffer: int | None = None) -> socket.socket:
    """A connection from this address of the machine; raises OSError."""
    sock = socket.socket()
    try:
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        # The kernel chooses the port when it knows the far end too: ports are then shared over addresses.
        sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        sock.bind((source, 0))
        sock.settimeout(_PATIENCE)
        sock.connect(("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    return sock


def say(sock: socket.socket, step: Step) -> None:
    """Takes one step and waits for its answer; raises OSError or RuntimeError."""
    sock.sendall(step.say)
    _await(sock, step.until)


def _await(sock: socket.socket, until: bytes) -> None:
    heard = b""
    while until not in heard:
        chunk = sock.recv(65536)
        heard += chunk
        if not chunk or len(heard) > _MOST:
            raise RuntimeError(f"the server did not answer with {until!r} but with {heard[:300]!r}")
