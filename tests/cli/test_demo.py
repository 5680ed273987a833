"""`fieldgate demo`."""

import asyncio
import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from gateway.cli.client import Address, fetch
from tests.cli.command import Fieldgate
from tests.parts.process import Process
from tests.parts.waiting import INTERVAL, eventually

READY_WITHIN = 40.0  # seconds, on a busy machine


def children(pid: int) -> set[int]:
    """The processes that this one started."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.add(int(stat.parent.name))
        except OSError:  # it ended while we looked
            continue
    return found


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if (Path("/proc") / str(pid)).exists()}


def folders(directory: Path) -> list[Path]:
    return list(directory.glob("fieldgate-demo-*"))


async def ready(process: Process) -> str:
    """The address, once it is said."""
    await eventually(lambda: "ready" in process.stdout_text() or not process.running, READY_WITHIN, "the demo's start")
    found = re.fullmatch(r"Fieldgate is ready at (http://127\.0\.0\.1:\d+)\n", process.stdout_text())
    assert found, process.stderr_text()
    return found[1]


async def all_up(url: str) -> None:
    """Waits until every device has sent something."""
    async with asyncio.timeout(20):
        while not all(
            device["state"] == "online" and device["values"] for device in await fetch(Address(url), "devices")
        ):
            await asyncio.sleep(INTERVAL)


def start(fieldgate: Fieldgate, *arguments: str) -> Process:
    return fieldgate.start("demo", "--listen", "127.0.0.1:0", *arguments, TMPDIR=str(fieldgate.directory))


async def test_it_ends_by_itself_with_0_and_leaves_nothing(fieldgate: Fieldgate) -> None:
    process = start(fieldgate, "--duration", "3")
    await ready(process)
    played = children(process.pid)
    assert len(played) == 6  # the broker, two boards, three groups of nodes
    ended = await fieldgate.ended(process)
    assert ended.code == 0, ended.err
    assert alive(played) == set()
    assert folders(fieldgate.directory) == []


async def test_all_devices_come_online_and_obey(fieldgate: Fieldgate) -> None:
    process = start(fieldgate)
    url = await ready(process)
    await all_up(url)
    devices = {device["id"]: device for device in await fetch(Address(url), "devices")}
    assert {device["name"] for device in devices.values()} == {
        "Greenhouse",
        "Workshop power",
        "Living room",
        "Bedroom",
        "Rain barrel",
        "Cellar (weak radio)",
    }
    assert devices["greenhouse"]["points"]["temperature"]["unit"] == "Cel"
    for device, point, value, outcome in (
        ("workshop", "relay", "off", "acked"),
        ("house.node2", "setpoint", "19.5", "acked"),
        ("garden.node1", "valve", "off", "verified"),
    ):
        ended = await fieldgate.run("send", device, point, value, "--url", url)
        assert (ended.code, ended.out.splitlines()[-2:]) == (0, [outcome, "executed"]), ended.err
    process.signal(signal.SIGINT)
    ended = await fieldgate.ended(process)
    assert ended.code == 0
    # Two lines for a person, and no complaint of any part.
    assert len(ended.err.splitlines()) == 2, ended.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
async def test_no_child_outlives_it_whatever_ends_it(fieldgate: Fieldgate, number: signal.Signals) -> None:
    process = start(fieldgate)
    await all_up(await ready(process))
    played = children(process.pid)
    assert len(played) == 6
    process.signal(number)
    ended = await fieldgate.ended(process)
    assert ended.code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    await eventually(lambda: not alive(played), 10, "the end of the children")


async def test_a_busy_port_is_one_line_and_exit_1_before_anything_starts(fieldgate: Fieldgate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = await fieldgate.run("demo", "--listen", place)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines() == [
        f"fieldgate: cannot listen on {place}: address already in use; take another with --listen ADDRESS:PORT"
    ]


async def test_without_its_broker_it_says_what_to_install(fieldgate: Fieldgate) -> None:
    # As where it is not installed: the import system finds nothing.
    hide = "import sys; sys.modules['iotcore'] = None; from gateway.cli import main; main()"
    ended = await fieldgate.ended(fieldgate.start_program(sys.executable, "-c", hide, "demo"))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "fieldgate: the demo needs its own MQTT broker: pip install 'fieldgate[demo]'\n"


async def test_an_address_that_is_none_is_exit_2(fieldgate: Fieldgate) -> None:
    ended = await fieldgate.run("demo", "--listen", "here")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "fieldgate: --listen: expected ADDRESS:PORT, such as 127.0.0.1:8080, not 'here'\n"
