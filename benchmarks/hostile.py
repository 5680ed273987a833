"""H1: what 500 connections that only cost leave to those that came for something."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median

from benchmarks import subjects
from benchmarks.fanout import Work, joined, wrong
from benchmarks.load.orders import Order
from benchmarks.process import rss_bytes
from benchmarks.report import Row
from benchmarks.streams import Pace
from benchmarks.worker import Worker, worker

_HOSTILE = 500
_WORK = Work(devices=1, rate=100, clients=500, sampled=20, addresses=20)
_KINDS = ["silent", "dripping head", "dripping message", "oversized head", "oversized message", "stalled"]
_SETTLE = 12.0  # seconds; longer than the deadlines, so that each kind has been thrown out and has come again


@dataclass(frozen=True, slots=True)
class _Outcome:
    p99: float  # seconds
    longest_call: float  # seconds from connecting to being let in
    calls: int
    grown: int  # bytes of RSS, at most, since before the hostile came
    wrong: str
    connected: int  # hostile connections, at the end
    thrown_out: dict[str, int]


def hostile(pace: Pace) -> list[Row]:
    """H1, with and without them in turn."""
    with_them: list[_Outcome] = []
    without: list[_Outcome] = []
    for _ in range(pace.rounds):
        for count, outcomes in ((_HOSTILE, with_them), (0, without)):
            outcome = _run(count, pace.seconds)
            outcomes.append(outcome)
            pace.say(
                f"{count:>10} hostile: p99 {outcome.p99 * 1000:.1f} ms, longest of {outcome.calls} calls "
                f"{outcome.longest_call * 1000:.0f} ms, RSS + {outcome.grown / 1024:.0f} KiB"
            )
    pairs = list(zip(with_them, without, strict=True))
    flaw = next((o.wrong for o in (*with_them, *without) if o.wrong), "")
    if (fewest := min(o.connected for o in with_them)) < _HOSTILE / 2:
        flaw = flaw or f"only {fewest} hostile connections at once"
    memory = median((a.grown - b.grown) / _HOSTILE / 1024 for a, b in pairs)
    ratio = median(a.p99 / b.p99 for a, b in pairs)
    last = with_them[-1]
    notes = [
        f"{last.connected} hostile connections at the end; thrown out so far: "
        + ", ".join(f"{kind} {count}" for kind, count in sorted(last.thrown_out.items()))
    ]

    longest = [max(o.longest_call for o in side) for side in (with_them, without)]
    p99 = [median(o.p99 for o in side) for side in (with_them, without)]
    grown = [median(o.grown for o in side) for side in (with_them, without)]
    figures: list[tuple[str, list[str], float, float, float, str]] = [
        ("longest connect : without them", [f"{x * 1000:.0f} ms" for x in longest], longest[0], 1, 1, "s"),
        ("p99 : without them", [f"{x * 1000:.1f} ms" for x in p99], ratio, 1.2, 2, "x"),
        ("memory per hostile connection", [f"{x / 1024:.0f} KiB grown" for x in grown], memory, 32, 32, "KiB"),
    ]
    work = "F1 with 500 silent, dripping, oversized and stalled connections"
    return [
        Row("H1", work, figure, ours, theirs, measured, target, floor, unit, len(pairs), flaw, notes)
        for (figure, (ours, theirs), measured, target, floor, unit), notes in zip(figures, (notes, [], []), strict=True)
    ]


def _run(count: int, seconds: float) -> _Outcome:
    with (
        subjects.broker() as mosquitto,
        subjects.guarded(mosquitto, _WORK.wanted) as subject,
        joined(subject, _WORK) as clients,
        worker("publisher", str(mosquitto.port)) as publisher,
        worker("caller", json.dumps({"port": subject.port, "path": subject.path, "token": subject.token})) as caller,
    ):
        publisher.ask("publish", rate=_WORK.rate, topics=_WORK.topics)
        time.sleep(2)
        before = rss_bytes(subject.pid)
        order = json.dumps({"port": subject.port, "count": count, "kinds": _KINDS})
        with worker("hostile", order) if count else nullcontext() as attackers:
            most = _watch(subject.pid, _SETTLE)
            clients.ask("begin")
            caller.ask("begin", patience=30)
            most = max(most, _watch(subject.pid, seconds))
            calls = caller.ask("end", patience=30)
            window = clients.ask("end", patience=60)
            state: Order = {"connected": 0, "thrown_out": {}}
            if isinstance(attackers, Worker):
                state = attackers.ask("state")
        published = publisher.ask("stop")["published"]
        return _Outcome(
            p99=window["p99"] or float("inf"),
            longest_call=calls["longest"],
            calls=calls["calls"],
            grown=most - before,
            wrong=wrong(clients, published),
            connected=state["connected"],
            thrown_out=state["thrown_out"],
        )


def _watch(pid: int, seconds: float) -> int:
    """The most memory that a process holds meanwhile, in bytes."""
    most, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        most = max(most, rss_bytes(pid))
        time.sleep(0.2)
    return most
