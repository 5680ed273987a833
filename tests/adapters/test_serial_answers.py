"""Answers without an id: a line carries one command at a time, so that a late one is not taken for the next one's."""

import asyncio
import time
from pathlib import Path

import pytest

from gateway.commands import Command
from tests.adapters.pty import Pty, bare_pty
from tests.adapters.rig import WITHIN, Rig, running
from tests.parts.waiting import eventually

TIMEOUT = 0.3  # seconds


def config(
    pty: Pty, codec: str = 'type: template, send: "SET {point} {value} {device}", ok: OK, error: "ERR {error}"'
) -> str:
    return f"""
adapters:
  - id: line
    type: serial
    port: "{pty.link}"
    devices: {{field: node}}
    commands: {{timeout: {TIMEOUT}s, codec: {{{codec}}}}}
devices:
  line.a: {{points: {{fan: {{type: boolean, writable: true, urgent: [false]}}}}}}
  line.b: {{points: {{fan: {{type: boolean, writable: true, urgent: [false]}}}}}}
"""


async def ended(rig: Rig, command: Command) -> Command:
    async with asyncio.timeout(WITHIN):
        await rig.commands.finished(command)
    return command


async def test_an_answer_is_for_the_one_command_on_the_line(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty)) as rig:
            await rig.up()
            first, second = rig.submit("fan", True, "a"), rig.submit("fan", True, "b")
            assert await pty.line(1) == [b"SET fan 1 a"]
            pty.say(b"OK\n")
            await ended(rig, first)
            assert second.state == "accepted" or len(await pty.line(2)) == 2
            assert (await pty.line(2))[1] == b"SET fan 1 b"
            pty.say(b"ERR jammed\n")
            await ended(rig, second)
            assert (first.state, first.outcome) == ("acked", "executed")
            assert (second.state, second.detail) == ("failed", "jammed")


async def test_a_late_answer_is_not_the_next_commands(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty)) as rig:
            await rig.up()
            first, second = rig.submit("fan", True, "a"), rig.submit("fan", True, "b")
            await ended(rig, first)
            assert (first.state, first.outcome) == ("timeout", "unknown")
            assert pty.listen() == b"SET fan 1 a\n", "its answer may come yet"
            pty.say(b"OK\n")  # of the first, late
            assert (await pty.line(2))[1] == b"SET fan 1 b"
            await ended(rig, second)
            assert (second.state, second.outcome) == ("timeout", "unknown"), "nobody answered the second"


async def test_after_twice_its_time_no_answer_is_expected_any_more(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty)) as rig:
            await rig.up()
            began = time.monotonic()
            rig.submit("fan", True, "a")
            second = rig.submit("fan", True, "b")
            await pty.line(2)
            assert 2 * TIMEOUT - 0.01 <= time.monotonic() - began < 4 * TIMEOUT
            pty.say(b"OK\n")
            assert (await ended(rig, second)).outcome == "executed"


async def test_a_command_that_would_wait_beyond_its_deadline_is_not_sent(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty)) as rig:
            await rig.up()
            first, second = rig.submit("fan", True, "a"), rig.submit("fan", True, "b", ttl=TIMEOUT)
            await ended(rig, second)
            assert (second.state, second.outcome) == ("expired", "not_executed")
            assert second.detail == "the line was waiting for another answer"
            await ended(rig, first)
            assert pty.listen() == b"SET fan 1 a\n"


async def test_a_stop_does_not_wait_for_an_answer_and_is_not_proved_by_anothers(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty)) as rig:
            await rig.up()
            rig.submit("fan", True, "a")
            await pty.line(1)
            began = time.monotonic()
            stop = rig.submit("fan", False, "b")
            assert (await pty.line(2))[1] == b"SET fan 0 b"
            assert time.monotonic() - began < TIMEOUT
            pty.say(b"OK\n")  # of whichever
            await eventually(lambda: stop.state == "sent", WITHIN, "it")
            await ended(rig, stop)
            assert (stop.state, stop.outcome) == ("timeout", "unknown")


