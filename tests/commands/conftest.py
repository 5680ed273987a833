"""A bench whose commands are carried out."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.commands.bench import Bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    await asyncio.sleep(0)
    yield bench
    await bench.stop()
