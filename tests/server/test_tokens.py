"""Tokens on live connections: how they come, how they end, how they are renewed, and what guessing costs."""

from __future__ import annotations

import asyncio
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.revocations import revoke
from gateway.server.guesses import FREE
from tests.parts.client import Client, connect
from tests.parts.keys import AUDIENCE, SECRET, signed
from tests.parts.waiting import eventually
from tests.server.live import Live, Serve

WITHIN = 30.0  # seconds; the machine may be busy
STATIC = [
    {"name": "wall", "sha256": sha256(b"wall-token").hexdigest(), "read": ["*"], "command": ["bench"]},
    {"name": "narrow", "sha256": sha256(b"narrow-token").hexdigest(), "read": ["bench"], "command": []},
]


@pytest.fixture
async def live(serve: Serve, tmp_path: Path) -> Live:
    return await serve(auth=guarded(tmp_path))


def guarded(folder: Path, **more: Any) -> dict[str, Any]:
    jwt = {"algorithm": "HS256", "secret": SECRET, "audience": AUDIENCE, "revocations": str(folder / "revoked.json")}
    return {"tokens": STATIC, "jwt": jwt, **more}


def lasting(seconds: float, **changed: Any) -> str:
    """A signed token that ends so many seconds from now."""
    return signed(exp=time.time() + seconds, **changed)


def query(live: Live, **members: str) -> str:
    return live.ws_url + "?" + "&".join(f"{name}={text}" for name, text in members.items())


async def name(client: Client) -> str:
    """Who the connection is."""
    assert client.hello["auth"] == "ok", client.hello
    return str(client.hello["identity"]["name"])


async def refused(client: Client, code: int = 4401) -> str:
    """Why the token of the handshake is not taken: hello, an error, and the close code."""
    assert client.hello["auth"] == "required"
    error = await client.next("error", WITHIN)
    assert error["id"] is None
    assert error["code"] == {4401: "unauthorized", 4429: "rate_limited"}[code]
    assert error["retry"] is (code == 4429)
    assert await client.wait_closed(WITHIN) == code
    return str(error["message"])


async def make_ticket(live: Live, token: str) -> str:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{live.url}/api/v1/tickets", headers={"Authorization": f"Bearer {token}"}) as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        body = await answer.json()
        assert body.keys() == {"ticket", "expires"}
        assert time.time() < body["expires"] <= time.time() + 30
        return str(body["ticket"])


# ---- four ways


async def test_a_token_comes_in_four_ways_and_the_first_one_present_counts(live: Live) -> None:
    short = lasting(60, sub="of-query")
    by_protocol = ("fieldgate.v1", f"bearer.{lasting(60, sub='of-protocol')}")
    async with connect(query(live, token=short), token="wall-token", protocols=by_protocol) as client:
        assert await name(client) == "wall"
    async with connect(query(live, token=short), protocols=by_protocol) as client:
        assert await name(client) == "of-protocol"
        assert client.protocol == "fieldgate.v1"
    async with connect(query(live, token=short, ticket="wrong")) as client:
        assert await name(client) == "of-query"
    async with connect(query(live, token=short), token="wrong") as client:
        assert await refused(client) == "the token is not valid"
    async with connect(live.ws_url) as client:
        answer = await client.request({"type": "auth", "token": lasting(60, sub="of-message")}, WITHIN)
        assert answer["identity"]["name"] == "of-message"


