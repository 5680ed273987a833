"""What the audit knows of the process before: no key is used twice, and no command is sent again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.audit.chain import COMMAND, digest
from gateway.audit.store import Record, Store
from gateway.commands.ledger import KEEP, Command, Ledger, Outcome, State
from gateway.model import Confirm, Value

_MAX_ENDED = 100_000


@dataclass(frozen=True, slots=True)
class Recovered:
    """A command of the process before. `time` is of its newest state; `ended_ago` is in seconds.

    `claimed` is whether it may have been written to the wire.
    """

    by: str
    key: str
    body: bytes
    device: str
    point: str
    value: Value
    confirm: Confirm
    state: State
    outcome: Outcome | None
    detail: str | None
    time: float
    ended_ago: float | None
    claimed: bool


def recover(store: Store, now: float, monotonic: float) -> list[tuple[Recovered, Record]]:
    """The commands that have not ended, and those that ended in the last ten minutes, the first to end first."""
    found: dict[tuple[str, str], tuple[Recovered, Record]] = {}
    for command, record in _told(store, store.unfinished(), now, monotonic):
        found[command.by, command.key] = command, record
    ended: list[tuple[Recovered, Record]] = []
    for command, record in _told(store, store.ended(), now, monotonic):
        if (command.ended_ago or 0.0) > KEEP or len(ended) >= _MAX_ENDED:
            break
        if found.setdefault((command.by, command.key), (command, record))[0] is command:
            ended.append((command, record))
    return [*ended[::-1], *(pair for pair in found.values() if pair[0].outcome is None)]


def restore(ledger: Ledger, commands: Iterable[Recovered]) -> None:
    """Lets the ledger know them, and ends those that did not: none is sent again."""
    for known in commands:
        command = Command(
            key=known.key,
            by=known.by,
            device=known.device,
            point=known.point,
            value=known.value,
            confirm=known.confirm,
            deadline=0.0,
            body=known.body,
            time=known.time,
            state=known.state,
            outcome=known.outcome,
            detail=known.detail,
        )
        ledger.restore(command, known.ended_ago)
        if known.outcome is not None:
            continue
        ledger.owe(command)
        if known.claimed:
            ledger.move(command, State.LOST, "the gateway ended before it was known what became of it")
        else:
            ledger.move(command, State.REJECTED, "the gateway ended before it was sent")


def _told(
    store: Store, rows: Iterator[tuple[Any, ...]], now: float, monotonic: float
) -> Iterator[tuple[Recovered, Record]]:
    for row in rows:
        cells = dict(zip(COMMAND, row, strict=True))
        transitions = store.transitions(cells["id"])
        moves = [move for move in transitions if move[0] != "claimed"]
        if not moves:  # they were taken out for room
            continue
        state, outcome, detail, time, then, boot = moves[-1]
        # Within one start of the machine the monotonic clock tells; the wall clock may have jumped.
        ago = monotonic - then if boot and boot == store.boot else now - time
        yield (
            Recovered(
                by=cells["identity"],
                key=cells["key"],
                body=cells["body"],
                device=cells["device"],
                point=cells["point"],
                value=orjson.loads(cells["value"]),
                confirm=cells["confirm"],
                state=State(state),
                outcome=Outcome(outcome) if outcome is not None else None,
                detail=detail,
                time=time,
                ended_ago=max(0.0, ago) if outcome is not None else None,
                claimed=any(move[0] == "claimed" for move in transitions),
            ),
            Record(id=cells["id"], digest=digest(row)),
        )
