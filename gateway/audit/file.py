"""The audit's file as such: held by one gateway, made where there is none, and moved aside where it is damaged."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from gateway.errors import FieldgateError

VERSION = 1  # of the schema, in `user_version`

# `unfinished` has the commands without an outcome. `ends` has number and hash of the newest row (`last`), and of the
# last that was taken out for its age or for room (`first`): so rows that are missing at either end are noticed too.
_SCHEMA = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE commands (
    id INTEGER PRIMARY KEY, identity TEXT, jti TEXT, address TEXT, key TEXT, body BLOB,
    device TEXT, point TEXT, value TEXT, confirm TEXT, ttl REAL, lease REAL, urgent INTEGER
);
CREATE TABLE transitions (
    seq INTEGER PRIMARY KEY, command INTEGER, state TEXT, outcome TEXT, detail TEXT, inputs TEXT,
    time REAL, monotonic REAL, boot TEXT, hash BLOB
);
CREATE INDEX transitions_of ON transitions (command);
CREATE TABLE unfinished (command INTEGER PRIMARY KEY);
CREATE TABLE ends (name TEXT PRIMARY KEY, seq INTEGER, hash BLOB);
INSERT INTO ends VALUES ('first', 0, zeroblob(32)), ('last', 0, zeroblob(32));
PRAGMA user_version = 1;
COMMIT;
"""

logger = logging.getLogger(__name__)


def lock(path: Path) -> int:
    """The descriptor that keeps other gateways from the file while it is open; FieldgateError where one has it."""
    descriptor = os.open(beside(path, ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise FieldgateError(
            f"the audit {path} is kept by another gateway that runs; give this one an `audit: path:` of its own"
        ) from None
    return descriptor


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may write; the file is made where there is none, for its owner alone."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 1000000")
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        if version == 0:
            connection.executescript(_SCHEMA)
        elif version != VERSION:
            raise FieldgateError(f"the audit {path} was written by another version of Fieldgate (schema {version})")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_sound(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """The same after a look at the whole file; a damaged one is moved aside, and its new name returned."""
    try:
        connection = connect(path)
        try:
            ((verdict,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
        except BaseException:
            connection.close()
            raise
        if verdict == "ok":
            return connection, None
        connection.close()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        verdict = str(error)
    aside = _unused(path)
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            beside(path, suffix).rename(beside(aside, suffix))
    logger.error("the audit %s is damaged (%s): it was moved to %s, and a new one begins", path, verdict, aside)
    return connect(path), aside.name


def beside(path: Path, suffix: str) -> Path:
    """The file whose name is this one's with a suffix."""
    return path.with_name(path.name + suffix)


def _unused(path: Path) -> Path:
    """A name for a damaged file: the time in it is the file's last change, in Unix seconds."""
    stem = f".damaged-{int(path.stat().st_mtime)}"
    names = (beside(path, stem if not count else f"{stem}-{count}") for count in range(1_000))
    return next(name for name in names if not name.exists())
