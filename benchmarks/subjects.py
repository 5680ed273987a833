"""The servers that are measured: the gateway and its peers, each fed by the same Mosquitto."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from tests.parts.gateway import GatewayProcess
from tests.parts.mosquitto import Mosquitto
from tests.parts.ports import free_port
from tests.parts.process import Process
from tests.parts.waiting import wait_for

_START_WITHIN = 20.0  # seconds

# Everything that a benchmark has many of comes from this machine.
GATEWAY = """
gateway: {{name: bench}}
server: {{max_connections: 20000, max_connections_per_address: 20000, limits: {{requests: 100000}}}}
adapters:
{adapters}
"""
TOKEN = "fg_of-the-benchmark"  # noqa: S105  guards nothing
GUARDED = f"""
gateway: {{{{name: bench}}}}
auth: {{{{tokens: [{{{{name: bench, sha256: {sha256(TOKEN.encode()).hexdigest()}, read: ["*"], command: []}}}}]}}}}
adapters:
{{adapters}}
"""
MQTT_ADAPTER = """
  - id: bench
    type: mqtt
    url: {url}
    topics: [{{readings: "bench/{{device}}/telemetry"}}]
"""
SERIAL_ADAPTER = """
  - {{id: board, type: serial, port: {port}, {settings}}}
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A running server: its process, and how the load's clients join it and say what they want."""

    name: str
    pid: int
    port: int
    kind: str  # of client: `fieldgate`, `mqtt` or `plain`
    path: str
    subscribe: str
    token: str = ""  # that its clients show


Start = Callable[[Mosquitto, str], AbstractContextManager[Subject]]


@contextmanager
def broker(*, nodelay: bool = False) -> Iterator[Mosquitto]:
    """A Mosquitto with a WebSocket listener; with Nagle's algorithm unless `nodelay`."""
    with tempfile.TemporaryDirectory(prefix="fieldgate-bench-") as directory:
        mosquitto = Mosquitto(Path(directory), websockets=True, nodelay=nodelay)
        try:
            mosquitto.start()
            yield mosquitto
        finally:
            mosquitto.kill()


@contextmanager
def gateway(adapters: str, settings: str = GATEWAY) -> Iterator[GatewayProcess]:
    """`fieldgate run` with these adapters, ended politely."""
    with tempfile.TemporaryDirectory(prefix="fieldgate-bench-") as directory:
        process = GatewayProcess(settings.format(adapters=adapters), Path(directory))
        try:
            asyncio.run(process.start())
            yield process
            asyncio.run(process.stop())
        finally:
            process.kill()
        if process.hidden_errors():
            raise RuntimeError(process.hidden_errors())


@contextmanager
def fieldgate(mosquitto: Mosquitto, device: str) -> Iterator[Subject]:
    """The gateway, reading from the broker; `device` is `*` for all."""
    with gateway(MQTT_ADAPTER.format(url=mosquitto.url)) as process:
        yield gateway_subject(process, f"bench.{device}")


@contextmanager
def guarded(mosquitto: Mosquitto, device: str) -> Iterator[Subject]:
    """The gateway with its limits as they are by default, and nobody let in without a token."""
    with gateway(MQTT_ADAPTER.format(url=mosquitto.url), GUARDED) as process:
        yield replace(gateway_subject(process, f"bench.{device}"), token=TOKEN)


def gateway_subject(process: GatewayProcess, devices: str) -> Subject:
    """A running gateway, whose clients subscribe to these devices."""
    return Subject("fieldgate", process.pid, port_of(process), "fieldgate", "/ws", devices)


@contextmanager
def mosquitto(mosquitto: Mosquitto, device: str) -> Iterator[Subject]:
    """The broker itself, by its own WebSocket listener."""
    assert mosquitto.ws_port is not None
    topic = f"bench/{'+' if device == '*' else device}/telemetry"
    yield Subject("mosquitto", mosquitto.pid, mosquitto.ws_port, "mqtt", "/mqtt", topic)


def fastapi(mosquitto: Mosquitto, device: str) -> AbstractContextManager[Subject]:
    """A plain FastAPI connection manager on uvicorn."""
    return _peer("fastapi", mosquitto)


def websockets(mosquitto: Mosquitto, device: str) -> AbstractContextManager[Subject]:
    """`websockets.broadcast`."""
    return _peer("websockets", mosquitto)


@contextmanager
def _peer(name: str, mosquitto: Mosquitto) -> Iterator[Subject]:
    port = free_port()
    with peer(f"{name}_peer", port, mosquitto.port) as process:
        yield Subject(name, process.pid, port, "plain", "/ws", "")


@contextmanager
def peer(module: str, *arguments: object) -> Iterator[Process]:
    """A program of `benchmarks.peers` that has said `ready`, stopped afterwards."""
    with tempfile.TemporaryDirectory(prefix="fieldgate-bench-") as directory:
        process = Process(module, Path(directory))
        try:
            process.start([sys.executable, "-m", f"benchmarks.peers.{module}", *map(str, arguments)])
            await_word(process, "ready", _START_WITHIN)
            yield process
        finally:
            process.kill()


def await_word(process: Process, word: str, patience: float) -> None:
    """Waits until the process prints the word; RuntimeError when it ends instead."""
    wait_for(lambda: word in process.stdout_text() or not process.running, patience, f"{process.name}: {word}")
    if not process.running:
        raise RuntimeError(f"{process.name} ended:\n{process.stderr_text()}")


def port_of(process: GatewayProcess) -> int:
    """The port that a gateway serves on."""
    return int(process.url.rpartition(":")[2])
