"""K1 and K2: a command's way from a client to the device's yes, beside a bare writer on the same link."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import aiohttp
import aiomqtt

from benchmarks.report import Row
from benchmarks.streams import Pace
from benchmarks.subjects import broker, gateway
from tests.parts.process import Process
from tests.parts.waiting import wait_for

_WARM = 50  # commands before it is measured
_A_SECOND = 200  # about what goes through: turns seconds into counts
_PATIENCE = 30.0  # seconds

_SERIAL = """
  - {{id: board, type: serial, port: {link}, commands: {{}}}}
devices: {{board: {{points: {{setpoint: {{type: number, writable: true}}}}}}}}
"""
_MQTT = """
  - id: house
    type: mqtt
    url: {url}
    topics:
      - readings: sensors/{{device}}/telemetry
        commands: {{topic: "sensors/{{device}}/set", ack: "sensors/{{device}}/ack"}}
devices: {{house.node1: {{points: {{setpoint: {{type: number, writable: true}}}}}}}}
"""

_AT_ONCE = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)

Times = list[float]  # seconds from the command to the yes


def serial_commands(pace: Pace) -> list[Row]:
    """K1: a board on a pty."""
    pairs = []
    for _ in range(pace.rounds):
        with tempfile.TemporaryDirectory(prefix="fieldgate-bench-") as directory:
            link = Path(directory) / "board"
            with _simulator("serial", "--link", link, "--rate", 1):
                wait_for(link.exists, _PATIENCE, "the board")
                with gateway(_SERIAL.format(link=link)) as process:
                    ours = asyncio.run(_through_the_gateway(process.ws_url, "board", _count(pace)))
                theirs = asyncio.run(_along_the_line(link, _count(pace)))
        pairs.append((ours, theirs))
        _say(pace, ours, theirs)
    return [_row("K1", "commands to a board on a pty", "bare writer on the pty", pairs)]


def mqtt_commands(pace: Pace) -> list[Row]:
    """K2: a node on Mosquitto."""
    pairs = []
    for _ in range(pace.rounds):
        # As it comes, Mosquitto holds answers back for up to 40 ms, which would be all that is measured.
        with (
            broker(nodelay=True) as mosquitto,
            _simulator("mqtt", "--url", mosquitto.url, "--devices", 1, "--rate", 1),
        ):
            with gateway(_MQTT.format(url=mosquitto.url)) as process:
                ours = asyncio.run(_through_the_gateway(process.ws_url, "house.node1", _count(pace)))
            theirs = asyncio.run(_through_the_broker(mosquitto.port, _count(pace)))
        pairs.append((ours, theirs))
        _say(pace, ours, theirs)
    return [_row("K2", "commands to a node on a broker", "bare aiomqtt client", pairs)]


# ---- inside


def _count(pace: Pace) -> int:
    return int(_A_SECOND * pace.seconds)


@contextmanager
def _simulator(*arguments: object) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="fieldgate-bench-") as directory:
        process = Process("device_sims", Path(directory))
        try:
            process.start([sys.executable, "-m", "device_sims", *map(str, arguments)])
            yield
        finally:
            process.kill()


async def _timed(command: Callable[[int], Awaitable[None]], count: int) -> Times:
    """The times of `count` commands, one after the other."""
    times = []
    for number in range(_WARM + count):
        before = time.perf_counter()
        async with asyncio.timeout(_PATIENCE):
            await command(number)
        times.append(time.perf_counter() - before)
    return times[_WARM:]


def _value(number: int) -> float:
    return 5 + number % 20_000 / 1000


async def _through_the_gateway(url: str, device: str, count: int) -> Times:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:

        async def command(number: int) -> None:
            request = {"type": "command", "id": number, "device": device, "point": "setpoint", "value": _value(number)}
            await socket.send_json(request)
            while True:
                frame = json.loads(await socket.receive_str())
                if frame["type"] == "error":
                    raise RuntimeError(frame["message"])
                told = frame.get("command", {})
                if told.get("final"):
                    if told["outcome"] != "executed":
                        raise RuntimeError(f"{told['state']}: {told['detail']}")
                    return

        await _until_known(session, url, device)
        return await _timed(command, count)


async def _until_known(session: aiohttp.ClientSession, url: str, device: str) -> None:
    """Until the device was heard: before that, commands would be refused."""
    address = url.replace("ws", "http", 1).removesuffix("/ws") + f"/api/v1/devices/{device}"
    async with asyncio.timeout(_PATIENCE):
        while True:
            async with session.get(address) as answer:
                if answer.status == 200 and (await answer.json())["state"] == "online":
                    return
            await asyncio.sleep(0.05)


async def _along_the_line(link: Path, count: int) -> Times:
    """Writes lines to the pty, and reads them, with nothing between."""
    descriptor = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:

        async def command(number: int) -> None:
            request = {"command": "setpoint", "value": _value(number), "id": number}
            os.write(descriptor, json.dumps(request).encode() + b"\n")
            while json.loads(await reader.readline()).get("ack") != number:
                pass

        return await _timed(command, count)
    finally:
        transport.close()


async def _through_the_broker(port: int, count: int) -> Times:
    """Publishes with QoS 1, as the gateway does, and awaits the answer."""
    async with aiomqtt.Client("127.0.0.1", port, socket_options=_AT_ONCE) as client:
        await client.subscribe("sensors/node1/ack", qos=1)
        messages = client.messages

        async def command(number: int) -> None:
            request = {"command": "setpoint", "value": _value(number), "id": number}
            await client.publish("sensors/node1/set", json.dumps(request), qos=1)
            async for message in messages:
                if json.loads(bytes(message.payload)).get("ack") == number:
                    return

        return await _timed(command, count)


def _row(id: str, work: str, peer: str, pairs: list[tuple[Times, Times]]) -> Row:
    """No target was set for these: they are measured so that a change shows."""
    ours, theirs = (median(median(times[side]) for times in pairs) for side in (0, 1))
    tail, their_tail = (median(_p99(times[side]) for times in pairs) for side in (0, 1))
    rate = median(len(times[0]) / sum(times[0]) for times in pairs)
    return Row(
        id,
        work,
        f"p50 to the device's yes : {peer}",
        f"{ours * 1000:.2f} ms",
        f"{theirs * 1000:.2f} ms",
        median(median(a) / median(b) for a, b in pairs),
        None,
        None,
        "x",
        len(pairs),
        notes=[
            f"p99 {tail * 1000:.2f} ms, beside {their_tail * 1000:.2f} ms; {rate:.0f} commands a second, one at a time "
            "and each recorded durably before it is written"
        ],
    )


def _p99(times: Times) -> float:
    return quantiles(times, n=100)[98]


def _say(pace: Pace, ours: Times, theirs: Times) -> None:
    shown = [f"p50 {median(times) * 1000:.2f} ms, p99 {_p99(times) * 1000:.2f} ms" for times in (ours, theirs)]
    pace.say(f" fieldgate: {shown[0]}; bare: {shown[1]}")
