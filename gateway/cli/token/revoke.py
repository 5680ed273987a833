"""`fieldgate token revoke`"""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from gateway import revocations
from gateway.cli import configuration
from gateway.cli.console import FAILED, USAGE, fail, say
from gateway.cli.token.rights import ConfigOption, jwt_of, stamp
from gateway.config.jwt import JwtSection
from gateway.model import TOKEN_ID

_MAX_INPUT = 65_536  # characters


def revoke(
    jti: Annotated[
        str, typer.Argument(metavar="JTI", help="The token's id; or - to read the token itself from standard input.")
    ],
    config: ConfigOption = None,
) -> None:
    """Revoke a signed token.

    It joins the list that a running gateway follows: its connections are closed within 5 s.

    With `-` the list also knows when the token ends, and forgets it then. A static token is revoked by taking it out of
    the configuration.
    """
    path = configuration.find(config)
    auth = configuration.read(path).auth
    section = jwt_of(path, auth.jwt if auth is not None else None)
    expires: float | None = None
    if jti == "-":
        jti, expires = _shown(section)
    elif not TOKEN_ID.fullmatch(jti):
        fail("an id has 1 to 128 visible ASCII characters", USAGE)
    file = section.revocations or revocations.default_path()
    try:
        revocations.revoke(file, jti, expires, time.time())
    except OSError as error:
        fail(f"{error.filename or file}: {error.strerror}", FAILED)
    except ValueError as error:
        fail(f"{file} {error}", FAILED)
    say(f"{jti} is revoked, in {file}")


def _shown(section: JwtSection) -> tuple[str, float | None]:
    """The id and the end of the token on standard input."""
    signed = section.key.read(sys.stdin.read(_MAX_INPUT).strip())
    if signed is None:
        fail("this is no token that the gateway of this configuration takes", USAGE)
    identity = signed.identity
    if identity.jti is None:
        fail("the token has no `jti`, and cannot be revoked alone: change the key, which revokes all", USAGE)
    if identity.expires is not None and identity.expires <= time.time():
        say(f"it expired at {stamp(identity.expires)} already")
    return identity.jti, identity.expires
