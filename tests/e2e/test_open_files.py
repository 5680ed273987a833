"""A limit of open files that is too low is said at the start, and kept to later."""

import asyncio
import os
import re
import resource
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.simulators import Simulators
from tests.e2e.site import ready, site, watching
from tests.parts.client import connect
from tests.parts.gateway import StartGateway
from tests.parts.process import Process
from tests.parts.waiting import eventually

_LIMIT = 100
_SOCKETS = _LIMIT - 64  # the rest is for ports, brokers and files
_ROOM = _SOCKETS - (_SOCKETS // 4 + 1)  # some are kept for health and pages


async def test_a_low_limit_is_said_at_the_start_and_met_with_503_instead_of_a_crash(tmp_path: Path) -> None:
    config = tmp_path / "fieldgate.yaml"
    config.write_text("server: {listen: 127.0.0.1:0}\naudit: {path: audit.db}\n", encoding="utf-8")
    gateway = Process("fieldgate", tmp_path)
    gateway.start(
        ["/bin/sh", "-c", f'ulimit -n {_LIMIT}; exec "$0" -m gateway.cli run "$1"', sys.executable, str(config)]
    )
    try:
        await eventually(lambda: "is ready at" in gateway.stdout_text(), 15)
        assert re.search(
            rf"limit of open files leaves room for {_ROOM} connections, not server.max_connections = 10000: raise it",
            gateway.stderr_text(),
        )
        url = gateway.stdout_text().split()[-1].replace("http", "ws", 1) + "/ws"
        async with AsyncExitStack() as stack:
            for _ in range(_ROOM):
                await stack.enter_async_context(connect(url))
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await stack.enter_async_context(connect(url))
            assert refused.value.status == 503
            async with (
                aiohttp.ClientSession() as http,
                http.get(url.replace("ws", "http", 1)[:-3] + "/healthz") as answer,
            ):
                assert answer.status == 200
        # Room again, once the others have left.
        async with connect(url) as client:
            assert (await client.request({"type": "devices"}))["devices"] == []
        assert gateway.running
    finally:
        gateway.kill()
    assert "Traceback" not in gateway.stderr_text()


async def test_used_up_descriptors_stop_no_stream_and_accepting_resumes_once_one_is_free(
    gateway_process: StartGateway, simulators: Simulators, tmp_path: Path
) -> None:
    await simulators.serial(tmp_path / "board", "--rate", 50)
    gateway = await gateway_process(site(tmp_path / "board"))
    await ready(gateway.url)
    host, port = gateway.url.removeprefix("http://").split(":")
    async with watching(gateway.ws_url) as watched, AsyncExitStack() as stack:
        await watched.until(lambda: watched.values("board", "sequence"), "a first reading")
        # Nobody warned it: the limit falls below what it counts on.
        used = max(map(int, os.listdir(f"/proc/{gateway.pid}/fd"))) + 1
        _, hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (used, hard))
        waiting = []
        for _ in range(50):
            _, writer = await asyncio.open_connection(host, int(port))  # the kernel accepts them for it
            waiting.append(writer)
            stack.push_async_callback(_gone, writer)
        await eventually(lambda: "no connection can be accepted" in gateway.stderr_text(), 20, "what the log says")
        before = len(watched.values("board", "sequence"))
        await watched.until(
            lambda: len(watched.values("board", "sequence")) > before + 150, "three seconds of readings"
        )
        numbers = watched.values("board", "sequence")
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        said = [line for line in gateway.stderr_text().splitlines() if "no connection can be accepted" in line]
        assert 1 <= len(said) <= 5
        assert len(gateway.stderr_text().splitlines()) < 30
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (hard, hard))
        async with connect(gateway.ws_url) as client:
            assert (await client.request({"type": "ping"}))["type"] == "pong"
    assert "Traceback" not in gateway.stderr_text()


async def _gone(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
