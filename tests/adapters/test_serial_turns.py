"""Whose turn it is on a line that carries one conversation at a time, and which command an answer is for."""

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.adapters.serial.turns import Speaker, Turns
from gateway.model import Acknowledgement
from tests.parts.waiting import eventually

OK = Acknowledgement(None, True)
A, B = Speaker("a"), Speaker("b")


class Order:
    """Who got a turn, in order; each that waits is a task of its own."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.got: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def command(self, id: int, *, urgent: bool = False) -> None:
        await self.turns.take_command(A, id, urgent=urgent)
        self.got.append(f"{'urgent' if urgent else 'command'} {id}")

    async def request(self) -> None:
        await self.turns.take_request(B)
        self.got.append("request")

    async def wait(self, name: str, taking: Callable[[], object]) -> None:
        """Has it wait for its turn."""
        self.tasks[name] = asyncio.create_task(taking(), name=name)  # type: ignore[arg-type]
        await asyncio.sleep(0)

    async def next(self) -> str:
        count = len(self.got)
        await eventually(lambda: len(self.got) > count, 2, "a turn")
        return self.got[-1]


def turns(*, pause: float = 0.0, patience: float = 30.0, by_id: bool = False) -> Turns:
    return Turns(pause=pause, patience=patience, by_id=by_id)


async def test_turns_are_given_one_at_a_time_urgent_ones_first_and_requests_last() -> None:
    line = turns()
    order = Order(line)
    await line.take_request(A)
    await order.wait("request", order.request)
    await order.wait("first", lambda: order.command(1))
    await order.wait("second", lambda: order.command(2))
    await order.wait("urgent", lambda: order.command(3, urgent=True))
    assert order.got == []
    for expected in ("urgent 3", "command 1", "command 2", "request"):
        line.release()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order.got[-1] == expected
    assert len(order.got) == 4
    line.release()
    await asyncio.wait_for(line.take_request(A), 1)


async def test_a_command_keeps_its_turn_until_it_is_answered() -> None:
    line = turns()
    order = Order(line)
    await line.take_command(A, 1)
    line.written()
    await order.wait("next", lambda: order.command(2))
    assert line.speaker == A
    assert order.got == []
    assert line.answered(OK) == Acknowledgement(1, True)
    assert await order.next() == "command 2"


async def test_a_command_without_an_answer_keeps_its_turn_for_so_long() -> None:
    line = turns(patience=0.1)
    order = Order(line)
    await line.take_command(A, 1)
    line.written()
    began = time.monotonic()
    await order.wait("next", lambda: order.command(2))
    assert await order.next() == "command 2"
    assert time.monotonic() - began >= 0.09


async def test_a_form_without_answers_keeps_nobody_waiting() -> None:
    line = turns(patience=0.0)
    await line.take_command(A, 1)
    line.written()
    await asyncio.wait_for(line.take_command(A, 2), 1)


async def test_an_answer_that_is_faster_than_the_end_of_the_write_is_the_commands() -> None:
    line = turns()
    await line.take_command(A, 1)
    assert line.answered(OK) == Acknowledgement(1, True)
    line.written()
    await asyncio.wait_for(line.take_command(A, 2), 1)


async def test_an_answer_that_nobody_waits_for_is_given_to_nobody() -> None:
    line = turns()
    assert line.answered(OK) == OK
    await line.take_command(A, 1)
    line.written()
    line.answered(OK)
    assert line.answered(OK) == OK


async def test_the_answer_to_another_id_does_not_end_the_turn() -> None:
    line = turns(by_id=True)
    order = Order(line)
    await line.take_command(A, 1)
    line.written()
    await order.wait("next", lambda: order.command(2))
    assert line.answered(Acknowledgement(7, True)) == Acknowledgement(7, True)
    await asyncio.sleep(0)
    assert order.got == []
    line.answered(Acknowledgement(1, False))
    assert await order.next() == "command 2"


async def test_an_urgent_command_does_not_wait_for_an_answer_and_gets_only_its_own() -> None:
    line = turns()
    order = Order(line)
    await line.take_command(A, 1)
    line.written()
    await asyncio.wait_for(order.command(2, urgent=True), 1)
    line.written()
    # It answers one of the two, and which one cannot be told.
    assert line.answered(OK) == OK
    assert line.answered(OK) == Acknowledgement(2, True)


async def test_an_urgent_command_that_came_while_another_was_written_goes_next() -> None:
    line = turns()
    order = Order(line)
    await line.take_command(A, 1)
    await order.wait("urgent", lambda: order.command(2, urgent=True))
    assert order.got == [], "one that is being written is not cut in two"
    line.written()
    assert await order.next() == "urgent 2"


async def test_after_the_patience_earlier_answers_are_expected_no_more() -> None:
    line = turns(patience=0.05)
    await line.take_command(A, 1)
    line.written()
    await line.take_command(A, 2, urgent=True)
    line.written()
    await asyncio.wait_for(line.take_command(A, 3), 1)
    line.written()
    assert line.answered(OK) == Acknowledgement(3, True)


async def test_the_line_rests_between_two_turns_and_the_last_speaker_may_end() -> None:
    line = turns(pause=0.1)
    await line.take_request(A)
    began = time.monotonic()
    line.release()
    assert line.speaker == A
    await line.take_request(B)
    assert time.monotonic() - began >= 0.09
    assert line.speaker == B


@pytest.mark.parametrize("by_id", [True, False])
async def test_a_late_answer_may_come_after_a_reconnect_where_it_has_no_id(by_id: bool) -> None:
    line = turns(by_id=by_id, patience=0.2)
    order = Order(line)
    await line.take_command(A, 1)
    line.written()
    line.broken()
    await order.wait("next", lambda: order.command(2))
    await asyncio.sleep(0)
    assert order.got == (["command 2"] if by_id else [])
    if not by_id:
        assert await order.next() == "command 2"


async def test_a_command_torn_by_the_end_of_the_link_may_be_answered_all_the_same() -> None:
    line = turns(patience=0.2)
    order = Order(line)
    await line.take_command(A, 1)
    line.torn()
    line.broken()
    await order.wait("next", lambda: order.command(2))
    assert line.answered(OK) == Acknowledgement(1, True)
    assert await order.next() == "command 2"


@pytest.mark.parametrize("moment", ["while it waits", "as its turn comes"])
async def test_who_gives_up_leaves_the_turn_to_the_next(moment: str) -> None:
    line = turns()
    order = Order(line)
    await line.take_request(A)
    await order.wait("first", lambda: order.command(1))
    await order.wait("second", lambda: order.command(2))
    if moment == "while it waits":
        order.tasks["first"].cancel()
        line.release()
    else:
        line.release()
        order.tasks["first"].cancel()
    assert await order.next() == "command 2"
    assert order.got == ["command 2"]
