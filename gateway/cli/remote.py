"""The options of every command that talks to a running gateway."""

from __future__ import annotations

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
DEFAULT_URL = "http://127.0.0.1:8080"


def address_of(url: str, token: str | None) -> Address:
    """The address; ends the command where it is none."""
    try:
        return Address.parse(url, token)
    except ValueError as error:
        fail(str(error), USAGE)
