"""Fixtures of real parts, each on a free loopback port and stopped by its own process id."""

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.parts.gateway import GatewayProcess, StartGateway
from tests.parts.leaks import children, descriptors
from tests.parts.mosquitto import MISSING, Mosquitto, find_mosquitto


def pytest_collection_finish() -> None:
    """Takes what pytest made of all tests out of the way of the garbage collector.

    It would look at it again and again, for up to a second, which tests of what is quick would take for the code's.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    """Fails the session when its tests leave child processes or descriptors."""
    children_before, descriptors_before = children(), descriptors()
    yield
    gc.collect()
    if left := children().keys() - children_before.keys():
        pytest.fail(f"child processes were left: { {pid: line for pid, line in children().items() if pid in left} }")
    if left_open := descriptors() - descriptors_before:
        pytest.fail(f"descriptors were left open: {sorted(left_open)}")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running Mosquitto with nothing in it."""
    if find_mosquitto() is None:
        pytest.fail(MISSING)
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    broker = Mosquitto(directory)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


@pytest.fixture
async def gateway_process(tmp_path: Path) -> AsyncIterator[StartGateway]:
    """Starts gateways: `gateway = await gateway_process(yaml_text)`. All are ended politely after the test."""
    started: list[GatewayProcess] = []

    async def start(config: str) -> GatewayProcess:
        directory = tmp_path / f"gateway{len(started)}"
        directory.mkdir()
        gateway = GatewayProcess(config, directory)
        started.append(gateway)
        await gateway.start()
        return gateway

    try:
        yield start
        for gateway in started:
            if gateway.running:
                assert await gateway.stop() == 0, gateway.stderr_text()
            assert not gateway.hidden_errors(), gateway.hidden_errors()
    finally:
        for gateway in started:
            gateway.kill()
