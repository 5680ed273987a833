"""`fieldgate audit list`, `export` and `verify`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import PydanticCustomError
from rich.console import Console
from rich.table import Table

from gateway.audit.history import BrokenChainError, History, Told
from gateway.cli.configuration import ConfigArgument, find, read
from gateway.cli.console import USAGE, fail, new_app, plain, say
from gateway.cli.lines import json_line
from gateway.cli.output import Output, OutputClosedError
from gateway.config.strict import parse_duration
from gateway.errors import FieldgateError
from gateway.model import matches

_HEADINGS = ("time", "by", "address", "device", "point", "value", "state", "outcome", "detail")
_STYLES = {"executed": "green", "unconfirmed": "yellow", "unknown": "bold yellow", "not_executed": "red"}

app = new_app(help="Read the record of commands.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Option("--db", metavar="FILE", show_default=False, help="The file itself, instead of a configuration."),
]
Device = Annotated[
    str | None, typer.Option(metavar="GLOB", show_default=False, help="Of these devices only, such as 'house.*'.")
]
By = Annotated[str | None, typer.Option(metavar="GLOB", show_default=False, help="Of these identities only.")]
Since = Annotated[
    str | None, typer.Option(metavar="DURATION", show_default=False, help="Not older than this, such as 2h or 30d.")
]
StateOption = Annotated[
    str | None, typer.Option(metavar="STATE", show_default=False, help="In this state, such as timeout.")
]
OutcomeOption = Annotated[
    str | None, typer.Option(metavar="OUTCOME", show_default=False, help="With this outcome, such as unknown.")
]


@app.callback()
def _audit() -> None:
    """Read the record of commands."""


@app.command("list")
def list_(
    config: ConfigArgument = None,
    db: File = None,
    device: Device = None,
    by: By = None,
    since: Since = None,
    state: StateOption = None,
    outcome: OutcomeOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
) -> None:
    """Print commands and what became of them, the newest last."""
    wanted = _filter(device, by, since, state, outcome)
    with _failures():
        found = list(islice(filter(wanted, _history(config, db).newest()), limit))[::-1]
    output = Output()
    with suppress(OutputClosedError):
        output.write(_table(found) if output.is_terminal else ["\t".join(_cells(told)) for told in found])


@app.command()
def export(
    config: ConfigArgument = None,
    db: File = None,
    device: Device = None,
    by: By = None,
    since: Since = None,
    state: StateOption = None,
    outcome: OutcomeOption = None,
) -> None:
    """Print all that is recorded, one JSON object a line, the oldest first."""
    wanted = _filter(device, by, since, state, outcome)
    output = Output()
    with _failures(), suppress(OutputClosedError):
        for told in filter(wanted, _history(config, db).oldest()):
            output.write([json_line(told.to_json())])


@app.command()
def verify(config: ConfigArgument = None, db: File = None) -> None:
    """Check that no row was changed, taken out or added."""
    with _failures():
        try:
            found = _history(config, db).verify()
        except BrokenChainError as error:
            fail(f"the chain is broken: {error}")
    if found.taken_out:
        say(f"The {found.taken_out} rows before were taken out for their age or for room.")
    typer.echo(f"{found.rows} rows fit; the newest is {found.taken_out + found.rows}, hash {found.hash.hex()}")


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except FieldgateError as error:
        fail(str(error))


def _history(config: Path | None, db: Path | None) -> History:
    if db is not None:
        if config is not None:
            fail("give --db FILE or CONFIG, not both", USAGE)
        return History(db)
    return History(read(find(config)).audit.file())


def _filter(
    device: str | None, by: str | None, since: str | None, state: str | None, outcome: str | None
) -> Callable[[Told], bool]:
    """Whether a command is wanted; a gap is, where nothing but its time is asked for."""
    try:
        after = time.time() - parse_duration(since) if since is not None else None
    except PydanticCustomError as error:
        fail(f"--since: {error.message()}", USAGE)

    def wanted(told: Told) -> bool:
        command, last = told.command, told.last
        if after is not None and last["time"] < after:
            return False
        if command is None:
            return (device, by, state, outcome) == (None, None, None, None)
        return (
            (device is None or matches(device, command["device"]))
            and (by is None or matches(by, command["identity"]))
            and (state is None or last["state"] == state)
            and (outcome is None or last["outcome"] == outcome)
        )

    return wanted


def _cells(told: Told) -> list[str]:
    """The cells of a command, `-` where there is nothing to say."""
    last, command = told.last, told.command or {}
    names = ("identity", "address", "device", "point", "value")
    cells: Iterable[Any] = (*(command.get(name) for name in names), last["state"], last["outcome"], last["detail"])
    moment = datetime.fromtimestamp(told.transitions[0]["time"], UTC).astimezone().isoformat(timespec="milliseconds")
    return [moment, *(plain(str(cell)) if cell else "-" for cell in cells)]


def _table(found: list[Told]) -> list[str]:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=heading == "time")
    for told in found:
        table.add_row(*_cells(told), style=_STYLES.get(told.last["outcome"] or "", ""))
    console = Console(highlight=False, markup=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip().splitlines()
