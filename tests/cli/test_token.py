"""`fieldgate token create`."""

import re

import pytest

from tests.cli.command import Fieldgate
from tests.parts.client import connect
from tests.parts.gateway import StartGateway


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
    gateway = await gateway_process(f"{yaml}\nadapters: [{{id: bench, type: loopback}}]\n")
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["wall panel", "--read", "*"], "'wall panel' is not a name"),
        (["panel"], "a token without rights"),
        (["panel", "--read", "${HOME}"], "'${HOME}' is not a glob"),
        (["panel", "--command", 'a"]}'], "is not a glob"),
    ],
)
async def test_what_cannot_be_a_token_is_refused_with_exit_2(
    fieldgate: Fieldgate, arguments: list[str], said: str
) -> None:
    ended = await fieldgate.run("token", "create", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
