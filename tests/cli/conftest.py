"""Fixtures of the command line's tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.cli.command import Fieldgate
from tests.cli.relay import Relay


@pytest.fixture
def fieldgate(tmp_path: Path) -> Iterator[Fieldgate]:
    """Runs commands; those that still run when the test ends are killed."""
    directory = tmp_path / "commands"
    directory.mkdir()
    commands = Fieldgate(directory)
    try:
        yield commands
    finally:
        commands.kill()


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """A relay that cuts connections when it is told to."""
    async with Relay() as made:
        yield made
