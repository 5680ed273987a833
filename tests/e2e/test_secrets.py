"""No token and no password ever reaches a log line or an answer, whichever way it came and however wrong it was."""

import asyncio
import hashlib
import json
import os
import sys
import time
import urllib.parse
from collections.abc import Sequence
from contextlib import suppress

import aiohttp
import jwt
import pytest

from tests.e2e.site import site
from tests.parts.client import ClosedError, connect
from tests.parts.gateway import GatewayProcess, StartGateway
from tests.parts.ports import free_port
from tests.server.live import BINARY, CLOSE, PING, TEXT

RIGHT = "canary-right-3f81c2"
WRONG = "canary-wrong-9b07d4"
PASSWORD = "canary-password-55aa10"
SECRETS = (RIGHT, WRONG, PASSWORD)
LOGGING = {
    "text": "logging: {format: text, access: true, level: debug}\n",
    "json": "logging: {format: json, access: true, level: debug}\n",
    "default": "",
}
# Heads that no parser likes, each with a token where somebody may have put it.
HEADS = (
    b"GET /ws?token=%s HTTP/9.9\r\n\r\n",
    b"GET /ws?token=%s\r\n\r\n",
    b"GET /\xff?token=%s HTTP/1.1\r\nHost: a\r\n\r\n",
    b"%s\r\n\r\n",
    b"%s /ws HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://me:%s@127.0.0.1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET //%s/..%%2f HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /ws#token=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nAuthorization Bearer %s\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\xff\xfe\r\n\r\n",
    b"GET /api/v1/devices HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\xff\xfe\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\0\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\r\n %s\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nX: %s" + b"a" * 9000 + b"\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nX: %s" + b"a" * 20000 + b"\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nHost: %s\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: %s\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nOrigin: http://%s\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n",
    b"POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n",
    b"POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n",
    b"POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%s",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03%s\r\n\r\n",
)


