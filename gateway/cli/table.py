"""Rows of cells: a table on a terminal, parted by tabs in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from rich.console import Console
from rich.table import Table

from gateway.cli.console import plain
from gateway.cli.output import Output, OutputClosedError

NOTHING = "-"  # in place of a cell of which nothing is known


def write(headings: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
    """Writes the rows to standard output."""
    cells = [[plain(cell) if cell else NOTHING for cell in row] for row in rows]
    output = Output()
    with suppress(OutputClosedError):
        output.write(_table(headings, cells) if output.is_terminal else ["\t".join(row) for row in cells])


def _table(headings: Sequence[str], rows: list[list[str]]) -> list[str]:
    """The rows as a table as wide as the terminal; columns of which nothing is known are left out."""
    known = [any(cells[i] != NOTHING for cells in rows) or i == len(headings) - 1 for i in range(len(headings))]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, wanted in zip(headings, known, strict=True):
        if wanted:
            table.add_column(heading, overflow="fold")
    for cells in rows:
        table.add_row(*(cell for cell, wanted in zip(cells, known, strict=True) if wanted))
    console = Console(highlight=False, markup=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip().splitlines()
