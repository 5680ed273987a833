"""Input made to break what reads it: numbers, nesting, names, and bodies that are larger than they look."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.parts.client import connect
from tests.parts.gateway import GatewayProcess, StartGateway
from tests.server.live import Live, Serve

LIMIT = 65536  # bytes of a message or a body
CONFIG = """
gateway: {name: attacked}
adapters: [{id: bench, type: loopback}]
devices: {bench: {points: {level: {type: number, writable: true}, label: {type: string, writable: true}}}}
"""
COMMAND = '{"type":"command","id":1,"device":"bench","point":"level","value":0}'
# What is no value of a number: the first of it is not even JSON.
NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400, "0x10", "1_000", "01", "+1", ".5"]


@pytest.fixture
async def live(serve: Serve) -> Live:
    devices = {"bench": {"points": {"level": {"type": "number", "writable": True}}}}
    return await serve(adapters=[{"id": "bench", "type": "loopback"}], devices=devices)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_number_that_is_none_is_refused(live: Live, http: aiohttp.ClientSession, number: str) -> None:
    async with connect(live.ws_url) as client:
        await client.send_raw(COMMAND.replace("0", number))
        assert (await client.next("error"))["code"] == "bad_request"
        assert (await client.request({"type": "ping"}))["type"] == "pong"
    headers = {"Content-Type": "application/json"}
    body = f'{{"point":"level","value":{number}}}'
    async with http.post(f"{live.url}/api/v1/devices/bench/commands", data=body, headers=headers) as answer:
        assert answer.status == 400
    assert len(live.gateway.commands.ledger._commands) == 0


async def test_an_integer_of_thirty_digits_stays_a_number_or_is_refused(live: Live) -> None:
    async with connect(live.ws_url) as client:
        digits = "1" * 30
        await client.send_raw(COMMAND.replace("0", digits))
        answer = await client.until(lambda frame: frame["type"] in ("ok", "error"))
        assert answer.get("code", "bad_request") == "bad_request"
        if answer["type"] == "ok":
            assert answer["command"]["value"] == float(digits)
        await client.send_raw(f'{{"type":"ping","id":{digits}}}')
        answer = await client.until(lambda frame: frame["type"] in ("pong", "error"))
        assert answer["type"] == "error" or answer["id"] == float(digits)


@pytest.mark.parametrize(
    "deep",
    ["[" * 60_000, '{"a":' * 10_000, "[" * 30_000 + "]" * 30_000, '{"a":' * 9_000 + "1" + "}" * 9_000],
    ids=["open lists", "open objects", "lists", "objects"],
)
async def test_deep_nesting_is_refused(live: Live, http: aiohttp.ClientSession, deep: str) -> None:
    async with connect(live.ws_url) as client:
        for text in (deep, f'{{"type":"auth","id":1,"token":{deep}}}', f'{{"type":"ping","id":{deep}}}'):
            await client.send_raw(text)
            assert (await client.next("error"))["code"] in ("bad_request", "unauthorized")
        assert (await client.request({"type": "ping"}))["type"] == "pong"
    for body in (deep, f'{{"point":"level","value":{deep}}}'):
        headers = {"Content-Type": "application/json"}
        async with http.post(f"{live.url}/api/v1/devices/bench/commands", data=body, headers=headers) as answer:
            assert answer.status == 400


@pytest.mark.parametrize(
    "name",
    ["+", "#", "a/b", "/", "a\r\nb", "a\nb", "a\0b", "..", "../../etc/passwd", "%2e%2e", "\u202e", "\ud800", " "],
)
async def test_a_name_that_no_device_or_point_has_is_just_not_there(
    live: Live, http: aiohttp.ClientSession, name: str
) -> None:
    async with connect(live.ws_url) as client:
        for members in ({"device": name, "point": "level"}, {"device": "bench", "point": name}):
            text = json.dumps({"type": "command", "id": 1, "value": 1, **members})
            await client.send_raw(text)
            assert (await client.next("error"))["code"] in ("not_found", "bad_request")
        await client.send_raw(json.dumps({"type": "subscribe", "id": 1, "devices": [name]}))
        await client.until(lambda frame: frame["type"] in ("ok", "error"))
        assert (await client.request({"type": "ping"}))["type"] == "pong"


def deflated(body: bytes) -> bytes:
    """zlib's own form, which is what HTTP calls deflate (RFC 9110 §8.4.1.2)."""
    return zlib.compress(body, 9)


BOMBS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": deflated}


def rss(gateway: GatewayProcess) -> int:
    """Bytes in RAM."""
    pages = int(Path(f"/proc/{gateway.pid}/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.parametrize("encoding", BOMBS)
async def test_a_compressed_body_does_not_unfold_past_the_limit(
    gateway_process: StartGateway, http: aiohttp.ClientSession, encoding: str
) -> None:
    gateway = await gateway_process(CONFIG)
    url = f"{gateway.url}/api/v1/devices/bench/commands"
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    bomb = BOMBS[encoding](bytes(60 << 20))
    assert len(bomb) < LIMIT, "small enough to be taken for a body"
    before = rss(gateway)
    for _ in range(10):
        async with http.post(url, data=bomb, headers=headers) as answer:
            assert answer.status in (400, 413, 415)
    assert rss(gateway) - before < 16 << 20
    async with http.get(f"{gateway.url}/healthz") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "identity, gzip", "x"])
async def test_a_body_in_another_coding_is_refused_or_read_as_it_is(
    live: Live, http: aiohttp.ClientSession, encoding: str
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    body: Any = gzip.compress(b'{"point":"level","value":1}')
    async with http.post(f"{live.url}/api/v1/devices/bench/commands", data=body, headers=headers) as answer:
        assert 400 <= answer.status < 500


async def test_a_body_over_the_limit_is_refused(live: Live, http: aiohttp.ClientSession) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    url = f"{live.url}/api/v1/devices/bench/commands"
    for body in (b" " * (LIMIT + 1), endless()):
        headers = {"Content-Type": "application/json"}
        try:
            async with http.post(url, data=body, headers=headers) as answer:
                assert answer.status == 413
        except aiohttp.ClientConnectionError:
            pass  # it hung up amid the rest
    async with http.get(f"{live.url}/healthz") as answer:
        assert answer.status == 200
