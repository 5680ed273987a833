"""`fieldgate token`: tokens are made, listed and revoked."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import jwt
import pytest

from tests.cli.command import Ended, Fieldgate
from tests.parts.client import connect
from tests.parts.gateway import StartGateway
from tests.parts.keys import AUDIENCE, SECRET, private_pem, public_pem, signed
from tests.parts.waiting import eventually

ADAPTERS = "adapters: [{id: bench, type: loopback}]\n"
HS256 = f"auth:\n  jwt: {{algorithm: HS256, secret: {SECRET}, audience: {AUDIENCE}}}\n{ADAPTERS}"
WITHIN = 30.0  # seconds


def configured(fieldgate: Fieldgate, text: str = HS256) -> Path:
    """A configuration where the commands are run, which they find by themselves."""
    path = fieldgate.directory / "fieldgate.yaml"
    path.write_text(text)
    return path


def state_of(fieldgate: Fieldgate) -> dict[str, str]:
    return {"STATE_DIRECTORY": str(fieldgate.directory / "state")}


async def run(fieldgate: Fieldgate, *arguments: str) -> Ended:
    return await fieldgate.run("token", *arguments, **state_of(fieldgate))


# ---- create


async def test_a_new_token_opens_the_gateway_whose_configuration_has_the_printed_lines(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    ended = await fieldgate.run(
        "token", "create", "wall-panel", "--read", "*", "--command", "greenhouse*", "--command", "house.?"
    )
    assert ended.code == 0
    token, _, yaml = ended.out.partition("\n")
    assert re.fullmatch(r"fg_[A-Za-z0-9_-]{43}", token)  # 256 bits
    assert token not in yaml + ended.err
    gateway = await gateway_process(f"{yaml}\n{ADAPTERS}")
    async with connect(gateway.ws_url, token=token) as client:
        assert client.hello["identity"] == {
            "name": "wall-panel",
            "read": ["*"],
            "command": ["greenhouse*", "house.?"],
            "expires": None,
        }


async def test_no_two_tokens_are_alike(fieldgate: Fieldgate) -> None:
    made = [await fieldgate.run("token", "create", "panel", "--read", "*") for _ in range(2)]
    assert made[0].out.splitlines()[0] != made[1].out.splitlines()[0]


@pytest.mark.parametrize("kind", ["create", "jwt"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["wall panel", "--read", "*"], "'wall panel' is not a name"),
        (["panel"], "a token without rights"),
        (["panel", "--read", "${HOME}"], "'${HOME}' is not a glob"),
        (["panel", "--command", 'a"]}'], "is not a glob"),
        (["panel", *["--read", "x"] * 65], "at most 64 globs"),
    ],
)
async def test_what_cannot_be_a_token_is_refused_with_exit_2(
    fieldgate: Fieldgate, kind: str, arguments: list[str], said: str
) -> None:
    configured(fieldgate)
    ended = await run(fieldgate, kind, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


# ---- jwt


@pytest.mark.parametrize("algorithm", ["HS256", "ES256", "RS256", "EdDSA"])
async def test_a_signed_token_opens_the_gateway_without_a_line_in_its_configuration(
    fieldgate: Fieldgate, gateway_process: StartGateway, algorithm: str
) -> None:
    key = f"secret: {SECRET}" if algorithm == "HS256" else "public_key_file: public.pem"
    text = f"auth:\n  jwt: {{algorithm: {algorithm}, {key}, audience: {AUDIENCE}, issuer: us}}\n{ADAPTERS}"
    more = []
    if algorithm != "HS256":
        public = fieldgate.directory / "public.pem"
        public.write_bytes(public_pem(algorithm))
        (fieldgate.directory / "private.pem").write_bytes(private_pem(algorithm))
        text = text.replace("public.pem", str(public))
        more = ["--key-file", "private.pem"]
    path = configured(fieldgate, text)
    arguments = ["a@b.example", "--read", "*", "--command", "bench", "--ttl", "90s", "--config", str(path), *more]
    ended = await run(fieldgate, "jwt", *arguments)
    assert ended.code == 0, ended.err
    token = ended.out.removesuffix("\n")
    assert "\n" not in token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() == {"sub", "aud", "iat", "exp", "jti", "iss", "read", "command"}
    assert claims["jti"] in ended.err
    assert token not in ended.err
    assert 88 <= claims["exp"] - claims["iat"] <= 91
    gateway = await gateway_process(text)
    async with connect(gateway.ws_url, token=token) as client:
        assert client.hello["identity"] == {
            "name": "a@b.example", "read": ["*"], "command": ["bench"], "expires": claims["exp"],
        }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (ADAPTERS, [], "has no `auth: jwt:`"),
        (f"auth: {{}}\n{ADAPTERS}", [], "has no `auth: jwt:`"),
        ("auth: {jwt: 5}", [], "fieldgate.yaml:1:13: auth.jwt: expected a mapping"),
        (HS256, ["--ttl", "tomorrow"], "--ttl tomorrow: expected a duration"),
        (HS256, ["--ttl", "0"], "--ttl is from 1s to 3650d"),
        (HS256, ["--ttl", "4000d"], "--ttl is from 1s to 3650d"),
        (HS256, ["--key-file", "/nonexistent"], "/nonexistent cannot be read: No such file"),
        (HS256, ["--key-file", "/dev/null"], "there is no private key"),
    ],
)
async def test_what_cannot_be_signed_is_told_with_exit_2(
    fieldgate: Fieldgate, text: str, arguments: list[str], said: str
) -> None:
    configured(fieldgate, text)
    ended = await run(fieldgate, "jwt", "panel", "--read", "*", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


async def test_a_private_key_that_is_not_the_gateways_signs_nothing(fieldgate: Fieldgate) -> None:
    (fieldgate.directory / "public.pem").write_bytes(public_pem("RS256"))
    (fieldgate.directory / "private.pem").write_bytes(private_pem("another RS256"))
    jwt_ = f"{{algorithm: RS256, public_key_file: public.pem, audience: {AUDIENCE}}}"
    configured(fieldgate, f"auth:\n  jwt: {jwt_}\n{ADAPTERS}")
    for more, said in (([], "signs with a private key"), (["--key-file", "private.pem"], "does not belong")):
        ended = await run(fieldgate, "jwt", "panel", "--read", "*", *more)
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err


# ---- revoke


async def test_revoking_closes_the_connections_of_a_running_gateway(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    list_ = fieldgate.directory / "list" / "revoked.json"
    text = HS256.replace(AUDIENCE, f"{AUDIENCE}, revocations: {list_}")
    path = configured(fieldgate, text)
    gateway = await gateway_process(text)
    token, other = signed(jti="t-1"), signed(jti="t-2")
    async with connect(gateway.ws_url, token=token) as client, connect(gateway.ws_url, token=other) as kept:
        ended = await fieldgate.run("token", "revoke", "t-1", "--config", str(path))
        assert (ended.code, ended.out) == (0, "")
        assert ended.err == f"t-1 is revoked, in {list_}\n"
        assert await client.wait_closed(WITHIN) == 4403
        assert (await kept.request({"type": "ping"}))["type"] == "pong"
    await gateway.restart()
    async with connect(gateway.ws_url, token=token) as client:
        assert (await client.next("error"))["message"] == "the token was revoked"
        assert await client.wait_closed() == 4401


async def test_a_token_on_standard_input_is_revoked_with_its_end(fieldgate: Fieldgate) -> None:
    configured(fieldgate)
    ends = int(time.time()) + 3600
    token = signed(jti="t-1", exp=ends, nbf=ends - 1)
    list_ = fieldgate.directory / "state" / "revoked.json"
    for given, code, said in (
        (f"{token}\n", 0, f"t-1 is revoked, in {list_}"),
        (f"{token}x", 2, "no token that the gateway of this configuration takes"),
        (signed(key="x" * 32), 2, "no token that the gateway of this configuration takes"),
        ("", 2, "no token that the gateway of this configuration takes"),
        (signed(jti=None), 2, "the token has no `jti`"),
        (signed(jti="t-old", exp=ends - 7200), 0, "it expired at"),
    ):
        shell = 'printf %s "$1" | "$2" -m gateway.cli token revoke -'
        process = fieldgate.start_program("sh", "-c", shell, "sh", given, fieldgate.command[0], **state_of(fieldgate))
        ended = await fieldgate.ended(process)
        assert (ended.code, ended.out) == (code, ""), ended.err
        assert said in ended.err
        assert token not in ended.err
    assert json.loads(list_.read_text()) == {"revoked": {"t-1": ends, "t-old": ends - 7200}}


@pytest.mark.parametrize(
    ("text", "jti", "code", "said"),
    [
        (ADAPTERS, "t-1", 2, "has no `auth: jwt:`"),
        (HS256, "a b", 2, "an id has 1 to 128 visible ASCII characters"),
        (HS256, "", 2, "an id has 1 to 128 visible ASCII characters"),
        (HS256.replace(AUDIENCE, f"{AUDIENCE}, revocations: /dev/null/x"), "t-1", 1, "/dev/null: File exists"),
        (HS256.replace(AUDIENCE, f"{AUDIENCE}, revocations: broken.json"), "t-1", 1, "broken.json is not JSON"),
    ],
)
async def test_what_cannot_be_revoked_is_told(fieldgate: Fieldgate, text: str, jti: str, code: int, said: str) -> None:
    configured(fieldgate, text)
    (fieldgate.directory / "broken.json").write_text("{")
    ended = await run(fieldgate, "revoke", jti)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


async def test_a_list_that_is_damaged_keeps_a_gateway_from_starting_and_not_from_running(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    list_ = fieldgate.directory / "revoked.json"
    text = HS256.replace(AUDIENCE, f"{AUDIENCE}, revocations: {list_}")
    configured(fieldgate, text)
    gateway = await gateway_process(text)
    async with connect(gateway.ws_url, token=signed(jti="t-1")) as client:
        assert (await run(fieldgate, "revoke", "t-1")).code == 0
        assert await client.wait_closed(WITHIN) == 4403
    async with connect(gateway.ws_url, token=signed(jti="t-2")) as client:
        list_.write_text('{"revoked": {"t-2"')
        await eventually(lambda: "stays in force" in gateway.stderr_text(), WITHIN, "an error in the log")
        assert (await client.request({"type": "ping"}))["type"] == "pong"
    async with connect(gateway.ws_url, token=signed(jti="t-1")) as client:
        assert await client.wait_closed(WITHIN) == 4401
    with pytest.raises(RuntimeError, match=f"the revoked tokens are not known: {list_}: is not JSON"):
        await gateway.restart()
    assert gateway.exit_code == 1


# ---- list


async def test_the_list_names_tokens_the_key_and_what_is_revoked_and_no_secret(fieldgate: Fieldgate) -> None:
    digest = "0" * 63 + "1"
    wall = f"{{name: wall, sha256: '{digest}', read: ['*'], command: [a, 'b*']}}"
    configured(fieldgate, HS256.replace("auth:\n", f"auth:\n  tokens: [{wall}]\n  anonymous: {{read: [a]}}\n"))
    ended = await run(fieldgate, "list")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "token\twall\t*\ta, b*\t-", "anonymous\t-\ta\t-\t-", f"jwt\tHS256 for {AUDIENCE}\t-\t-\t-",
    ]  # fmt: skip
    folder = fieldgate.directory / "state"
    folder.mkdir()
    (folder / "revoked.json").write_text('{"revoked": {"t-1": 1800000000, "t-2": null}}')
    ended = await run(fieldgate, "list")
    assert ended.out.splitlines()[3:] == ["revoked\tt-1\t-\t-\t2027-01-15T08:00:00Z", "revoked\tt-2\t-\t-\t-"]
    assert digest not in ended.out
    assert SECRET not in ended.out


@pytest.mark.parametrize(
    ("text", "said"), [(ADAPTERS, "everyone on this machine may do everything"), ("auth: {}", "nobody is let in")]
)
async def test_where_there_are_no_tokens_the_list_says_what_that_means(
    fieldgate: Fieldgate, text: str, said: str
) -> None:
    configured(fieldgate, text)
    ended = await run(fieldgate, "list")
    assert (ended.code, ended.out) == (0, "")
    assert said in ended.err
