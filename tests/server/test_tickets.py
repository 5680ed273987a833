"""One-use tickets: once, for thirty seconds, and only so many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import RequestError
from gateway.model import Identity
from gateway.server import tickets
from gateway.server.tickets import LIFETIME, MOST_EACH, Tickets
from tests.server.fakes import FakeClock

PANEL = Identity("panel", ("*",), ())


class Office:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.wall = 1_800_000_000.0
        self.tickets = Tickets(lambda: self.wall, lambda: self.clock.now)


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_ticket_is_good_once_and_is_its_makers(office: Office) -> None:
    ticket, expires = office.tickets.issue(PANEL)
    assert expires == office.wall + LIFETIME
    assert len(ticket) == 43  # 256 bits
    assert office.tickets.redeem(ticket) == PANEL
    assert office.tickets.redeem(ticket) is None
    assert len(office.tickets) == 0


def test_of_many_who_show_a_ticket_at_once_one_is_let_in(office: Office) -> None:
    ticket, _ = office.tickets.issue(PANEL)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: office.tickets.redeem(ticket), range(64)))
    assert sum(identity is not None for identity in found) == 1


def test_a_ticket_ends_by_a_clock_that_does_not_jump(office: Office) -> None:
    first, second = office.tickets.issue(PANEL)[0], office.tickets.issue(PANEL)[0]
    office.wall += 1e6
    office.clock.advance(LIFETIME - 0.001)
    assert office.tickets.redeem(first) == PANEL
    office.clock.advance(0.001)
    assert office.tickets.redeem(second) is None


def test_a_ticket_does_not_promise_more_than_its_makers_token_has(office: Office) -> None:
    assert office.tickets.issue(Identity("panel", (), (), office.wall + 7))[1] == office.wall + 7


def test_one_identity_has_so_many_unused_tickets_and_others_are_not_concerned(office: Office) -> None:
    for _ in range(MOST_EACH):
        office.tickets.issue(PANEL)
    with pytest.raises(RequestError, match="too many tickets") as caught:
        office.tickets.issue(PANEL)
    assert caught.value.code == "rate_limited"
    assert caught.value.retry_after == LIFETIME
    ticket, _ = office.tickets.issue(Identity("other", (), ()))
    assert office.tickets.redeem(ticket) is not None
    office.clock.advance(LIFETIME)
    office.tickets.issue(PANEL)
    assert len(office.tickets) == 1, "old ones are forgotten"


def test_there_are_only_so_many_tickets(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "MOST", 3)
    for n in range(3):
        office.tickets.issue(Identity(f"panel{n}", (), ()))
    with pytest.raises(RequestError, match="too many tickets"):
        office.tickets.issue(PANEL)


@pytest.mark.parametrize("text", ["", "x" * 43, "\ud800", "\x00"])
def test_anything_else_is_no_ticket(office: Office, text: str) -> None:
    office.tickets.issue(PANEL)
    assert office.tickets.redeem(text) is None
