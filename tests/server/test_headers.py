"""Every answer has the security headers, echoes nothing, and no path leads out of the dashboard's files."""

from __future__ import annotations

import asyncio
import logging

import orjson
import pytest

from gateway.server.headers import HEADERS
from tests.server.live import Live, Serve

CANARY = b"canary-4fd1"
HOST = b"Host: localhost\r\n"
JSON = b"Content-Type: application/json\r\n"
WS = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"


async def ask(live: Live, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of the answer to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    try:
        async with asyncio.timeout(20):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode("latin-1").rstrip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            return int(status.split()[1]), headers, body
    finally:
        writer.transport.abort()


def assert_safe(headers: dict[str, str]) -> None:
    for name, value in HEADERS.items():
        assert headers.get(name.lower()) == value, name


UNREADABLE = {
    "no HTTP": CANARY + b"\r\n\r\n",
    "TLS on the plain port": b"\x16\x03\x01\x00\x05" + CANARY + b"\r\n\r\n",
    "another version": b"GET / HTTP/9." + CANARY + b"\r\n" + HOST + b"\r\n",
    "another method": CANARY.replace(b"-", b"_") + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space in a name": b"GET / HTTP/1.1\r\n" + HOST + b"Bad " + CANARY + b": x\r\n\r\n",
    "a NUL in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X: " + CANARY + b"\x00\r\n\r\n",
    "a NUL in the path": b"GET /\x00" + CANARY + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a control character in the query": b"GET /?" + CANARY + b"\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a length that is none": b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: " + CANARY + b"\r\n\r\n",
    "an address that is none": b"GET http://[" + CANARY + b"/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a chunk that is none": b"POST /api/v1/devices/bench/commands HTTP/1.1\r\n" + HOST + JSON
    + b"Transfer-Encoding: chunked\r\n\r\n" + CANARY + b"\r\n",
    "a body that is not compressed": b"POST /api/v1/devices/bench/commands HTTP/1.1\r\n" + HOST + JSON
    + b"Content-Encoding: gzip\r\nContent-Length: 11\r\n\r\n" + CANARY,
    "a body that is no JSON": b"POST /api/v1/devices/bench/commands HTTP/1.1\r\n" + HOST + JSON
    + b"Content-Length: 11\r\n\r\n" + CANARY,
    "another upgrade": b"GET /ws HTTP/1.1\r\n" + HOST + b"Upgrade: " + CANARY + b"\r\nConnection: Upgrade\r\n\r\n",
    "another WebSocket": b"GET /ws HTTP/1.1\r\n" + HOST + WS + b"Sec-WebSocket-Version: " + CANARY + b"\r\n\r\n",
    "a key that is none": b"GET /ws HTTP/1.1\r\n" + HOST + WS + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    + CANARY + b"\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("request_", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_cannot_be_read_is_refused_and_neither_echoed_nor_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture, request_: bytes
) -> None:
    live = await serve()
    caplog.set_level(logging.DEBUG)
    status, headers, body = await ask(live, request_)
    assert 400 <= status < 500
    assert headers["content-type"].startswith("application/problem+json")
    assert orjson.loads(body)["status"] == status
    assert_safe(headers)
    name = CANARY.decode()
    assert name not in body.decode() + str(headers)
    assert name not in caplog.text.lower()
    assert "Traceback" not in caplog.text


async def test_requests_that_cannot_be_read_are_counted_and_no_flood(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = await serve()
    before = len(caplog.records)
    for _ in range(40):
        await ask(live, b"nothing\r\n\r\n")
    said = [r.getMessage() for r in caplog.records[before:] if "requests could not be read so far" in r.getMessage()]
    assert 1 <= len(said) <= 7


ANSWERS: dict[str, tuple[int, bytes]] = {
    "a page": (200, b"GET / HTTP/1.1\r\n" + HOST),
    "a script": (200, b"GET /client.js HTTP/1.1\r\n" + HOST),
    "an answer of the API": (200, b"GET /api/v1/devices HTTP/1.1\r\n" + HOST),
    "health": (200, b"GET /healthz HTTP/1.1\r\n" + HOST),
    "nothing there": (404, b"GET /nothing HTTP/1.1\r\n" + HOST),
    "a method that is not served": (405, b"DELETE /client.js HTTP/1.1\r\n" + HOST),
    "a foreign name": (403, b"GET / HTTP/1.1\r\nHost: evil.example\r\n"),
    "no handshake": (400, b"GET /ws HTTP/1.1\r\n" + HOST),
    "a head that is too large": (431, b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 20_000 + b"\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_every_answer_has_the_security_headers(serve: Serve, answer: tuple[int, bytes]) -> None:
    live = await serve()
    expected, request_ = answer
    status, headers, _ = await ask(live, request_ + b"\r\n")
    assert status == expected
    assert_safe(headers)


async def test_a_websocket_does_not_tell_which_library_answers(serve: Serve) -> None:
    live = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(b"GET /ws HTTP/1.1\r\n" + HOST + WS + b"Sec-WebSocket-Version: 13\r\n"
                 b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")  # fmt: skip
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    writer.transport.abort()
    assert b"\r\nServer: fieldgate\r\n" in head
    assert b"aiohttp" not in head.lower()
    assert b"python" not in head.lower()


OUTSIDE = [
    "/../pyproject.toml", "/..%2fpyproject.toml", "/%2e%2e/pyproject.toml", "/%2e%2e%2f%2e%2e%2fetc/passwd",
    "/vendor/../../server/app.py", "/vendor/..%2f..%2fserver/app.py", "/..\\..\\server\\app.py",
    "/%5c..%5cserver%5capp.py", "//etc/passwd", "///etc/passwd", "/etc/passwd%00.js", "/client.js%00", "/client.js/",
    "/client.js%2f", "/./etc/passwd", "/%c0%ae%c0%ae/etc/passwd", "/%252e%252e/etc/passwd", "/index.html",
    "/client.js;x", "/CLIENT.JS", "/.git/config", "http://localhost/../etc/passwd", "http://localhost//etc/passwd",
    "file:///etc/passwd", "/vendor", "/vendor/",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE)
async def test_no_path_leads_out_of_the_dashboard_s_files(serve: Serve, path: str) -> None:
    live = await serve()
    status, headers, body = await ask(live, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert status in (400, 403, 404), body[:200]
    assert headers["content-type"].startswith("application/problem+json")
    assert_safe(headers)
    assert b"root:" not in body


async def test_a_bug_in_a_route_is_answered_without_a_word_of_it(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await serve()

    def broken() -> str:
        raise RuntimeError("the inside of the gateway")

    monkeypatch.setattr(live.gateway.server, "_check_rate", lambda request: broken())
    status, headers, body = await ask(live, b"GET /api/v1/devices/x?" + CANARY + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (status, orjson.loads(body)["code"]) == (500, "internal")
    assert_safe(headers)
    assert b"inside" not in body
    assert "the inside of the gateway" in caplog.text
    assert CANARY.decode() not in caplog.text
