"""`fieldgate token create`"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Annotated

import typer

from gateway.cli.console import USAGE, fail, say
from gateway.cli.token.rights import CommandOption, ReadOption, check_rights
from gateway.model import NAME

_BYTES = 32  # 256 bits: nothing to guess, so that a plain SHA-256 keeps it
_PREFIX = "fg_"  # tells people, and programs that look for leaked secrets, what it is


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose token it is, such as wall-panel.")],
    read: ReadOption = None,
    command: CommandOption = None,
) -> None:
    """Print a new token, and the lines that let it in.

    It is printed this once, and kept nowhere: the configuration holds its SHA-256.

    The first line on standard output is the token; the lines after it are YAML.
    """
    if not NAME.fullmatch(name):
        fail(f"{name!r} is not a name: letters, digits, - and _, at most 64", USAGE)
    reads, commands = check_rights(read, command)
    token = _PREFIX + secrets.token_urlsafe(_BYTES)
    # JSON is YAML too, and needs no thought about quotes.
    line = (
        f"{{name: {name}, sha256: {json.dumps(hashlib.sha256(token.encode()).hexdigest())}, "
        f"read: {json.dumps(reads)}, command: {json.dumps(commands)}}}"
    )
    say(f"The token of {name}, which is kept nowhere else:")
    typer.echo(token)
    say("For the configuration; where it has `auth: tokens:` already, the last line alone:")
    typer.echo(f"auth:\n  tokens:\n    - {line}")
