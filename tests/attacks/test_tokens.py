"""Tokens that are forged, incomplete, over, taken back or guessed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.parts.client import connect
from tests.parts.gateway import StartGateway
from tests.server.live import Live, Serve

SECRET = "a secret of the tests, of thirty-two bytes at least"
RIGHT = "right-token"
KEYS: dict[str, Any] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def claims(**changed: Any) -> dict[str, Any]:
    """Those of a token that holds for a while; None leaves one out."""
    given = {"sub": "panel", "aud": "fieldgate", "exp": int(time.time()) + 300, "read": ["*"], "command": ["*"]}
    return {name: value for name, value in {**given, **changed}.items() if value is not None}


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged(header: dict[str, Any], given: dict[str, Any], key: bytes, digest: str = "sha256") -> str:
    """A token signed by hand, because libraries refuse to make what they refuse to take."""
    text = f"{encoded(header)}.{encoded(given)}"
    signature = hmac.new(key, text.encode(), digest).digest() if key else b""
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def code_of(live: Live, token: str, source: str = "127.0.0.1") -> str:
    """What a connection with this token is told: `ok`, or the code of the error."""
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(live.ws_url, headers={"Authorization": f"Bearer {token}"}) as socket,
    ):
        hello = await socket.receive_json(timeout=20)
        if hello["auth"] == "ok":
            return "ok"
        return str((await socket.receive_json(timeout=20))["code"])


async def refused(live: Live, tokens: list[str]) -> None:
    """Each from an address of its own, so that none is refused for the others."""
    for number, token in enumerate(tokens):
        assert await code_of(live, token, f"127.0.2.{1 + number}") == "unauthorized", token


async def with_secret(serve: Serve) -> Live:
    return await serve(auth={"jwt": {"algorithm": "HS256", "secret": SECRET, "audience": "fieldgate"}})


async def test_alg_none_and_other_algorithms_are_refused(serve: Serve) -> None:
    live = await with_secret(serve)
    key = SECRET.encode()
    assert await code_of(live, forged({"alg": "HS256", "typ": "JWT"}, claims(), key)) == "ok"
    none = [forged({"alg": alg}, claims(), b"") for alg in ("none", "None", "NONE", "nOnE", "", "null")]
    other = [forged({"alg": alg}, claims(), key, d) for alg, d in (("HS384", "sha384"), ("HS512", "sha512"))]
    odd: list[dict[str, Any]] = [{}, {"alg": None}, {"alg": ["HS256"]}, {"alg": "hs256"}, {"alg": "HS256 "}]
    unsigned = forged({"alg": "HS256"}, claims(), b"")
    await refused(live, [*none, *other, *(forged(header, claims(), key) for header in odd), unsigned])


@pytest.mark.parametrize("algorithm", KEYS)
async def test_key_confusion_is_refused(serve: Serve, tmp_path: Path, algorithm: str) -> None:
    private = KEYS[algorithm]()
    public = private.public_key()
    forms = [
        public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
    ]
    file = tmp_path / "public.pem"
    file.write_bytes(forms[0])
    section = {"algorithm": algorithm, "public_key_file": str(file), "audience": "fieldgate"}
    live = await serve(auth={"jwt": section})
    assert await code_of(live, jwt.encode(claims(), private, algorithm)) == "ok"
    keys = [*forms, forms[0].strip(), forms[0].replace(b"\n", b"\r\n")]
    stranger = jwt.encode(claims(), KEYS[algorithm](), algorithm)
    jwk = {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode()}
    brought: dict[str, Any] = {"jwk": jwk, "jku": "http://127.0.0.1/", "x5u": "http://127.0.0.1/", "kid": "/dev/null"}
    await refused(
        live,
        [
            *(forged({"alg": alg}, claims(), key) for key in keys for alg in ("HS256", algorithm)),
            *(forged({"alg": "HS256", name: value}, claims(), SECRET.encode()) for name, value in brought.items()),
            stranger,
        ],
    )


async def test_a_token_without_exp_or_aud_or_sub_is_refused(serve: Serve) -> None:
    live = await with_secret(serve)
    now = int(time.time())
    wrong: list[dict[str, Any]] = [
        *({name: None} for name in ("exp", "aud", "sub")),
        *({"exp": value} for value in (now - 1, 0, -1, "", "never", str(now + 300), True, [now + 300], 1e400)),
        *({"aud": value} for value in ("", "Fieldgate", "other", [], ["other"], {"fieldgate": 1}, 1)),
        *({"sub": value} for value in ("", "a b", "a\nb", "x" * 65, 7, ["panel"], "<b>")),
        *({"read": value} for value in ("*", {"*": 1}, [1], ["*"] * 65, ["x" * 257])),
        {"nbf": now + 100},
    ]
    await refused(live, [forged({"alg": "HS256"}, claims(**changed), SECRET.encode()) for changed in wrong])
    critical: list[dict[str, Any]] = [{"crit": ["x"], "x": 1}, {"crit": ["exp"]}, {"crit": ["b64"], "b64": False}]
    await refused(live, [forged({"alg": "HS256", **header}, claims(), SECRET.encode()) for header in critical])


async def test_an_expired_token_ends_an_open_connection(serve: Serve) -> None:
    live = await with_secret(serve)
    async with connect(
        live.ws_url, token=forged({"alg": "HS256"}, claims(exp=time.time() + 5), SECRET.encode())
    ) as client:
        assert (await client.request({"type": "subscribe", "devices": ["*"]}))["type"] == "ok"
        assert (await client.next("expiring", 20))["expires"] > 0
        assert await client.wait_closed(20) == 4410


async def test_a_revoked_token_ends_an_open_connection(gateway_process: StartGateway) -> None:
    auth = {"jwt": {"algorithm": "HS256", "secret": SECRET, "audience": "fieldgate"}}
    gateway = await gateway_process(f"auth: {json.dumps(auth)}\nadapters: [{{id: bench, type: loopback}}]\n")
    revoked, kept = (forged({"alg": "HS256"}, claims(jti=jti), SECRET.encode()) for jti in ("one", "two"))
    async with connect(gateway.ws_url, token=revoked) as victim, connect(gateway.ws_url, token=kept) as bystander:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli", "token", "revoke", "one", "--config", str(gateway.config_path)),
            env={"STATE_DIRECTORY": str(gateway.config_path.parent)},
        )
        assert await asyncio.wait_for(child.wait(), 30) == 0
        assert await victim.wait_closed(20) == 4403
        assert (await bystander.request({"type": "ping"}))["type"] == "pong"
    async with connect(gateway.ws_url, token=revoked) as client:
        assert await client.wait_closed(20) == 4401


async def test_guessing_is_slowed_by_address_and_by_nothing_else(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.server.guesses.FIRST_PAUSE", 60.0)  # longer than a slow machine takes for all this
    token = {"name": "panel", "sha256": hashlib.sha256(RIGHT.encode()).hexdigest(), "read": ["*"], "command": []}
    live = await serve(auth={"tokens": [token]})
    async with connect(live.ws_url, token=RIGHT) as inside:
        codes = [await code_of(live, f"guess{number}") for number in range(7)]
        assert codes[:5] == ["unauthorized"] * 5
        assert codes[5:] == ["rate_limited"] * 2
        assert await code_of(live, RIGHT) == "rate_limited", "it is not even looked at"
        assert await code_of(live, RIGHT, "127.0.0.2") == "ok"
        assert (await inside.request({"type": "ping"}))["type"] == "pong"
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {RIGHT}"}) as session,
            session.get(f"{live.url}/api/v1/devices") as answer,
        ):
            assert answer.status == 429
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
