"""The HTTP server: routes, the headers that every answer has, listening and closing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from gateway.config.models import ServerSection
from gateway.config.tls import TlsSection
from gateway.errors import FieldgateError, RequestError
from gateway.server.access import AccessLog, route_of
from gateway.server.address import client_address, host_of
from gateway.server.conversation import Conversation
from gateway.server.descriptors import make_room
from gateway.server.door import Door, Entrance, door_of
from gateway.server.headers import add_headers
from gateway.server.http import Api, problem, problem_of
from gateway.server.listening import listen, url_of
from gateway.server.origins import Origins
from gateway.server.pages import Pages
from gateway.server.porch import Handshakes
from gateway.server.rates import Addresses, Rate
from gateway.server.session import Services
from gateway.server.tls import Certificates
from gateway.server.websocket import WebSockets

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """The server of one gateway. `unready` gives the reason why the gateway is not ready, or None."""

    def __init__(self, services: Services, section: ServerSection, unready: Callable[[], str | None]) -> None:
        self._services = services
        self._section = section
        self._origins = Origins(section.origins)
        room = make_room(section.max_connections)
        per_address = section.max_connections_per_address
        self.access = AccessLog(section.trusted_proxies)
        self.sockets = WebSockets(services, self._origins, room.websockets, per_address, self.access)
        self.entrance = Entrance(
            section.limits, room.connections, per_address, section.trusted_proxies, self._serve_connection
        )
        self._rates = Addresses(Rate(section.limits.requests))
        self._app = web.Application(middlewares=[self._guard], client_max_size=section.limits.message)
        self._app.add_routes(Api(services, unready).routes())
        self._app.add_routes([web.get("/ws", self.sockets.handle)])
        self._app.add_routes(Pages().routes())
        self._app.on_response_prepare.append(add_headers)
        self._runner = web.AppRunner(self._app, shutdown_timeout=2)
        self.certificates = Certificates(section.tls) if section.tls is not None else None
        self._handshakes: Handshakes | None = None
        self._listening: asyncio.Server | None = None
        self.url = ""

    async def start(self) -> None:
        """Listens; `url` then has the address. Raises FieldgateError where the address cannot be had."""
        section = self._section
        await self._runner.setup()
        make: Callable[[], asyncio.Protocol] = partial(Door, self.entrance)
        try:
            if self.certificates is not None:
                await self.certificates.read()
                make = self._handshakes = Handshakes(self.entrance, self.certificates, section.limits.head_time)
            self._listening = await listen(make, section.listen)
        except FieldgateError:
            await self._runner.cleanup()
            raise
        self.url = url_of(self._listening, "http" if self.certificates is None else "https")

    async def run(self) -> None:
        """Keeps the heartbeats and deadlines going until cancelled."""
        limits = self._section.limits
        while True:
            await asyncio.sleep(min(1.0, *(time / 4 for time in (self._services.heartbeat, *limits.times))))
            self.sockets.beat()
            self.entrance.sweep()
            self._rates.forget_idle(asyncio.get_running_loop().time())

    async def watch(self) -> None:
        """Follows the files of the certificate until cancelled, where there is one."""
        if self.certificates is not None:
            await self.certificates.watch()

    def follow(self, section: TlsSection | None) -> bool:
        """Takes other files for the certificate; False where that would begin or end TLS, which this cannot."""
        if self.certificates is not None and section is not None:
            self.certificates.section = section
        return (self.certificates is None) == (section is None)

    async def close(self) -> None:
        """Closes every connection, WebSockets with 1001."""
        await self.sockets.close()
        if self._listening is not None:
            self._listening.close()
        if self._handshakes is not None:
            self._handshakes.close()
        self.entrance.close()
        await self._runner.cleanup()

    def _serve_connection(self) -> asyncio.Protocol:
        if self._runner.server is None:
            raise ConnectionAbortedError("the gateway stopped")
        return Conversation(self._runner.server, self.access)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses what a browser was tricked into, and answers errors as problem details."""
        try:
            self._check_host(request)
            self._check_rate(request)
            return await handler(request)
        except RequestError as error:
            return problem(error)
        except web.HTTPRequestEntityTooLarge:
            return problem(RequestError("too_large", f"a body holds at most {self._section.limits.message} bytes"))
        except web.HTTPNotFound:
            return problem(RequestError("not_found", "there is nothing here"))
        except web.HTTPException as error:
            return problem_of(error)
        except web.RequestPayloadError:
            return problem(RequestError("bad_request", "the body cannot be read"))
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:  # bulkhead: a bug met by one request must not end the server
            logger.exception("%s", route_of(request))
            return problem(RequestError("internal", "a bug in the gateway, see its log"))
        finally:
            if (door := door_of(request)) is not None:
                door.answered()

    def _check_host(self, request: web.Request) -> None:
        """Without tokens, only names of this machine are served.

        Otherwise a page of any site could have its own name point here, and would then count as the same origin.
        """
        if self._services.authenticator.is_open and not self._origins.is_local(host_of(request)):
            raise RequestError("forbidden", "without `auth` only localhost is served; add the origin to server.origins")
        safe = request.method in ("GET", "HEAD")
        if not safe and not self._origins.allow(request.headers.get("Origin"), host_of(request)):
            raise RequestError("forbidden", "this origin is not in server.origins")

    def _check_rate(self, request: web.Request) -> None:
        """Of each address only so many requests a second reach the API."""
        resource = request.match_info.route.resource
        if resource is not None and resource.canonical.startswith("/api/"):
            address = client_address(request, self._section.trusted_proxies)
            if wait := self._rates.ask(address, asyncio.get_running_loop().time()):
                most = self._section.limits.requests
                raise RequestError("rate_limited", f"more than {most:g} requests a second", wait)
