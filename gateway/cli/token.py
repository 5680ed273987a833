"""`fieldgate token`"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from typing import Annotated

import typer

from gateway.cli.console import USAGE, fail, new_app, say
from gateway.model import NAME

_BYTES = 32  # 256 bits: nothing to guess, so that a plain SHA-256 keeps it
_PREFIX = "fg_"  # tells people, and programs that look for leaked secrets, what it is
_GLOB = re.compile(r"[A-Za-z0-9_.*?-]{1,256}")  # what device ids are made of, and wildcards

app = new_app(help="Make tokens for those who may connect.", no_args_is_help=True)


@app.callback()
def _token() -> None:
    """Make tokens for those who may connect."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose token it is, such as wall-panel.")],
    read: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", show_default=False, help="Devices that it may read; repeatable. '*' is all."),
    ] = None,
    command: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", show_default=False, help="Devices that it may command; repeatable."),
    ] = None,
) -> None:
    """Print a new token, and the lines that let it in.

    It is printed this once, and kept nowhere: the configuration holds its SHA-256.

    The first line on standard output is the token; the lines after it are YAML.
    """
    if not NAME.fullmatch(name):
        fail(f"{name!r} is not a name: letters, digits, - and _, at most 64", USAGE)
    if not read and not command:
        fail("a token without rights is of no use: give --read GLOB, --command GLOB, or both", USAGE)
    for glob in (*(read or ()), *(command or ())):
        if not _GLOB.fullmatch(glob):
            fail(f"{glob!r} is not a glob of device ids, such as greenhouse, 'house.*' or '*'", USAGE)
    token = _PREFIX + secrets.token_urlsafe(_BYTES)
    # JSON is YAML too, and needs no thought about quotes.
    line = (
        f"{{name: {name}, sha256: {json.dumps(hashlib.sha256(token.encode()).hexdigest())}, "
        f"read: {json.dumps(read or [])}, command: {json.dumps(command or [])}}}"
    )
    say(f"The token of {name}, which is kept nowhere else:")
    typer.echo(token)
    say("For the configuration; where it has `auth: tokens:` already, the last line alone:")
    typer.echo(f"auth:\n  tokens:\n    - {line}")
