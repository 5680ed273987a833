"""Reads the audit, also while a gateway writes it. Each look at the file is short: a long one would let it grow."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from gateway.audit.chain import COMMAND, NO_COMMAND, TRANSITION, digest, link
from gateway.audit.file import VERSION, beside
from gateway.errors import FieldgateError

_AT_ONCE = 500  # rows of one look
_UPWARDS = (
    "SELECT * FROM commands WHERE id > ? ORDER BY id LIMIT ?",
    "SELECT * FROM transitions WHERE command IS NULL AND seq > ? ORDER BY seq LIMIT ?",
)
_DOWNWARDS = (
    "SELECT * FROM commands WHERE id < ? ORDER BY id DESC LIMIT ?",
    "SELECT * FROM transitions WHERE command IS NULL AND seq < ? ORDER BY seq DESC LIMIT ?",
)

Cells = dict[str, Any]


class BrokenChainError(FieldgateError):
    """A row that does not fit; the message says which, and why."""


@dataclass(slots=True)
class Told:
    """A command and its rows, oldest first; or a gap, which is one row without a command."""

    command: Cells | None
    transitions: list[Cells] = field(default_factory=list)

    @property
    def last(self) -> Cells:
        """The row of its newest state."""
        return next((row for row in reversed(self.transitions) if row["state"] != "claimed"), self.transitions[-1])

    def to_json(self) -> dict[str, Any]:
        """All that is recorded of it."""
        command = dict(self.command or {})
        if command:
            command["by"] = command.pop("identity")
            command["value"] = orjson.loads(command["value"])
            command["body"] = command["body"].decode(errors="replace")
            command["urgent"] = bool(command["urgent"])
        rows = [
            {name: cell for name, cell in row.items() if name != "command"}
            | {"inputs": orjson.loads(row["inputs"] or "null"), "hash": row["hash"].hex()}
            for row in self.transitions
        ]
        return command | {"state": self.last["state"], "outcome": self.last["outcome"], "transitions": rows}


@dataclass(frozen=True, slots=True)
class Verified:
    """A chain that fits: its rows, how many were taken out before them, and the hash of the newest."""

    rows: int
    taken_out: int
    hash: bytes


class History:
    """The audit in a file, for reading. Raises FieldgateError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def newest(self) -> Iterator[Told]:
        """All commands and gaps, the newest first."""
        with self._opened() as connection:
            before = 1 << 62
            while page := self._page(connection, before):
                yield from page
                before = _seq(page[-1])

    def oldest(self) -> Iterator[Told]:
        """All commands and gaps, the oldest first."""
        with self._opened() as connection:
            after = 0
            while page := self._page(connection, after, upwards=True):
                yield from page
                after = _seq(page[-1])

    def verify(self, progress: Callable[[int], None] = lambda rows: None) -> Verified:
        """Walks the chain from its first row to its newest; raises BrokenChainError at the first that does not fit."""
        with self._opened() as connection:
            with _look(connection):
                first = start, before = _end(connection, "first")
            seq = start
            while True:
                with _look(connection):
                    rows = connection.execute(
                        "SELECT * FROM transitions WHERE seq > ? ORDER BY seq LIMIT ?", (seq, _AT_ONCE)
                    ).fetchall()
                    if not rows or rows[0]["seq"] != seq + 1:
                        moved = _end(connection, "first")
                        if moved != first and moved[0] > seq:  # the gateway took rows out meanwhile
                            first = start, before = moved
                            seq = start
                            continue
                    if not rows:
                        return self._at_end(connection, seq, before, start)
                    for row in rows:
                        before = _fitting(connection, row, seq, before)
                        seq = row["seq"]
                progress(seq - start)

    def _at_end(self, connection: sqlite3.Connection, seq: int, before: bytes, start: int) -> Verified:
        last, hash = _end(connection, "last")
        if last != seq:
            raise BrokenChainError(f"row {seq + 1} is missing: the newest should be row {last}")
        if hash != before:
            raise BrokenChainError(f"row {seq}: another hash was noted as that of the newest row")
        stray = connection.execute(
            "SELECT id FROM commands WHERE id NOT IN (SELECT command FROM unfinished) "
            "AND NOT EXISTS (SELECT 1 FROM transitions WHERE command = commands.id) LIMIT 1"
        ).fetchone()
        if stray is not None:
            raise BrokenChainError(f"command {stray[0]} has no rows")
        return Verified(seq - start, start, before)

    def _page(self, connection: sqlite3.Connection, edge: int, *, upwards: bool = False) -> list[Told]:
        """The next commands and gaps above or below the edge, in that direction."""
        of_commands, of_gaps = _UPWARDS if upwards else _DOWNWARDS
        with _look(connection):
            commands = connection.execute(of_commands, (edge, _AT_ONCE)).fetchall()
            gaps = connection.execute(of_gaps, (edge, _AT_ONCE)).fetchall()
            found = [Told(dict(command)) for command in commands] + [Told(None, [dict(gap)]) for gap in gaps]
            found.sort(key=_seq, reverse=not upwards)
            del found[_AT_ONCE:]
            for told in found:
                if told.command is not None:
                    rows = connection.execute(
                        "SELECT * FROM transitions WHERE command = ? ORDER BY seq", (told.command["id"],)
                    )
                    told.transitions = [dict(row) for row in rows]
        return found

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if not self._path.is_file():
            raise FieldgateError(f"there is no audit {self._path}")
        try:
            with closing(self._connect()) as connection:
                yield connection
        except sqlite3.Error as error:
            raise FieldgateError(f"the audit {self._path} cannot be read: {error}") from error

    def _connect(self, more: str = "") -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode=ro{more}"
        connection = sqlite3.connect(address, uri=True, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        except sqlite3.OperationalError:
            connection.close()
            # Who may not write to the folder cannot join those who write the file; where nobody does, none must.
            if more or beside(self._path, "-wal").exists():
                raise
            return self._connect("&immutable=1")
        if version != VERSION:
            connection.close()
            raise FieldgateError(f"{self._path} is no audit, or one of another version of Fieldgate")
        return connection


def _seq(told: Told) -> int:
    """Where it stands: a command is known by the number of its first row."""
    seq: int = told.command["id"] if told.command is not None else told.transitions[0]["seq"]
    return seq


@contextmanager
def _look(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read meanwhile is of one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _end(connection: sqlite3.Connection, name: str) -> tuple[int, bytes]:
    row = connection.execute("SELECT seq, hash FROM ends WHERE name = ?", (name,)).fetchone()
    if row is None or not isinstance(row["seq"], int) or not isinstance(row["hash"], bytes):
        raise BrokenChainError(f"the {name} end of the chain is not noted")
    return row["seq"], row["hash"]


def _fitting(connection: sqlite3.Connection, row: sqlite3.Row, seq: int, before: bytes) -> bytes:
    """The hash of the row; raises BrokenChainError where it is not the next after row `seq`."""
    if row["seq"] != seq + 1:
        raise BrokenChainError(f"row {seq + 1} is missing")
    of_command = NO_COMMAND
    if row["command"] is not None:
        command = connection.execute("SELECT * FROM commands WHERE id = ?", (row["command"],)).fetchone()
        if command is None:
            raise BrokenChainError(f"row {row['seq']}: its command {row['command']} is missing")
        of_command = digest(command[name] for name in COMMAND)
    if link(before, of_command, (row[name] for name in TRANSITION)) != row["hash"]:
        raise BrokenChainError(f"row {row['seq']}: it, its command or the order of rows was changed")
    hash: bytes = row["hash"]
    return hash
