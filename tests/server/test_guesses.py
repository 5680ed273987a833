"""Guessing tokens: five are free, then each costs more time."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RequestError
from gateway.server.guesses import FREE, LONGEST_PAUSE, MAX_ADDRESSES, MEMORY, Guesses
from tests.server.fakes import FakeClock

HERE = "192.0.2.1"


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.guesses = Guesses(lambda: self.clock.now)

    def pause(self, address: str = HERE) -> float:
        """Seconds for which the address has to wait."""
        try:
            self.guesses.check(address)
        except RequestError as error:
            return error.retry_after or -1.0
        return 0.0

    def guess(self, times: int = 1, address: str = HERE) -> None:
        for _ in range(times):
            self.guesses.count(address)


@pytest.fixture
def world() -> World:
    return World()


def test_the_first_wrong_tokens_cost_nothing_and_each_further_one_twice_as_much(world: World) -> None:
    world.guess(FREE - 1)
    assert world.pause() == 0
    waits = []
    for _ in range(9):
        world.guess()
        waits.append(round(world.pause(), 6))
        world.clock.advance(world.pause())
        assert world.pause() == 0, "after the pause one more is looked at"
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_wrong_tokens_are_forgotten_after_ten_minutes_without_one(world: World) -> None:
    world.guess(FREE + 3)
    world.clock.advance(MEMORY + 1)
    world.guess(FREE - 1)
    assert world.pause() == 0
    world.clock.advance(MEMORY - 1)
    world.guess()
    assert world.pause() == 1, "those before still count"


def test_who_has_to_wait_is_told_for_how_long(world: World) -> None:
    world.guess(FREE + 1)
    with pytest.raises(RequestError, match="try again in 2 s") as caught:
        world.guesses.check(HERE)
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 2)


def test_another_address_does_not_wait(world: World) -> None:
    world.guess(FREE)
    assert world.pause() > 0
    assert world.pause("192.0.2.2") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True), ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True), ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False), ("unknown", "unknown", True), ("unknown", "", False),
    ],
)  # fmt: skip
def test_the_addresses_that_one_guesser_has_count_together(world: World, one: str, other: str, same: bool) -> None:
    world.guess(FREE, one)
    assert (world.pause(other) > 0) is same


def test_only_so_many_addresses_are_remembered_and_the_oldest_go(world: World) -> None:
    for n in range(MAX_ADDRESSES):
        world.guess(FREE, f"10.0.{n >> 8}.{n & 255}")
    world.guess(1, "10.0.0.0")  # it guesses again, and is not the oldest any more
    world.guess(FREE)
    assert len(world.guesses) == MAX_ADDRESSES
    assert world.pause() > 0
    assert world.pause("10.0.0.0") > 0
    assert world.pause("10.0.0.1") == 0


def test_wrong_tokens_are_counted_and_said_now_and_then(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.guess(1000)
    assert world.guesses.wrong == 1000
    said = [record for record in caplog.records if "wrong tokens" in record.getMessage()]
    assert len(said) == 10  # 1, 2, 4 … 512
    assert said[-1].getMessage() == f"512 wrong tokens so far, now one from {HERE}"
    assert said[0].levelno == logging.WARNING


@given(st.lists(st.floats(0, 2 * MEMORY), max_size=60))
def test_no_pause_is_longer_than_the_longest(waits: list[float]) -> None:
    world = World()
    for wait in waits:
        world.guess()
        assert 0 <= world.pause() <= LONGEST_PAUSE + 1e-6
        world.clock.advance(wait)
