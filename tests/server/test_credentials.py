"""How a token comes: four ways, and the first one counts."""

from __future__ import annotations

import logging

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.server.credentials import Credential, bearer, offered, presented

SECOND = "fieldgate.v1, bearer.of-protocol"


def shown(path: str = "/ws", **headers: str) -> Credential | None:
    return presented(make_mocked_request("GET", path, {name.replace("_", "-"): text for name, text in headers.items()}))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None), ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER  abc ", "abc"), ("Bearer", ""),
        ("Bearer ", ""), ("Basic abc", None), ("", None), ("abc", None), ("Bearer a b", "a b"),
    ],
)  # fmt: skip
def test_the_bearer_of_an_authorization_header(header: str | None, token: str | None) -> None:
    assert bearer(header) == token


def test_the_first_way_present_counts_whether_or_not_it_is_right() -> None:
    query = "/ws?ticket=of-ticket&token=of-query"
    assert shown(query, Authorization="Bearer of-header", Sec_WebSocket_Protocol=SECOND) == Credential(
        "header", "of-header"
    )
    assert shown(query, Sec_WebSocket_Protocol=SECOND) == Credential("subprotocol", "of-protocol")
    assert shown(query) == Credential("query", "of-query")
    assert shown("/ws?ticket=of-ticket") == Credential("ticket", "of-ticket")
    assert shown() is None


def test_an_empty_token_is_shown_and_another_scheme_is_not() -> None:
    assert shown(Authorization="Bearer") == Credential("header", "")
    assert shown("/ws?token=") == Credential("query", "")
    assert shown("/ws?token=of-query", Authorization="Basic abc") == Credential("query", "of-query")
    assert shown(Sec_WebSocket_Protocol="fieldgate.v1") is None


@pytest.mark.parametrize("lines", [["bearer.a"], ["x,bearer.a"], ["fieldgate.v1", "bearer.a"], ["bearer.a , bearer.b"]])
def test_a_subprotocol_may_have_any_place(lines: list[str]) -> None:
    headers = CIMultiDict([("Sec-WebSocket-Protocol", line) for line in lines])
    assert presented(make_mocked_request("GET", "/ws", headers)) == Credential("subprotocol", "a")


def test_the_subprotocols_that_are_offered_are_told_apart() -> None:
    headers = CIMultiDict([("Sec-WebSocket-Protocol", " a,b"), ("Sec-WebSocket-Protocol", "c ")])
    assert offered(make_mocked_request("GET", "/ws", headers)) == ["a", "b", "c"]
    assert offered(make_mocked_request("GET", "/ws")) == []


def test_a_credential_does_not_show_its_text() -> None:
    assert "canary" not in repr(Credential("header", "canary")) + str(Credential("query", "canary"))


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_any_query_is_read_without_raising(text: str) -> None:
    shown("/ws?" + text)
    shown("/ws?token=" + text)


def test_the_library_cannot_log_what_is_offered(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("aiohttp.websocket").critical("Client protocols %r", ["bearer.canary"])
    assert caplog.records == []
