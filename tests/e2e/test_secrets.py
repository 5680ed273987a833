"""No token and no password ever reaches a log line, whichever way it came and however wrong it was."""

import hashlib
import urllib.parse

import aiohttp

from tests.e2e.site import site
from tests.parts.client import connect
from tests.parts.gateway import StartGateway
from tests.parts.ports import free_port

RIGHT = "canary-right-3f81c2"
WRONG = "canary-wrong-9b07d4"
PASSWORD = "canary-password-55aa10"


async def test_no_token_reaches_a_log_line(gateway_process: StartGateway) -> None:
    digest = hashlib.sha256(RIGHT.encode()).hexdigest()
    auth = f'auth: {{timeout: 1s, tokens: [{{name: panel, sha256: "{digest}", read: ["*"], command: []}}]}}\n'
    broker = site(url=f"mqtt://127.0.0.1:{free_port()}").replace(
        "keepalive: 2s", f"username: me\n    password: {PASSWORD}"
    )
    gateway = await gateway_process(auth + broker)
    query = urllib.parse.urlencode({"token": RIGHT, "ticket": WRONG})
    for token in (RIGHT, WRONG):
        async with connect(gateway.ws_url, token=token) as client:
            if token == WRONG:
                assert await client.wait_closed() == 4401
        async with connect(gateway.ws_url) as client:
            answer = await client.request({"type": "auth", "token": token})
            assert answer["type"] == ("ok" if token == RIGHT else "error")
            if token == RIGHT:
                for request in (
                    {"type": token},
                    {"type": "auth", "token": [token]},
                    {"type": "devices", "id": {token: 1}},
                ):
                    await client.send({"x": token, **request})
                    await client.next("error")
        async with connect(gateway.ws_url, protocols=("fieldgate.v1", f"bearer.{token}")) as client:
            assert client.protocol == "fieldgate.v1", "the one with the token is never echoed"
        async with connect(f"{gateway.ws_url}?token={token}&ticket={token}"):
            pass
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
            for method, path in (
                ("GET", "/api/v1/devices"),
                ("GET", f"/api/v1/devices/{token}?{query}"),
                ("POST", f"/api/v1/devices/{token}/commands?{query}"),
                ("GET", f"/nothing/{token}?{query}"),
                ("DELETE", f"/healthz?{query}"),
                ("GET", f"/ws?{query}"),
            ):
                async with session.request(method, gateway.url + path) as answer_:
                    await answer_.read()
    async with connect(gateway.ws_url) as silent:
        assert await silent.wait_closed() == 4401
    await gateway.stop()
    said = gateway.stdout_text() + gateway.stderr_text()
    assert "cannot connect to the broker" in said, "there is a log"
    for secret in (RIGHT, WRONG, PASSWORD):
        assert secret not in said
