"""`tail` and `send` over TLS, and what `run` and `check` say of certificates and of the log."""

import hashlib
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from device_sims.fixtures import SerialBoardFactory
from tests.cli.command import Fieldgate
from tests.parts.certificates import Authority, Pair
from tests.parts.gateway import GatewayProcess, StartGateway
from tests.parts.waiting import eventually

WITHIN = 20.0  # seconds
BENCH = "adapters: [{id: bench, type: loopback}]\n"
TOKENS = f"auth: {{tokens: [{{name: a, sha256: '{hashlib.sha256(b'a').hexdigest()}', read: ['*']}}]}}\n"
CLEAR_TEXT = "tokens cross the network in clear text"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


def server(pair: Pair, **more: str) -> str:
    return f"server: {json.dumps({'tls': pair.section(), **more})}\n"


async def reload(gateway: GatewayProcess, section: dict[str, Any]) -> str:
    """Changes the section `server` and gives what the gateway says to that."""
    yaml = YAML()
    tree = yaml.load(gateway.config_path.read_text())
    tree["server"] = {"listen": tree["server"]["listen"], **section}
    with gateway.config_path.open("w") as file:
        yaml.dump(tree, file)
    before = len(gateway.stderr_text())
    gateway.signal(signal.SIGHUP)
    await eventually(lambda: "read again" in gateway.stderr_text()[before:], WITHIN, "the answer to SIGHUP")
    return gateway.stderr_text()[before:]


async def test_tail_and_send_trust_the_authority_that_they_are_given(
    fieldgate: Fieldgate, gateway_process: StartGateway, serial_board: SerialBoardFactory, authority: Authority
) -> None:
    board = await serial_board("climate", rate=20)
    gateway = await gateway_process(
        server(authority.sign())
        + f"adapters: [{{id: board, type: serial, port: {board.link}, commands: {{codec: json}}}}]\n"
        + "devices: {board: {points: {fan: {type: boolean, writable: true}}}}\n"
    )
    assert gateway.url.startswith("https://127.0.0.1:")
    tail = fieldgate.start("tail", "--json", "--url", gateway.url, "--ca", str(authority.file))
    await eventually(lambda: "temperature" in tail.stdout_text(), WITHIN, "a reading")
    send = await fieldgate.run(
        "send", "board", "fan", "on", FIELDGATE_URL=gateway.url, FIELDGATE_CA=str(authority.file)
    )
    assert (send.code, send.out.splitlines()[-1]) == (0, "executed"), send


async def test_the_gateway_s_own_certificate_may_be_named_as_the_authority(
    fieldgate: Fieldgate, gateway_process: StartGateway, authority: Authority
) -> None:
    pair = authority.sign()
    gateway = await gateway_process(server(pair) + BENCH)
    ended = await fieldgate.run("send", "bench", "x", "--url", gateway.url, "--ca", str(pair.certificate))
    assert (ended.code, ended.err) == (1, "fieldgate: not executed: bench has no point 'x'\n")


@pytest.mark.parametrize("command", [("tail",), ("send", "bench", "x")])
async def test_a_certificate_that_is_not_trusted_gives_one_line_and_exit_1(
    fieldgate: Fieldgate, gateway_process: StartGateway, authority: Authority, tmp_path: Path, command: tuple[str, ...]
) -> None:
    gateway = await gateway_process(server(authority.sign()) + BENCH)
    stranger = Authority(tmp_path / "stranger")
    for trust in ((), ("--ca", str(stranger.file))):
        ended = await fieldgate.run(*command, "--url", gateway.url, *trust)
        assert (ended.code, ended.out) == (1, "")
        (line,) = ended.err.splitlines()
        assert f"{gateway.url} shows a certificate that is not trusted: " in line
        assert line.endswith("(--ca FILE or FIELDGATE_CA names its authority)")


