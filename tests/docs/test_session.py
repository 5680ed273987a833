"""The session that the page on the protocol shows is one that can be had, and so is its small client."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from device_sims.fixtures import SerialBoardFactory
from tests.docs.markdown import doc
from tests.parts.client import Client, Frame, connect
from tests.parts.gateway import GatewayProcess, StartGateway
from tests.parts.process import Process
from tests.parts.waiting import eventually

PAGE = doc("protocol")
TOKEN = "fg_example-of-the-protocol"
DEADLINE = 20.0  # seconds

# Words whose very value is a part of the protocol; of the rest, only names and kinds are compared.
EXACT = {
    "type", "id", "auth", "protocol", "recovered", "device", "point", "state", "final", "outcome", "code", "retry",
    "quality", "confirm", "by", "name", "unit", "title", "read", "command", "heartbeat", "writable", "message",
}  # fmt: skip
UNDER = {"values", "points"}  # maps from names to things, whose keys are no words of the protocol


def configuration(board: Path) -> str:
    text = next(block.text for block in PAGE.blocks if block.language == "yaml")
    assert "port: /tmp/greenhouse" in text
    return text.replace("/tmp/greenhouse", str(board))


def steps() -> Iterator[tuple[str, Any]]:
    """`>` with a message, `<` with a frame, `-` for a new connection."""
    block = next(block for block in PAGE.blocks if block.comment == "session")
    for line in block.text.splitlines():
        if line.startswith(("> ", "< ")):
            yield line[0], json.loads(line[2:])
        elif line.strip():
            assert line.startswith("--- "), line
            yield "-", None


def differs(shown: Any, real: Any, where: str = "") -> list[str]:
    """What of a real frame is not as shown."""
    name = where.rpartition(".")[2]
    if isinstance(shown, dict) and isinstance(real, dict):
        found = [f"{where}.{key}: only one has it" for key in shown.keys() ^ real.keys()]
        return found + [
            d for key in shown.keys() & real.keys() for d in differs(shown[key], real[key], f"{where}.{key}")
        ]
    if isinstance(shown, list) and isinstance(real, list):
        if name in EXACT:
            return [] if shown == real else [f"{where}: {real}"]
        return (
            differs(shown[0], real[0], where) if shown and real else [f"{where}: {real}"] * (bool(shown) != bool(real))
        )
    if type(shown) is not type(real) and not {type(shown), type(real)} <= {int, float}:
        return [f"{where}: {real!r}"]
    parent = where.rpartition(".")[0].rpartition(".")[2]
    exact = name in EXACT and parent not in UNDER
    return [f"{where}: {real!r}, not {shown!r}"] if exact and shown != real else []


async def online(gateway: GatewayProcess) -> None:
    """Waits until the board was heard and all its points are known."""
    async with connect(gateway.ws_url, token=TOKEN) as watcher:
        reply = await watcher.request({"type": "subscribe", "devices": ["greenhouse"]})
        assert reply["type"] == "ok"

        def heard(frame: Frame) -> bool:
            return any(device["state"] == "online" and device["values"] for device in frame.get("devices", []))

        await watcher.until(heard, DEADLINE, "the board")


async def test_the_session_of_the_page_can_be_had(
    serial_board: SerialBoardFactory, gateway_process: StartGateway
) -> None:
    board = await serial_board(rate=5)
    gateway = await gateway_process(configuration(board.link))
    await online(gateway)
    cursor = sub = ""
    async with AsyncExitStack() as connections:
        client: Client = await connections.enter_async_context(connect(gateway.ws_url))
        greeted = False
        for who, message in steps():
            if who == "-":
                await connections.aclose()
                gone = board.sent
                await eventually(lambda gone=gone: board.sent > gone + 1, DEADLINE, "readings to miss")  # type: ignore[misc]
                client, greeted = await connections.enter_async_context(connect(gateway.ws_url)), False
            elif who == ">":
                ours = {"sub": sub, "since": cursor}
                await client.send({key: ours.get(key, value) for key, value in message.items()})
            else:
                kind = message["type"]
                if kind == "hello" and not greeted:
                    frame, greeted = client.hello, True
                else:
                    frame = await client.next(kind, DEADLINE)
                assert not differs(message, frame), f"{json.dumps(frame)}\n" + "\n".join(differs(message, frame))
                cursor = frame.get("cursor", cursor)
                sub = frame.get("sub", sub)


async def test_the_small_client_follows_a_gateway_over_its_restart(
    serial_board: SerialBoardFactory, gateway_process: StartGateway, tmp_path: Path
) -> None:
    board = await serial_board(rate=5)
    gateway = await gateway_process(configuration(board.link))
    folder = tmp_path / "client"
    folder.mkdir()
    program = folder / "client.py"
    program.write_text(next(block.text for block in PAGE.blocks if block.language == "python"), encoding="utf-8")
    client = Process("client", folder)
    client.start([sys.executable, str(program)], {"FIELDGATE_URL": gateway.url, "FIELDGATE_TOKEN": TOKEN, "PATH": ""})
    try:
        await told(client, 5)
        numbers = [int(number) for number in re.findall(r"'sequence': (\d+)", client.stdout_text())]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "readings are missing, or came twice"
        await gateway.restart()
        await told(client, client.stdout_text().count("\n") + 3)
        assert client.running, client.stderr_text()
    finally:
        client.kill()
    assert "greenhouse {'temperature': " in client.stdout_text()
    assert not client.stderr_text()


async def told(client: Process, lines: int) -> None:
    """Waits until the client has printed so many lines."""
    async with asyncio.timeout(2 * DEADLINE):
        await eventually(
            lambda: client.stdout_text().count("\n") >= lines or not client.running, 2 * DEADLINE, f"{lines} lines"
        )
    assert client.running, client.stderr_text()
