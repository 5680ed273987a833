"""Who a token is, and what goes without one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.models import Rights
from gateway.errors import RequestError
from gateway.model import Identity
from gateway.server.auth import LOCAL, Authenticator, bearer
from gateway.server.websocket import allowed_origin
from tests.server.desk import auth

SECTION = auth(panel=(["bench"], []), other=(["*"], ["*"]))


def test_a_token_is_known_by_its_digest() -> None:
    assert Authenticator(SECTION).identify("panel-token") == Identity("panel", ("bench",), ())
    assert Authenticator(SECTION).identify("other-token").name == "other"


@given(st.text(st.characters(exclude_categories=())))
def test_any_other_token_is_unauthorized(token: str) -> None:
    with pytest.raises(RequestError, match="not valid") as caught:
        Authenticator(SECTION).identify(token)
    assert caught.value.code == "unauthorized"


def test_the_digest_of_a_token_is_not_a_token() -> None:
    with pytest.raises(RequestError):
        Authenticator(SECTION).identify(SECTION.tokens[0].sha256)


def test_without_an_auth_section_everyone_is_local() -> None:
    authenticator = Authenticator(None)
    assert authenticator.is_open
    assert authenticator.without_token() == authenticator.identify("anything") == LOCAL
    assert authenticator.timeout == 10


def test_without_a_token_nobody_is_anyone_unless_it_is_said_in_so_many_words() -> None:
    assert Authenticator(SECTION).without_token() is None
    anonymous = Authenticator(auth(anonymous=Rights(read=("a",)))).without_token()
    assert anonymous == Identity("anonymous", ("a",), ())


def test_rights_hold_while_the_configuration_gives_exactly_them() -> None:
    identity = Authenticator(SECTION).identify("panel-token")
    assert Authenticator(SECTION).still_holds(identity)
    assert not Authenticator(auth(panel=(["*"], []))).still_holds(identity)
    assert not Authenticator(auth()).still_holds(identity)
    assert not Authenticator(SECTION).still_holds(LOCAL)
    assert Authenticator(None).still_holds(LOCAL)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None), ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER  abc ", "abc"), ("Bearer", ""),
        ("Bearer ", ""), ("Basic abc", None), ("", None), ("abc", None), ("Bearer a b", "a b"),
    ],
)  # fmt: skip
def test_the_bearer_of_an_authorization_header(header: str | None, token: str | None) -> None:
    assert bearer(header) == token


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://pi:8080", "pi:8080", True),
        ("HTTP://PI:8080", "pi:8080", True),
        ("http://pi", "pi:80", True),
        ("https://pi", "pi", True),
        ("https://pi:443", "pi", True),
        ("http://pi:8080", "pi", False),
        ("http://pi", "pi:8080", False),
        ("http://evil", "pi", False),
        ("http://pi.evil", "pi", False),
        ("http://evilpi", "pi", False),
        ("http://pi@evil", "pi", False),
        ("null", "pi", False),
        ("", "pi", False),
        ("http://", "", False),
        ("file://", "pi", False),
        ("ftp://pi", "pi", False),
        ("http://[::1", "pi", False),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("https://panel.example", "pi", True),
        ("https://panel.example.evil", "pi", False),
    ],
)
def test_a_page_may_connect_from_the_same_host_or_a_listed_origin(origin: str, host: str, allowed: bool) -> None:
    assert allowed_origin(origin, host, frozenset({"https://panel.example"})) is allowed
