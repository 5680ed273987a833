"""Reads configuration texts as the tests write them."""

from pathlib import Path
from textwrap import dedent

import pytest

from gateway.config import Config, parse
from gateway.errors import ConfigurationError

BASE = Path("/etc/fieldgate")


def read(text: str, environment: dict[str, str] | None = None) -> Config:
    """The configuration in the text."""
    return parse(dedent(text).lstrip("\n"), "fieldgate.yaml", BASE, environment or {})


def problems(text: str, environment: dict[str, str] | None = None) -> list[str]:
    """The problems of the text, one a line, without the file's name."""
    with pytest.raises(ConfigurationError) as caught:
        read(text, environment)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    assert all(line.startswith("fieldgate.yaml:") for line in lines)
    return [line.removeprefix("fieldgate.yaml:") for line in lines]
