"""The chain: whatever is changed in the file is found."""

# ruff: noqa: S608 - the names of tables and columns are our own

import shutil
import sqlite3
import struct
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.audit.chain import COMMAND, TRANSITION, encoded
from gateway.audit.history import BrokenChainError, History
from gateway.audit.store import Entry, Store
from tests.audit.records import filled

ROWS = 18  # of six commands, and a gap

cells = st.none() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False) | st.binary() | st.text()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chain") / "audit.db"
    filled(path, 6)
    store = Store(path)
    store.open()
    store.write([Entry(None, "gap", 7.0, 8.0, detail="2 changes are missing")])
    store.close()
    return path


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "audit.db"))


def edited(path: Path, statement: str, *values: object) -> int:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).rowcount


def test_a_sound_file_fits(sound: Path) -> None:
    found = History(sound).verify()
    assert (found.rows, found.taken_out) == (ROWS + 1, 0)


def test_the_columns_are_those_that_are_told(sound: Path) -> None:
    with closing(sqlite3.connect(sound)) as connection:
        for table, names in (("commands", COMMAND), ("transitions", (*TRANSITION, "hash"))):
            assert tuple(row[1] for row in connection.execute(f"PRAGMA table_info({table})")) == names


def test_another_program_computes_the_same_hashes_from_what_is_written_of_them(sound: Path) -> None:
    """Written after the documentation, with nothing of the gateway."""

    def cell(value: Any) -> bytes:
        kind = type(value)
        kinds = {type(None): b"n", int: b"i", float: b"f", str: b"t", bytes: b"b"}
        if isinstance(value, float):
            value = struct.pack(">d", value)
        content = value if isinstance(value, bytes) else b"" if value is None else str(value).encode()
        return kinds[kind] + str(len(content)).encode() + b":" + content

    with closing(sqlite3.connect(sound)) as connection:
        commands = {
            row[0]: sha256(b"".join(map(cell, row))).digest() for row in connection.execute("SELECT * FROM commands")
        }
        before = bytes(32)
        for *row, noted in connection.execute("SELECT * FROM transitions ORDER BY seq"):
            before = sha256(before + commands.get(row[1], bytes(32)) + b"".join(map(cell, row))).digest()
            assert before == noted


@given(left=st.lists(cells, max_size=3), right=st.lists(cells, max_size=3))
def test_no_two_rows_are_encoded_alike(left: list[Any], right: list[Any]) -> None:
    same = list(map(repr, left)) == list(map(repr, right))
    assert (b"".join(map(encoded, left)) == b"".join(map(encoded, right))) is same


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table_and_column=st.sampled_from([("commands", name) for name in COMMAND])
    | st.sampled_from([("transitions", name) for name in (*TRANSITION, "hash")])
    | st.sampled_from([("ends", name) for name in ("name", "seq", "hash")]),
    row=st.integers(0, ROWS),
    value=cells,
)
def test_a_changed_cell_is_found(
    sound: Path, tmp_path: Path, table_and_column: tuple[str, str], row: int, value: Any
) -> None:
    table, column = table_and_column
    path = Path(shutil.copy(sound, tmp_path / "audit.db"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        rowids = [found for (found,) in connection.execute(f"SELECT rowid FROM {table}")]
        where = rowids[row % len(rowids)]
        select = f"SELECT {column} FROM {table} WHERE rowid = ?"
        before = connection.execute(select, (where,)).fetchone()
        try:
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, where))
        except sqlite3.Error:  # the schema has no place for it
            assume(False)
        moved = column in ("id", "seq") and table != "ends"  # it is the rowid
        after = connection.execute(select, (value if moved else where,)).fetchone()
    assume(repr(before) != repr(after))  # SQLite keeps 5 in a column of reals as 5.0
    with pytest.raises(BrokenChainError):
        History(path).verify()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.sampled_from(["commands", "transitions", "ends"]), rows=st.sets(st.integers(1, ROWS + 1), min_size=1))
def test_missing_rows_are_found_wherever_they_are(sound: Path, tmp_path: Path, table: str, rows: set[int]) -> None:
    path = Path(shutil.copy(sound, tmp_path / "audit.db"))
    marks = ", ".join("?" * len(rows))
    assume(edited(path, f"DELETE FROM {table} WHERE rowid IN ({marks})", *rows))
    with pytest.raises(BrokenChainError):
        History(path).verify()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(1, ROWS + 2)))
def test_another_order_is_found(sound: Path, tmp_path: Path, order: list[int]) -> None:
    assume(order != sorted(order))
    path = Path(shutil.copy(sound, tmp_path / "audit.db"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("UPDATE transitions SET seq = -? WHERE seq = ?", enumerate(order, start=1))
        connection.execute("UPDATE transitions SET seq = -seq")
    with pytest.raises(BrokenChainError):
        History(path).verify()


def test_an_added_row_is_found(copy: Path) -> None:
    rest = ", ".join((*TRANSITION[1:], "hash"))
    edited(copy, f"INSERT INTO transitions SELECT 20, {rest} FROM transitions WHERE seq = 18")
    with pytest.raises(BrokenChainError):
        History(copy).verify()


def test_an_added_command_is_found(copy: Path) -> None:
    edited(copy, "INSERT INTO commands (id, key) VALUES (99, 'k')")
    with pytest.raises(BrokenChainError, match="command 99 has no rows"):
        History(copy).verify()


def test_the_first_row_that_does_not_fit_is_named(copy: Path) -> None:
    edited(copy, "UPDATE transitions SET detail = 'x' WHERE seq IN (9, 12)")
    with pytest.raises(BrokenChainError, match="row 9: it, its command or the order of rows was changed"):
        History(copy).verify()
    edited(copy, "DELETE FROM transitions WHERE seq = 4")
    with pytest.raises(BrokenChainError, match="row 4 is missing"):
        History(copy).verify()
