"""Many WebSocket clients in one process that count what arrives: `python -m benchmarks.load.clients JSON`."""

from __future__ import annotations

import json
import select
import sys
import time
from array import array
from collections.abc import Callable
from contextlib import suppress

from benchmarks.load.client import Client, SampledClient
from benchmarks.load.joining import Step, join, steps
from benchmarks.load.orders import INPUT, Order, answer, next_order
from benchmarks.load.websocket import PONG

_ALIVE_EVERY = 15.0  # seconds between the pongs of each client
_STALLED_BUFFER = 2048  # bytes that the kernel takes for a client that does not read


class Load:
    """All clients of the process, served by one epoll."""

    def __init__(self, order: Order) -> None:
        kind, port = order["kind"], order["port"]
        path, subscribe, count = order["path"], order["subscribe"], order["count"]

        def steps_of(name: str) -> Callable[[int], list[Step]]:
            return lambda index: steps(kind, port, path, subscribe, f"{name}{index}", order["token"])

        sockets = join(port, count, order["addresses"], steps_of("client"))
        # They live as long as the process, and nobody ever reads from them.
        self._stalled = join(port, order["stalled"], order["addresses"], steps_of("stalled"), _STALLED_BUFFER)
        self.stalled_ports = [sock.getsockname()[1] for sock in self._stalled]
        self._ages = array("q")
        every = max(1, count // order["sampled"])
        self._clients: dict[int, Client] = {}
        self._epoll = select.epoll()
        self._epoll.register(INPUT, select.EPOLLIN)
        for index, sock in enumerate(sockets):
            sock.setblocking(False)
            client = SampledClient(sock, self._ages) if index % every == 0 else Client(sock)
            self._clients[sock.fileno()] = client
            self._epoll.register(sock, select.EPOLLIN)
        self._readings = 0
        self._lost = 0
        self._since = (time.monotonic(), time.process_time(), 0)

    def run(self) -> None:
        """Counts, and obeys `begin`, `end` and `totals`."""
        clients, epoll = self._clients, self._epoll
        alive_at = time.monotonic() + _ALIVE_EVERY
        while True:
            for descriptor, _ in epoll.poll(1.0):
                client = clients.get(descriptor)
                if client is None:
                    order = next_order(0)
                    if order is not None:
                        answer(**getattr(self, f"_{order['do']}")())
                    continue
                self._readings += client.receive()
                if not client.open:
                    epoll.unregister(descriptor)
                    self._lost += 1
            if time.monotonic() > alive_at:
                alive_at += _ALIVE_EVERY
                self._say_alive()

    def _say_alive(self) -> None:
        for client in self._clients.values():
            if client.open:
                with suppress(OSError):  # the next read tells
                    client.socket.send(PONG)

    def _begin(self) -> Order:
        """A window begins."""
        del self._ages[:]
        self._since = (time.monotonic(), time.process_time(), self._readings)
        return {"readings": self._readings}

    def _end(self) -> Order:
        """What the window held: readings, latencies of the sampled clients in seconds, our own share of a core."""
        now, cpu = time.monotonic(), time.process_time()
        began, cpu_then, readings_then = self._since
        ages = sorted(self._ages)

        def at(share: float) -> float | None:
            return ages[min(len(ages) - 1, int(share * len(ages)))] / 1e9 if ages else None

        return {
            "seconds": now - began,
            "readings": self._readings - readings_then,
            "cpu_share": (cpu - cpu_then) / (now - began),
            "p50": at(0.5),
            "p99": at(0.99),
            "longest": at(1.0),
            "sampled": len(ages),
        }

    def _totals(self) -> Order:
        """Since the start: the least and the most that a client got, and what the sampled ones missed."""
        sampled = [client for client in self._clients.values() if isinstance(client, SampledClient)]
        counts = [client.readings for client in self._clients.values()]
        return {
            "least": min(counts),
            "most": max(counts),
            "holes": sum(client.holes for client in sampled),
            "repeats": sum(client.repeats for client in sampled),
            "lost": self._lost,
        }


def main(order: Order) -> None:
    """Joins, says so, and counts until the input ends."""
    load = Load(order)
    answer(stalled_ports=load.stalled_ports)
    load.run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
