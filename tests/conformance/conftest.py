"""Whole gateways in this process."""

from collections.abc import AsyncIterator

import pytest

from tests.server.live import Serve, serving


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts whole gateways in this process: `live = await serve(server={…})`."""
    async with serving() as serve:
        yield serve
