"""The HTTP API: every route with and without a token, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from gateway.model import Outgoing
from gateway.server.guesses import Guesses
from gateway.server.pages import Pages
from tests.parts.waiting import eventually
from tests.server.live import Live, Serve

JSON = {"Content-Type": "application/json"}
AUTH = {
    "tokens": [
        {"name": "panel", "sha256": sha256(b"panel-token").hexdigest(), "read": ["bench"], "command": ["bench"]},
        {"name": "intern", "sha256": sha256(b"intern-token").hexdigest(), "read": ["*"], "command": []},
    ]
}
OPEN = {"/healthz", "/readyz", "/ws", *(route.path for route in Pages().routes())}  # /ws says it in the protocol


class Web:
    """An HTTP client of one gateway."""

    def __init__(self, live: Live, session: aiohttp.ClientSession) -> None:
        self.live = live
        self._session = session

    async def __call__(
        self, method: str, path: str, token: str | None = None, headers: dict[str, str] | None = None, **rest: Any
    ) -> tuple[int, Any, Any]:
        """Status, body and headers of the answer; a problem must be one."""
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token is not None else {})
        async with self._session.request(method, self.live.url + path, headers=sent, **rest) as answer:
            is_json = answer.content_type.endswith("json")
            body: Any = await answer.json(content_type=None) if is_json else await answer.read()
            if answer.status >= 400 and method != "HEAD" and answer.status != 503:
                assert answer.content_type == "application/problem+json", (answer.status, body)
                assert body["status"] == answer.status
                assert body["title"]
                assert body["detail"]
            return answer.status, body, answer.headers


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def local(serve: Serve, http: aiohttp.ClientSession) -> Web:
    """A gateway without tokens."""
    return Web(await serve(), http)


@pytest.fixture
async def guarded(serve: Serve, http: aiohttp.ClientSession) -> Web:
    """A gateway with tokens."""
    return Web(await serve(auth=AUTH), http)


async def test_every_route_but_health_and_pages_needs_a_token(guarded: Web) -> None:
    tried = 0
    for route in guarded.live.gateway.server._app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        if path in OPEN:
            continue
        tried += 1
        for token in (None, "wrong", "", "panel-token x"):
            guarded.live.gateway.services.authenticator.guesses = Guesses()  # or it would have to wait
            where = path.replace("{id}", "bench").replace("{key}", "k")
            status, body, headers = await guarded(route.method, where, token, JSON, data=b"{}")
            assert status == 401, (route.method, path, token)
            assert headers["WWW-Authenticate"] == "Bearer"
            assert route.method == "HEAD" or body["code"] == "unauthorized"
    assert tried >= 6


async def test_a_token_in_the_query_or_in_basic_form_is_none(guarded: Web) -> None:
    assert (await guarded("GET", "/api/v1/devices?token=panel-token"))[0] == 401
    assert (await guarded("GET", "/api/v1/devices", headers={"Authorization": "Basic panel-token"}))[0] == 401


async def test_the_devices_are_those_that_the_identity_may_read(guarded: Web) -> None:
    status, body, headers = await guarded("GET", "/api/v1/devices", "panel-token")
    assert status == 200
    assert [device["id"] for device in body] == ["bench"]
    assert headers["Cache-Control"] == "no-store"
    assert len((await guarded("GET", "/api/v1/devices", "intern-token"))[1]) == 2


async def test_one_device(guarded: Web) -> None:
    status, body, _ = await guarded("GET", "/api/v1/devices/bench", "panel-token")
    assert (status, body["id"], body["name"], body["state"]) == (200, "bench", "Bench", "online")
    assert (await guarded("GET", "/api/v1/devices/attic", "panel-token"))[0] == 403
    assert (await guarded("GET", "/api/v1/devices/nobody", "intern-token"))[0] == 404
    assert (await guarded("GET", "/api/v1/devices/nobody", "panel-token"))[0] == 403  # not even whether it exists


@pytest.mark.parametrize("id", ["%00", "%ED%A0%80", "..%2f..%2fetc", "%F0%9F%98%80", "x" * 4000, "__proto__", "*"])
async def test_a_strange_device_id_is_just_not_there(local: Web, id: str) -> None:
    assert (await local("GET", f"/api/v1/devices/{id}"))[0] == 404
    command = {"point": "fan", "value": True}
    assert (await local("POST", f"/api/v1/devices/{id}/commands", json=command))[0] == 404


async def test_a_command_is_accepted_with_202_and_can_be_asked_for_by_its_sender(guarded: Web) -> None:
    command = {"point": "fan", "value": True, "key": "k1"}
    status, body, _ = await guarded("POST", "/api/v1/devices/bench/commands", "panel-token", json=command)
    assert (status, body["key"], body["by"], body["device"]) == (202, "k1", "panel", "bench")
    async with asyncio.timeout(5):
        while not (body := (await guarded("GET", "/api/v1/commands/k1", "panel-token"))[1])["final"]:
            await asyncio.sleep(0)
    assert body["outcome"] == "executed"
    assert (await guarded("GET", "/api/v1/commands/k1", "intern-token"))[0] == 404
    assert (await guarded("GET", "/api/v1/commands/k2", "panel-token"))[0] == 404


async def test_a_command_with_wait_is_answered_with_its_end(local: Web) -> None:
    command = {"point": "fan", "value": True}
    status, body, _ = await local("POST", "/api/v1/devices/bench/commands?wait=true", json=command)
    assert (status, body["state"], body["final"], body["outcome"]) == (200, "acked", True, "executed")


async def test_who_waits_hears_the_end_when_the_gateway_stops(local: Web) -> None:
    class Silent:
        answer_timeout = 60.0

        async def write(self, command: Outgoing) -> None:
            return

    commands = local.live.gateway.commands
    commands.writers["bench"] = Silent()
    body = {"point": "fan", "value": True}
    waiting = asyncio.create_task(local("POST", "/api/v1/devices/bench/commands?wait=true", json=body))
    await eventually(lambda: commands._carrier.flights)
    await local.live.stop()
    status, command, _ = await waiting
    assert (status, command["state"], command["outcome"]) == (200, "lost", "unknown")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"point": "fan", "value": 1}, 400), ({"point": "fan"}, 400), ({}, 400), ({"point": "fan", "ttl": 0}, 400),
        ({"point": "nothing", "value": 1}, 404), ({"point": "temperature", "value": 1}, 422),
        ({"point": "fan", "value": True, "confirm": "verified"}, 422), ([], 400), (7, 400), (None, 400),
        ({"point": "fan", "value": {"__proto__": 1}}, 400), ({"point": "level", "value": 10**40}, 400),
    ],
)  # fmt: skip
async def test_a_wrong_command_is_refused(local: Web, body: Any, status: int) -> None:
    assert (await local("POST", "/api/v1/devices/bench/commands", json=body))[0] == status


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\xff", b'{"point":"fan","value":NaN}', b"[" * 5000])
async def test_a_body_that_is_not_json_is_a_bad_request(local: Web, body: bytes) -> None:
    assert (await local("POST", "/api/v1/devices/bench/commands", headers=JSON, data=body))[0] == 400


async def test_a_key_used_for_another_command_is_a_conflict(local: Web) -> None:
    for value, status in ((True, 202), (True, 202), (False, 409)):
        body = {"point": "fan", "value": value, "key": "k"}
        assert (await local("POST", "/api/v1/devices/bench/commands", json=body))[0] == status


async def test_a_command_needs_the_right_to_command(guarded: Web) -> None:
    for token, device in (("panel-token", "attic"), ("intern-token", "bench")):
        body = {"point": "fan", "value": True}
        assert (await guarded("POST", f"/api/v1/devices/{device}/commands", token, json=body))[0] == 403


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_command_that_a_form_of_another_site_could_send_is_refused(local: Web, type: str) -> None:
    body = b'{"point":"fan","value":true}'
    assert (await local("POST", "/api/v1/devices/bench/commands", headers={"Content-Type": type}, data=body))[0] == 400


async def test_a_body_of_more_than_64_kib_is_too_large(local: Web) -> None:
    status, body, _ = await local("POST", "/api/v1/devices/bench/commands", headers=JSON, data=b" " * 65537)
    assert (status, body["code"]) == (413, "too_large")

    async def drip() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    assert (await local("POST", "/api/v1/devices/bench/commands", headers=JSON, data=drip()))[0] == 413


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/api/v1/devices", "GET,HEAD"), ("GET", "/api/v1/devices/bench/commands", "POST"), ("PUT", "/ws", "GET")],
)
async def test_another_method_is_refused_and_told_which_are_allowed(
    local: Web, method: str, path: str, allowed: str
) -> None:
    status, _, headers = await local(method, path)
    assert status == 405
    assert set(allowed.split(",")) <= set(headers["Allow"].split(","))


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1/", "/api", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/client.js/"]
)
async def test_nothing_is_found_where_nothing_is(local: Web, path: str) -> None:
    assert (await local("GET", path))[0] == 404


async def test_health_tells_that_it_is_alive_and_readiness_the_reason_why_not(guarded: Web) -> None:
    assert (await guarded("GET", "/healthz"))[:2] == (200, {"status": "alive"})
    assert (await guarded("GET", "/readyz"))[:2] == (200, {"status": "ready"})
    guarded.live.gateway._adapters["bench"].link.down("unplugged")
    status, body, _ = await guarded("GET", "/readyz")
    assert (status, body) == (503, {"status": "not ready", "reason": "adapter bench: unplugged"})
    assert (await guarded("GET", "/healthz"))[0] == 200


@pytest.mark.parametrize(("origin", "status"), [("http://evil.example", 403), ("null", 403), (None, 202)])
async def test_a_page_of_another_site_may_not_command(local: Web, origin: str | None, status: int) -> None:
    headers = {"Origin": origin} if origin else {}
    body = {"point": "fan", "value": True}
    assert (await local("POST", "/api/v1/devices/bench/commands", headers=headers, json=body))[0] == status


async def test_its_own_page_may_command(local: Web) -> None:
    body = {"point": "fan", "value": True}
    path = "/api/v1/devices/bench/commands"
    assert (await local("POST", path, headers={"Origin": local.live.url}, json=body))[0] == 202


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[::1", "192.168.1.7"])
async def test_without_tokens_another_hosts_name_is_not_served(local: Web, host: str) -> None:
    for path in ("/api/v1/devices", "/", "/ws"):
        assert (await local("GET", path, headers={"Host": host}))[0] == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "pi.localhost", "127.0.0.1", "[::1]:8080"])
async def test_without_tokens_names_of_this_machine_are_served(local: Web, host: str) -> None:
    assert (await local("GET", "/api/v1/devices", headers={"Host": host}))[0] == 200


async def test_a_listed_origins_host_is_served(serve: Serve, http: aiohttp.ClientSession) -> None:
    web = Web(await serve(server={"origins": ["https://panel.example"]}), http)
    assert (await web("GET", "/api/v1/devices", headers={"Host": "panel.example"}))[0] == 200
    assert (await web("GET", "/api/v1/devices", headers={"Host": "evil.example"}))[0] == 403


@pytest.mark.parametrize("path", ["/", "/api/v1/devices", "/nothing", "/healthz"])
async def test_every_answer_carries_the_headers_that_keep_a_browser_safe(local: Web, path: str) -> None:
    _, _, headers = await local("GET", path)
    assert headers["Server"] == "fieldgate"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


async def test_a_page_that_has_not_changed_is_not_sent_again(local: Web) -> None:
    status, body, headers = await local("GET", "/client.js")
    assert status == 200
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert body
    status, body, _ = await local("GET", "/client.js", headers={"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")
