"""Real sockets: the handshake, what closes a connection and with which code, and how the gateway stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from tests.parts.client import connect
from tests.parts.waiting import eventually
from tests.server.live import BINARY, CLOSE, PING, PONG, TEXT, Live, Serve, raw

AUTH = {
    "timeout": 0.3,
    "tokens": [{"name": "panel", "sha256": sha256(b"panel-token").hexdigest(), "read": ["*"], "command": ["*"]}],
}


@pytest.fixture
async def live(serve: Serve) -> Live:
    return await serve()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def refused(http: aiohttp.ClientSession, live: Live, **headers: str) -> aiohttp.WSServerHandshakeError:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await http.ws_connect(live.ws_url, headers=headers)
    return caught.value


# ---- handshake


@pytest.mark.parametrize(
    ("offered", "selected"),
    [
        ((), None), (("fieldgate.v1",), "fieldgate.v1"), (("graphql-ws", "fieldgate.v1"), "fieldgate.v1"),
        (("fieldgate.v1", "bearer.abc"), "fieldgate.v1"), (("graphql-ws",), None), (("bearer.abc",), None),
        (("fieldgate.v2",), None),
    ],
)  # fmt: skip
async def test_the_server_selects_its_subprotocol_and_no_other(
    live: Live, offered: tuple[str, ...], selected: str | None
) -> None:
    async with connect(live.ws_url, protocols=offered) as client:
        assert client.protocol == selected
        assert client.hello["auth"] == "ok"


async def test_a_foreign_origin_is_forbidden_and_its_own_and_none_are_fine(
    live: Live, http: aiohttp.ClientSession
) -> None:
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1.evil.example"):
        assert (await refused(http, live, Origin=origin)).status == 403
    for headers in ({}, {"Origin": live.url}, {"Origin": live.url.upper().replace("HTTP", "http")}):
        async with connect(live.ws_url, headers=headers):
            pass


async def test_a_listed_origin_may_connect(serve: Serve) -> None:
    live = await serve(server={"origins": ["https://panel.example"]})
    async with connect(live.ws_url, headers={"Origin": "https://Panel.example"}):
        pass


async def test_a_request_that_is_no_handshake_is_a_bad_request(live: Live, http: aiohttp.ClientSession) -> None:
    async with http.get(live.url + "/ws") as answer:
        assert answer.status == 400
    assert live.connections == 0


async def test_over_the_cap_is_unavailable_and_a_place_that_is_left_can_be_taken(
    serve: Serve, http: aiohttp.ClientSession
) -> None:
    live = await serve(server={"max_connections": 2})
    async with connect(live.ws_url):
        async with connect(live.ws_url):
            error = await refused(http, live)
            assert error.status == 503
            assert error.headers is not None
            assert int(error.headers["Retry-After"]) > 0
        await eventually(lambda: live.connections == 1)
        async with connect(live.ws_url):
            pass


async def test_over_the_cap_of_an_address_is_too_many_requests(serve: Serve, http: aiohttp.ClientSession) -> None:
    live = await serve(server={"max_connections_per_address": 1})
    async with connect(live.ws_url):
        assert (await refused(http, live)).status == 429
    await eventually(lambda: live.connections == 0)
    assert live.gateway.server.sockets._addresses == {}


async def test_a_crowd_at_once_does_not_get_past_the_cap(serve: Serve, http: aiohttp.ClientSession) -> None:
    live = await serve(server={"max_connections": 5})
    results = await asyncio.gather(*(http.ws_connect(live.ws_url) for _ in range(30)), return_exceptions=True)
    joined = [result for result in results if isinstance(result, aiohttp.ClientWebSocketResponse)]
    assert len(joined) == 5
    for socket in joined:
        await socket.close()


# ---- auth


async def test_a_bad_token_in_the_handshake_is_told_and_closed_with_4401(serve: Serve) -> None:
    live = await serve(auth=AUTH)
    async with connect(live.ws_url, token="wrong") as client:
        assert client.hello["auth"] == "required"
        error = await client.next("error")
        assert (error["code"], error["id"]) == ("unauthorized", None)
        assert await client.wait_closed() == 4401


async def test_a_good_token_in_the_handshake_is_told_in_hello(serve: Serve) -> None:
    live = await serve(auth=AUTH)
    async with connect(live.ws_url, token="panel-token") as client:
        assert client.hello["identity"]["name"] == "panel"


async def test_who_does_not_authenticate_in_time_is_closed_with_4401_and_who_does_stays(serve: Serve) -> None:
    live = await serve(auth=AUTH)
    async with connect(live.ws_url) as silent, connect(live.ws_url) as known:
        assert (await known.request({"type": "auth", "token": "panel-token"}))["type"] == "ok"
        assert (await silent.next("error"))["code"] == "unauthorized"
        assert await silent.wait_closed() == 4401
        assert (await known.request({"type": "ping"}))["type"] == "pong"


async def test_a_wrong_token_in_the_first_message_is_told_and_closed(serve: Serve) -> None:
    live = await serve(auth=AUTH)
    async with connect(live.ws_url) as client:
        assert (await client.request({"type": "auth", "token": "wrong"}))["code"] == "unauthorized"
        assert await client.wait_closed() == 4401


# ---- frames that end a connection


@pytest.mark.parametrize(
    ("opcode", "payload", "code"),
    [(BINARY, b"{}", 1003), (TEXT, b"\xff\xfe", 1007), (TEXT, b"x" * 65537, 1009), (TEXT, b"\xed\xa0\x80", 1007)],
)
async def test_a_frame_that_is_none_of_the_protocol_closes_and_nothing_follows_the_close_frame(
    live: Live, opcode: int, payload: bytes, code: int
) -> None:
    async with raw(live) as client, connect(live.ws_url) as other:
        await client.ask("subscribe", devices=["*"])
        await client.message("snapshot")
        await client.send(opcode, payload)
        while live.connections == 2:
            live.say("bench", {"temperature": 1})
            await asyncio.sleep(0)
        _, told = await client.rest()
        assert told == code
        assert (await other.request({"type": "ping"}))["type"] == "pong"


async def test_a_message_of_64_kib_is_taken(live: Live) -> None:
    async with connect(live.ws_url) as client:
        text = '{"type":"ping","id":1,"pad":"%s"}'
        await client.send_raw(text % ("x" * (65536 - len(text) + 2)))
        assert (await client.next("pong"))["id"] == 1


async def test_a_fragmented_message_is_one_message(live: Live) -> None:
    async with raw(live) as client:
        await client.send(TEXT, b'{"type":"pi', final=False)
        await client.send(PING, b"between")
        await client.send(0, b'ng","id":7}')
        assert (await client.message("pong"))["id"] == 7


async def test_ten_malformed_frames_close_with_4400(live: Live) -> None:
    async with connect(live.ws_url) as client:
        for _ in range(10):
            await client.send_raw("nonsense")
        assert await client.wait_closed() == 4400
        assert len(client.aside("error")) == 10


async def test_a_client_that_says_goodbye_hears_it_back(live: Live) -> None:
    async with raw(live) as client:
        await client.message("hello")
        await client.send(CLOSE, (4000).to_bytes(2, "big"))
        assert await client.rest() == ([(CLOSE, (4000).to_bytes(2, "big"))], 4000)
    await eventually(lambda: live.connections == 0)


# ---- heartbeats


async def test_a_heartbeat_comes_when_nothing_else_was_sent(serve: Serve) -> None:
    live = await serve(server={"heartbeat": 0.2})
    async with connect(live.ws_url) as client:
        first, second = await client.next("heartbeat"), await client.next("heartbeat")
        assert 0.15 < second["time"] - first["time"] < 2.0


async def test_no_heartbeat_comes_while_readings_do(serve: Serve) -> None:
    live = await serve(server={"heartbeat": 0.4})
    loop = asyncio.get_running_loop()
    async with connect(live.ws_url) as client, connect(live.ws_url) as quiet:
        await client.request({"type": "subscribe", "devices": ["*"]})
        until = loop.time() + 1.5
        while loop.time() < until:
            live.say("bench", {"temperature": 1})
            await client.next("update")
            await asyncio.sleep(0.01)
        assert client.aside("heartbeat") == []
        await quiet.next("heartbeat")


async def test_a_ping_is_answered_with_its_payload_and_does_not_stand_for_a_heartbeat(serve: Serve) -> None:
    live = await serve(server={"heartbeat": 0.4})
    loop = asyncio.get_running_loop()
    async with raw(live) as client:
        await client.message("hello")
        until = loop.time() + 2.0
        frames = []
        while loop.time() < until:  # pings all the time: the client's code sees none of the answers
            await client.send(PING, b"payload")
            frames.append(await client.frame())
            if frames[-1][0] == PING:
                await client.send(PONG, b"")
            await asyncio.sleep(0.01)
        assert (PONG, b"payload") in frames
        assert [payload for opcode, payload in frames if opcode == TEXT and b'"heartbeat"' in payload]


async def test_a_peer_that_answers_no_ping_is_dropped_with_4408_and_one_that_does_stays(serve: Serve) -> None:
    live = await serve(server={"heartbeat": 0.2})
    async with raw(live) as silent, raw(live) as good:
        pinged = asyncio.get_running_loop().time()

        async def answer(pings: int) -> None:
            for _ in range(pings):
                while (await good.frame())[0] != PING:
                    pass
                await good.send(PONG, b"")

        (frames, code), _ = await asyncio.gather(silent.rest(), answer(8))
        assert code == 4408
        assert asyncio.get_running_loop().time() - pinged >= 0.4
        assert (PING, b"") in frames
        await good.ask("ping")
        await good.message("pong")


# ---- slow readers


async def flood(live: Live, megabytes: int) -> None:
    """More than the kernel's buffers of a connection hold."""
    for _ in range(megabytes * 16):
        live.say("bench", {"text": "x" * 65536})
        await asyncio.sleep(0)