@pytest.mark.parametrize("others", [(), ("fieldgate.v1",), ("x",)])
async def test_the_subprotocol_with_the_token_is_never_echoed_and_never_logged(
    live: Live, others: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        async with connect(live.ws_url, protocols=(*others, "bearer.wall-token")) as client:
            assert await name(client) == "wall"
            assert client.protocol == ("fieldgate.v1" if "fieldgate.v1" in others else None)
    assert "wall-token" not in caplog.text


async def test_a_token_that_lives_long_has_no_place_in_a_query(live: Live, serve: Serve, tmp_path: Path) -> None:
    for token in ("wall-token", lasting(3600)):
        async with connect(query(live, token=token)) as client:
            assert "a query takes a ticket" in await refused(client)
    lenient = await serve(auth=guarded(tmp_path, allow_query_tokens=True))
    async with connect(query(lenient, token="wall-token")) as client:
        assert await name(client) == "wall"


async def test_a_token_in_the_query_of_the_http_api_is_none(live: Live) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{live.url}/api/v1/devices?token={lasting(60)}") as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


# ---- tickets


async def test_a_ticket_opens_one_connection_as_its_maker(live: Live) -> None:
    token = lasting(60, sub="tablet", command=["bench"])
    ticket = await make_ticket(live, token)
    async with connect(query(live, ticket=ticket)) as client, connect(live.ws_url, token=token) as maker:
        assert client.hello["identity"] == maker.hello["identity"]
    async with connect(query(live, ticket=ticket)) as client:
        assert await refused(client) == "the token is not valid"


async def test_of_many_connections_with_one_ticket_one_is_let_in(live: Live) -> None:
    ticket = await make_ticket(live, "wall-token")

    async def attempt() -> bool:
        async with connect(query(live, ticket=ticket)) as client:
            return bool(client.hello["auth"] == "ok")

    assert sum(await asyncio.gather(*(attempt() for _ in range(20)))) == 1


async def test_only_so_many_tickets_wait_for_their_use(live: Live) -> None:
    headers = {"Authorization": "Bearer wall-token"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for _ in range(64):
            live.gateway.services.authenticator.tickets.issue(live.gateway.services.authenticator._tokens[0])
        async with http.post(f"{live.url}/api/v1/tickets") as answer:
            assert answer.status == 429
            assert answer.headers["Retry-After"] == "30"
            assert (await answer.json())["code"] == "rate_limited"


# ---- the end


async def test_a_connection_ends_with_its_token(live: Live) -> None:
    async with connect(live.ws_url, token=lasting(4)) as client:
        await client.request({"type": "subscribe", "devices": ["*"]}, WITHIN)
        expiring = await client.next("expiring", WITHIN)
        assert expiring == {"type": "expiring", "expires": client.hello["identity"]["expires"]}
        assert await client.wait_closed(WITHIN) == 4410
        assert client.aside("expiring") == [], "it is told once"
        assert time.time() >= expiring["expires"] - 0.1
    await eventually(lambda: live.connections == 0, WITHIN)
    assert live.gateway.fanout.streams == 0


async def test_a_static_token_does_not_expire(live: Live) -> None:
    async with connect(live.ws_url, token="wall-token") as client, connect(live.ws_url, token=lasting(3)) as other:
        assert await other.wait_closed(WITHIN) == 4410
        assert (await client.request({"type": "ping"}, WITHIN))["type"] == "pong"
        assert client.aside("expiring") == []


async def test_who_has_more_than_a_minute_left_is_told_a_minute_before_the_end(live: Live) -> None:
    async with connect(live.ws_url, token=lasting(65)) as soon, connect(live.ws_url, token=lasting(3600)) as late:
        await soon.next("expiring", WITHIN)
        assert late.aside("expiring") == []


async def test_a_renewal_in_place_moves_the_end_and_keeps_what_is_subscribed(live: Live) -> None:
    async with connect(live.ws_url, token=lasting(6)) as client:
        sub = (await client.request({"type": "subscribe", "devices": ["bench"]}, WITHIN))["sub"]
        await client.next("expiring", WITHIN)
        answer = await client.request({"type": "auth", "token": lasting(3600, sub="renewed")}, WITHIN)
        assert answer["identity"]["name"] == "renewed"
        end = client.hello["identity"]["expires"]
        await eventually(lambda: time.time() > end + 1.5, WITHIN)  # when it would be closed, had it not been renewed
        live.say("bench", {"temperature": 21.5})
        update = await client.until(lambda f: f["type"] == "update" and f["sub"] == sub, WITHIN)
        assert update["readings"][0]["values"] == {"temperature": 21.5}


async def test_a_renewal_with_a_static_token_ends_never(live: Live) -> None:
    async with connect(live.ws_url, token=lasting(4)) as client:
        assert (await client.request({"type": "auth", "token": "wall-token"}, WITHIN))["identity"]["expires"] is None
        end = client.hello["identity"]["expires"]
        await eventually(lambda: time.time() > end + 1.5, WITHIN)
        assert (await client.request({"type": "ping"}, WITHIN))["type"] == "pong"


async def test_a_renewal_with_other_rights_to_read_is_a_conflict_while_something_is_subscribed(live: Live) -> None:
    async with connect(live.ws_url, token="wall-token") as client:
        await client.request({"type": "subscribe", "devices": ["*"]}, WITHIN)
        answer = await client.request({"type": "auth", "token": "narrow-token"}, WITHIN)
        assert answer["code"] == "conflict"
        sub = (await client.request({"type": "subscribe", "devices": ["*"]}, WITHIN))["sub"]
        await client.request({"type": "unsubscribe", "sub": sub}, WITHIN)
        assert (await client.request({"type": "auth", "token": "narrow-token"}, WITHIN))["identity"]["name"] == "narrow"


# ---- revocation


@pytest.mark.parametrize("way", ["header", "ticket"])
async def test_revoking_a_token_closes_its_connections_within_five_seconds(
    live: Live, tmp_path: Path, way: str
) -> None:
    token = lasting(600, jti="t-1")
    url = query(live, ticket=await make_ticket(live, token)) if way == "ticket" else live.ws_url
    unused = await make_ticket(live, token)
    async with (
        connect(url, token=token if way == "header" else None) as client,
        connect(live.ws_url, token=lasting(600, jti="t-2")) as other,
    ):
        revoke(tmp_path / "revoked.json", "t-1", None, time.time())
        revoked_at = time.monotonic()
        assert await client.wait_closed(WITHIN) == 4403
        took = time.monotonic() - revoked_at
        assert took < 5, f"it took {took:.1f} s"
        assert (await other.request({"type": "ping"}, WITHIN))["type"] == "pong"
    async with connect(live.ws_url, token=token) as client:
        assert await refused(client) == "the token was revoked"
    async with connect(query(live, ticket=unused)) as client:
        assert "does not hold" in await refused(client)


# ---- guessing


async def test_who_guesses_has_to_wait_and_who_is_in_stays_in(live: Live) -> None:
    async with connect(live.ws_url, token="wall-token") as inside:
        for _ in range(FREE):
            async with connect(live.ws_url, token="wrong") as client:
                assert await refused(client) == "the token is not valid"
        longer = live.gateway.services.authenticator.guesses._guessers["127.0.0.1"]
        longer.paused_until += 60  # so that a slow machine does not get through the pause meanwhile
        async with connect(live.ws_url, token="wall-token") as client:
            assert "too many wrong tokens from this address: try again in" in await refused(client, 4429)
        async with connect(live.ws_url) as client:
            answer = await client.request({"type": "auth", "token": "wall-token"}, WITHIN)
            assert answer["code"] == "rate_limited"
            assert await client.wait_closed(WITHIN) == 4429
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer wall-token"}) as http:
            for method, path in (("GET", "devices"), ("POST", "tickets")):
                async with http.request(method, f"{live.url}/api/v1/{path}") as response:
                    assert response.status == 429
                    assert 1 <= int(response.headers["Retry-After"]) <= 62
        assert (await inside.request({"type": "devices"}, WITHIN))["type"] == "ok"
        renewal = await inside.request({"type": "auth", "token": "wall-token"}, WITHIN)
        assert renewal["code"] == "rate_limited", "it may be a guess too"
        assert (await inside.request({"type": "ping"}, WITHIN))["type"] == "pong"
        longer.paused_until = 0.0
        async with connect(live.ws_url, token="wall-token") as client:
            assert await name(client) == "wall"
