"""The audit in a whole gateway: what a restart remembers, and what a disk that cannot be written stops."""

import asyncio
import resource
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from device_sims.fixtures import SerialBoardFactory
from gateway.audit.history import History
from tests.parts.client import connect
from tests.parts.gateway import StartGateway

CONFIG = """
audit: {path: audit.db}
adapters: [{id: bench, type: loopback}]
devices: {bench: {points: {fan: {type: boolean, writable: true}}}}
"""


def switch(key: str, value: bool = True) -> dict[str, Any]:
    return {"type": "command", "device": "bench", "point": "fan", "value": value, "key": key, "confirm": "acked"}


async def test_a_key_of_before_a_kill_returns_the_command_as_it_stands_and_another_body_is_a_conflict(
    gateway_process: StartGateway,
) -> None:
    gateway = await gateway_process(CONFIG)
    async with connect(gateway.ws_url) as client:
        await client.request(switch("k1"))
        done = await client.until(lambda f: f["type"] == "command" and f["command"]["final"], 20)
        await client.request(switch("k2"))  # its claim takes what was said of the first along
        await client.until(
            lambda f: f["type"] == "command" and f["command"]["key"] == "k2" and f["command"]["final"], 20
        )
    gateway.kill()
    await gateway.start()
    async with connect(gateway.ws_url) as client:
        again = await client.request(switch("k1"))
        assert again["command"] == done["command"]
        assert (await client.request(switch("k1", value=False)))["code"] == "conflict"
    await gateway.stop()
    rows = [told.command["key"] for told in History(gateway.config_path.parent / "audit.db").oldest() if told.command]
    assert rows == ["k1", "k2"]  # nothing was done again


async def test_a_second_gateway_with_the_same_audit_does_not_start(
    gateway_process: StartGateway, tmp_path: Path
) -> None:
    gateway = await gateway_process(CONFIG)
    config = CONFIG.replace("audit.db", str(gateway.config_path.parent / "audit.db"))
    with pytest.raises(RuntimeError, match="ended with 1 at its start") as caught:
        await gateway_process(config)
    assert "is kept by another gateway that runs; give this one an `audit: path:` of its own" in str(caught.value)
    assert "Traceback" not in str(caught.value)


async def test_without_an_audit_commands_are_carried_out_and_no_file_is_made(gateway_process: StartGateway) -> None:
    gateway = await gateway_process(CONFIG.replace("path: audit.db", "enabled: false"))
    async with connect(gateway.ws_url) as client:
        await client.request(switch("k1"))
        done = await client.until(lambda f: f["type"] == "command" and f["command"]["final"], 20)
        assert done["command"]["outcome"] == "executed"
    await gateway.stop()
    assert not list(gateway.config_path.parent.glob("audit.db*"))


async def test_on_a_full_disk_commands_are_refused_and_readings_stream_on(
    gateway_process: StartGateway, serial_board: SerialBoardFactory
) -> None:
    board = await serial_board("climate", rate=20, seed=1)
    gateway = await gateway_process(
        CONFIG.replace("adapters: [", f"adapters: [{{id: board, type: serial, port: {board.link}}}, ")
    )
    unlimited = resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE)

    async def ready() -> tuple[int, str]:
        async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}/readyz") as answer:
            return answer.status, await answer.text()

    async with connect(gateway.ws_url) as client, asyncio.timeout(60):
        while (await ready())[0] != 200:
            await asyncio.sleep(0.05)
        # No file may grow beyond this, which is what a full disk is to the program.
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (33 << 10, unlimited[1]))
        answer: dict[str, Any] = {}
        unready, number = (0, ""), 0
        while answer.get("code") != "unavailable" or unready[0] != 503:
            number += 1
            answer, unready = await client.request(switch(f"k{number}")), await ready()
        assert answer["message"].startswith("commands cannot be recorded: ")
        assert "commands cannot be recorded: " in unready[1]
        await client.request({"type": "subscribe", "devices": ["board"]})
        for _ in range(20):
            await client.next("update")
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, unlimited)
        while (await client.request(switch(f"after{number}")))["type"] != "ok":
            number += 1
            await asyncio.sleep(0.05)
        assert (await ready())[0] == 200
    await gateway.stop()
    History(gateway.config_path.parent / "audit.db").verify()