async def test_a_stalled_reader_falls_behind_and_the_others_are_not_delayed(live: Live) -> None:
    async with raw(live, limit=1024) as stalled, connect(live.ws_url) as healthy:
        await stalled.ask("subscribe", devices=["bench"])
        await healthy.request({"type": "subscribe", "devices": ["bench"], "points": ["temperature"]})
        await flood(live, 24)
        await eventually(lambda: live.gateway.fanout.behind == 1)
        loop = asyncio.get_running_loop()
        for number in range(20):
            started = loop.time()
            live.say("bench", {"temperature": number})
            update = await healthy.until(
                lambda f, n=number: f["type"] == "update" and f["readings"][-1:] and  # type: ignore[misc]
                f["readings"][-1]["values"].get("temperature") == n
            )  # fmt: skip
            assert update["readings"]
            assert loop.time() - started < 1.0
        (peer,) = (peer for peer in live.gateway.server.sockets._peers if peer.backlog())
        assert peer.backlog() < 1 << 20
        # It reads again: everything it missed comes, in order, up to the newest.
        while True:
            frame = await stalled.message("update")
            if any(reading["values"].get("temperature") == 19 for reading in frame["readings"]):
                break
        await eventually(lambda: live.gateway.fanout.behind == 0)


async def test_a_reader_that_never_drains_is_closed_with_4413_and_let_go(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.fanout.DRAIN_TIMEOUT", 0.3)
    async with raw(live, limit=1024) as stalled:
        await stalled.ask("subscribe", devices=["bench"])
        await flood(live, 24)
        await eventually(lambda: live.connections == 0, 10)
        assert live.gateway.fanout.counters.slow_closes
        assert live.gateway.fanout.streams == 0


async def test_a_client_that_pings_and_does_not_read_holds_no_memory(serve: Serve) -> None:
    live = await serve(server={"limits": {"requests": 1_000_000}})  # or it would be closed before
    async with raw(live, limit=1024) as hostile:
        await eventually(lambda: live.connections == 1)
        (peer,) = live.gateway.server.sockets._peers
        hostile.writer.transport.pause_reading()  # type: ignore[attr-defined]
        pings = (b"\x89\xfd\0\0\0\0" + b"x" * 125) * 1000
        transport = hostile.writer.transport
        most = 0
        for _ in range(300):  # about 40 MB, more than all the kernel's buffers hold
            transport.write(pings)
            await asyncio.sleep(0.002)
            most = max(most, peer.backlog())
        assert peer.backlog() > 0, "the client was to stall"
        assert most < 1 << 20
        transport.abort()


async def test_a_client_that_says_goodbye_and_does_not_read_is_let_go(live: Live) -> None:
    async with raw(live, limit=1024) as hostile:
        await hostile.ask("subscribe", devices=["bench"])
        await flood(live, 24)
        (peer,) = live.gateway.server.sockets._peers
        assert peer.backlog() > 0
        await hostile.send(CLOSE, (1000).to_bytes(2, "big"))
        await eventually(lambda: live.connections == 0)
        await eventually(lambda: peer.backlog() == 0, 5, "the release of its buffer")


# ---- the end


async def test_a_stop_closes_every_connection_with_1001(live: Live) -> None:
    async with connect(live.ws_url) as one, connect(live.ws_url) as two, raw(live) as deaf:
        await deaf.message("hello")
        started = asyncio.get_running_loop().time()
        await live.stop()
        assert asyncio.get_running_loop().time() - started < 5
        assert await one.wait_closed() == 1001
        assert await two.wait_closed() == 1001
        assert (await deaf.rest())[1] == 1001


async def test_a_stop_tells_first_what_became_of_commands(live: Live) -> None:
    class Silent:
        answer_timeout = 60.0

        async def write(self, command: Any) -> None:
            return

    live.gateway.commands.writers["bench"] = Silent()
    async with connect(live.ws_url) as client:
        await client.request({"type": "command", "device": "bench", "point": "fan", "value": True})
        assert (await client.next("command"))["command"]["state"] == "sent"
        await live.stop()
        command = (await client.next("command"))["command"]
        assert (command["state"], command["outcome"]) == ("lost", "unknown")
        assert await client.wait_closed() == 1001


async def test_a_client_that_vanishes_leaves_nothing_behind(live: Live) -> None:
    async with raw(live) as client:
        await client.ask("subscribe", devices=["*"])
        await client.message("snapshot")
        client.writer.transport.abort()
    await eventually(lambda: live.connections == 0)
    assert live.gateway.fanout.streams == 0
    assert live.gateway.commands.ledger._watchers == {}
