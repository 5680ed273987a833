"""Whose request it is, where a reverse proxy stands between."""

from __future__ import annotations

import ipaddress

from aiohttp import web

from gateway.config.limits import Network

UNKNOWN = "unknown"  # the connection ended before its address was asked for


def client_address(request: web.BaseRequest, trusted_proxies: tuple[Network, ...]) -> str:
    """The client's address: the connection's, or what a trusted proxy says that it is.

    That is the right-most address of `X-Forwarded-For` that is not itself a trusted proxy: each proxy appends whom it
    hears, and what stands further left is whatever the client wrote.
    """
    address = _peer(request)
    if not trusted_proxies or not is_trusted(address, trusted_proxies):
        return address
    for value in reversed(",".join(request.headers.getall("X-Forwarded-For", ())).split(",")):
        said = _plain(value)
        if said is None:
            break  # nothing to the left of what cannot be understood is worth more
        address = said
        if not is_trusted(address, trusted_proxies):
            break
    return address


def host_of(request: web.Request) -> str:
    """The Host header; empty where there is none. (The library would then look up the name of this machine.)"""
    return request.headers.get("Host", "")


def is_trusted(address: str, trusted_proxies: tuple[Network, ...]) -> bool:
    """Whether the address is that of a trusted proxy."""
    if not trusted_proxies:
        return False
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)  # an IPv4 peer of an IPv6 socket
    return any(ip in network or (mapped is not None and mapped in network) for network in trusted_proxies)


def _peer(request: web.BaseRequest) -> str:
    """The address at the other end of the connection."""
    if request.transport is None:
        return request.remote or UNKNOWN
    # What the library remembers of a request costs every WebSocket its memory.
    peer = request.transport.get_extra_info("peername")
    return str(peer[0]) if peer else UNKNOWN


def _plain(value: str) -> str | None:
    """The address alone, of `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; None of others."""
    text = value.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
