"""Shows a person what was heard on a port, and what it may be."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from gateway.cli.console import plain, say
from gateway.detection import Guess
from gateway.detection.stanza import described

_LINES = 6
_WIDTH = 100  # characters of an excerpt's line
_BYTES = 16  # of a line in hexadecimal
_HEADINGS = ("score", "framing", "codec", "read", "why")


def excerpt(data: bytes) -> list[str]:
    """A few lines of what came: as text where it is text, else in hexadecimal."""
    if not data:
        return []
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in data)
    if printable > 0.9 * len(data):
        pieces = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        lines = [piece for piece in pieces[1 if len(pieces) > 2 else 0 :] if piece.strip()]
        shown = [plain(line.decode("utf-8", "backslashreplace")) for line in lines[:_LINES]]
        return [line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…" for line in shown]
    rows = [data[at : at + _BYTES] for at in range(0, min(len(data), _LINES * _BYTES), _BYTES)]
    return [f"{row.hex(' '):<{3 * _BYTES}} {_visible(row)}" for row in rows]


def _visible(row: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)


def show_excerpt(data: bytes) -> None:
    """Writes the excerpt to standard error."""
    say("heard, for example:")
    for line in excerpt(data):
        say(f"    {line}")


def show_table(guesses: Sequence[Guess]) -> None:
    """Writes the guesses to standard error: a table on a terminal, lines in a pipe."""
    rows = [_cells(guess) for guess in guesses]
    if not sys.stderr.isatty():
        for score, framing, codec, read, why in rows:
            say(f"    {score}  {framing} of {codec}, {read} read: {why}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for cells, guess in zip(rows, guesses, strict=True):
        table.add_row(*cells, style="" if guess.sure else "dim")
    Console(stderr=True, highlight=False, markup=False).print(table)


def _cells(guess: Guess) -> tuple[str, str, str, str, str]:
    why = "; ".join(guess.says)
    cells = (
        f"{guess.score:.2f}",
        described(guess.framing),
        described(guess.codec),
        f"{guess.read}/{guess.frames}",
        (why if len(why) <= _WIDTH else why[: _WIDTH - 1] + "…") + ("" if guess.sure else " (may be chance)"),
    )
    return tuple(map(plain, cells))  # type: ignore[return-value]
