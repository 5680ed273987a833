"""The audit as the commands use it: what is durable when, and what is known after a restart."""

import asyncio
import sqlite3
import stat
import threading
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit.audit import Audit, NoAudit
from gateway.audit.history import History
from gateway.audit.recovery import restore
from gateway.commands import Ledger, Sender, State
from gateway.errors import AuditError, FieldgateError, RequestError
from tests.audit.records import a_command, an_audit, carried_out
from tests.parts.waiting import eventually

YEAR = 365 * 86400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit.db"


@pytest.fixture
async def audit(path: Path) -> AsyncIterator[Audit]:
    made = an_audit(path)
    assert await asyncio.to_thread(made.open) == []
    yield made
    await made.close()


def states(path: Path, key: str) -> list[str]:
    """The states of a command that the file shows now."""
    told = next(told for told in History(path).newest() if told.command and told.command["key"] == key)
    return [row["state"] for row in told.transitions]


async def test_every_change_of_a_command_is_recorded_with_who_sent_it(audit: Audit, path: Path) -> None:
    command = a_command("k1", value=21.5, lease=30.0, urgent=True)
    await carried_out(audit, Ledger(audit), command)
    await audit.close()
    (told,) = History(path).oldest()
    shown = told.to_json()
    rows = shown.pop("transitions")
    assert [row["state"] for row in rows] == ["accepted", "claimed", "sent", "acked"]
    assert [row["outcome"] for row in rows] == [None, None, None, "executed"]
    assert all(abs(row["monotonic"] - time.monotonic()) < 60 and len(row["boot"]) == 36 for row in rows)
    assert shown == {
        "id": 1, "by": "panel", "jti": "token-17", "address": "192.0.2.7", "key": "k1",
        "body": '["bench","fan",true,5.0,null,null]', "device": "bench", "point": "fan", "value": 21.5,
        "confirm": "acked", "ttl": pytest.approx(5, abs=1), "lease": 30.0, "urgent": True,
        "state": "acked", "outcome": "executed",
    }  # fmt: skip


async def test_a_claim_is_durable_when_it_returns_and_has_what_the_interlocks_saw(audit: Audit, path: Path) -> None:
    command = a_command("k1")
    audit.accepted(command, command.sender)
    await audit.claim(command, {"attic.tank": 12.5, "attic.lid": False})
    assert states(path, "k1") == ["accepted", "claimed"]
    (told,) = History(path).newest()
    assert told.to_json()["transitions"][1]["inputs"] == {"attic.tank": 12.5, "attic.lid": False}


async def test_the_loop_runs_on_while_a_claim_waits_for_the_disk(audit: Audit, path: Path) -> None:
    command = a_command()
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")  # a slow disk: the writer waits for as long as this is held
    audit.accepted(command, command.sender)
    claim = asyncio.create_task(audit.claim(command, {}))
    turns = 0
    while turns < 10:
        await asyncio.sleep(0.001)
        turns += 1
    assert not claim.done()
    blocker.execute("ROLLBACK")
    blocker.close()
    async with asyncio.timeout(20):
        await claim


async def test_the_file_is_for_its_owner_alone(audit: Audit, path: Path) -> None:
    await carried_out(audit, Ledger(audit), a_command())
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


async def test_a_second_gateway_on_the_same_file_is_refused(audit: Audit, path: Path) -> None:
    with pytest.raises(FieldgateError, match="is kept by another gateway") as caught:
        an_audit(path).open()
    assert "\n" not in str(caught.value)
    await audit.close()
    again = an_audit(path)
    again.open()
    await again.close()


async def test_a_file_that_cannot_be_opened_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "audit.db", tmp_path):
        with pytest.raises(FieldgateError, match=r"the audit .* cannot be opened: ") as caught:
            an_audit(path).open()
        assert "\n" not in str(caught.value)


