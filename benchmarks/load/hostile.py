"""Connections that only cost, and come again when they are thrown out: `python -m benchmarks.load.hostile JSON`."""

from __future__ import annotations

import json
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable

from benchmarks.load import websocket
from benchmarks.load.joining import connect
from benchmarks.load.orders import Order, answer, next_order

_TICK = 0.05  # seconds
_DRIP = 1.0  # seconds between two bytes
_PAUSE = 1.0  # seconds, about, from being thrown out to the next try
_SMALLEST_BUFFER = 2048  # bytes that the kernel takes for a connection that does not read
_ADDRESSES = 25
_HEAD = b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Padding: " + b"a" * 100_000
_MESSAGE = b"\x81\xfe\x27\x10" + bytes(10_004)  # the head of a message of 10,000 bytes, and its bytes
_OVERSIZED = b"\x81\xff" + (1 << 20).to_bytes(8, "big") + bytes((1 << 20) + 4)
_PINGS = (b"\x89\xfd" + bytes(4) + b"p" * 125) * 20  # as many as may be asked in a second; the answers are never read


class Attack:
    """One connection at a time, of one kind, from one address."""

    def __init__(self, kind: str, port: int, address: str, counts: Counter[str]) -> None:
        self.kind = kind
        self._port = port
        self._address = address
        self._counts = counts  # how often each kind was thrown out
        self._socket: socket.socket | None = None
        self._say = b""
        self._due = 0.0

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def turn(self, now: float) -> None:
        """Does what is due."""
        if self._socket is None:
            if now >= self._due:
                self._open(now)
            return
        try:
            if self.kind != "stalled" and self._socket.recv(65536) == b"":
                raise ConnectionResetError
        except BlockingIOError:
            pass
        except OSError:
            self._thrown_out(now)
            return
        if now < self._due:
            return
        drips = self.kind.startswith("drip")
        self._due = now + (_DRIP if drips or self.kind == "stalled" else 0.0)
        piece = self._say[:1] if drips else self._say[:65536]
        try:
            sent = self._socket.send(piece) if piece else 0
        except BlockingIOError:
            return
        except OSError:
            self._thrown_out(now)
            return
        self._say = self._say[sent:] or (_PINGS if self.kind == "stalled" else b"")

    def _open(self, now: float) -> None:
        upgrade = websocket.upgrade(f"127.0.0.1:{self._port}", "/ws", "fieldgate.v1")
        opening, self._say = {
            "silent": (b"", b""),
            "dripping head": (b"", _HEAD),
            "dripping message": (upgrade, _MESSAGE),
            "oversized head": (b"", _HEAD),
            "oversized message": (upgrade, _OVERSIZED),
            "stalled": (upgrade, _PINGS),
        }[self.kind]
        try:
            self._socket = connect(self._port, self._address, _SMALLEST_BUFFER if self.kind == "stalled" else None)
            self._socket.sendall(opening)
            self._socket.setblocking(False)
            self._due = now + random.uniform(0, _DRIP)
        except OSError:
            self._thrown_out(now)

    def _thrown_out(self, now: float) -> None:
        self._counts[self.kind] += 1
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._due = now + random.uniform(0.5, 1.5) * _PAUSE  # as so many that do not know of each other


KINDS = ("silent", "dripping head", "dripping message", "oversized head", "oversized message", "stalled")


def main(order: Order) -> None:
    """Attacks until the input ends; `state` tells how many are connected, and how often each kind was thrown out."""
    counts: Counter[str] = Counter()
    kinds = order["kinds"]
    attacks = [
        Attack(kinds[index % len(kinds)], order["port"], f"127.0.1.{1 + index % _ADDRESSES}", counts)
        for index in range(order["count"])
    ]

    def each(do: Callable[[Attack, float], None]) -> None:
        for attack in attacks:
            do(attack, time.monotonic())

    each(Attack.turn)
    answer(ready=True)
    while True:
        if next_order(_TICK) is not None:
            answer(connected=sum(attack.connected for attack in attacks), thrown_out=dict(counts))
        each(Attack.turn)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
