"""A desk without tokens, whose commands are carried out; whole gateways in this process."""

from collections.abc import AsyncIterator

import pytest

from tests.server.desk import Desk, running
from tests.server.live import Serve, serving


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with running(Desk()) as desk:
        yield desk


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts whole gateways in this process: `live = await serve(auth={…})`."""
    async with serving() as serve:
        yield serve
