"""One run of the fan-out: a stream of readings through a server to its clients, over a window of time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.process import cpu_seconds, rss_bytes, unsent_bytes
from benchmarks.subjects import Start, Subject, broker
from benchmarks.worker import Worker, worker

_DRAIN = 3.0  # seconds that the last readings have to arrive


@dataclass(frozen=True, slots=True)
class Work:
    """What is streamed: so many devices at so many readings a second together, to so many clients."""

    devices: int
    rate: float
    clients: int
    sampled: int  # clients whose readings are checked one by one
    addresses: int = 1  # that they come from
    stalled: int = 0  # further clients that subscribe and then never read

    @property
    def topics(self) -> list[str]:
        """The topics of the devices."""
        return [f"bench/d{index:03}/telemetry" for index in range(self.devices)]

    @property
    def wanted(self) -> str:
        """What the clients subscribe to."""
        return "*" if self.devices > 1 else "d000"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run showed."""

    subject: str
    cpu: float  # µs of the server for each reading that arrived at a client
    server_share: float  # of one core
    client_share: float  # of one core, the load's own
    p50: float | None  # seconds from publishing to arrival
    p99: float | None
    delivered: float  # share of the readings of the window that arrived
    wrong: str  # empty where, from first to last, every client got every reading exactly once
    rss_joined: int  # bytes that it grew by while the clients joined
    rss_window: int  # bytes that it grew by from the first reading to the end of the window
    unsent: int  # bytes that the kernel holds for the stalled clients at the end of it


def run(start: Start, work: Work, warm_up: float, seconds: float) -> Outcome:
    """Starts everything, measures one window, and checks what arrived in all."""
    with broker() as mosquitto, start(mosquitto, work.wanted) as subject:
        rss_alone = rss_bytes(subject.pid)
        with joined(subject, work) as clients, worker("publisher", str(mosquitto.port)) as publisher:
            rss_joined = rss_bytes(subject.pid)
            publisher.ask("publish", rate=work.rate, topics=work.topics)
            time.sleep(warm_up)
            cpu, began = cpu_seconds(subject.pid), time.monotonic()
            clients.ask("begin")
            time.sleep(seconds)
            cpu, lasted = cpu_seconds(subject.pid) - cpu, time.monotonic() - began
            window = clients.ask("end", patience=60)
            rss_end = rss_bytes(subject.pid)
            unsent = unsent_bytes(set(clients.told["stalled_ports"]))
            published = publisher.ask("stop")["published"]
            flaw = wrong(clients, published)
        arrived = window["readings"]
        return Outcome(
            subject=subject.name,
            cpu=cpu / arrived * 1e6 if arrived else float("inf"),
            server_share=cpu / lasted,
            client_share=window["cpu_share"],
            p50=window["p50"],
            p99=window["p99"],
            delivered=arrived / (work.rate * work.clients * window["seconds"]),
            wrong=flaw,
            rss_joined=rss_joined - rss_alone,
            rss_window=rss_end - rss_joined,
            unsent=unsent,
        )


@contextmanager
def joined(subject: Subject, work: Work) -> Iterator[Worker]:
    """The load process, with all clients joined."""
    order = {
        "kind": subject.kind,
        "port": subject.port,
        "path": subject.path,
        "subscribe": subject.subscribe,
        "token": subject.token,
        "count": work.clients,
        "sampled": work.sampled,
        "addresses": work.addresses,
        "stalled": work.stalled,
    }
    with worker("clients", json.dumps(order), patience=120) as clients:
        yield clients


def wrong(clients: Worker, published: int) -> str:
    """Waits for the last readings, and says what is not as it should be."""
    deadline = time.monotonic() + _DRAIN
    while True:
        totals = clients.ask("totals", patience=60)
        if totals["least"] == published or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    flaws = []
    if (totals["least"], totals["most"]) != (published, published):
        flaws.append(f"of {published} readings clients got {totals['least']} to {totals['most']}")
    for what in ("holes", "repeats", "lost"):
        if totals[what]:
            flaws.append(f"{totals[what]} {what}")
    return ", ".join(flaws)
