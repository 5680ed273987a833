"""`fieldgate check` and `fieldgate schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.cli.console import USAGE, fail
from gateway.config import Config, load
from gateway.errors import ConfigurationError

PLACES = (Path("fieldgate.yaml"), Path("/etc/fieldgate/fieldgate.yaml"))

ConfigArgument = Annotated[
    Path | None,
    typer.Argument(metavar="CONFIG", show_default=False, help=f"Default: {PLACES[0]}, then {PLACES[1]}."),
]


def find(config: Path | None) -> Path:
    """The configuration file to use; ends the command where there is none."""
    if config is not None:
        return config
    found = next((place for place in PLACES if place.exists()), None)
    if found is None:
        fail(f"no configuration: neither ./{PLACES[0]} nor {PLACES[1]} exists (`fieldgate demo` needs none)", USAGE)
    return found


def read(path: Path) -> Config:
    """The configuration; prints its problems one a line and ends the command where it has any."""
    try:
        return load(path)
    except ConfigurationError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from error


def check(config: ConfigArgument = None) -> None:
    """Validate the configuration.

    Prints a line for each adapter and for `publish`, or every problem with its place in the file.
    """
    path = find(config)
    checked = read(path)
    for adapter in checked.adapters:
        typer.echo(f"{adapter.id}: {adapter.summary()}")
    if checked.publish is not None:
        typer.echo(f"publish: {checked.publish.url}: {checked.publish.topic}")
    if not checked.adapters:
        typer.echo(f"{path}: valid, but without adapters", err=True)


def schema() -> None:
    """Print the JSON Schema of the configuration."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    document["title"] = "Fieldgate configuration"
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
