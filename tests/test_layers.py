"""Imports point down the data's way, as pyproject.toml draws it."""

import subprocess
import sys
from pathlib import Path

from importlinter import api
from importlinter.cli import EXIT_STATUS_SUCCESS

CONFIGURATION = Path(__file__).parent.parent / "pyproject.toml"


def test_the_import_contracts_hold() -> None:
    # In a process of its own: the linter changes the import path and the logging of the one it runs in.
    check = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"
    done = subprocess.run(
        [sys.executable, "-c", check],
        cwd=CONFIGURATION.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == EXIT_STATUS_SUCCESS, done.stdout + done.stderr
    assert "kept, 0 broken" in done.stdout


def test_every_part_of_the_gateway_has_its_layer() -> None:
    contracts = api.read_configuration(str(CONFIGURATION))["contracts_options"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    placed = {name.strip() for layer in layers for name in layer.split("|")}
    folder = CONFIGURATION.parent / "gateway"
    parts = {f"gateway.{path.stem}" for path in folder.glob("*.py") if not path.stem.startswith("__")}
    parts |= {f"gateway.{path.parent.name}" for path in folder.glob("*/__init__.py")}
    assert parts == placed
