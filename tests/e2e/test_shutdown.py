"""The end: within five seconds whatever hangs, with exit code 0 and 1001 for every client."""

import asyncio
import contextlib
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.adapters.pty import bare_pty
from tests.e2e.simulators import Simulators
from tests.e2e.site import ready, site, watching
from tests.parts.client import Client, connect
from tests.parts.gateway import GatewayProcess, StartGateway
from tests.parts.mosquitto import Mosquitto
from tests.parts.waiting import eventually

ENDS_WITHIN = 5.0  # seconds


async def end(gateway: GatewayProcess, clients: list[Client], number: signal.Signals = signal.SIGTERM) -> None:
    """Ends it, and sees that it ends as it should."""
    began = time.monotonic()
    gateway.signal(number)
    codes = await asyncio.gather(*(client.wait_closed(10) for client in clients))
    assert set(codes) <= {1001}
    await eventually(lambda: not gateway.running, 10, "the gateway's end")
    assert time.monotonic() - began < ENDS_WITHIN
    assert gateway.exit_code == 0, gateway.stderr_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_under_load_it_ends_in_time_and_every_client_hears_why(
    gateway_process: StartGateway,
    simulators: Simulators,
    mosquitto: Mosquitto,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 100)
    await simulators.mqtt(mosquitto.url, "--devices", 50, "--rate", 10)
    gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
    await ready(gateway.url)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(gateway.ws_url)) for _ in range(20)]
        for client in clients[:-2]:
            await client.request({"type": "subscribe", "devices": ["*"]})
        for _ in range(3):
            await asyncio.gather(*(client.next("update") for client in clients[:-2]))
        await end(gateway, clients, number)


async def test_a_client_that_reads_nothing_does_not_hold_it_up(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto
) -> None:
    await simulators.mqtt(mosquitto.url, "--devices", 50, "--rate", 20)
    gateway = await gateway_process(site(url=mosquitto.url))
    async with connect(gateway.ws_url) as healthy, connect(gateway.ws_url) as stalled:
        await stalled.request({"type": "subscribe", "devices": ["*"]})
        stalled._socket._response.connection.transport.pause_reading()  # type: ignore[union-attr]
        await healthy.request({"type": "subscribe", "devices": ["*"]})
        for _ in range(20):
            await healthy.next("update")
        await end(gateway, [healthy])


@pytest.mark.parametrize("part", ["broker", "port", "both"])
async def test_what_hangs_does_not_hold_it_up_and_queued_commands_are_told_their_fate(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path, part: str
) -> None:
    with bare_pty(tmp_path / "board") as pty:
        gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
        await ready(gateway.url)
        async with connect(gateway.ws_url) as client:
            devices = {"broker": ["house.node1"], "port": ["board"], "both": ["board", "house.node1"]}[part]
            if "board" in devices:
                pty.fill()
            if "house.node1" in devices:
                mosquitto.freeze()
            try:
                for id in devices:
                    for number in range(4):
                        command = {"device": id, "point": "fan", "value": bool(number % 2), "ttl": 60}
                        assert (await client.request({"type": "command", **command}))["type"] == "ok"
                await end(gateway, [client])
            finally:
                mosquitto.thaw()
            fates = [frame["command"] for frame in client.aside("command") if frame["command"]["final"]]
            for id in devices:
                mine = [(fate["state"], fate["outcome"]) for fate in fates if fate["device"] == id]
                # The first was on its way, or still being recorded: then it is known that nothing of it was written.
                first = [fate for fate in mine if fate == ("lost", "unknown")]
                assert len(first) <= 1
                assert sorted(mine) == first + [("rejected", "not_executed")] * (4 - len(first))


async def test_while_no_broker_answers_it_ends_at_once(gateway_process: StartGateway, mosquitto: Mosquitto) -> None:
    """Whether it is connecting, or waits for the next attempt."""
    mosquitto.freeze()
    try:
        gateway = await gateway_process(site(url=mosquitto.url))
        async with connect(gateway.ws_url) as client:
            await end(gateway, [client])
    finally:
        mosquitto.thaw()


async def test_signals_that_come_twice_or_all_at_once_end_it_cleanly(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    for _ in range(3):
        gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
        await ready(gateway.url)
        # A reload that starts and stops adapters meets the end.
        gateway.config_path.write_text(
            gateway.config_path.read_text().replace("id: house", "id: other").replace("house.node1", "other.node1")
        )
        gateway.signal(signal.SIGHUP)
        gateway.signal(signal.SIGTERM)
        gateway.signal(signal.SIGINT)
        began = time.monotonic()
        await eventually(lambda gateway=gateway: not gateway.running, 10, "the gateway's end")  # type: ignore[misc]
        assert time.monotonic() - began < ENDS_WITHIN
        assert gateway.exit_code == 0, gateway.stderr_text()
        assert "Traceback" not in gateway.stderr_text()


async def test_clients_come_back_to_a_restarted_gateway_on_its_port(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    gateway = await gateway_process(site(tmp_path / "board"))
    for _ in range(2):
        async with watching(gateway.ws_url) as watched:
            await watched.state("board", "online")
        await gateway.restart()
    async with watching(gateway.ws_url) as watched:
        await watched.state("board", "online")


async def test_a_gateway_that_is_killed_leaves_its_port_and_broker_to_the_next(
    gateway_process: StartGateway, simulators: Simulators, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    gateway = await gateway_process(site(tmp_path / "board", mosquitto.url))
    await ready(gateway.url)
    gateway.kill()
    with contextlib.suppress(RuntimeError):
        await gateway.start()
    assert gateway.running, gateway.stderr_text()
    async with watching(gateway.ws_url) as watched:
        await watched.state("board", "online")
