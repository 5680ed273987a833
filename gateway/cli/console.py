"""How commands end, and where what they say goes: results to standard output, everything else to standard error."""

from __future__ import annotations

from typing import Any, NoReturn

import typer

FAILED = 1  # for `send`: not executed
USAGE = 2  # bad usage or configuration
UNKNOWN = 3  # for `send`: the outcome is unknown

_CONTROLS = (*range(32), *range(127, 160))
# They turn the direction of text round, or end a line where no program sees one.
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))

# Control characters in what a device or client sent must not forge lines, or steer a terminal.
ESCAPES = {code: f"\\x{code:02x}" for code in _CONTROLS} | {code: f"\\u{code:04x}" for code in _DIRECTIONS}
# The same for a text that is JSON already, where these can stand in strings only.
JSON_ESCAPES = {code: f"\\u{code:04x}" for code in (*_CONTROLS, *_DIRECTIONS)}


def new_app(**settings: Any) -> typer.Typer:
    """A group of commands that speaks plain text and shows plain tracebacks."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **settings)


def plain(text: str) -> str:
    """The text with everything visible that could steer a terminal."""
    return text.translate(ESCAPES)


def say(message: str) -> None:
    """Tells a person something that is not a result."""
    typer.echo(plain(message), err=True)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Says why on standard error, and ends with the code."""
    say(f"fieldgate: {message}")
    raise typer.Exit(code)
