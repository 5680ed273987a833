"""Safe values: at the start, at the stop, and when nobody renews a lease."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.commands import Command, Sender
from gateway.errors import AuditError, RequestError
from gateway.model import Value
from tests.commands.bench import Bench, end
from tests.parts.waiting import eventually


async def settle(bench: Bench) -> list[Value]:
    """What was written to the heater, once nothing is under way."""
    bench.board.says_yes = True
    await asyncio.sleep(0)
    await eventually(lambda: not bench.commands._lanes)
    return [outgoing.value for outgoing in bench.board.written if outgoing.point == "heater"]


async def started(bench: Bench) -> None:
    """The safe value of the start is sent."""
    bench.commands.tick()
    assert await settle(bench) == [5]
    bench.board.written.clear()


async def set_heater(bench: Bench, value: Value, lease: float | None) -> None:
    bench.board.says_yes = True
    assert (await end(bench.submit("heater", value, lease=lease)))[0] == "acked"


async def test_the_start_sends_safe_values_once_the_device_is_there(bench: Bench) -> None:
    bench.board.link.down("unplugged")
    bench.commands.tick()
    await asyncio.sleep(0)
    assert bench.board.written == []
    bench.board.link.up()
    bench.board.link.available(None, online=True)
    bench.commands.tick()
    assert await settle(bench) == [5]
    bench.monotonic += 100
    bench.commands.tick()
    await asyncio.sleep(0)
    assert len(bench.board.written) == 1


async def test_a_client_that_was_quicker_than_the_start_keeps_its_value(bench: Bench) -> None:
    await set_heater(bench, 20, None)
    bench.commands.tick()
    await asyncio.sleep(0)
    assert [outgoing.value for outgoing in bench.board.written] == [20]


async def test_a_lease_that_is_not_renewed_ends_in_the_safe_value(bench: Bench) -> None:
    await started(bench)
    await set_heater(bench, 21, 10)
    bench.monotonic += 9.9
    bench.commands.tick()
    await asyncio.sleep(0)
    assert len(bench.board.written) == 1
    bench.monotonic += 0.2
    bench.commands.tick()
    assert await settle(bench) == [21, 5]


async def test_a_lease_that_is_renewed_goes_on_and_a_command_without_one_ends_it(bench: Bench) -> None:
    await started(bench)
    await set_heater(bench, 21, 10)
    bench.monotonic += 8
    await set_heater(bench, 22, 10)
    bench.monotonic += 8
    bench.commands.tick()
    await set_heater(bench, 23, None)
    bench.monotonic += 1000
    bench.commands.tick()
    await asyncio.sleep(0)
    assert [outgoing.value for outgoing in bench.board.written] == [21, 22, 23]


async def test_a_safe_value_that_is_not_done_is_sent_again_after_growing_pauses(bench: Bench) -> None:
    await started(bench)
    await set_heater(bench, 21, 10)
    bench.board.says_yes = False
    bench.monotonic += 10
    bench.commands.tick()
    for tries, pause in enumerate((1, 2, 4), start=2):
        await eventually(lambda: len(bench.board.written) == tries)  # noqa: B023
        bench.board.answer(ok=False, error="jammed")
        await eventually(lambda: not bench.commands._lanes)
        bench.commands.tick()  # it hears that it was not done
        bench.monotonic += pause - 0.1
        bench.commands.tick()
        await asyncio.sleep(0)
        assert len(bench.board.written) == tries
        bench.monotonic += 0.2
        bench.commands.tick()
    assert await settle(bench) == [21, 5, 5, 5, 5]


async def test_a_stop_sends_the_safe_values_before_it_ends(bench: Bench) -> None:
    await started(bench)
    bench.board.says_yes = False
    waiting = await bench.sent()
    bench.attic.link.down("unplugged")
    stopping = asyncio.create_task(bench.commands.stop())
    await eventually(lambda: bench.board.written[-1].point == "heater")
    assert await end(waiting) == ("lost", "unknown", "the gateway stopped before the answer came")
    assert bench.refused("lamp", True) == "unavailable"
    bench.board.answer()
    await stopping
    assert [outgoing.value for outgoing in bench.board.written] == [None, 5]


async def test_a_device_that_does_not_answer_does_not_hold_up_the_stop(bench: Bench) -> None:
    await started(bench)
    bench.board.says_yes = False
    async with asyncio.timeout(10):
        await bench.commands.stop()
    assert bench.board.written[-1].value == 5


async def test_a_lease_goes_on_where_the_command_that_would_end_it_was_not_done(bench: Bench) -> None:
    await started(bench)
    await set_heater(bench, 21, 10)
    bench.board.says_yes = False
    refused = await bench.sent("heater", 0)
    bench.board.answer(ok=False, error="jammed")
    assert (await end(refused))[0] == "failed"
    bench.monotonic += 11
    bench.commands.tick()
    assert await settle(bench) == [21, 0, 5]


async def test_a_device_that_is_never_heard_gets_its_safe_value_too(bench: Bench) -> None:
    await started(bench)
    await set_heater(bench, 21, 10)
    bench.board.link.down("the broker blinked")
    bench.board.link.up()
    assert bench.devices.get("bench").state == "unknown"  # type: ignore[union-attr]
    bench.monotonic += 11
    bench.commands.tick()
    assert await settle(bench) == [21, 5]


async def test_a_stop_does_not_leave_a_lease_behind(bench: Bench) -> None:
    await started(bench)
    section = bench.devices.declared["bench"].points["heater"]
    object.__setattr__(section, "safe_on", ("lease",))
    await set_heater(bench, 21, 10)
    await bench.commands.stop()
    assert await settle(bench) == [21, 5]


async def test_an_audit_that_cannot_be_written_does_not_keep_a_heater_on(bench: Bench) -> None:
    def refuse(command: Command, sender: Sender) -> None:
        raise RequestError("unavailable", "the disk is full")

    async def fail(command: Command, inputs: Mapping[str, object]) -> None:
        raise AuditError("the disk is full")

    await started(bench)
    await set_heater(bench, 21, 10)
    bench.audit.accepted, bench.audit.claim = refuse, fail  # type: ignore[method-assign]
    assert bench.refused("heater", 22) == "unavailable"
    bench.monotonic += 11
    bench.commands.tick()
    assert await settle(bench) == [21, 5]


async def test_interlocks_do_not_hold_back_what_is_safe(bench: Bench) -> None:
    section = bench.devices.declared["bench"].points["heater"]
    object.__setattr__(section, "require", bench.devices.declared["bench"].points["pump"].require)
    try:
        bench.commands.tick()
        assert await settle(bench) == [5]
        assert (await end(bench.submit("heater", 20)))[0] == "rejected"
    finally:
        object.__setattr__(section, "require", ())


async def test_a_lease_needs_a_safe_value(bench: Bench) -> None:
    assert bench.refused("lamp", True, lease=10) == "unsupported"
