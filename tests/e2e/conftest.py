"""What every end-to-end test starts from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.simulators import Simulators


@pytest.fixture
def simulators(tmp_path: Path) -> Iterator[Simulators]:
    """Starts simulators; all are ended after the test."""
    directory = tmp_path / "simulators"
    directory.mkdir()
    started = Simulators(directory)
    try:
        yield started
    finally:
        started.end()
