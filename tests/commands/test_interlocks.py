"""Interlocks: what they see, and that what is not known is a no."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.commands import Asked, State
from gateway.model import DeviceState
from tests.commands.bench import PANEL, Bench, end
from tests.parts.waiting import eventually


async def outcome(bench: Bench) -> tuple[str, str | None]:
    """The end of switching the pump on: its state, and why."""
    before = len(bench.board.written)
    command = bench.submit("pump", True)
    await eventually(lambda: command.final or len(bench.board.written) > before)
    if not command.final:
        bench.board.answer()
    state, _, detail = await end(command)
    return state, detail


async def test_a_command_is_sent_where_all_conditions_hold(bench: Bench) -> None:
    bench.attic.show(tank=10.5, lid=False)
    assert await outcome(bench) == ("acked", None)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"tank": 10, "lid": False}, "attic.tank is 10, and must be above 10"),
        ({"tank": 11, "lid": True}, "attic.lid is true, and must be false"),
        ({"tank": 11, "lid": 0}, "attic.lid is 0, and must be false"),
        ({"tank": "full", "lid": False}, "attic.tank is full, and must be a number"),
        ({"tank": True, "lid": False}, "attic.tank is true, and must be a number"),
        ({"tank": float("nan"), "lid": False}, "the quality of attic.tank is bad"),
        ({"tank": 11}, "there is no value of attic.lid"),
        ({}, "there is no value of attic.tank"),
    ],
)
async def test_the_first_condition_that_does_not_hold_is_named(bench: Bench, values: dict[str, Any], why: str) -> None:
    if values:
        bench.attic.show(**values)
    assert await outcome(bench) == ("rejected", f"interlock: {why}")
    assert bench.board.written == []


async def test_an_old_value_is_a_no(bench: Bench) -> None:
    bench.attic.show(tank=11, lid=False)
    bench.monotonic += 5.1
    bench.attic.show(lid=False)
    state, detail = await outcome(bench)
    assert state == "rejected"
    assert detail == "interlock: attic.tank was heard 5.1 s ago, and must be no older than 5 s"


async def test_a_retained_value_is_a_no_because_nobody_knows_how_old_it_is(bench: Bench) -> None:
    bench.attic.show(tank=11, lid=False, retained=True)
    state, detail = await outcome(bench)
    assert state == "rejected"
    assert "tank" in str(detail)


async def test_a_value_of_a_device_that_went_is_a_no(bench: Bench) -> None:
    bench.attic.show(tank=11, lid=False)
    bench.attic.link.down("unplugged")
    assert await outcome(bench) == ("rejected", f"interlock: attic is {DeviceState.OFFLINE.value}")


async def test_the_look_that_counts_is_the_one_right_before_it_is_written(bench: Bench) -> None:
    """The tank runs dry while the command waits behind another."""
    bench.attic.show(tank=11, lid=False)
    first = await bench.sent()
    waiting = bench.submit("pump", True)
    bench.attic.show(tank=9)
    bench.board.answer()
    await end(first)
    assert (await end(waiting))[0] == "rejected"
    assert [outgoing.point for outgoing in bench.board.written] == ["reset"]


async def test_a_dry_run_tells_what_would_become_of_it_and_does_nothing(bench: Bench) -> None:
    asked = Asked("bench", "pump", True, key="k")
    told = bench.commands.rehearse(PANEL, asked)
    assert told["dry_run"] is True
    assert (told["state"], told["final"], told["outcome"]) == ("rejected", True, "not_executed")
    assert told["detail"] == "interlock: there is no value of attic.tank"
    bench.attic.show(tank=11, lid=False)
    told = bench.commands.rehearse(PANEL, asked)
    assert (told["state"], told["outcome"]) == ("accepted", "not_executed")
    await asyncio.sleep(0)
    assert bench.board.written == []
    assert bench.commands.ledger.find("panel", "k") is None
    command = bench.submit("lamp", True, key="k")
    await end(command)
    told = bench.commands.rehearse(PANEL, Asked("bench", "lamp", True, key="k"))
    assert told["state"] == State.SENT
    assert "dry_run" not in told, "it is the command itself"
