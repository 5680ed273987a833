"""What the tests of the audit share: commands and files."""

import time
from itertools import count
from pathlib import Path
from typing import Any

from gateway.audit.audit import Audit
from gateway.audit.store import Entry, Record, Store
from gateway.commands import Command, Ledger, Sender, State

YEAR = 365 * 86400.0
LARGE = 256_000_000

_numbers = count(1)


def an_audit(path: Path, **rest: Any) -> Audit:
    return Audit(path, **{"keep": YEAR, "max_bytes": LARGE} | rest)


def a_command(key: str = "", **rest: Any) -> Command:
    """A command that its point takes, and that nobody has recorded yet."""
    members: dict[str, Any] = {
        "key": key or f"key{next(_numbers)}",
        "by": "panel",
        "device": "bench",
        "point": "fan",
        "value": True,
        "confirm": "acked",
        "deadline": time.monotonic() + 5,
        "body": b'["bench","fan",true,5.0,null,null]',
        "time": time.time(),
        "sender": Sender("192.0.2.7", "token-17"),
    }
    return Command(**members | rest)


async def carried_out(audit: Audit, ledger: Ledger, command: Command) -> None:
    """A command on its whole way."""
    ledger.accept(command)
    await audit.claim(command, {})
    ledger.move(command, State.SENT)
    ledger.move(command, State.ACKED)


def record(key: str = "k", value: str = "true") -> Record:
    """A command as the store takes it."""
    return Record(("panel", None, "192.0.2.7", key, b"[]", "bench", "fan", value, "acked", 5.0, None, 0))


def filled(path: Path, commands: int, *, time: float = 1000.0, boot: str | None = None) -> None:
    """A file with commands of three rows each."""
    store = Store(path)
    if boot is not None:
        store.boot = boot
    store.open()
    entries = []
    for number in range(commands):
        made = record(f"k{number}", str(number))
        entries += [
            Entry(made, "accepted", time + number, 10.0 + number),
            Entry(made, "claimed", time + number, 10.0 + number, inputs='{"attic.tank":12}'),
            Entry(made, "acked", time + number, 10.0 + number, "executed", "thé end"),
        ]
    store.write(entries)
    store.close()
