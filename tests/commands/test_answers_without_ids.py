"""Answers that do not say which command they are for: given to the one that they can be for, or to none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gateway.bus import Device, Devices, Link, Log
from gateway.commands.flights import Flight, Flights
from gateway.commands.ledger import Command, State
from gateway.config.models import DeviceSection
from gateway.model import Acknowledgement
from tests.commands.bench import Bench, end
from tests.parts.waiting import eventually

YES, NO = Acknowledgement(None, True), Acknowledgement(None, False, "jammed")
TIMEOUT = 5.0  # seconds


class Line:
    """Two devices on one line, another line, and time that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        points = {"points": {"fan": {"type": "boolean", "writable": True}}}
        ids = ("line.n1", "line.n2", "other")
        devices = Devices(Log(100, 60), {id: DeviceSection.model_validate(points) for id in ids})
        self.links = [Link("line", devices, single=False), Link("other", devices, single=True)]
        found = {id: devices.get(id) for id in ids}
        self.devices: dict[str, Device] = {id: device for id, device in found.items() if device is not None}
        self.flights = Flights(lambda: self.now)

    @contextmanager
    def command(self, device: str = "line.n1") -> Iterator[Flight]:
        """A command that waits for the disk: the adapter has not got it."""
        command = Command("k", "panel", device, "fan", True, "acked", 1e9, b"", 0.0)
        with self.flights.begin(command, self.devices[device], TIMEOUT, TIMEOUT) as flight:
            yield flight

    def give(self, flight: Flight) -> None:
        """The adapter has it, and may hold it back."""
        flight.given_at = self.now

    def send(self, flight: Flight) -> None:
        """It was written."""
        if flight.given_at is None:
            self.give(flight)
        flight.sent_at = self.now
        flight.command.state = State.SENT

    def fly(self, device: str = "line.n1", state: State = State.TIMEOUT) -> None:
        """A command that ends unanswered after the timeout, in this state."""
        with self.command(device) as flight:
            self.send(flight)
            self.now += TIMEOUT
            flight.command.state = state

    def answer(self, flight: Flight, answer: Acknowledgement = YES, device: str | None = None) -> bool:
        """Whether the answer of now is taken for this command's."""
        self.flights.acknowledged("line", answer, device)
        return flight.answer.done() and flight.answer.result() is answer


@pytest.fixture
async def line() -> Line:
    return Line()  # in a running loop, which its futures need


# ---- whose it is


@pytest.mark.parametrize("answer", [YES, NO])
async def test_it_is_for_the_only_command_on_the_line(line: Line, answer: Acknowledgement) -> None:
    with line.command() as flight, line.command("other") as elsewhere:
        line.send(flight)
        line.send(elsewhere)
        assert line.answer(flight, answer)
        assert not elsewhere.answer.done()


async def test_it_is_for_nobody_before_the_adapter_has_the_command(line: Line) -> None:
    with line.command() as flight:
        assert not line.answer(flight)


async def test_it_may_overtake_the_end_of_the_write(line: Line) -> None:
    with line.command() as flight:
        line.give(flight)
        assert line.answer(flight)


async def test_it_is_for_the_command_that_was_written_not_for_one_that_the_adapter_holds_back(line: Line) -> None:
    with line.command() as first, line.command("line.n2") as second:
        line.send(first)
        line.give(second)
        assert line.answer(first)
        assert not second.answer.done()
        line.send(second)
        assert line.answer(second, NO)


@pytest.mark.parametrize("both", [Line.give, Line.send])
async def test_of_two_that_it_could_be_for_it_is_for_neither_but_where_the_wire_names_the_device(
    both: Callable[[Line, Flight], None], line: Line
) -> None:
    with line.command() as first, line.command("line.n2") as second:
        both(line, first)
        both(line, second)
        assert not line.answer(first)
        assert not second.answer.done()
        assert line.answer(second, device="line.n2")
        assert not first.answer.done()
        assert line.answer(first)  # which is the only one left


async def test_it_is_not_for_another_device_than_the_wire_names(line: Line) -> None:
    with line.command() as flight:
        line.send(flight)
        assert not line.answer(flight, device="line.n2")


async def test_a_second_one_changes_nothing(line: Line) -> None:
    with line.command() as flight:
        line.send(flight)
        assert line.answer(flight, NO)
        assert not line.answer(flight, YES)


# ---- late ones


