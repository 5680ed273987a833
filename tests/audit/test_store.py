"""The file: how long it is kept, what becomes of a damaged one, and what a failed transaction leaves."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit.history import BrokenChainError, History
from gateway.audit.retention import Retention
from gateway.audit.store import Entry, Store
from gateway.errors import AuditError, FieldgateError
from tests.audit.records import LARGE, YEAR, an_audit, filled, record

HOUR = 3600.0


class Clocks:
    """A wall clock and a monotonic one that the test moves."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1_000_000.0, 100_000.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """With 400 commands of another boot, a second apart, the newest a second old."""
    filled(path, 400, time=1_000_000.0 - 400, boot="another")
    store = Store(path)
    store.open()
    yield store
    store.close()


def retention(store: Store, clocks: Clocks, keep: float = YEAR, max_bytes: int = LARGE) -> Retention:
    return Retention(store, keep, max_bytes, lambda: clocks.wall, lambda: clocks.monotonic)


def run_dry(kept: Retention) -> None:
    """Steps until there is nothing left to do now."""
    for _ in range(100):
        kept.step()
        if kept.pause > 0:
            return
    pytest.fail("it finds no end")


# ---- by age and by size


def test_what_is_too_old_is_taken_out_and_the_rest_still_fits(store: Store, path: Path, clocks: Clocks) -> None:
    kept = retention(store, clocks, keep=HOUR)
    clocks.pass_(HOUR - 100)
    run_dry(kept)
    assert History(path).verify().taken_out == 0  # the clock has not run evenly for long enough to say what is old
    clocks.pass_(100)
    run_dry(kept)
    assert History(path).verify().taken_out == 1200
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM commands").fetchone() == (0,)


def test_what_is_young_enough_stays(store: Store, path: Path, clocks: Clocks) -> None:
    kept = retention(store, clocks, keep=HOUR + 100.5)
    clocks.pass_(HOUR)
    run_dry(kept)
    found = History(path).verify()
    assert (found.taken_out, found.rows) == (900, 300)
    assert next(told.command["key"] for told in History(path).oldest() if told.command) == "k300"


def test_the_chain_goes_on_where_everything_was_taken_out(store: Store, path: Path, clocks: Clocks) -> None:
    kept = retention(store, clocks, keep=HOUR)
    clocks.pass_(2 * HOUR)
    run_dry(kept)
    store.write([Entry(record(), "accepted", clocks.wall, clocks.monotonic)])
    found = History(path).verify()
    assert (found.taken_out, found.rows) == (1200, 1)
    assert [told.command["id"] for told in History(path).oldest() if told.command] == [1201]  # no number comes twice


@pytest.mark.parametrize("jump", [86400.0 * 3650, -86400.0, 3600.0])
def test_a_clock_that_jumps_takes_nothing_out(store: Store, path: Path, clocks: Clocks, jump: float) -> None:
    kept = retention(store, clocks, keep=2 * HOUR)
    clocks.pass_(HOUR)
    run_dry(kept)
    clocks.wall += jump
    for _ in range(50):
        clocks.pass_(60)
        run_dry(kept)
    assert History(path).verify().taken_out == 0


def test_above_its_size_the_oldest_go_and_the_file_shrinks(store: Store, path: Path, clocks: Clocks) -> None:
    before = path.stat().st_size
    kept = retention(store, clocks, max_bytes=before // 2)
    clocks.pass_(60)
    run_dry(kept)
    found = History(path).verify()
    assert 0 < found.rows < 900
    assert found.rows + found.taken_out == 1200
    store.close()
    assert path.stat().st_size <= before // 2


def test_keys_of_the_last_ten_minutes_are_kept_however_little_room_there_is(
    store: Store, path: Path, clocks: Clocks
) -> None:
    store.write([Entry(record("mine"), "accepted", clocks.wall, clocks.monotonic)])
    kept = retention(store, clocks, keep=HOUR, max_bytes=1)
    clocks.pass_(60)
    run_dry(kept)
    found = History(path).verify()
    assert (found.taken_out, found.rows) == (1200, 1)
    clocks.pass_(600)
    run_dry(kept)
    assert History(path).verify().rows == 0


def test_rows_before_those_that_were_taken_out_are_missed(store: Store, path: Path, clocks: Clocks) -> None:
    store.prune(None, 1, clocks.monotonic)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM transitions WHERE seq = 501")
    with pytest.raises(BrokenChainError, match="row 501 is missing"):
        History(path).verify()


def test_rows_that_go_while_the_chain_is_walked_are_no_break(store: Store, path: Path, clocks: Clocks) -> None:
    walked = 0

    def take_out(rows: int) -> None:
        nonlocal walked
        walked += 1
        if walked == 1:
            store.prune(None, 1, clocks.monotonic)
            store.prune(None, 1, clocks.monotonic)

    found = History(path).verify(take_out)
    assert walked > 1
    assert (found.taken_out, found.rows) == (1000, 200)


# ---- damage


@pytest.mark.parametrize("damage", ["no database", "a page"])
def test_a_damaged_file_is_moved_aside_and_a_new_one_says_so(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    filled(path, 400)
    content = bytearray(path.read_bytes())
    if damage == "no database":
        content[:100] = b"x" * 100
    else:
        content[4096 : 4 * 4096] = b"\xff" * (3 * 4096)
    path.write_bytes(content)
    audit = an_audit(path)
    assert audit.open() == []
    asyncio.run(audit.close())
    (aside,) = path.parent.glob("audit.db.damaged-*")
    assert aside.read_bytes() == bytes(content)
    assert "is damaged" in caplog.text
    assert str(aside) in caplog.text
    (gap,) = History(path).oldest()
    assert gap.last["detail"] == f"the record before this was damaged: it is in {aside.name}"
    assert History(path).verify().rows == 1


def test_a_second_damaged_file_does_not_take_the_place_of_the_first(path: Path) -> None:
    for _ in range(2):
        path.write_bytes(b"no database at all" * 100)
        store = Store(path)
        store.open()
        store.close()
    assert len(list(path.parent.glob("audit.db.damaged-*"))) == 2


def test_a_file_of_a_later_version_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
        connection.execute("CREATE TABLE other (x)")
    for read in (Store(path).open, lambda: History(path).verify()):
        with pytest.raises(FieldgateError, match="another version of Fieldgate"):
            read()


# ---- a transaction that fails


def test_what_failed_is_written_once_when_it_is_tried_again(store: Store, path: Path) -> None:
    new = record("new")
    entries = [Entry(new, "accepted", 1.0, 2.0), Entry(new, "claimed", 1.0, 2.0)]
    with closing(sqlite3.connect(path, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(AuditError, match="database is locked"):
            store.write(entries)
        blocker.execute("ROLLBACK")
    assert store.reopen() is False
    store.write(entries)
    assert History(path).verify().rows == 1202


def test_what_is_in_the_file_although_it_failed_is_not_written_again(store: Store, path: Path) -> None:
    new = record("new")
    attempt = store._chained([Entry(new, "accepted", 1.0, 2.0)])
    store.write([Entry(record("new"), "accepted", 1.0, 2.0)])
    store._attempt = attempt  # as if the error had come after the last byte
    assert store.reopen() is True
    store.write([Entry(new, "rejected", 1.0, 2.0, "not_executed")])
    assert History(path).verify().rows == 1202
    states = [[row["state"] for row in told.transitions] for told in History(path).newest()]
    assert states[0] == ["accepted", "rejected"]


def test_a_reader_that_does_not_end_keeps_a_failed_file_from_being_trusted(store: Store, path: Path) -> None:
    store.write([Entry(record("new"), "accepted", 1.0, 2.0)])
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM commands").fetchall()
        with pytest.raises(AuditError, match="another program reads the file"):
            store.reopen()
    assert store.reopen() is False
