"""`fieldgate run`, and what is true of all commands."""

import asyncio
import signal
import socket
import sys

import pytest

from gateway import __version__
from gateway.cli import _PLACES
from tests.cli.command import Fieldgate
from tests.parts.gateway import StartGateway
from tests.parts.waiting import eventually

ADAPTER = "adapters: [{id: bench, type: loopback}]\n"


async def test_a_busy_port_gives_one_line_and_exit_1(fieldgate: Fieldgate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        (fieldgate.directory / "fieldgate.yaml").write_text(f"server: {{listen: '{place}'}}\n{ADAPTER}")
        ended = await fieldgate.run("run")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines() == [f"fieldgate: cannot listen on {place}: another program uses this port"]


async def test_an_address_of_another_machine_gives_one_line_and_exit_1(fieldgate: Fieldgate) -> None:
    (fieldgate.directory / "fieldgate.yaml").write_text(
        f"server: {{listen: '192.0.2.1:8080'}}\nauth: {{anonymous: {{}}}}\n{ADAPTER}"
    )
    ended = await fieldgate.run("run")
    assert (ended.code, ended.out) == (1, "")
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith("fieldgate: cannot listen on 192.0.2.1:8080: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_with_0_and_a_second_one_changes_nothing(
    gateway_process: StartGateway, number: signal.Signals
) -> None:
    gateway = await gateway_process(ADAPTER)
    gateway.signal(number)
    gateway.signal(number)
    await eventually(lambda: not gateway.running, 5.0, "the gateway's end")
    assert gateway.exit_code == 0, gateway.stderr_text()
    assert gateway.stdout_text() == f"Fieldgate is ready at {gateway.url}\n"


async def test_without_a_configuration_it_says_where_it_looked(fieldgate: Fieldgate) -> None:
    ended = await fieldgate.run("run")
    assert (ended.code, ended.out) == (2, "")
    assert "neither ./fieldgate.yaml nor /etc/fieldgate/fieldgate.yaml exists" in ended.err


async def test_a_gateway_does_not_import_what_other_commands_need(fieldgate: Fieldgate) -> None:
    look = "import gateway.cli.run, sys; print(sorted({'rich', 'iotcore', 'gateway.cli.client'} & set(sys.modules)))"
    ended = await fieldgate.ended(fieldgate.start_program(sys.executable, "-c", look))
    assert ended.out == "[]\n"


async def test_the_version_and_the_help_come_with_exit_0(fieldgate: Fieldgate) -> None:
    version, described = await asyncio.gather(fieldgate.run("--version"), fieldgate.run("-h"))
    assert (version.code, version.out) == (0, f"fieldgate {__version__}\n")
    assert described.code == 0
    helps = [line.split(None, 1) for line in described.out.partition("Commands:")[2].splitlines() if line.strip()]
    assert {name for name, _ in helps} == set(_PLACES)
    assert all(text.endswith(".") and not text.endswith("...") for _, text in helps), described.out


async def test_a_misspelt_command_is_exit_2_with_a_suggestion(fieldgate: Fieldgate) -> None:
    ended = await fieldgate.run("tial")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean 'tail'?" in ended.err