@pytest.mark.parametrize("state", [State.TIMEOUT, State.LOST, State.MISMATCH, State.VERIFIED, State.SENT])
async def test_a_late_one_is_not_for_the_next_command(line: Line, state: State) -> None:
    line.fly(state=state)
    with line.command() as newer:
        line.send(newer)
        assert not line.answer(newer)


async def test_a_late_one_is_not_for_a_command_that_the_adapter_holds_back(line: Line) -> None:
    line.fly()
    with line.command("line.n2") as newer:
        line.give(newer)
        assert not line.answer(newer)
        line.send(newer)  # which the adapter does now, since the answer came
        assert line.answer(newer)


async def test_each_command_that_ended_unanswered_owes_one(line: Line) -> None:
    line.fly(state=State.SENT)
    line.now -= TIMEOUT
    line.fly(state=State.SENT)
    with line.command() as newer:
        line.give(newer)
        assert not line.answer(newer)
        assert not line.answer(newer)
        assert line.answer(newer)


async def test_what_came_not_within_twice_the_timeout_comes_no_more(line: Line) -> None:
    line.fly()
    line.now += TIMEOUT - 0.01
    with line.command() as newer:
        line.send(newer)
        assert not line.answer(newer)
        line.now += 0.01
        assert line.answer(newer)


async def test_the_twice_is_counted_from_when_it_was_written_where_the_adapter_held_it_back(line: Line) -> None:
    with line.command() as held_back:
        line.give(held_back)
        line.now += 3 * TIMEOUT
        line.send(held_back)
        line.now += TIMEOUT
        held_back.command.state = State.TIMEOUT
    with line.command("line.n2") as newer:
        line.give(newer)
        assert not line.answer(newer)


async def test_a_quick_one_to_a_command_that_was_held_back_until_then_counts(line: Line) -> None:
    with line.command() as older:
        line.give(older)
        line.now += 0.001  # seen as written a little late
        line.send(older)
        line.now += TIMEOUT
        older.command.state = State.TIMEOUT
    line.now = 100.0 + 2 * TIMEOUT
    with line.command() as newer:
        line.send(newer)
        assert line.answer(newer)


async def test_a_late_one_of_a_named_device_is_no_matter_to_the_others(line: Line) -> None:
    line.fly("line.n1")
    with line.command("line.n2") as newer:
        line.send(newer)
        assert not line.answer(newer)
        assert line.answer(newer, device="line.n2")


async def test_a_link_that_broke_leaves_the_answer_owed(line: Line) -> None:
    with line.command() as lost:
        line.send(lost)
        line.flights.link_lost("line")
        lost.command.state = State.LOST
    with line.command() as newer:
        line.send(newer)
        assert not line.answer(newer)


async def test_a_command_that_was_not_written_or_was_answered_owes_none(line: Line) -> None:
    with line.command() as rejected:
        line.give(rejected)
        rejected.command.state = State.REJECTED
    with line.command():
        pass
    with line.command() as answered:
        line.send(answered)
        assert line.answer(answered)
    with line.command() as newer:
        line.send(newer)
        assert line.answer(newer)


async def test_what_is_owed_takes_bounded_room(line: Line) -> None:
    for _ in range(50):
        line.fly("line.n1")
        line.fly("line.n2")
    assert len(line.flights._owed._by_device) <= 2
    line.now += 2 * TIMEOUT
    line.fly("other")
    assert list(line.flights._owed._by_device) == ["other"]


# ---- through the router


async def test_a_command_is_executed_by_an_answer_without_an_id(bench: Bench) -> None:
    command = await bench.sent()
    bench.board.link.acknowledged(YES)
    assert await end(command) == ("acked", "executed", None)
    command = await bench.sent()
    bench.board.link.acknowledged(NO)
    assert await end(command) == ("failed", "not_executed", "jammed")


async def test_the_answer_to_a_command_that_timed_out_proves_nothing_of_the_next(bench: Bench) -> None:
    bench.board.answer_timeout = 0.02
    older = bench.submit()
    newer = bench.submit()
    assert (await end(older))[0] == "timeout"
    await eventually(lambda: newer.state is State.SENT)
    bench.board.link.acknowledged(YES)
    await asyncio.sleep(0)
    assert newer.state is State.SENT
    bench.monotonic += 0.05
    bench.board.link.acknowledged(NO)
    assert (await end(newer))[0] == "failed"