async def test_tls_where_there_is_none_gives_one_line_and_exit_1(
    fieldgate: Fieldgate, gateway_process: StartGateway
) -> None:
    gateway = await gateway_process(BENCH)
    url = gateway.url.replace("http:", "https:")
    ended = await fieldgate.run("tail", "--url", url)
    assert (ended.code, ended.err) == (1, f"fieldgate: {url} does not speak TLS: is it an http:// address?\n")


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read: No such file or directory"), ("no", "holds no")])
async def test_an_authority_that_cannot_be_used_is_a_usage_error(
    fieldgate: Fieldgate, content: str | None, said: str
) -> None:
    file = fieldgate.directory / "ca.pem"
    if content is not None:
        file.write_text(content)
    ended = await fieldgate.run("tail", "--ca", str(file))
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"fieldgate: {file} {said}")


async def test_check_and_run_tell_of_a_pair_that_cannot_be_used_and_start_nothing(
    fieldgate: Fieldgate, authority: Authority
) -> None:
    pair, other = authority.sign(), authority.sign("other")
    file = fieldgate.directory / "fieldgate.yaml"
    file.write_text(server(Pair(pair.certificate, other.key)) + BENCH)
    for command in ("check", "run"):
        ended = await fieldgate.run(command)
        assert (ended.code, ended.out) == (2, "")
        (line,) = ended.err.splitlines()
        assert f"server.tls: the key {other.key} does not belong to the certificate {pair.certificate}" in line


async def test_sighup_takes_other_files_over_and_says_that_ending_tls_takes_a_restart(
    gateway_process: StartGateway, authority: Authority
) -> None:
    gateway = await gateway_process(server(authority.sign()) + BENCH)
    second = authority.sign("second")
    assert "takes a restart" not in await reload(gateway, {"tls": second.section()})
    expected = f"now using the certificate {second.certificate}"
    await eventually(lambda: expected in gateway.stderr_text(), WITHIN, "the second certificate")
    assert "the section `server` changed: that takes a restart" in await reload(gateway, {})
    second.key.unlink()
    said = await reload(gateway, {"tls": second.section()})
    assert f"server.tls: the private key {second.key} cannot be read" in said
    assert "the running one stays" in said


async def test_tokens_in_clear_text_are_said_at_the_start_and_at_each_reload(gateway_process: StartGateway) -> None:
    gateway = await gateway_process("server: {listen: '0.0.0.0:0'}\n" + TOKENS + BENCH)
    assert gateway.stderr_text().count(CLEAR_TEXT) == 1
    assert CLEAR_TEXT in await reload(gateway, {})


@pytest.mark.parametrize(
    "config",
    [
        "server: {listen: '127.0.0.1:0'}\n" + TOKENS,
        "server: {listen: '0.0.0.0:0'}\nauth: {anonymous: {read: ['*']}}\n",
        "server: {listen: '0.0.0.0:0', trusted_proxies: [192.0.2.1]}\n" + TOKENS,
    ],
    ids=["loopback", "no tokens", "behind a proxy"],
)
async def test_nothing_is_said_where_no_token_crosses_the_network_in_clear_text(
    gateway_process: StartGateway, config: str
) -> None:
    gateway = await gateway_process(config + BENCH)
    assert CLEAR_TEXT not in gateway.stderr_text()


async def test_nor_where_there_is_tls(gateway_process: StartGateway, authority: Authority) -> None:
    gateway = await gateway_process(server(authority.sign(), listen="0.0.0.0:0") + TOKENS + BENCH)
    assert CLEAR_TEXT not in gateway.stderr_text()


async def test_the_log_is_json_where_that_is_asked_for_and_text_again_after_a_reload(
    gateway_process: StartGateway,
) -> None:
    gateway = await gateway_process("logging: {format: json, access: true, level: debug}\n" + BENCH)
    await eventually(lambda: "bench is online" in gateway.stderr_text(), WITHIN, "the first line")
    lines = [json.loads(line) for line in gateway.stderr_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    assert "bench is online" in [line["message"] for line in lines]
    gateway.config_path.write_text(gateway.config_path.read_text().replace("json", "text"))
    said = await reload(gateway, {})
    assert "info gateway.cli.run: the configuration was read again" in said
