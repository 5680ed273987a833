"""The options of every command that talks to a running gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.client import Address
from gateway.cli.console import USAGE, fail

UrlOption = Annotated[str, typer.Option(envvar="FIELDGATE_URL", metavar="URL", help="The gateway's address.")]
TokenOption = Annotated[
    str | None,
    typer.Option(
        envvar="FIELDGATE_TOKEN",
        metavar="TOKEN",
        show_default=False,
        help="What the gateway knows you by. Prefer the variable: other users see what is typed here, in `ps`.",
    ),
]
CaOption = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        envvar="FIELDGATE_CA",
        metavar="FILE",
        show_default=False,
        help="Whom to trust to sign the gateway's certificate, in place of the system's authorities.",
    ),
]
DEFAULT_URL = "http://127.0.0.1:8080"


def address_of(url: str, token: str | None, ca: Path | None) -> Address:
    """The address; ends the command where it is none."""
    try:
        return Address.parse(url, token, ca)
    except ValueError as error:
        fail(str(error), USAGE)