async def answer_to(gateway: GatewayProcess, sent: bytes) -> bytes:
    """All that is said to these bytes until the gateway hangs up, or has said something whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(gateway.url.rpartition(":")[2]))
    try:
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(20):
            with suppress(ConnectionError):
                return await reader.read()
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def present_rightly(gateway: GatewayProcess) -> None:
    """The right token, in each way, and in places where it does not belong."""
    async with connect(gateway.ws_url, token=RIGHT) as client:
        assert client.hello["identity"]["name"] == "panel"
        assert (await client.request({"type": "auth", "token": RIGHT}))["type"] == "ok", "a renewal"
    async with connect(gateway.ws_url) as client:
        assert (await client.request({"type": "auth", "token": RIGHT}))["type"] == "ok"
        for request in ({"type": RIGHT}, {"type": "auth", "token": [RIGHT]}, {"type": "devices", "id": {RIGHT: 1}}):
            await client.send({"x": RIGHT, **request})
            await client.next("error")
    for protocols in (("fieldgate.v1", f"bearer.{RIGHT}"), (f"bearer.{RIGHT}", "fieldgate.v1"), (f"bearer.{RIGHT}",)):
        async with connect(gateway.ws_url, protocols=protocols) as client:
            assert client.protocol in (None, "fieldgate.v1"), "the one with the token is never echoed"
    await call(gateway, RIGHT)
    code, said = await command_line(gateway, "send", "house", "fan", "true", token=RIGHT)
    assert code == 1, said


async def present_wrongly(gateway: GatewayProcess) -> None:
    """A wrong one, as often as it takes to be paused."""
    for offered in (("fieldgate.v1",), ("fieldgate.v1", f"bearer.{WRONG}")):
        for url in (gateway.ws_url, f"{gateway.ws_url}?token={WRONG}", f"{gateway.ws_url}?ticket={WRONG}"):
            with suppress(ClosedError):  # before its hello, or after
                async with connect(url, protocols=offered) as client:
                    await client.request({"type": "auth", "token": WRONG})
                    assert await client.wait_closed() in (4401, 4429)
    async with connect(gateway.ws_url, token=WRONG) as client:
        assert await client.wait_closed() in (4401, 4429)
    await call(gateway, WRONG)
    for head in HEADS:
        said = await answer_to(gateway, head.replace(b"%s", WRONG.encode()).replace(b"%%", b"%"))
        assert WRONG.encode() not in said, (head, said)
    code, said_ = await command_line(gateway, "tail", "--json", token=WRONG)
    assert code == 1, said_
    handshake = (
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    for opcode, payload in ((TEXT, WRONG.encode() + b"\xff"), (BINARY, WRONG.encode()), (PING, WRONG.encode() * 10),
                            (CLOSE, b"\x03\xe8" + WRONG.encode()), (CLOSE, b"\x00\x00" + WRONG.encode()),
                            (3, WRONG.encode())):  # fmt: skip
        await answer_to(gateway, handshake + bytes((0x80 | opcode, 0x80 | min(len(payload), 125))) + bytes(4) + payload)


async def call(gateway: GatewayProcess, token: str) -> None:
    """By HTTP: in the header, and in paths and queries where it does not belong."""
    query = urllib.parse.urlencode({"token": token, "ticket": token})
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for method, path in (
            ("GET", "/api/v1/devices"),
            ("GET", f"/api/v1/devices/{token}?{query}"),
            ("POST", f"/api/v1/devices/{token}/commands?{query}"),
            ("GET", f"/nothing/{token}?{query}"),
            ("GET", f"/?{query}"),
            ("DELETE", f"/healthz?{query}"),
            ("GET", f"/ws?{query}"),
        ):
            async with session.request(method, gateway.url + path) as answer:
                body = await answer.text()
                assert token not in str(answer.headers), path
                assert token not in body or token in path.partition("?")[0], path


async def command_line(gateway: GatewayProcess, *arguments: str, token: str) -> tuple[int | None, str]:
    """Both ways in which the command line takes a token; the exit code and all that it says of the second."""
    said = ""
    code = None
    environment = dict(os.environ, FIELDGATE_URL=gateway.url)
    for extra, more in ((("--token", token), {}), ((), {"FIELDGATE_TOKEN": token})):
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli", *arguments, *extra),
            env={**environment, **more},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(child.communicate(), 30)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        said, code = output.decode(), child.returncode
        assert token not in said
    return code, said


def nowhere(said: str, secrets: Sequence[str]) -> None:
    for secret in secrets:
        line = next((line for line in said.splitlines() if secret in line), None)
        assert line is None, line


@pytest.mark.parametrize("logging", LOGGING)
async def test_no_token_reaches_a_log_or_an_answer(gateway_process: StartGateway, logging: str) -> None:
    digest = hashlib.sha256(RIGHT.encode()).hexdigest()
    auth = f'auth: {{timeout: 1s, tokens: [{{name: panel, sha256: "{digest}", read: ["*"], command: []}}]}}\n'
    broker = site(url=f"mqtt://127.0.0.1:{free_port()}").replace(
        "keepalive: 2s", f"username: me\n    password: {PASSWORD}"
    )
    gateway = await gateway_process(LOGGING[logging] + auth + broker)
    await present_rightly(gateway)
    async with connect(gateway.ws_url) as silent:
        assert await silent.wait_closed(20) == 4401
    await present_wrongly(gateway)
    await gateway.stop()
    said = gateway.stdout_text() + gateway.stderr_text()
    assert "cannot connect to the broker" in said, "there is a log"
    nowhere(said, SECRETS)
    if logging == "json":
        for line in gateway.stderr_text().splitlines():
            assert isinstance(json.loads(line), dict), line


@pytest.mark.parametrize("logging", LOGGING)
async def test_no_signed_token_ticket_or_key_reaches_a_log_or_an_answer(
    gateway_process: StartGateway, monkeypatch: pytest.MonkeyPatch, logging: str
) -> None:
    key = "canary-key-0f4e7a-of-thirty-two-bytes-or-more"
    monkeypatch.setenv("CANARY_KEY", key)
    auth = 'auth: {jwt: {algorithm: HS256, secret: "${CANARY_KEY}", audience: fieldgate}}\n'
    gateway = await gateway_process(LOGGING[logging] + auth + "adapters: [{id: bench, type: loopback}]\n")

    def signed(seconds: float, **claims: object) -> str:
        given = {"sub": "panel", "aud": "fieldgate", "exp": time.time() + seconds, "read": ["*"], "jti": "canary-1"}
        return jwt.encode({**given, **claims}, key, "HS256")

    good, old, other = signed(300), signed(-1), signed(300, aud="another")
    tickets = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {good}"}) as session:
        for _ in range(2):
            async with session.post(f"{gateway.url}/api/v1/tickets") as answer:
                tickets.append((await answer.json())["ticket"])
    for url in (f"{gateway.ws_url}?token={good}", f"{gateway.ws_url}?ticket={tickets[0]}"):
        async with connect(url) as client:
            assert client.hello["identity"]["name"] == "panel"
    for url in (f"{gateway.ws_url}?ticket={tickets[0]}", f"{gateway.ws_url}?token={old}"):
        async with connect(url) as client:
            assert await client.wait_closed(20) == 4401
    for token in (good, old, other):
        await call(gateway, token)
        for protocols in (("fieldgate.v1",), ("fieldgate.v1", f"bearer.{token}")):
            with suppress(ClosedError):
                async with connect(gateway.ws_url, protocols=protocols) as client:
                    await client.request({"type": "auth", "token": token}, 20)
        for head in HEADS:
            said = await answer_to(gateway, head.replace(b"%s", token.encode()).replace(b"%%", b"%"))
            assert token.encode() not in said, head
    await gateway.stop()
    said_ = gateway.stdout_text() + gateway.stderr_text()
    assert "bench is online" in said_, "there is a log"
    nowhere(said_, (good, old, other, key, *tickets))


async def test_a_secret_in_the_wrong_place_of_a_configuration_is_not_shown(gateway_process: StartGateway) -> None:
    for auth in (
        f'"{RIGHT}"',
        f'{{tokens: [{{name: panel, sha256: "{RIGHT}", read: [], command: []}}]}}',
        f'{{tokens: [{{name: panel, sha256: ["{RIGHT}"], read: [], command: []}}]}}',
        f'{{tokens: "{RIGHT}"}}',
        f'{{jwt: {{algorithm: HS256, secret: "{RIGHT}", audience: fieldgate}}}}',
        f'{{jwt: {{algorithm: ES256, secret: "{RIGHT}", audience: fieldgate}}}}',
        f'{{jwt: {{algorithm: HS256, secret: ["{RIGHT}"], audience: fieldgate}}}}',
        f'{{jwt: "{RIGHT}"}}',
    ):
        with pytest.raises(RuntimeError) as refused:
            await gateway_process(f"auth: {auth}\nadapters: [{{id: bench, type: loopback}}]\n")
        assert "fieldgate.yaml" in str(refused.value)
        assert RIGHT not in str(refused.value), auth
