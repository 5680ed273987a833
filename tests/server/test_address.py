"""Whose request it is, where a reverse proxy stands between."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from gateway.server.address import client_address, host_of

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["198.51.100.1, 192.0.2.7"], "192.0.2.7"),  # what stands left of it, the client wrote
        ("10.0.0.1", ["198.51.100.1", "192.0.2.7, 10.0.0.9"], "192.0.2.7"),
        ("10.0.0.1", ["10.0.0.7, 10.0.0.9"], "10.0.0.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["nonsense, 10.0.0.9"], "10.0.0.9"),
        ("10.0.0.1", ["192.0.2.7:4711"], "192.0.2.7"),
        ("fd00::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("fd00::1", ["2001:DB8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),  # nobody else is believed
        ("11.0.0.1", ["198.51.100.1"], "11.0.0.1"),
    ],
)
def test_a_trusted_proxy_and_no_other_says_who_the_client_is(peer: str, forwarded: list[str], address: str) -> None:
    headers = CIMultiDict(("X-Forwarded-For", value) for value in forwarded)
    request = make_mocked_request("GET", "/", headers=headers, transport=asyncio.Transport({"peername": (peer, 4711)}))
    assert client_address(request, TRUSTED) == address
    assert client_address(request, ()) == peer


def test_a_request_without_a_host_is_for_none() -> None:
    assert host_of(make_mocked_request("GET", "/")) == ""
    assert host_of(make_mocked_request("GET", "/", headers={"Host": "pi:8080"})) == "pi:8080"
