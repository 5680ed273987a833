"""What the audit writes: rows in a chain, each durable when `write` returns. Every method blocks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.audit.chain import NO_COMMAND, ORIGIN, Cell, digest, link
from gateway.audit.file import connect, connect_sound, lock
from gateway.errors import AuditError, FieldgateError

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # another after each start of the machine
_PRUNED_AT_ONCE = 500  # rows: a claim that comes meanwhile waits for one such step

_ADD_COMMAND = "INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_TRANSITION = "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UNFINISHED = "SELECT * FROM commands WHERE id IN (SELECT command FROM unfinished) ORDER BY id"
_ENDED = "SELECT commands.* FROM transitions JOIN commands ON id = command WHERE outcome IS NOT NULL ORDER BY seq DESC"


@dataclass(slots=True, eq=False)
class Record:
    """A command in the file; `id` and `digest` are there once its row is. `cells` are those of its row, but `id`."""

    cells: tuple[Cell, ...] = ()
    id: int | None = None
    digest: bytes = NO_COMMAND


@dataclass(frozen=True, slots=True)
class Entry:
    """A row to come. `record` is None where it belongs to no command; `time` is of the wall clock."""

    record: Record | None
    state: str
    time: float
    monotonic: float
    outcome: str | None = None
    detail: str | None = None
    inputs: str | None = None


@dataclass(slots=True)
class _Attempt:
    """What a transaction writes, kept until it is known whether it did."""

    head: tuple[int, bytes]
    commands: list[tuple[Cell, ...]] = field(default_factory=list)
    transitions: list[tuple[Cell, ...]] = field(default_factory=list)
    finished: list[tuple[int]] = field(default_factory=list)
    new: dict[Record, tuple[int, bytes]] = field(default_factory=dict)

    def settle(self) -> None:
        """It is in the file."""
        for record, (id, digest_) in self.new.items():
            record.id, record.digest, record.cells = id, digest_, ()


class Store:
    """The file, from `open` to `close`; for one thread at a time. Raises AuditError where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None
        self._opened: sqlite3.Connection | None = None
        self._head = 0, ORIGIN
        self._attempt: _Attempt | None = None
        self.boot = _boot()

    def open(self) -> str | None:
        """Opens the file, or makes it; returns where a damaged one was moved to; FieldgateError has one line."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = lock(self._path)
            try:
                self._opened, moved = connect_sound(self._path)
                self._head = self._last()
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise FieldgateError(f"the audit {self._path} cannot be opened: {error.strerror or error}") from error
        except sqlite3.Error as error:
            raise FieldgateError(f"the audit {self._path} cannot be opened: {error}") from error
        return moved

    def close(self) -> None:
        """Closes the file, and lets another gateway have it."""
        self._disconnect()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def reopen(self) -> bool:
        """Opens it anew after a failure; returns whether what failed last is in the file after all."""
        with _translated():
            self._disconnect()
            self._opened = connect(self._path)
            # What stands in the log of SQLite may never have reached the disk, although it can be read: after a failing
            # fsync the kernel thinks no more of it. So it is written once more, to the file proper.
            busy, frames, moved = self._opened.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy or frames != moved:
                raise AuditError("another program reads the file, and does not end")
            self._head = self._last()
        attempt, self._attempt = self._attempt, None
        if attempt is None or attempt.head != self._head:
            return False
        attempt.settle()
        return True

    def write(self, entries: Sequence[Entry]) -> None:
        """Returns once all of them are durable; where it raises, `reopen` tells whether they are."""
        self._attempt = attempt = self._chained(entries)
        with _translated(), self._transaction() as connection:
            connection.executemany(_ADD_COMMAND, attempt.commands)
            connection.executemany("INSERT INTO unfinished VALUES (?)", [row[:1] for row in attempt.commands])
            connection.executemany(_ADD_TRANSITION, attempt.transitions)
            connection.executemany("DELETE FROM unfinished WHERE command = ?", attempt.finished)
            connection.execute("UPDATE ends SET seq = ?, hash = ? WHERE name = 'last'", attempt.head)
        self._head, self._attempt = attempt.head, None
        attempt.settle()

    def prune(self, before: float | None, max_bytes: int, young: float) -> int:
        """Takes out a few of the oldest rows; returns how many, 0 where none is to go.

        Those from before `before` (wall clock) go, and others while the file is above `max_bytes`; but none of this
        boot from after `young` (monotonic).
        """
        with _translated():
            connection = self._connection
            pages, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
            too_large = (pages - free) * size > max_bytes
            rows = connection.execute(
                "SELECT seq, hash, time, monotonic, boot FROM transitions ORDER BY seq LIMIT ?", (_PRUNED_AT_ONCE,)
            ).fetchall()
            count = 0
            # A stamp of a clock that was ahead holds those after it back, until there is too much.
            for _, _, time, monotonic, boot in rows:
                if boot == self.boot and monotonic > young:
                    break
                if not too_large and (before is None or time >= before):
                    break
                count += 1
            if count:
                self._take_out(*rows[count - 1][:2])
        return count

    def _take_out(self, seq: int, hash: bytes) -> None:
        """All rows up to this one, and the commands that have no others."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM transitions WHERE seq <= ?", (seq,))
            connection.execute(
                "DELETE FROM commands WHERE id <= ? AND id NOT IN (SELECT command FROM unfinished) "
                "AND NOT EXISTS (SELECT 1 FROM transitions WHERE command = commands.id)",
                (seq,),
            )
            connection.execute("UPDATE ends SET seq = ?, hash = ? WHERE name = 'first'", (seq, hash))
        # As a script: each step of this statement frees one page, and `execute` takes one step only.
        self._connection.executescript("PRAGMA incremental_vacuum")

    def unfinished(self) -> Iterator[tuple[Cell, ...]]:
        """The commands without an outcome, oldest first, as in `chain.COMMAND`."""
        return self._select(_UNFINISHED)

    def ended(self) -> Iterator[tuple[Cell, ...]]:
        """The commands with an outcome, the one that ended last first, as in `chain.COMMAND`."""
        return self._select(_ENDED)

    def transitions(self, command: int) -> list[tuple[str, str | None, str | None, float, float, str]]:
        """State, outcome, detail, time, monotonic time and boot of each, oldest first."""
        return list(
            self._select(
                "SELECT state, outcome, detail, time, monotonic, boot FROM transitions WHERE command = ? ORDER BY seq",
                command,
            )
        )

    def _select(self, statement: str, *values: Cell) -> Iterator[tuple[Any, ...]]:
        with _translated(), closing(self._connection.execute(statement, values)) as cursor:
            yield from cursor

    def _chained(self, entries: Sequence[Entry]) -> _Attempt:
        seq, before = self._head
        attempt = _Attempt(self._head)
        for entry in entries:
            seq += 1
            record = entry.record
            command, of_command = (
                (None, NO_COMMAND) if record is None else attempt.new.get(record, (record.id, record.digest))
            )
            if record is not None and command is None:
                cells = (seq, *record.cells)  # a command is known by the number of its first row
                command, of_command = attempt.new[record] = seq, digest(cells)
                attempt.commands.append(cells)
            row = (
                seq, command, entry.state, entry.outcome, entry.detail, entry.inputs,
                entry.time, entry.monotonic, self.boot,
            )  # fmt: skip
            before = link(before, of_command, row)
            attempt.transitions.append((*row, before))
            if command is not None and entry.outcome is not None:
                attempt.finished.append((command,))
        attempt.head = seq, before
        return attempt

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            raise AuditError("the file is closed")
        return self._opened

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # some errors have rolled it back already
                connection.execute("ROLLBACK")
            raise

    def _last(self) -> tuple[int, bytes]:
        ((seq, hash),) = self._connection.execute("SELECT seq, hash FROM ends WHERE name = 'last'").fetchall()
        return seq, hash

    def _disconnect(self) -> None:
        if self._opened is not None:
            with suppress(sqlite3.Error):
                self._opened.close()
            self._opened = None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise AuditError(str(error)) from error
    except OSError as error:
        raise AuditError(error.strerror or str(error)) from error


def _boot() -> str:
    """What tells the monotonic clock of one start of the machine from that of another; empty where nothing does."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
