"""The access log: a line for each answer and for each end of a WebSocket, and no word of the client's in it."""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from tests.parts.waiting import eventually
from tests.server.live import Live, Serve, raw

TOKEN = "canary-of-the-access-log"
AUTH = {
    "tokens": [{"name": "panel", "sha256": sha256(TOKEN.encode()).hexdigest(), "read": ["*"], "command": []}],
    "anonymous": {"read": ["bench"]},
}
WITHIN = 20.0  # seconds


class Lines:
    """What the access log has so far."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def records(self) -> list[logging.LogRecord]:
        return [record for record in self._caplog.records if record.name == "gateway.access"]

    @property
    def texts(self) -> list[str]:
        return [record.getMessage() for record in self.records]

    async def fields(self, count: int) -> list[dict[str, Any]]:
        """The fields of the lines, once there are so many."""
        await eventually(lambda: len(self.records) >= count, WITHIN, f"{count} lines")
        return [record.__dict__["fields"] for record in self.records]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    return Lines(caplog)


async def get(live: Live, path: str, method: str = "GET", **headers: str) -> int:
    async with aiohttp.ClientSession() as session, session.request(method, live.url + path, headers=headers) as answer:
        await answer.read()
        return answer.status


async def test_an_answer_has_a_line_with_who_what_and_how_much(serve: Serve, lines: Lines) -> None:
    live = await serve(auth=AUTH, logging={"access": True})
    await get(live, "/api/v1/devices/bench", Authorization=f"Bearer {TOKEN}")
    (fields,) = await lines.fields(1)
    assert fields.pop("bytes") > 100
    assert 0 <= fields.pop("seconds") < WITHIN
    assert fields == {
        "address": "127.0.0.1",
        "identity": "panel",
        "method": "GET",
        "route": "/api/v1/devices/{id}",
        "status": 200,
    }
    assert lines.texts[0].startswith("127.0.0.1 panel GET /api/v1/devices/{id} 200, ")


async def test_the_address_is_the_one_that_a_trusted_proxy_tells(serve: Serve, lines: Lines) -> None:
    live = await serve(server={"trusted_proxies": ["127.0.0.1"]}, logging={"access": True})
    await get(live, "/healthz", **{"X-Forwarded-For": "192.0.2.7"})
    assert [line["address"] for line in await lines.fields(1)] == ["192.0.2.7"]


async def test_no_word_of_the_client_is_in_a_line(serve: Serve, lines: Lines) -> None:
    live = await serve(auth=AUTH, logging={"access": True})
    asked = (
        ("GET", f"/{TOKEN}"),
        ("GET", f"/api/v1/devices/{TOKEN}?token={TOKEN}"),
        ("POST", f"/api/v1/devices/{TOKEN}/commands"),
        (TOKEN.replace("-", "").upper(), "/"),
        ("DELETE", "/"),
        ("PROPFIND", "/"),
    )
    for method, path in asked:
        headers = {"User-Agent": TOKEN, "Referer": TOKEN, "Cookie": TOKEN, "Authorization": f"Bearer {TOKEN}x"}
        await get(live, path, method, **headers)
    said = await lines.fields(len(asked))
    assert [line["route"] for line in said] == [
        "(none)", "/api/v1/devices/{id}", "/api/v1/devices/{id}/commands", "(unreadable)", "(none)", "(none)",
    ]  # fmt: skip
    assert [line["method"] for line in said] == ["GET", "GET", "POST", "(other)", "DELETE", "(other)"]
    assert all(line["identity"] == "-" for line in said)
    assert "canary" not in "\n".join(lines.texts).lower()


async def test_a_websocket_has_a_line_at_each_end(serve: Serve, lines: Lines) -> None:
    live = await serve(auth=AUTH, logging={"access": True})
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{live.ws_url}?token={TOKEN}x") as socket:
        async for message in socket:
            if message.json()["type"] == "error":
                break
    async with aiohttp.ClientSession() as session, session.ws_connect(live.ws_url) as socket:
        await socket.receive(timeout=10)
        await socket.send_json({"type": "auth", "id": 1, "token": TOKEN})
        await socket.receive(timeout=10)
        await socket.send_json({"type": "ping", "id": 2})
        await socket.receive(timeout=10)
        await socket.close(code=4000)
    refused: list[dict[str, Any]] = []
    served: list[dict[str, Any]] = []
    for line in await lines.fields(4):
        assert (line["method"], line["route"]) == ("GET", "/ws")
        (served if len(refused) == 2 else refused).append(line)
    assert [line["event"] for line in (*refused, *served)] == ["opened", "closed"] * 2
    assert refused[1]["code"] == 4401
    assert (served[0]["identity"], served[1]["identity"]) == ("anonymous", "panel")
    assert (served[1]["code"], served[1]["received"]) == (4000, 2)
    assert served[1]["sent"] >= 3
    assert "panel GET /ws closed with 4000 after " in lines.texts[3]
    assert TOKEN not in "".join(lines.texts)


async def test_a_connection_that_breaks_off_is_closed_with_1006(serve: Serve, lines: Lines) -> None:
    live = await serve(logging={"access": True})
    async with raw(live) as client:
        await client.message("hello")
        client.writer.transport.abort()
    assert [line.get("code") for line in await lines.fields(2)] == [None, 1006]


async def test_it_is_off_unless_it_is_asked_for_and_a_reload_turns_it_on(serve: Serve, lines: Lines) -> None:
    live = await serve()
    await get(live, "/healthz")
    async with raw(live) as client:
        await client.message("hello")
    await eventually(lambda: live.connections == 0, WITHIN, "its end")
    config = live.gateway._config
    await live.gateway.reload(config.model_copy(update={"logging": config.logging.model_copy(update={"access": True})}))
    await get(live, "/readyz")
    assert [line["route"] for line in await lines.fields(1)] == ["/readyz"]
