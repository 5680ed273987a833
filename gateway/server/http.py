"""The HTTP API: devices, commands, health. Errors are problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from gateway.commands import Command, Sender
from gateway.errors import ErrorCode, RequestError
from gateway.model import Identity
from gateway.server.auth import bearer
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
        body = parse(CommandBody, await _members(request))
        asked = body.asked(request.match_info["id"])
        if body.dry_run:
            return _json(self._services.commands.rehearse(identity, asked))
        command = self._services.commands.submit(identity, asked, Sender(request.remote or ""))
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
        token = bearer(request.headers.get("Authorization"))
        if token is not None:
            return self._services.authenticator.identify(token)
        identity = self._services.authenticator.without_token()
        if identity is None:
            raise RequestError("unauthorized", "a token is needed: Authorization: Bearer …")
        return identity


def problem(error: RequestError) -> web.Response:
    """The error as problem details."""
    status = _STATUS[error.code]
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return _details(status, error.code.replace("_", " "), error.message, headers, code=error.code)


def problem_of(error: web.HTTPException) -> web.Response:
    """An error of the library as problem details, with the headers that belong to it."""
    headers = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
    return _details(error.status, error.reason.lower(), error.text or error.reason, headers)


def _details(status: int, title: str, detail: str, headers: dict[str, str], **more: str) -> web.Response:
    body = orjson.dumps({"title": title, "status": status, "detail": detail, **more})
    return web.Response(body=body, status=status, content_type="application/problem+json", headers=headers)


async def _members(request: web.Request) -> dict[str, Any]:
    try:
        members = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise RequestError("bad_request", "the body is not JSON") from error
    if not isinstance(members, dict):
        raise RequestError("bad_request", "the body must be a JSON object")
    return members


def _json(members: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(members), status=status, content_type="application/json")
