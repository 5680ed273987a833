"""The HTTP API: devices, commands, health. Errors are problem details (RFC 9457)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from gateway.commands import Command, Sender
from gateway.errors import ErrorCode, RequestError
from gateway.model import Identity
from gateway.server.access import identified
from gateway.server.address import client_address
from gateway.server.credentials import Credential, bearer
from gateway.server.requests import CommandBody, parse
from gateway.server.session import Services

_STATUS: dict[ErrorCode, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "unsupported": 422,
    "rate_limited": 429,
    "internal": 500,
    "unavailable": 503,
}


class Api:
    """The routes below /api/v1, and the two that tell how the gateway is. `unready` gives the reason why not."""

    def __init__(self, services: Services, unready: Callable[[], str | None]) -> None:
        self._services = services
        self._unready = unready

    def routes(self) -> list[web.RouteDef]:
        """All routes of the API."""
        return [
            web.get("/api/v1/devices", self.list_devices),
            web.get("/api/v1/devices/{id}", self.get_device),
            web.post("/api/v1/devices/{id}/commands", self.post_command),
            web.get("/api/v1/commands/{key}", self.get_command),
            web.post("/api/v1/tickets", self.post_ticket),
            web.get("/healthz", self.healthz),
            web.get("/readyz", self.readyz),
        ]

    async def list_devices(self, request: web.Request) -> web.Response:
        """The devices that the identity may read."""
        identity = self._identify(request)
        return _json([d.to_json() for d in self._services.devices if identity.may_read(d.id)])

    async def get_device(self, request: web.Request) -> web.Response:
        """One device."""
        identity = self._identify(request)
        id = request.match_info["id"]
        if not identity.may_read(id):
            raise RequestError("forbidden", f"{identity.name} may not read {id[:129]}")
        device = self._services.devices.get(id)
        if device is None:
            raise RequestError("not_found", f"there is no device {id[:129]}")
        return _json(device.to_json())

    async def post_command(self, request: web.Request) -> web.Response:
        """A command: answered at once with 202, or with its end where `?wait=true`."""
        identity = self._identify(request)
        # A page of another site can post a form, but not JSON, without asking first.
        if request.content_type != "application/json":
            raise RequestError("bad_request", "the body must be application/json")
        body = parse(CommandBody, await _members(request, self._services.limits.message_time))
        asked = body.asked(request.match_info["id"])
        if body.dry_run:
            return _json(self._services.commands.rehearse(identity, asked))
        sender = Sender(client_address(request, self._services.trusted_proxies), identity.jti)
        command = self._services.commands.submit(identity, asked, sender)
        if request.query.get("wait") == "true":
            await self._services.commands.finished(command)
            return _json(command.to_json())
        return _json(command.to_json(), status=202)

    async def get_command(self, request: web.Request) -> web.Response:
        """A command, to its sender."""
        identity = self._identify(request)
        command: Command | None = self._services.commands.ledger.find(identity.name, request.match_info["key"])
        if command is None:
            raise RequestError("not_found", "there is no such command of yours")
        return _json(command.to_json())

    async def post_ticket(self, request: web.Request) -> web.Response:
        """A one-use ticket, for those who can send no header."""
        ticket, expires = self._services.authenticator.tickets.issue(self._identify(request))
        return _json({"ticket": ticket, "expires": expires})

    async def healthz(self, request: web.Request) -> web.Response:
        """Alive."""
        return _json({"status": "alive"})

    async def readyz(self, request: web.Request) -> web.Response:
        """Whether every adapter is up."""
        reason = self._unready()
        if reason is None:
            return _json({"status": "ready"})
        return _json({"status": "not ready", "reason": reason}, status=503)

    def _identify(self, request: web.Request) -> Identity:
        """Who asks: in a URL, tokens are for WebSockets only."""
        token = bearer(request.headers.get("Authorization"))
        credential = Credential("header", token) if token is not None else None
        address = client_address(request, self._services.trusted_proxies)
        identity = self._services.authenticator.admit(credential, address)
        identified(request, identity.name)
        return identity


def problem(error: RequestError) -> web.Response:
    """The error as problem details."""
    status = _STATUS[error.code]
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    return _details(status, error.code.replace("_", " "), error.message, headers, code=error.code)


def problem_of(error: web.HTTPException) -> web.Response:
    """An error of the library as problem details, with the headers that belong to it."""
    headers = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
    return _details(error.status, error.reason.lower(), error.text or error.reason, headers)


def _details(status: int, title: str, detail: str, headers: dict[str, str], **more: str) -> web.Response:
    body = orjson.dumps({"title": title, "status": status, "detail": detail, **more})
    return web.Response(body=body, status=status, content_type="application/problem+json", headers=headers)


async def _members(request: web.Request, within: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(within):
            members = orjson.loads(await request.read())
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text="the body was not completed in time") from error
    except orjson.JSONDecodeError as error:
        raise RequestError("bad_request", "the body is not JSON") from error
    if not isinstance(members, dict):
        raise RequestError("bad_request", "the body must be a JSON object")
    return members


def _json(members: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(members), status=status, content_type="application/json")
