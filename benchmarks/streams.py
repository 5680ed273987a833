"""F1 to F4, C1 and S1: readings of MQTT devices on their way to many WebSocket clients."""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks import subjects
from benchmarks.fanout import Outcome, Work, run
from benchmarks.report import Row
from benchmarks.subjects import Start

_FEW = Work(devices=1, rate=100, clients=500, sampled=20)
_MANY = Work(devices=200, rate=2000, clients=50, sampled=4)
_CROWD = Work(devices=1, rate=2, clients=10_000, sampled=10_000, addresses=20)
_STALLED = Work(devices=1, rate=100, clients=500, sampled=20, stalled=50)
_BUSY = 0.8  # share of a core above which the load itself may be what was measured
_STRANGE = 0.1  # of the readings of a window, too few or too many
_STALL = 20.0  # seconds until the buffers of those that do not read are full; they are closed after 30 of being so
_SPARE = 200  # descriptors beside those of the clients

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to measure: `rounds` of A and B in turn, each over a window of `seconds`."""

    rounds: int
    seconds: float
    say: Say


def few_devices(pace: Pace) -> list[Row]:
    """F1, and its half of F4."""
    runs = _in_turn(_FEW, {"fieldgate": subjects.fieldgate, "mosquitto": subjects.mosquitto}, pace)
    beside = _once(_FEW, {"websockets": subjects.websockets, "fastapi": subjects.fastapi}, pace)
    work = "1 device at 100 Hz, 500 clients"
    return [
        _cheaper("F1", work, runs, "mosquitto", 0.25, 0.45, _compared(runs | beside)),
        _latency(work, runs["fieldgate"], runs["mosquitto"]),
    ]


def many_devices(pace: Pace) -> list[Row]:
    """F2, F3, and their half of F4."""
    peers: Mapping[str, Start] = {
        "fieldgate": subjects.fieldgate,
        "mosquitto": subjects.mosquitto,
        "fastapi": subjects.fastapi,
    }
    runs = _in_turn(_MANY, peers, pace)
    beside = _once(_MANY, {"websockets": subjects.websockets}, pace)
    work = "200 devices, 2,000 readings/s, 50 clients"
    return [
        _cheaper("F2", work, runs, "mosquitto", 0.15, 0.45, _compared(runs | beside)),
        _cheaper("F3", work, runs, "fastapi", 0.05, 0.15, []),
        _latency(work, runs["fieldgate"], runs["mosquitto"]),
    ]


def crowd(pace: Pace) -> list[Row]:
    """C1."""
    work = "10,000 clients, 1 device at 2 Hz"
    needed, allowed = _CROWD.clients + _SPARE, resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed < needed:
        pace.say(f"C1 is left out: it needs {needed} open files, and this shell allows {allowed} (ulimit -n)")
        return []
    outcome = run(subjects.fieldgate, _CROWD, warm_up=3.0, seconds=max(10.0, 2 * pace.seconds))
    pace.say(_line(outcome))
    memory = (outcome.rss_joined + outcome.rss_window) / _CROWD.clients / 1024
    notes = _loads([outcome])
    p99 = (outcome.p99 or float("inf")) * 1000
    return [
        Row("C1", work, "RSS per client", f"{memory:.1f} KiB", "", memory, 16, 24, "KiB", 1, outcome.wrong, notes),
        Row("C1", work, "p99 latency", f"{p99:.0f} ms", "", p99, 250, 250, "ms", 1, outcome.wrong),
    ]


def stalled_readers(pace: Pace) -> list[Row]:
    """S1. The warm-up lasts until buffers are full; what the kernel holds for a stalled client counts as its memory."""
    with_them: list[Outcome] = []
    without: list[Outcome] = []
    for _ in range(pace.rounds):
        for work, outcomes in ((_STALLED, with_them), (_FEW, without)):
            outcomes.append(run(subjects.fieldgate, work, warm_up=_STALL, seconds=pace.seconds))
            pace.say(_line(outcomes[-1]) + (", 50 stalled" if work.stalled else ""))
    pairs = list(zip(with_them, without, strict=True))
    ratio = median((a.p99 or float("inf")) / (b.p99 or 1) for a, b in pairs)
    grown = median(
        (a.rss_joined + a.rss_window - b.rss_joined - b.rss_window + a.unsent) / _STALLED.stalled for a, b in pairs
    )
    kernel = median(a.unsent for a in with_them) / _STALLED.stalled
    work_text = "F1 with 50 clients that stop reading"
    flaw = next((outcome.wrong for outcome in (*with_them, *without) if outcome.wrong), "")
    ours, theirs = (f"{median((o.p99 or 0) * 1000 for o in side):.1f} ms" for side in (with_them, without))
    notes = [*_loads([*with_them, *without]), f"of a stalled client's memory the kernel holds {kernel / 1024:.0f} KiB"]
    return [
        Row("S1", work_text, "p99 : without them", ours, theirs, ratio, 1.2, 2, "x", len(pairs), flaw, notes),
        Row(
            "S1",
            work_text,
            "memory per stalled client, kernel's included",
            f"{grown / 1024:.0f} KiB",
            "",
            grown / 1024,
            256,
            256,
            "KiB",
            len(pairs),
            flaw,
        ),
    ]


# ---- inside


def _in_turn(work: Work, starts: Mapping[str, Start], pace: Pace) -> dict[str, list[Outcome]]:
    runs: dict[str, list[Outcome]] = {name: [] for name in starts}
    for _ in range(pace.rounds):
        for name, start in starts.items():
            runs[name].append(run(start, work, warm_up=2.0, seconds=pace.seconds))
            pace.say(_line(runs[name][-1]))
    return runs


def _once(work: Work, starts: Mapping[str, Start], pace: Pace) -> dict[str, list[Outcome]]:
    return _in_turn(work, starts, Pace(1, pace.seconds, pace.say))


def _cheaper(
    id: str, work: str, runs: dict[str, list[Outcome]], peer: str, target: float, floor: float, notes: list[str]
) -> Row:
    """CPU per delivered reading against a peer's; the ratio is the median of those of the pairs."""
    ours, theirs = runs["fieldgate"], runs[peer]
    return Row(
        id,
        work,
        f"CPU per delivered reading : {peer}",
        f"{median(o.cpu for o in ours):.2f} µs",
        f"{median(o.cpu for o in theirs):.2f} µs",
        median(a.cpu / b.cpu for a, b in zip(ours, theirs, strict=True)),
        target,
        floor,
        "x",
        len(ours),
        next((o.wrong for o in ours if o.wrong), ""),
        notes,
    )


