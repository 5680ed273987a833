"""The HTTP server: routes, the headers that every answer has, listening and closing."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from gateway.config.models import ServerSection
from gateway.errors import FieldgateError, RequestError
from gateway.server.descriptors import make_room
from gateway.server.http import Api, problem, problem_of
from gateway.server.pages import Pages
from gateway.server.session import MAX_MESSAGE, Services
from gateway.server.websocket import WebSockets, allowed_origin

_HEADERS = {
    "Server": "fieldgate",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """The server of one gateway. `unready` gives the reason why the gateway is not ready, or None."""

    def __init__(self, services: Services, section: ServerSection, unready: Callable[[], str | None]) -> None:
        self._services = services
        self._section = section
        self._origins = frozenset(origin.lower() for origin in section.origins)
        room = make_room(section.max_connections)
        self.sockets = WebSockets(services, section.origins, room, section.max_connections_per_address)
        self._app = web.Application(middlewares=[self._guard], client_max_size=MAX_MESSAGE)
        self._app.add_routes(Api(services, unready).routes())
        self._app.add_routes([web.get("/ws", self.sockets.handle)])
        self._app.add_routes(Pages().routes())
        self._app.on_response_prepare.append(_add_headers)
        # Its access log would print query strings, and with them tokens.
        self._runner = web.AppRunner(self._app, access_log=None, keepalive_timeout=15, shutdown_timeout=2)
        self.url = ""

    async def start(self) -> None:
        """Listens; `url` then has the address. Raises FieldgateError where the address cannot be had."""
        listen = self._section.listen
        await self._runner.setup()
        site = web.TCPSite(self._runner, listen.host, listen.port, backlog=2048)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            if error.errno == errno.EADDRINUSE:
                raise FieldgateError(f"cannot listen on {listen}: another program uses this port") from error
            raise FieldgateError(f"cannot listen on {listen}: {error.strerror or error}") from error
        host, port = self._runner.addresses[0][:2]
        shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{port}"

    async def run(self) -> None:
        """Keeps the heartbeats going until cancelled."""
        while True:
            await asyncio.sleep(min(1.0, self._services.heartbeat / 4))
            self.sockets.beat()

    async def close(self) -> None:
        """Closes every connection, WebSockets with 1001."""
        await self.sockets.close()
        await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses what a browser was tricked into, and answers errors as problem details."""
        try:
            self._check_host(request)
            return await handler(request)
        except RequestError as error:
            return problem(error)
        except web.HTTPRequestEntityTooLarge:
            return problem(RequestError("too_large", f"a body holds at most {MAX_MESSAGE} bytes"))
        except web.HTTPNotFound:
            return problem(RequestError("not_found", "there is nothing here"))
        except web.HTTPException as error:
            return problem_of(error)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:  # bulkhead: a bug met by one request must not end the server
            logger.exception("%s %s", request.method, request.path)
            return problem(RequestError("internal", "a bug in the gateway, see its log"))

    def _check_host(self, request: web.Request) -> None:
        """Without tokens, only names of this machine are served.

        Otherwise a page of any site could have its own name point here, and would then count as the same origin.
        """
        if self._services.authenticator.is_open and not _is_local(request.host, self._origins):
            raise RequestError("forbidden", "without `auth` only localhost is served; add the origin to server.origins")
        origin = request.headers.get("Origin")
        if (
            request.method not in ("GET", "HEAD")
            and origin is not None
            and not allowed_origin(origin, request.host, self._origins)
        ):
            raise RequestError("forbidden", "this origin is not in server.origins")


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if isinstance(response, web.WebSocketResponse):
        return  # nothing is shown of it, and each connection would keep them as long as it lasts
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")


def _is_local(host: str, origins: frozenset[str]) -> bool:
    """Whether a Host header names this machine, or the host of a listed origin."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return any(urlsplit(origin).netloc == host.lower() for origin in origins)
