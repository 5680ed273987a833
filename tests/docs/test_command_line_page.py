"""Every command and option is explained."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from gateway.cli import _PLACES, app, console
from tests.docs.markdown import doc

PAGE = doc("command-line")


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    if isinstance(command, typer.core.TyperGroup):
        names = _PLACES if not name else command.commands
        for inner in names:
            found = command.get_command(None, inner)  # type: ignore[arg-type]
            yield from commands(found, f"{name} {inner}".strip())
    else:
        yield name, command


COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_a_command_is_explained_with_its_options(name: str, command: Any) -> None:
    assert f"`fieldgate {name}`" in PAGE.text, "it is not in the list"
    section, rows = PAGE.section(name), PAGE.rows(name)
    usage = next(block.text for block in PAGE.blocks if block.text.startswith(f"fieldgate {name}"))
    for parameter in command.params:
        if parameter.name == "help":
            continue
        if isinstance(parameter, typer.core.TyperOption):
            option = parameter.opts[0]
            assert option in rows, f"{option} has no row"
            assert option in usage, f"{option} is not in the usage line"
            if parameter.envvar:
                assert parameter.envvar in PAGE.rows("Environment")
            default = parameter.default
            if isinstance(default, int | float | str) and not isinstance(default, bool):
                told = f"`{default:g}`" if isinstance(default, int | float) else f"`{default}`"
                assert rows[option][0] == told, f"the default of {option} is {default}"
        else:
            # A metavar in brackets or not: [CONFIG], DEVICE.
            word = (parameter.metavar or parameter.name).strip("[].").upper()
            assert word in usage, f"{word} is not in the usage line"
    assert section.strip()


def test_no_command_is_explained_that_there_is_not() -> None:
    told = {row.removeprefix("[fieldgate ").partition("]")[0] for row in PAGE.rows("The command line")}
    assert told == {name for name, _ in COMMANDS}


def test_the_exit_codes_are_listed() -> None:
    assert {"0", str(console.FAILED), str(console.USAGE), str(console.UNKNOWN)} <= set(PAGE.rows("Exit codes"))
