"""`fieldgate audit`."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit.history import History
from gateway.audit.store import Entry, Record, Store
from gateway.cli.audit import _table
from tests.cli.command import Fieldgate
from tests.parts.client import connect
from tests.parts.gateway import StartGateway

NOW = time.time()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three commands and a gap, an hour apart."""
    path = tmp_path / "audit.db"
    store = Store(path)
    store.open()

    def command(by: str, device: str, point: str, value: str, ago: float, *states: tuple[str, str | None]) -> None:
        record = Record((by, None, "192.0.2.7", f"key-{point}", b"[]", device, point, value, "acked", 5.0, None, 0))
        entries = [
            Entry(record, state, NOW - ago, 100.0, outcome, "jammed\x1b[2J" if state == "failed" else None)
            for state, outcome in states
        ]
        store.write(entries)

    command("panel", "house.lamp", "on", "true", 7200, ("accepted", None), ("claimed", None), ("acked", "executed"))
    command("panel", "house.door", "lock", '"shut"', 3600, ("accepted", None), ("failed", "not_executed"))
    store.write([Entry(None, "gap", NOW - 1800, 200.0, detail="3 changes are missing")])
    command("phone", "greenhouse", "fan", "false", 60, ("accepted", None), ("timeout", "unknown"))
    store.close()
    return path


async def listed(fieldgate: Fieldgate, file: Path, *options: str) -> list[str]:
    """The points, `-` for the gap, of what is listed."""
    ended = await fieldgate.run("audit", "list", "--db", str(file), *options)
    assert (ended.code, ended.err) == (0, "")
    return [line.split("\t")[4] for line in ended.out.splitlines()]


async def test_commands_are_listed_with_what_became_of_them_the_newest_last(fieldgate: Fieldgate, file: Path) -> None:
    ended = await fieldgate.run("audit", "list", "--db", str(file))
    rows = [line.split("\t")[1:] for line in ended.out.splitlines()]
    assert rows == [
        ["panel", "192.0.2.7", "house.lamp", "on", "true", "acked", "executed", "-"],
        ["panel", "192.0.2.7", "house.door", "lock", '"shut"', "failed", "not_executed", "jammed\\x1b[2J"],
        ["-", "-", "-", "-", "-", "gap", "-", "3 changes are missing"],
        ["phone", "192.0.2.7", "greenhouse", "fan", "false", "timeout", "unknown", "-"],
    ]


@pytest.mark.parametrize(
    ("options", "points"),
    [
        (["--device", "house.*"], ["on", "lock"]),
        (["--device", "greenhouse"], ["fan"]),
        (["--by", "p*n?"], ["fan"]),
        (["--by", "pan*"], ["on", "lock"]),
        (["--since", "90m"], ["lock", "-", "fan"]),
        (["--since", "90m", "--outcome", "unknown"], ["fan"]),
        (["--state", "acked"], ["on"]),
        (["--limit", "2"], ["-", "fan"]),
    ],
)
async def test_what_is_listed_can_be_narrowed(
    fieldgate: Fieldgate, file: Path, options: list[str], points: list[str]
) -> None:
    assert await listed(fieldgate, file, *options) == points


async def test_everything_is_exported_one_object_a_line_the_oldest_first(fieldgate: Fieldgate, file: Path) -> None:
    ended = await fieldgate.run("audit", "export", "--db", str(file))
    assert (ended.code, ended.err) == (0, "")
    objects = [json.loads(line) for line in ended.out.splitlines()]
    assert [found.get("point") for found in objects] == ["on", "lock", None, "fan"]
    assert [found["outcome"] for found in objects] == ["executed", "not_executed", None, "unknown"]
    assert objects[1]["value"] == "shut"
    assert [row["state"] for row in objects[0]["transitions"]] == ["accepted", "claimed", "acked"]
    assert all(len(row["hash"]) == 64 for found in objects for row in found["transitions"])
    narrowed = await fieldgate.run("audit", "export", "--db", str(file), "--device", "house.*", "--state", "failed")
    assert [json.loads(line)["point"] for line in narrowed.out.splitlines()] == ["lock"]


async def test_a_chain_that_fits_is_verified_with_exit_0(fieldgate: Fieldgate, file: Path) -> None:
    found = History(file).verify()
    ended = await fieldgate.run("audit", "verify", "--db", str(file))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"8 rows fit; the newest is 8, hash {found.hash.hex()}\n"


async def test_a_chain_that_was_changed_ends_with_1_and_names_the_row(fieldgate: Fieldgate, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE commands SET identity = 'somebody' WHERE id = 4")
    ended = await fieldgate.run("audit", "verify", "--db", str(file))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "fieldgate: the chain is broken: row 4: it, its command or the order of rows was changed\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["list", "--db", "nowhere.db"], 1, "there is no audit nowhere.db"),
        (["verify", "--db", "text.db"], 1, "the audit text.db cannot be read: file is not a database"),
        (["export", "--db", "empty.db"], 1, "empty.db is no audit"),
        (["list", "--db", "text.db", "fieldgate.yaml"], 2, "give --db FILE or CONFIG, not both"),
        (["list", "--since", "soon", "--db", "text.db"], 2, "--since: expected a duration"),
    ],
)
async def test_what_cannot_be_read_is_said_in_one_line(
    fieldgate: Fieldgate, arguments: list[str], code: int, said: str
) -> None:
    (fieldgate.directory / "text.db").write_text("no database at all")
    (fieldgate.directory / "empty.db").touch()
    ended = await fieldgate.run("audit", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(f"fieldgate: {said}")
    assert ended.err.count("\n") == 1


def test_on_a_terminal_they_are_a_table(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    lines = _table(list(History(file).oldest()))
    text = "\n".join(lines)
    assert lines[0].split() == ["time", "by", "address", "device", "point", "value", "state", "outcome", "detail"]
    assert "greenhouse" in text
    assert "\x1b[2J" not in text


async def test_it_is_read_while_the_gateway_runs_and_after(fieldgate: Fieldgate, gateway_process: StartGateway) -> None:
    gateway = await gateway_process(
        "audit: {path: kept/my.db}\nadapters: [{id: bench, type: loopback}]\n"
        "devices: {bench: {points: {fan: {type: boolean, writable: true}}}}\n"
    )
    config = str(gateway.config_path)
    command = {"type": "command", "device": "bench", "point": "fan", "value": True, "key": "k1"}
    async with connect(gateway.ws_url) as client:
        await client.request(command)
        await client.until(lambda frame: frame["type"] == "command" and frame["command"]["final"], 20)
    async with asyncio.timeout(30):
        while "executed" not in (listed := await fieldgate.run("audit", "list", config)).out:
            assert listed.code == 0
    assert (await fieldgate.run("audit", "verify", config)).out.startswith("4 rows fit; the newest is 4, hash ")
    await gateway.stop()
    ended = await fieldgate.run("audit", "list", config)
    cells = ended.out.split("\t")
    assert (cells[1], *cells[3:6]) == ("local", "bench", "fan", "true")
    assert {path.name for path in (gateway.config_path.parent / "kept").iterdir()} >= {"my.db", "my.db.lock"}
