"""The limits of the server, and the proxies that it believes."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from tests.config.parts import problems, read


def test_without_a_word_the_limits_are_safe() -> None:
    limits = read("").server.limits
    assert (limits.head_time, limits.message_time, limits.message) == (10, 10, 65536)
    assert (limits.requests, limits.subscriptions, limits.commands) == (50, 64, 8)
    assert read("").server.trusted_proxies == ()


def test_each_limit_can_be_set() -> None:
    written = "head_time: 1s, message_time: 300ms, message: 2048, requests: 1, subscriptions: 2, commands: 3"
    limits = read(f"server: {{limits: {{{written}}}}}").server.limits
    assert (limits.times, limits.message) == ((1.0, 0.3), 2048)
    assert (limits.requests, limits.subscriptions, limits.commands) == (1, 2, 3)


@pytest.mark.parametrize(
    "written",
    [
        "head_time: 0", "message_time: 2h", "message: 1023", "message: 16777217", "message: 1.5", "requests: 0",
        "requests: .inf", "subscriptions: 0", "commands: 0", "commands: '8'",
    ],
)  # fmt: skip
def test_a_limit_that_would_be_none_is_refused(written: str) -> None:
    (line,) = problems(f"server: {{limits: {{{written}}}}}")
    assert f"server.limits.{written.partition(':')[0]}" in line


def test_proxies_are_addresses_and_networks() -> None:
    text = "server: {trusted_proxies: [192.168.1.2, 10.0.0.0/8, '::1', 'fd00::/8']}"
    expected = ("192.168.1.2/32", "10.0.0.0/8", "::1/128", "fd00::/8")
    assert read(text).server.trusted_proxies == tuple(ip_network(network) for network in expected)


@pytest.mark.parametrize("written", ["proxy.example", "10.0.0.1/8", "192.168.1.300", "7", "''", "'*'"])
def test_what_is_no_network_is_refused(written: str) -> None:
    (line,) = problems(f"server: {{trusted_proxies: [{written}]}}")
    assert "server.trusted_proxies.0: expected an IP address or network, such as 192.168.1.2 or 10.0.0.0/8" in line
