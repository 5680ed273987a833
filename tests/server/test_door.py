"""What every connection passes before the library sees a byte of it: real sockets and short deadlines."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from hashlib import sha256

import aiohttp
import pytest

from gateway.server.door import BEFORE_AUTH, MORE_PER_ADDRESS
from tests.parts.client import connect
from tests.parts.waiting import eventually
from tests.server.live import CLOSE, PING, PONG, TEXT, Live, RawClient, Serve, raw

SHORT = {"limits": {"head_time": "1s", "message_time": "300ms"}}
AUTH = {
    "timeout": 60,
    "tokens": [{"name": "panel", "sha256": sha256(b"panel-token").hexdigest(), "read": ["*"], "command": ["*"]}],
}
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Plain:
    """A bare connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer."""
        async with asyncio.timeout(20):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            return int(head.split()[1]), await self._reader.readexactly(int(length.split(b":")[1]))

    async def rest(self) -> bytes:
        """Everything until the connection ends."""
        got = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(20):
                while more := await self._reader.read(65536):
                    got += more
        return got

    async def drip(self, data: bytes) -> None:
        """A byte now and then, until the connection ends."""
        with suppress(ConnectionError):
            for byte in data:
                self.writer.write(bytes((byte,)))
                await self.writer.drain()
                await asyncio.sleep(0.02)
                if self._reader.at_eof():
                    return


@asynccontextmanager
async def plain(live: Live) -> AsyncIterator[Plain]:
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    try:
        yield Plain(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def open_doors(live: Live) -> int:
    return live.gateway.server.entrance.connections


# ---- heads


async def test_a_connection_that_sends_nothing_is_closed_without_a_word(serve: Serve) -> None:
    live = await serve(server=SHORT)
    async with plain(live) as silent:
        assert await silent.rest() == b""
    await eventually(lambda: open_doors(live) == 0)


async def test_a_head_that_drips_in_is_closed_with_408(serve: Serve) -> None:
    live = await serve(server=SHORT)
    async with plain(live) as slow:
        dripping = asyncio.create_task(slow.drip(b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 1000), name="drip")
        status, body = await slow.answer()
        assert (status, json.loads(body)["status"]) == (408, 408)
        assert await slow.rest() == b""
        await dripping
    await eventually(lambda: open_doors(live) == 0)


async def test_the_head_after_an_answer_has_its_deadline_too(serve: Serve) -> None:
    live = await serve(server=SHORT)
    async with plain(live) as client:
        client.writer.write(GET)
        assert (await client.answer())[0] == 200
        client.writer.write(GET[:10])
        assert (await client.answer())[0] == 408


async def test_a_connection_that_idles_between_requests_is_kept(serve: Serve) -> None:
    live = await serve(server=SHORT)
    async with plain(live) as client:
        client.writer.write(GET)
        assert (await client.answer())[0] == 200
        sweeps = 0
        sweep = live.gateway.server.entrance.sweep
        until = time.monotonic() + 1.5  # more than the deadline, whatever the machine does meanwhile
        while time.monotonic() < until or sweeps < 3:
            sweep()
            sweeps += 1
            await asyncio.sleep(0.05)
        client.writer.write(GET)
        assert (await client.answer())[0] == 200


@pytest.mark.parametrize("line", [b"X: y\r\n", b"X-Long: " + b"y" * 4000 + b"\r\n"])
async def test_a_head_above_16_kib_is_431(serve: Serve, line: bytes) -> None:
    live = await serve()
    async with plain(live) as client:
        client.writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + line * (17_000 // len(line) + 1))
        status, body = await client.answer()
        assert (status, json.loads(body)["detail"]) == (431, "a head holds at most 16384 bytes")
        assert await client.rest() == b""


async def test_a_token_of_8_kib_in_a_head_is_not_too_large(serve: Serve) -> None:
    live = await serve()
    async with plain(live) as client:
        client.writer.write(GET[:-2] + b"Authorization: Bearer " + b"y" * 8000 + b"\r\nCookie: " + b"z" * 7000)
        client.writer.write(b"\r\n\r\n")
        assert (await client.answer())[0] == 200


async def test_requests_that_come_at_once_are_answered_in_order(serve: Serve) -> None:
    live = await serve()
    async with plain(live) as client:
        client.writer.write(GET + b"\r\n" + GET.replace(b"healthz", b"nowhere") + GET)
        assert [(await client.answer())[0] for _ in range(3)] == [200, 404, 200]


async def test_a_request_without_a_host_looks_up_no_name(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object) -> str:
        raise AssertionError("a look-up may take seconds, and all would wait for it")

    monkeypatch.setattr("socket.getfqdn", look_up)
    live = await serve()
    async with plain(live) as client:
        for path in (b"/healthz", b"/ws", b"/api/v1/devices"):
            client.writer.write(b"GET " + path + b" HTTP/1.0\r\nConnection: keep-alive\r\nOrigin: http://pi\r\n\r\n")
            assert (await client.answer())[0] == 403


async def test_what_is_not_http_is_told_at_once(serve: Serve) -> None:
    live = await serve()
    async with plain(live) as client:
        client.writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # a TLS client
        assert b" 400 " in await client.rest()


async def test_a_body_that_is_not_completed_in_time_is_408(serve: Serve) -> None:
    live = await serve(server=SHORT)
    async with plain(live) as client:
        client.writer.write(
            b"POST /api/v1/devices/bench/commands HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        dripping = asyncio.create_task(client.drip(b" " * 999), name="drip")
        status, body = await client.answer()
        assert (status, json.loads(body)["detail"]) == (408, "the body was not completed in time")
        await client.rest()
        await dripping
    await eventually(lambda: open_doors(live) == 0)


async def test_an_answer_that_is_never_taken_is_let_go(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.server.door._DRAIN_TIME", 0.3)
    live = await serve()
    for _ in range(400):
        live.say("bench", {"text": "x" * 65536})
    for number in range(400):
        live.say("bench", {f"t{number}": "x" * 60_000})  # the answer is larger than the kernel's buffers
    async with plain(live) as deaf:
        await eventually(lambda: open_doors(live) == 1, 20)
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        deaf.writer.write(GET.replace(b"/healthz", b"/api/v1/devices"))
        await eventually(lambda: open_doors(live) == 0, 20, "the end of the connection")


async def test_who_asks_on_and_does_not_read_holds_no_memory(serve: Serve) -> None:
    live = await serve()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", live.port))
    _, writer = await asyncio.open_connection(sock=sock, limit=1)
    try:
        await eventually(lambda: open_doors(live) == 1)
        (door,) = live.gateway.server.entrance.watched
        transport = door._transport
        assert transport is not None
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        most = 0
        for _ in range(250):  # fewer than would be too many behind a request that is not answered
            writer.write(GET)
            await asyncio.sleep(0.005)
            most = max(most, transport.get_write_buffer_size())
        assert 8 * 1024 < most < 12 * 1024
    finally:
        writer.transport.abort()


# ---- messages


async def goodbye(client: RawClient) -> tuple[int, bytes]:
    frames, code = await client.rest()
    assert code is not None, frames
    return code, frames[-1][1][2:]


async def test_a_message_that_is_not_completed_in_time_is_4408_whatever_comes_between(serve: Serve) -> None:
    live = await serve(server=SHORT)

    async def fragments(client: RawClient) -> None:
        await client.send(TEXT, b'{"type":', final=False)
        with suppress(ConnectionError):
            while live.connections > 1:
                await client.send(PING, b"")
                await client.send(0, b" ", final=False)
                await asyncio.sleep(0.02)

    async def drip(client: RawClient) -> None:
        with suppress(ConnectionError):
            client.writer.write(b"\x81\xfe\x10\x00mask")
            while live.connections > 1:
                client.writer.write(b"x")
                await client.writer.drain()
                await asyncio.sleep(0.02)

    async with connect(live.ws_url) as other:
        for send in (fragments, drip):
            async with raw(live) as client:
                sending = asyncio.create_task(send(client), name="sending")
                assert await goodbye(client) == (4408, b"message not completed in time")
                await eventually(lambda: live.connections == 1, 10)
                await sending
        assert (await other.request({"type": "ping"}))["type"] == "pong"


async def test_a_quiet_connection_between_messages_is_not_closed(serve: Serve) -> None:
    live = await serve(server=SHORT)
    async with connect(live.ws_url) as client:
        assert (await client.request({"type": "ping"}))["type"] == "pong"
        until = time.monotonic() + 0.8
        await eventually(lambda: time.monotonic() > until)
        assert (await client.request({"type": "ping"}))["type"] == "pong"


async def test_a_message_above_the_limit_is_1009_before_a_byte_of_it_came(serve: Serve) -> None:
    live = await serve(server={"limits": {"message": 2000}})
    async with raw(live) as client:
        assert (await client.message("hello"))["limits"]["message"] == 2000
        client.writer.write(b"\x81\xfe" + (2001).to_bytes(2, "big"))  # not even its mask
        client.writer.write(b"mask")
        assert await goodbye(client) == (1009, b"a message holds at most 2000 bytes")
    async with raw(live) as client:
        await client.send(TEXT, b"x" * 1001, final=False)
        await client.send(0, b"x" * 1000)
        assert (await goodbye(client))[0] == 1009


async def test_before_authentication_12_kib_are_taken_and_the_limit_after_it(serve: Serve) -> None:
    live = await serve(auth=AUTH)
    async with raw(live) as client:
        await client.send(TEXT, b"x" * (BEFORE_AUTH + 1))
        assert (await goodbye(client))[0] == 1009
    async with raw(live) as client:
        await client.ask("auth", token="panel-token", pad="x" * (BEFORE_AUTH - 100))
        await client.message("ok")
        await client.ask("ping", pad="x" * 60_000)
        await client.message("pong")


async def test_frames_that_come_with_the_handshake_are_followed_from_the_first(serve: Serve) -> None:
    live = await serve(server=SHORT)
    handshake = (
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    text = b'{"type":"ping","id":1}'
    whole = bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text
    async with plain(live) as client:
        client.writer.write(handshake + whole + whole[:9])
        got = await client.rest()
    assert b" 101 " in got
    assert b'"pong"' in got
    assert got.endswith(b"message not completed in time")


async def test_a_frame_without_a_mask_is_1002(serve: Serve) -> None:
    live = await serve()
    async with raw(live) as client:
        client.writer.write(b"\x81\x02{}")
        assert await goodbye(client) == (1002, b"a frame without a mask")


async def told(client: RawClient) -> None:
    """A frame that the gateway closes for, and its close frame."""
    await client.send(2, b"binary")
    while (await client.frame())[0] != CLOSE:
        pass


async def test_one_close_frame_is_sent_whatever_follows(serve: Serve) -> None:
    live = await serve()
    async with raw(live) as rude:
        await told(rude)
        await rude.send(TEXT, b"\xff")
        await rude.send(3, b"")
        assert await rude.rest() == ([], None)


async def test_a_client_that_answers_the_close_frame_is_not_waited_for(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.websocket._CLOSE_TIMEOUT", 60)
    live = await serve()
    async with raw(live) as polite:
        await told(polite)
        await polite.send(CLOSE, (1003).to_bytes(2, "big"))
        assert await asyncio.wait_for(polite.rest(), 20) == ([], None)


async def test_a_handshake_with_a_body_is_refused(serve: Serve) -> None:
    live = await serve()
    async with plain(live) as client:
        client.writer.write(
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 3\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nabc"
        )
        assert (await client.answer())[0] == 400
    assert live.connections == 0


# ---- how many


async def test_an_address_may_have_so_many_connections_and_a_place_that_is_left_can_be_taken(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = await serve(server={"max_connections_per_address": 1, "max_connections": 1000})
    async with AsyncExitStack() as stack:
        for _ in range(1 + MORE_PER_ADDRESS):
            client = await stack.enter_async_context(plain(live))
        client.writer.write(GET)
        assert (await client.answer())[0] == 200
        with caplog.at_level(logging.WARNING):
            for _ in range(5):
                async with plain(live) as refused:
                    status, body = await refused.answer()
                    assert (status, json.loads(body)["detail"]) == (429, "too many connections from this address")
                    assert await refused.rest() == b""
        assert live.gateway.server.entrance.turned_away == 5
        said = [record.getMessage() for record in caplog.records]
        assert [line.split()[1] for line in said] == ["1", "2", "4"]
        assert all("127.0.0.1" in line for line in said)
    await eventually(lambda: open_doors(live) == 0)
    assert not live.gateway.server.entrance._addresses
    async with connect(live.ws_url):
        pass


async def test_a_trusted_proxy_may_have_more_and_its_clients_are_told_apart(serve: Serve) -> None:
    live = await serve(server={"max_connections_per_address": 1, "trusted_proxies": ["127.0.0.0/8"]})
    async with AsyncExitStack() as stack:
        for _ in range(2 + MORE_PER_ADDRESS):
            await stack.enter_async_context(plain(live))
        await stack.enter_async_context(raw(live, {"X-Forwarded-For": "192.0.2.1"}))
        await stack.enter_async_context(raw(live, {"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}))
        with pytest.raises(AssertionError, match=" 429 "):
            await stack.enter_async_context(raw(live, {"X-Forwarded-For": "192.0.2.9, 192.0.2.2"}))


async def test_nobody_else_is_believed_where_a_request_comes_from(serve: Serve) -> None:
    live = await serve(server={"max_connections_per_address": 1})
    async with raw(live, {"X-Forwarded-For": "192.0.2.1"}):
        with pytest.raises(AssertionError, match=" 429 "):
            async with raw(live, {"X-Forwarded-For": "192.0.2.2"}):
                pass


async def test_over_the_limit_of_all_connections_503_is_answered(serve: Serve) -> None:
    live = await serve(server={"max_connections": 1, "max_connections_per_address": 1000})
    async with AsyncExitStack() as stack:
        for _ in range(live.gateway.server.entrance._room):
            await stack.enter_async_context(plain(live))
        async with plain(live) as refused:
            assert (await refused.answer())[0] == 503


async def test_a_stop_lets_go_of_silent_connections(serve: Serve) -> None:
    live = await serve()
    async with plain(live) as silent, plain(live) as dripping:
        dripping.writer.write(GET[:9])
        await eventually(lambda: open_doors(live) == 2)
        await asyncio.wait_for(live.stop(), 10)
        assert await silent.rest() == b""
        assert await dripping.rest() == b""


# ---- requests a second


async def test_too_many_requests_are_refused_by_their_id_and_who_goes_on_regardless_is_closed_with_4429(
    serve: Serve,
) -> None:
    live = await serve(server={"limits": {"requests": 5}})
    async with raw(live) as client, connect(live.ws_url) as other:
        with suppress(ConnectionError):
            for number in range(100):
                await client.send(TEXT, json.dumps({"type": "ping", "id": number}).encode())
        frames, code = await client.rest()
        messages = [json.loads(payload) for opcode, payload in frames if opcode == TEXT]
        answers = [m for m in messages if m["type"] in ("pong", "error")]
        assert [m["id"] for m in answers] == list(range(len(answers)))
        kinds = [m["type"] for m in answers]
        assert kinds[:10] == ["pong"] * 10
        refused = next(m for m in answers if m["type"] == "error")
        assert (refused["code"], refused["retry"]) == ("rate_limited", True)
        assert kinds.count("error") >= 5
        assert code == 4429
        assert (await other.request({"type": "ping"}))["type"] == "pong"


async def test_pings_and_malformed_frames_count_as_requests(serve: Serve) -> None:
    live = await serve(server={"limits": {"requests": 1}})
    async with raw(live) as client:
        for _ in range(30):
            await client.send(PING, b"x")
        frames, code = await client.rest()
        assert code == 4429
        assert 2 <= frames.count((PONG, b"x")) < 25
    async with raw(live) as client:
        for _ in range(3):
            await client.send(TEXT, b"nonsense")
        await client.ask("ping")
        assert (await client.message("error"))["code"] == "bad_request"
        while (error := await client.message("error"))["id"] is None:
            pass
        assert error["code"] == "rate_limited"


async def test_who_waits_after_a_refusal_is_served_again(serve: Serve) -> None:
    live = await serve(server={"limits": {"requests": 5}})
    async with connect(live.ws_url) as client:
        while (await client.request({"type": "ping"}))["type"] == "pong":
            pass
        # Asking again while it is refused costs as much as it waits, at 5 a second: it must pause for longer.
        for pause in (0.5, 1, 2, 4):
            await asyncio.sleep(pause)
            if (await client.request({"type": "ping"}))["type"] == "pong":
                return
        raise AssertionError("it is never served again")


async def test_the_http_api_has_the_same_rate_for_each_address(serve: Serve) -> None:
    live = await serve(server={"limits": {"requests": 2}, "trusted_proxies": ["127.0.0.1"]})
    async with aiohttp.ClientSession() as http:

        async def get(address: str, path: str = "/api/v1/devices") -> int:
            async with http.get(live.url + path, headers={"X-Forwarded-For": address}) as answer:
                if answer.status == 429:
                    assert answer.content_type == "application/problem+json"
                    assert int(answer.headers["Retry-After"]) >= 1
                return answer.status

        statuses = [await get("192.0.2.1") for _ in range(40)]
        assert statuses[:4] == [200] * 4
        assert 429 in statuses
        assert await get("192.0.2.2") == 200
        assert [await get("192.0.2.1", "/healthz") for _ in range(10)] == [200] * 10


# ---- what is configured


async def test_subscriptions_and_commands_are_limited_as_configured(serve: Serve) -> None:
    live = await serve(server={"limits": {"subscriptions": 2, "commands": 1}})
    async with connect(live.ws_url) as client:
        limits = client.hello["limits"]
        assert (limits["subscriptions"], limits["commands"]) == (2, 1)
        answers = [await client.request({"type": "subscribe", "devices": [f"d{n}"]}) for n in range(3)]
        assert [answer["type"] for answer in answers] == ["ok", "ok", "error"]
        assert answers[2]["code"] == "rate_limited"
