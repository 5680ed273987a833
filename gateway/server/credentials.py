"""How a token is shown, and the one that counts where several are."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

Way = Literal["header", "subprotocol", "query", "ticket", "message"]

_SUBPROTOCOL = "bearer."  # with the token behind it; never echoed

# The library logs the subprotocols that it does not know, and the token is one of them. It says nothing else there.
logging.getLogger("aiohttp.websocket").addFilter(lambda record: False)


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, or a ticket, and the way it came. It never shows its text."""

    way: Way
    text: str = field(repr=False)


def presented(request: web.Request) -> Credential | None:
    """The credential of a WebSocket's handshake: the header's, else the subprotocol's, else the query's."""
    token = bearer(request.headers.get("Authorization"))
    if token is not None:
        return Credential("header", token)
    for name in offered(request):
        if name.startswith(_SUBPROTOCOL):
            return Credential("subprotocol", name.removeprefix(_SUBPROTOCOL))
    if "?" not in request.raw_path:
        return None  # the library would keep an empty query for as long as the connection lasts
    if (token := request.query.get("token")) is not None:
        return Credential("query", token)
    if (ticket := request.query.get("ticket")) is not None:
        return Credential("ticket", ticket)
    return None


def bearer(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header (RFC 6750 §2.1); None where there is no such header."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def offered(request: web.Request) -> list[str]:
    """The subprotocols that a client offers, in its order."""
    lines = request.headers.getall("Sec-WebSocket-Protocol", ())
    return [name.strip() for line in lines for name in line.split(",")]
