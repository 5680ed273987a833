"""Which pages may use a visitor's browser to reach the gateway."""

from __future__ import annotations

import pytest

from gateway.server.origins import Origins


def test_what_is_no_page_may_connect() -> None:
    assert Origins([]).allow(None, "pi")


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
    assert Origins(["https://Panel.example"]).allow(origin, host) is allowed


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost:8080", True),
        ("panel.localhost", True),
        ("127.0.0.1:1", True),
        ("[::1]:8080", True),
        ("panel.example", True),
        ("PANEL.example", True),
        ("192.0.2.1", False),
        ("localhost.evil", False),
        ("", False),
        ("[::1", False),
    ],
)
def test_a_name_of_this_machine_or_of_a_listed_origin_is_local(host: str, local: bool) -> None:
    assert Origins(["https://Panel.example"]).is_local(host) is local
