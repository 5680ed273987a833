"""The supervisor, on a loop whose time stands still until something waits for it."""

import asyncio
import logging
import random
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import LinkError
from gateway.supervise import BackOff, supervise


class _Jump(selectors.DefaultSelector):
    """Does not wait: it moves the loop's time on by as much."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("the loop would wait for ever")
        self.seconds += max(timeout, 0)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose hours pass at once."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.seconds


class Enough(BaseException):
    """Ends a supervisor that runs for ever."""


def run(main: Coroutine[Any, Any, None]) -> None:
    loop = Loop()
    try:
        with pytest.raises(Enough):
            loop.run_until_complete(main)
    finally:
        loop.close()


def waits(
    attempt: Callable[[int], Awaitable[None]],
    attempts: int,
    draw: Callable[[float, float], float] = lambda low, high: high,
) -> tuple[list[float], list[str]]:
    """The seconds between the end of one attempt and the start of the next, and the reasons told."""
    between: list[float] = []
    reasons: list[str] = []
    ended: list[float] = []

    async def counted() -> None:
        now = asyncio.get_running_loop().time()
        if ended:
            between.append(now - ended[-1])
        if len(between) == attempts:
            raise Enough
        try:
            await attempt(len(between))
        finally:
            ended.append(asyncio.get_running_loop().time())

    run(supervise(counted, reasons.append, BackOff(0.5, 30), draw))
    return [round(seconds, 6) for seconds in between], reasons


async def refused(number: int) -> None:
    raise LinkError("connection refused")


@given(st.floats(0.01, 10), st.floats(10, 1000), st.integers(1, 10**6))
def test_the_bound_doubles_from_the_first_to_the_longest(first: float, longest: float, failures: int) -> None:
    back_off = BackOff(first, longest)
    assert back_off.bound(1) == first
    assert first <= back_off.bound(failures) <= longest
    assert back_off.bound(failures + 1) == min(longest, 2 * back_off.bound(failures))


def test_each_failure_in_a_row_waits_up_to_twice_as_long() -> None:
    between, reasons = waits(refused, 9)
    assert between == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert reasons == ["connection refused"] * 9


def test_the_wait_is_drawn_and_never_so_short_that_a_quick_failure_spins() -> None:
    ranges: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        ranges.append((low, high))
        return low

    between, _ = waits(refused, 4, draw=draw)
    assert ranges == [(0.05, 0.5), (0.1, 1.0), (0.2, 2.0), (0.4, 4.0)]
    assert between == [0.05, 0.1, 0.2, 0.4]


def test_gateways_that_lost_the_same_broker_do_not_come_back_together() -> None:
    random.seed(1)
    first, second = (waits(refused, 8, draw=random.uniform)[0] for _ in range(2))
    assert first != second
    assert len({*first, *second}) == 16


def test_only_a_minute_of_health_starts_the_back_off_anew() -> None:
    async def attempt(number: int) -> None:
        await asyncio.sleep({3: 59.5, 5: 60.0}.get(number, 0))
        raise LinkError("gone")

    between, _ = waits(attempt, 8)
    assert between == [0.5, 1, 2, 4, 8, 0.5, 1, 2]


def test_an_attempt_that_just_ends_is_tried_again_like_one_that_failed() -> None:
    async def attempt(number: int) -> None:
        return None

    assert waits(attempt, 3) == ([0.5, 1, 2], ["the link was closed"] * 3)


def test_a_bug_is_logged_with_its_traceback_and_the_task_it_struck(caplog: pytest.LogCaptureFixture) -> None:
    async def attempt(number: int) -> None:
        raise ZeroDivisionError("a bug of the adapter")

    between, reasons = waits(attempt, 2)
    assert between == [0.5, 1]
    assert reasons == ["internal error, see the log"] * 2
    assert len(caplog.records) == 2
    for record in caplog.records:
        assert record.levelno == logging.ERROR
        assert record.exc_info is not None
        assert record.exc_info[0] is ZeroDivisionError
        assert record.getMessage().startswith("Task-")


def test_a_link_error_is_no_bug_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    waits(refused, 3)
    assert caplog.records == []


@pytest.mark.parametrize("moment", ["while it runs", "while it waits"])
async def test_cancellation_passes_at_once_and_is_no_failure(moment: str) -> None:
    reasons: list[str] = []
    started = asyncio.Event()
    cleaned = asyncio.Event()

    async def attempt() -> None:
        started.set()
        try:
            if moment == "while it runs":
                await asyncio.get_running_loop().create_future()
            raise LinkError("gone")
        finally:
            cleaned.set()

    task = asyncio.create_task(supervise(attempt, reasons.append, BackOff(1000, 1000)), name="adapter:a")
    await started.wait()
    if moment == "while it waits":
        await cleaned.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert cleaned.is_set()
    assert reasons == ([] if moment == "while it runs" else ["gone"])