def _latency(work: str, ours: list[Outcome], theirs: list[Outcome]) -> Row:
    def p99(outcomes: list[Outcome]) -> float:
        return median((o.p99 or float("inf")) * 1000 for o in outcomes)

    flaw = next((o.wrong for o in ours if o.wrong), "")
    peer = f"{p99(theirs):.1f} ms"
    return Row(
        "F4", work, "p99 latency", f"{p99(ours):.1f} ms", peer, p99(ours), 40, 80, "ms", len(ours), flaw, _loads(ours)
    )


def _compared(runs: dict[str, list[Outcome]]) -> list[str]:
    """The servers beside each other; one that is fed late and catches up in the window looks cheaper than it is."""
    return [
        f"{name}: {median(o.cpu for o in outcomes):.2f} µs a reading, p50 {_ms(outcomes[0].p50)}, "
        f"p99 {_ms(outcomes[0].p99)}, delivered {median(o.delivered for o in outcomes):.0%}{_starved(outcomes)}"
        for name, outcomes in runs.items()
    ]


def _starved(outcomes: list[Outcome]) -> str:
    """A warning where too much or too little arrived within a window: the machine was too busy for a fair figure."""
    strange = [outcome for outcome in outcomes if abs(outcome.delivered - 1) > _STRANGE]
    return f" (not what was published in {len(strange)} of {len(outcomes)} windows)" if strange else ""


def _loads(outcomes: list[Outcome]) -> list[str]:
    """What the load itself used, and whether that may have spoilt the figures."""
    most = max(outcome.client_share for outcome in outcomes)
    warning = ": the load may be what was measured" if most > _BUSY else ""
    return [f"the load's clients used at most {most:.0%} of a core{warning}"]


def _line(outcome: Outcome) -> str:
    busy = " (!)" if outcome.client_share > _BUSY else ""
    return (
        f"{outcome.subject:>10}: {outcome.cpu:6.2f} µs a reading, p50 {_ms(outcome.p50)}, p99 {_ms(outcome.p99)}, "
        f"delivered {outcome.delivered:.0%} ({outcome.wrong or 'complete'}), "
        f"server {outcome.server_share:.0%} and load {outcome.client_share:.0%}{busy} of a core"
    )


def _ms(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds * 1000:.1f} ms"
