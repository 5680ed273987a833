"""What a benchmark found, beside its target and its floor, and the tables that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: the less, the better. A `flaw` is what makes it count for nothing; some have no target."""

    id: str
    work: str
    figure: str  # what is measured, and against which peer
    ours: str
    theirs: str
    measured: float
    target: float | None
    floor: float | None
    unit: str
    pairs: int
    flaw: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Whether the target or at least the floor holds."""
        if self.flaw:
            return "missed: " + self.flaw
        if self.target is None or self.floor is None:
            return "no target"
        if self.measured <= self.target:
            return "target met"
        return "floor met" if self.measured <= self.floor else "missed"

    @property
    def distance(self) -> str:
        """How far the measured figure is from the target, as a factor of it."""
        return "" if self.target is None else f"{self.measured / self.target:.2f}"


def show(rows: Sequence[Row], console: Console) -> None:
    """Prints one table."""
    table = Table(title_justify="left", show_lines=False)
    for name in ("id", "work", "figure", "fieldgate", "peer", "measured", "target", "floor", "of target", "verdict"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    for row in rows:
        for note in row.notes:
            console.print(f"{row.id}: {note}", highlight=False)


def markdown(rows: Sequence[Row]) -> str:
    """The same table as Markdown."""
    head = "| id | work | figure | fieldgate | peer | measured | target | floor | of target | verdict |"
    lines = [head, "|" + "---|" * 10]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    lines += [""] + [f"- {row.id}: {note}" for row in rows for note in row.notes]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    return [
        row.id,
        row.work,
        row.figure,
        row.ours,
        row.theirs,
        _number(row.measured, row.unit),
        _number(row.target, row.unit),
        _number(row.floor, row.unit),
        row.distance,
        row.verdict,
    ]


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.3g} {unit}"
