"""A limit of open files that is too low is said at the start, and kept to later."""

import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.parts.client import connect
from tests.parts.process import Process
from tests.parts.waiting import eventually

_LIMIT = 100
_ROOM = _LIMIT - 64  # the rest is for ports, brokers and files


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
        # Room again, once the others have left.
        async with connect(url) as client:
            assert (await client.request({"type": "devices"}))["devices"] == []
        assert gateway.running
    finally:
        gateway.kill()
    assert "Traceback" not in gateway.stderr_text()
