"""The rules of points: urgency, intervals, replaced values, deadlines, and how long a proof may take."""

from __future__ import annotations

import asyncio

from gateway.model import Acknowledgement
from tests.commands.bench import PANEL, Bench, end
from tests.parts.waiting import eventually


async def test_a_stop_goes_before_what_waits(bench: Bench) -> None:
    first = await bench.sent()
    lamp, stop = bench.submit("lamp", True), bench.submit("stop")
    bench.board.answer()
    for command in (first, lamp, stop):
        await end(command)
    assert [outgoing.point for outgoing in bench.board.written] == ["reset", "stop", "lamp"]


async def test_only_the_urgent_values_of_a_point_go_ahead(bench: Bench) -> None:
    first = await bench.sent()
    commands = [bench.submit("lamp", True), bench.submit("valve", False)]
    bench.board.answer()
    for command in (first, *commands):
        await end(command)
    assert [outgoing.point for outgoing in bench.board.written] == ["reset", "valve", "lamp"]
    first = await bench.sent()
    commands = [bench.submit("lamp", True), bench.submit("valve", True)]
    bench.board.answer()
    for command in (first, *commands):
        await end(command)
    assert [outgoing.point for outgoing in bench.board.written][3:] == ["reset", "lamp", "valve"]


async def test_a_newer_value_for_a_point_replaces_the_one_that_waits(bench: Bench) -> None:
    first = await bench.sent()
    old, new = bench.submit("lamp", True), bench.submit("lamp", False)
    assert await end(old) == ("rejected", "not_executed", "superseded by a newer command")
    bench.board.answer()
    await end(first)
    await end(new)
    assert [(outgoing.point, outgoing.value) for outgoing in bench.board.written] == [("reset", None), ("lamp", False)]


async def test_a_point_with_an_interval_waits_it_out_and_what_is_urgent_does_not_wait_for_it(bench: Bench) -> None:
    await end(bench.submit("relay", True))
    second = bench.submit("relay", False, ttl=10)
    await asyncio.sleep(0)
    assert not second.final
    await end(bench.submit("stop"))
    assert [outgoing.point for outgoing in bench.board.written] == ["relay", "stop"]
    bench.monotonic += 2
    await end(bench.submit("stop"))  # wakes the lane, which measures the bench's time only then
    assert (await end(second))[0] == "sent"


async def test_what_an_interval_holds_back_too_long_expires_and_says_so(bench: Bench) -> None:
    await end(bench.submit("relay", True))
    late = bench.submit("relay", False, ttl=1)
    await asyncio.sleep(0)
    bench.monotonic += 1
    bench.commands.tick()
    assert await end(late) == ("expired", "not_executed", "the point takes one command in 2 s")
    assert len(bench.board.written) == 1
    bench.submit("stop")  # lets the lane end


async def test_what_waits_behind_a_slow_command_expires_when_its_time_is_up_and_not_later(bench: Bench) -> None:
    first = await bench.sent()
    late = bench.submit("lamp", True, ttl=1)
    bench.monotonic += 1
    bench.commands.tick()
    assert await end(late) == ("expired", "not_executed", None)
    assert not first.final
    bench.board.answer()
    await end(first)


async def test_a_point_may_have_a_time_of_its_own_to_show_the_value(bench: Bench) -> None:
    assert await end(bench.submit("slow", True)) == ("timeout", "unknown", "no answer within 0.02 s")


async def test_a_reading_that_was_on_its_way_already_is_no_mismatch(bench: Bench) -> None:
    bench.board.answer_timeout = 0.05
    command = await bench.sent("fan", True)
    bench.board.show(fan=False)
    assert (await end(command))[:2] == ("timeout", "unknown")


async def test_a_reading_a_while_after_the_write_is_a_mismatch_without_a_yes_too(bench: Bench) -> None:
    bench.board.answer_timeout = 0.05
    command = await bench.sent("fan", True)
    bench.monotonic += 0.1
    bench.board.show(fan=False)
    assert (await end(command))[:2] == ("mismatch", "not_executed")


async def test_an_answer_in_another_devices_name_changes_nothing(bench: Bench) -> None:
    command = await bench.sent()
    id = bench.board.written[-1].id
    bench.commands.acknowledged("bench", Acknowledgement(id, ok=False), "bench.other")
    assert not command.final
    bench.commands.acknowledged("bench", Acknowledgement(id, ok=True), "bench")
    assert (await end(command))[0] == "acked"


async def test_what_a_dropped_connection_missed_is_owed_until_the_command_is_forgotten(bench: Bench) -> None:
    command = await bench.sent()
    ledger = bench.commands.ledger
    ledger.owe(command)
    bench.board.answer()
    await end(command)
    assert ledger.owed(PANEL.name) == [command]
    bench.monotonic += 601
    ledger.forget_old()
    assert ledger.owed(PANEL.name) == []


async def test_a_disk_that_hangs_lets_a_command_expire(bench: Bench) -> None:
    async def claim(command: object, inputs: object) -> None:
        await asyncio.get_running_loop().create_future()

    bench.audit.claim = claim  # type: ignore[method-assign]
    assert await end(bench.submit(ttl=0.05)) == ("expired", "not_executed", None)
    assert bench.board.written == []


async def test_a_stop_that_finds_a_command_not_yet_written_knows_that_it_was_not(bench: Bench) -> None:
    started, gate = asyncio.Event(), asyncio.Event()

    async def claim(command: object, inputs: object) -> None:
        started.set()
        await gate.wait()

    bench.audit.claim = claim  # type: ignore[method-assign]
    command = bench.submit()
    await started.wait()
    await bench.commands.stop()
    await eventually(lambda: command.final)
    assert await end(command) == ("rejected", "not_executed", "the gateway is stopping")
    assert bench.board.written == [] or bench.board.written[0].point == "heater"