async def test_after_a_restart_the_commands_are_as_they_stood(path: Path) -> None:
    before = an_audit(path)
    before.open()
    ledger = Ledger(before)
    done, refused, waiting, claimed = (a_command(key) for key in ("done", "refused", "waiting", "claimed"))
    await carried_out(before, ledger, done)
    for command in (refused, waiting, claimed):
        ledger.accept(command)
    ledger.move(refused, State.REJECTED, "the device is offline")
    await before.claim(claimed, {})
    await before.close()

    after = an_audit(path)
    found = {command.key: command for command in after.open()}
    await after.close()
    assert list(found) == ["done", "refused", "waiting", "claimed"]  # those that ended first, as they ended
    told = {key: (c.state, c.outcome, c.detail, c.claimed) for key, c in found.items()}
    assert told == {
        "done": ("acked", "executed", None, True),
        "refused": ("rejected", "not_executed", "the device is offline", False),
        "waiting": ("accepted", None, None, False),
        "claimed": ("accepted", None, None, True),
    }
    assert all((c.ended_ago is None) is (c.outcome is None) for c in found.values())
    assert found["done"].body == done.body
    assert found["done"].value is True
    assert found["done"].by == "panel"


async def test_the_fate_of_a_command_of_the_process_before_is_recorded_with_it(path: Path) -> None:
    before = an_audit(path)
    before.open()
    command = a_command("k1")
    before.accepted(command, command.sender)
    await before.claim(command, {})
    await before.close()
    after = an_audit(path)
    (found,) = after.open()
    again = a_command(found.key, state=found.state)
    Ledger(after).move(again, State.LOST, "the gateway restarted")
    await after.close()
    assert states(path, "k1") == ["accepted", "claimed", "lost"]
    third = an_audit(path)
    assert [command.outcome for command in third.open()] == ["unknown"]
    await third.close()
    assert History(path).verify().rows == 3


async def test_a_command_that_may_have_been_written_is_unknown_after_a_restart_and_one_that_was_not_is_rejected(
    path: Path,
) -> None:
    before = an_audit(path)
    before.open()
    ledger = Ledger(before)
    done, waiting, claimed, sent = (a_command(key) for key in ("done", "waiting", "claimed", "sent"))
    await carried_out(before, ledger, done)
    for command in (waiting, claimed, sent):
        ledger.accept(command)
    await before.claim(claimed, {})
    await before.claim(sent, {})
    ledger.move(sent, State.SENT)
    await before.close()

    after = an_audit(path)
    ledger = Ledger(after)
    restore(ledger, after.open())
    await after.close()
    told = {}
    for key in ("done", "waiting", "claimed", "sent"):
        found = ledger.find("panel", key)
        assert found is not None
        told[key] = (found.state, found.outcome)
        assert states(path, key)[-1] == found.state  # and that is recorded
    assert told == {
        "done": ("acked", "executed"),
        "waiting": ("rejected", "not_executed"),
        "claimed": ("lost", "unknown"),
        "sent": ("lost", "unknown"),
    }
    assert ledger.repeated("panel", "done", done.body) is ledger.find("panel", "done")
    with pytest.raises(RequestError) as caught:
        ledger.repeated("panel", "done", b"another")
    assert caught.value.code == "conflict"


async def test_a_command_that_ended_long_ago_is_not_remembered(path: Path) -> None:
    monotonic = time.monotonic()
    before = an_audit(path, monotonic=lambda: monotonic - 700)
    before.open()
    await carried_out(before, Ledger(before), a_command("old"))
    await before.close()
    middle = an_audit(path, monotonic=lambda: monotonic - 300)
    middle.open()
    # Its wall clock is wrong by a year, which the monotonic clock of the same boot knows better.
    await carried_out(middle, Ledger(middle, now=lambda: time.time() - YEAR), a_command("recent"))
    await middle.close()
    after = an_audit(path, monotonic=lambda: monotonic)
    (found,) = after.open()
    await after.close()
    assert found.key == "recent"
    assert found.ended_ago == pytest.approx(300)