@pytest.mark.parametrize("ok", [True, False])
async def test_two_answers_prove_two_commands(tmp_path: Path, ok: bool) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty)) as rig:
            await rig.up()
            rig.submit("fan", True, "a")
            await pty.line(1)
            stop = rig.submit("fan", False, "b")
            await pty.line(2)
            pty.say(b"OK\n" + (b"OK\n" if ok else b"ERR no\n"))
            assert (await ended(rig, stop)).outcome == ("executed" if ok else "not_executed")


async def test_a_late_answer_after_a_reconnect_is_not_the_next_commands(tmp_path: Path) -> None:
    """The board kept going while the cable was out."""
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty)) as rig:
            await rig.up()
            first = rig.submit("fan", True, "a", ttl=10)
            await pty.line(1)
            began = time.monotonic()
            rig.adapter._connection.close()  # type: ignore[attr-defined]
            await rig.down()
            assert (await ended(rig, first)).state == "lost"
            await rig.up()
            second = rig.submit("fan", True, "b", ttl=10)
            pty.say(b"OK\n")
            await pty.line(2)
            if time.monotonic() - began < 2 * TIMEOUT:  # it went out because the answer had come
                await ended(rig, second)
                assert second.outcome == "unknown"


async def test_a_command_that_may_have_been_torn_may_be_answered_all_the_same(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        pty.fill()
        async with running(config(pty)) as rig:
            await rig.up()
            first = rig.submit("fan", True, "a", ttl=10)
            await eventually(lambda: rig.adapter._connection._flushed, WITHIN, "the write")  # type: ignore[attr-defined]
            pty.link.unlink()
            pty.close()
            assert (await ended(rig, first)).state == "lost"
            await rig.down()
            with bare_pty(pty.link) as again:
                await rig.up()
                second = rig.submit("fan", True, "b", ttl=10)
                again.say(b"OK\n")
                await again.line(1)
                assert (await ended(rig, second)).outcome == "unknown"


async def test_answers_with_ids_keep_no_command_waiting(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        codec = 'type: template, send: "SET {id} {point} {value} {device}", ok: "OK {id}"'
        async with running(config(pty, codec)) as rig:
            await rig.up()
            first, second = rig.submit("fan", True, "a"), rig.submit("fan", True, "b")
            ids = [line.split()[1] for line in await pty.line(2)]
            pty.say(b"".join(b"OK %b\n" % id for id in reversed(ids)))
            for command in (first, second):
                assert (await ended(rig, command)).outcome == "executed"


async def test_a_form_without_answers_promises_none(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        codec = 'type: template, send: "SET {point} {value} {device}"'
        async with running(config(pty, codec)) as rig:
            await rig.up()
            for name in ("a", "b"):
                command = await rig.command("fan", True, name)
                assert (command.confirm, command.state) == ("sent", "sent")
            assert len(await pty.line(2)) == 2


async def test_an_interlock_is_looked_at_again_when_it_is_the_commands_turn(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        guarded = config(pty).replace(
            "line.b: {points: {fan: {", "line.b: {points: {fan: {require: [{point: line.a.level, above: 10}], "
        )
        async with running(guarded) as rig:
            await rig.up()
            pty.say(b'{"node":"a","level":20}\n{"node":"b","level":1}\n')
            await eventually(lambda: rig.values("level", "b"), WITHIN, "both levels")
            first, second = rig.submit("fan", True, "a"), rig.submit("fan", True, "b")
            await pty.line(1)
            pty.say(b'{"node":"a","level":5}\n')
            await eventually(lambda: 5 in rig.values("level", "a"), WITHIN, "the low level")
            assert second.state == "accepted", "it was allowed when it came"
            pty.say(b"OK\n")
            await ended(rig, first)
            await ended(rig, second)
            assert (second.state, second.outcome) == ("rejected", "not_executed")
            assert "line.a.level" in str(second.detail)
            assert pty.listen() == b"SET fan 1 a\n"
