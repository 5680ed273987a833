"""`fieldgate token jwt`"""

from __future__ import annotations

import math
import secrets
import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import PydanticCustomError

from gateway.cli import configuration
from gateway.cli.console import USAGE, fail, say
from gateway.cli.token.rights import CommandOption, ConfigOption, ReadOption, check_rights, jwt_of, stamp
from gateway.config.strict import parse_duration
from gateway.model import SUBJECT, Identity

_LONGEST = 10 * 365 * 86_400.0  # seconds; who wants more wants a static token


def jwt(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose token it is, such as wall-panel.")],
    read: ReadOption = None,
    command: CommandOption = None,
    ttl: Annotated[
        str, typer.Option(metavar="DURATION", help="How long it lives, such as 90s, 15m, 1h or 30d.")
    ] = "1h",
    config: ConfigOption = None,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help="The private key, for ES256, RS256 and EdDSA."),
    ] = None,
) -> None:
    """Print a signed token that ends by itself.

    It is signed with the key of the configuration's `auth: jwt:`, and needs no line there.

    The token is all that is on standard output; its id, to revoke it by, is on standard error.
    """
    if not SUBJECT.fullmatch(name):
        fail(f"{name!r} is not a name: letters, digits and _ . @ : + | -, at most 64", USAGE)
    reads, commands = check_rights(read, command)
    seconds = _seconds(ttl)
    path = configuration.find(config)
    auth = configuration.read(path).auth
    key = jwt_of(path, auth.jwt if auth is not None else None).key
    issued = time.time()
    expires = math.ceil(issued + seconds)
    identity = Identity(name, reads, commands, expires, jti=secrets.token_hex(16))
    try:
        private_key = key_file.read_bytes() if key_file is not None else None
        token = key.sign(identity, issued, private_key)
    except OSError as error:
        fail(f"{key_file} cannot be read: {error.strerror}", USAGE)
    except ValueError as error:
        fail(str(error), USAGE)
    say(f"The token of {name}, id {identity.jti}, until {stamp(expires)}:")
    typer.echo(token)


def _seconds(ttl: str) -> float:
    try:
        seconds = parse_duration(ttl)
    except PydanticCustomError as error:
        fail(f"--ttl {ttl}: {error.message()}", USAGE)
    if not 1 <= seconds <= _LONGEST:
        fail("--ttl is from 1s to 3650d", USAGE)
    return seconds
