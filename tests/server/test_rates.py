"""How often somebody may ask."""

from __future__ import annotations

import pytest

from gateway.server import rates
from gateway.server.rates import Addresses, Rate


def ask(rate: Rate, due: float, times: list[float]) -> tuple[float, list[bool]]:
    allowed = []
    for now in times:
        due = rate.ask(due, now)
        allowed.append(rate.allows(due, now))
    return due, allowed


def test_a_burst_of_two_seconds_worth_may_come_at_once() -> None:
    _, allowed = ask(Rate(50), 0.0, [1000.0] * 120)
    assert allowed == [True] * 100 + [False] * 20


def test_at_its_rate_anybody_may_ask_for_ever() -> None:
    due, allowed = ask(Rate(50), 0.0, [1000.0 + n / 50 for n in range(10_000)])
    assert all(allowed)
    assert due < 1000.0 + 200 + 1


def test_who_goes_on_regardless_is_seen_and_who_waits_may_ask_again() -> None:
    rate = Rate(50)
    due, _ = ask(rate, 0.0, [1000.0] * 199)
    assert not rate.regardless(due, 1000.0)
    assert rate.regardless(rate.ask(rate.ask(due, 1000.0), 1000.0), 1000.0)
    assert ask(rate, due, [1003.0])[1] == [True]


def test_an_address_is_told_when_it_may_ask_again_and_does_not_stop_another() -> None:
    addresses = Addresses(Rate(10))
    assert [addresses.ask("192.0.2.1", 1000.0) for _ in range(20)] == [0.0] * 20
    wait = addresses.ask("192.0.2.1", 1000.0)
    assert wait == pytest.approx(0.1)
    assert addresses.ask("192.0.2.2", 1000.0) == 0.0
    assert addresses.ask("192.0.2.1", 1000.01 + wait) == 0.0


def test_the_table_of_addresses_is_bounded_and_forgets_the_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_MAX_ADDRESSES", 100)
    addresses = Addresses(Rate(1))
    for number in range(1000):
        addresses.ask(f"192.0.2.{number}", 1000.0)
    assert len(addresses) == 100
    addresses.forget_idle(1000.5)
    assert len(addresses) == 100
    addresses.forget_idle(1001.5)
    assert len(addresses) == 0