async def test_what_waits_is_durable_when_the_audit_is_closed(audit: Audit, path: Path) -> None:
    ledger = Ledger(audit)
    for number in range(2500):
        ledger.accept(a_command(f"k{number}"))
    await audit.close()
    assert History(path).verify().rows == 2500
    assert not any(thread.name == "audit" for thread in threading.enumerate())


async def test_nothing_is_taken_before_it_is_open_nor_after_it_was_closed(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audit = an_audit(path)
    command = a_command()
    for expected in ("the audit is not open", "the audit is closed"):
        with pytest.raises(RequestError, match=f"commands cannot be recorded: {expected}") as caught:
            audit.accepted(command, Sender())
        assert caught.value.code == "unavailable"
        with pytest.raises(AuditError, match=expected):
            await audit.claim(command, {})
        assert audit.reason == expected
        if expected == "the audit is not open":
            audit.open()
            audit.accepted(command, Sender())
            await audit.close()
    audit.moved(command)
    assert "1 changes of commands were not recorded: the audit is closed" in caplog.text


async def test_what_finds_no_room_is_counted_and_said_in_a_row(
    audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.audit.audit._MAX_ACCEPTED", 4)
    monkeypatch.setattr("gateway.audit.audit._MAX_WAITING", 8)
    ledger = Ledger(audit)
    commands = [a_command() for _ in range(4)]
    with closing(sqlite3.connect(path, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")  # the disk hangs
        for command in commands:
            ledger.accept(command)
        with pytest.raises(RequestError, match="commands cannot be recorded: the disk is too slow"):
            ledger.accept(a_command())
        for command in commands:
            ledger.move(command, State.SENT)
        for command in commands[:3]:
            ledger.move(command, State.ACKED)
        with pytest.raises(AuditError):
            await audit.claim(commands[3], {})
        blocker.execute("ROLLBACK")
    await eventually(lambda: "gap" in [told.last["state"] for told in History(path).newest()], 30, "the row")
    (gap,) = [told for told in History(path).newest() if told.command is None]
    assert gap.last["detail"].startswith(("3 changes are missing", "4 changes are missing"))
    assert "changes of commands were not recorded" in caplog.text
    assert History(path).verify().rows == 9
    await eventually(lambda: audit.reason is None, 30)
    await carried_out(audit, Ledger(audit), a_command("after"))


async def test_a_claim_whose_command_was_cut_short_hurts_nobody(audit: Audit, path: Path) -> None:
    command = a_command("k1")
    audit.accepted(command, command.sender)
    claim = asyncio.create_task(audit.claim(command, {}))
    await asyncio.sleep(0)
    claim.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claim
    await carried_out(audit, Ledger(audit), a_command("k2"))
    assert audit.reason is None
    assert "claimed" in states(path, "k1")


async def test_what_a_device_says_cannot_stop_the_record(audit: Audit, path: Path) -> None:
    ledger = Ledger(audit)
    command = a_command("k1")
    ledger.accept(command)
    await audit.claim(command, {})
    ledger.move(command, State.SENT)
    ledger.move(command, State.FAILED, "half \ud83d, nothing \0, line\nfeed")
    await audit.close()
    (told,) = History(path).oldest()
    assert told.last["detail"] == "half ?, nothing \0, line\nfeed"
    assert History(path).verify().rows == 4


async def test_rows_that_nobody_waits_for_are_written_soon(audit: Audit, path: Path) -> None:
    audit.accepted(command := a_command("k1"), command.sender)
    await eventually(lambda: list(History(path).newest()), 20, "the row")
    assert states(path, "k1") == ["accepted"]


async def test_without_an_audit_nothing_is_recorded_and_nothing_refused() -> None:
    audit = NoAudit()
    assert audit.open() == []
    await carried_out(audit, Ledger(audit), a_command())  # type: ignore[arg-type]
    assert audit.reason is None
    await audit.close()
