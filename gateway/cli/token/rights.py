"""The options that say what a token may do, and the configuration that it is for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.configuration import PLACES
from gateway.cli.console import USAGE, fail
from gateway.config.jwt import JwtSection

_GLOB = re.compile(r"[A-Za-z0-9_.*?-]{1,256}")  # what device ids are made of, and wildcards
_MOST = 64  # globs

ReadOption = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", show_default=False, help="Devices that it may read; repeatable. '*' is all."),
]
CommandOption = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", show_default=False, help="Devices that it may command; repeatable."),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="CONFIG", show_default=False, help=f"Default: {PLACES[0]}, then {PLACES[1]}."),
]


def check_rights(read: list[str] | None, command: list[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rights; ends the command where there are none, or none that a gateway takes."""
    if not read and not command:
        fail("a token without rights is of no use: give --read GLOB, --command GLOB, or both", USAGE)
    for globs in (read or (), command or ()):
        if len(globs) > _MOST:
            fail(f"a token has at most {_MOST} globs of each kind", USAGE)
        for glob in globs:
            if not _GLOB.fullmatch(glob):
                fail(f"{glob!r} is not a glob of device ids, such as greenhouse, 'house.*' or '*'", USAGE)
    return tuple(read or ()), tuple(command or ())


def jwt_of(path: Path, section: JwtSection | None) -> JwtSection:
    """The section; ends the command where the configuration has none."""
    if section is None:
        fail(f"{path} has no `auth: jwt:`, and so no signed tokens", USAGE)
    return section


def stamp(seconds: float) -> str:
    """`2026-11-22T11:20:20Z`"""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
