"""The end of an identity: told before, kept by a clock that does not jump, and final."""

from __future__ import annotations

import time

import pytest

from gateway.model import Identity
from tests.server.desk import Desk, Visitor, auth


def ending(seconds: float) -> Visitor:
    """A connection whose identity ends so many seconds from now."""
    return Desk(auth(panel=(["*"], []))).open(Identity("tablet", ("*",), (), time.time() + seconds))


def later(visitor: Visitor, seconds: float) -> list[str]:
    """The kinds of frames that come of a look so many seconds from now."""
    visitor.session.keep_time(time.monotonic() + seconds)
    return [message["type"] for message in visitor.peer.take()]


@pytest.mark.parametrize(("left", "told"), [(3600, 3540), (100, 40), (40, 20), (2, 1)])
def test_it_is_told_once_a_minute_before_or_when_half_of_less_is_over(left: float, told: float) -> None:
    visitor = ending(left)
    assert later(visitor, told - 0.5) == []
    assert later(visitor, told + 0.5) == ["expiring"]
    assert later(visitor, told + 0.5) == []
    assert visitor.peer.closed is None
    later(visitor, left + 0.5)
    assert visitor.peer.closed == 4410


def test_who_is_looked_at_too_late_is_told_and_closed() -> None:
    visitor = ending(100)
    assert later(visitor, 1000) == ["expiring"]
    assert visitor.peer.closed == 4410


def test_an_identity_without_an_end_has_none() -> None:
    visitor = Desk().open()
    assert later(visitor, 1e9) == []
    assert visitor.peer.closed is None


def test_a_jump_of_the_wall_clock_moves_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = ending(1000)
    for jump in (1e6, -1e6):
        monkeypatch.setattr(time, "time", lambda jump=jump: 1.8e9 + jump)
        assert later(visitor, 900) == []
        assert visitor.ask("ping")["type"] == "pong"
        visitor.peer.take()
    assert later(visitor, 950) == ["expiring"]
    later(visitor, 1001)
    assert visitor.peer.closed == 4410


@pytest.mark.parametrize("kind", ["ping", "devices", "subscribe", "command", "auth", "nonsense"])
def test_a_request_after_the_end_is_refused_before_anybody_looked(kind: str) -> None:
    visitor = ending(-0.001)
    assert visitor.refused(kind, token="panel-token") == "unauthorized"
    assert visitor.peer.closes == [4410]


@pytest.mark.parametrize("seconds", [500.0, None])
def test_a_renewal_moves_the_end_and_is_told_of_its_own(seconds: float | None) -> None:
    visitor = ending(100)
    assert later(visitor, 41) == ["expiring"]
    expires = time.time() + seconds if seconds is not None else None
    visitor.session._become(Identity("tablet", ("*",), (), expires))
    assert later(visitor, 200) == []
    assert visitor.peer.closed is None
    assert later(visitor, 450) == (["expiring"] if seconds is not None else [])


def test_a_wrong_renewal_closes_as_a_wrong_token_does() -> None:
    visitor = ending(100)
    assert visitor.refused("auth", token="wrong") == "unauthorized"
    assert visitor.peer.closes == [4401]
