"""The access log: who asked what, and got what. No path, query or header is in it, for tokens hide there."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import hdrs, web
from aiohttp.abc import AbstractAccessLogger

from gateway.config.limits import Network
from gateway.server.address import client_address

# A logger of its own, so that a `level` above does not silence what was asked for.
logger = logging.getLogger("gateway.access")
logger.setLevel(logging.INFO)

_NOBODY = "-"  # in place of a name that is not known
_IDENTITY = web.RequestKey("identity", str)  # the name of who asks
_UNREADABLE = web.RequestKey("unreadable", bool)  # the mark of what is no request


def identified(request: web.BaseRequest, name: str) -> None:
    """Tells who makes the request."""
    request[_IDENTITY] = name


def unreadable(request: web.BaseRequest) -> None:
    """Tells that it is none."""
    request[_UNREADABLE] = True


class AccessLog(AbstractAccessLogger):
    """A line for each answer, and for each WebSocket's begin and end; none while it is not `on`."""

    def __init__(self, trusted_proxies: tuple[Network, ...]) -> None:
        super().__init__(logger, "")
        self._trusted_proxies = trusted_proxies
        self.on = False

    @property
    def enabled(self) -> bool:
        """Whether lines are written."""
        return self.on

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """An answer that is out; `time` is in seconds."""
        if not self.on or (isinstance(response, web.WebSocketResponse) and response.prepared):
            return  # a WebSocket's lines are written where it begins and ends
        size = response.body_length
        fields = {**self._asked(request), "status": response.status, "bytes": size, "seconds": round(time, 6)}
        _write(fields, f"{response.status}, {size} bytes in {time * 1000:.1f} ms")

    def opened(self, request: web.Request, name: str | None) -> None:
        """A WebSocket's handshake is done; `name` is that of who asks, where it is known."""
        if self.on:
            _write({**self._asked(request, name), "event": "opened"}, "opened")

    def closed(self, request: web.Request, name: str | None, code: int, time: float, received: int, sent: int) -> None:
        """A WebSocket's end: its close code, how many seconds it lasted, messages from it, frames to it."""
        if self.on:
            fields = {"event": "closed", "code": code, "seconds": round(time, 6), "received": received, "sent": sent}
            said = f"closed with {code} after {time:.1f} s, {received} messages received, {sent} frames sent"
            _write({**self._asked(request, name), **fields}, said)

    def _asked(self, request: web.BaseRequest, name: str | None = None) -> dict[str, Any]:
        return {
            "address": client_address(request, self._trusted_proxies),
            "identity": name or request.get(_IDENTITY, _NOBODY),
            "method": request.method if request.method in hdrs.METH_ALL else "(other)",
            "route": route_of(request),
        }


def route_of(request: web.BaseRequest) -> str:
    """The route as it is written in the code, `/api/v1/devices/{id}`: what stands in the path may be anything."""
    if not isinstance(request, web.Request) or _UNREADABLE in request:
        return "(unreadable)"
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"


def _write(fields: dict[str, Any], said: str) -> None:
    asked = "{address} {identity} {method} {route}".format(**fields)
    logger.info("%s %s", asked, said, extra={"fields": fields})
