"""The command line. One file for each group of commands; this one only names them."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gateway import __version__
from gateway.cli.console import new_app

# Each is imported when it is used: `run` should not wait for what only `tail` needs, nor `tail` for a whole gateway.
_PLACES = {
    "run": "gateway.cli.run:run",
    "demo": "gateway.cli.demo.command:demo",
    "check": "gateway.cli.configuration:check",
    "schema": "gateway.cli.configuration:schema",
    "ports": "gateway.cli.ports:ports",
    "detect": "gateway.cli.detect.command:detect",
    "discover": "gateway.cli.discover.command:discover",
    "token": "gateway.cli.token:app",
    "audit": "gateway.cli.audit:app",
    "tail": "gateway.cli.tail:tail",
    "send": "gateway.cli.send:app",
    "record": "gateway.cli.record.command:record",
    "replay": "gateway.cli.replay.command:replay",
}


class _Commands(TyperGroup):
    """The commands by name, in the order in which a newcomer meets them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = dict(_PLACES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None where there is none of this name."""
        place = _PLACES.get(cmd_name)
        if place is None:
            return None
        found = resolve_name(place)
        if not isinstance(found, typer.Typer):
            function, found = found, new_app()
            found.command(cmd_name)(function)
        return typer.main.get_command(found)


app = new_app(
    cls=_Commands,
    name="fieldgate",
    help="Bridges serial and MQTT devices to WebSocket dashboards.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fieldgate {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Bridges serial and MQTT devices to WebSocket dashboards."""


def main() -> None:
    """The entry point of the `fieldgate` command."""
    app()
