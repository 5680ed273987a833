"""Who may connect, and what they may do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.config.jwt import JwtSection
from gateway.config.strict import Globs, Name, PositiveDuration, Strict


class Rights(Strict):
    """Globs of device ids: which may be read, which commanded."""

    read: Globs = ()
    command: Globs = ()


class TokenSection(Rights):
    """A static token, known by the SHA-256 of its text."""

    name: Name
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class AuthSection(Strict):
    """Who may connect. Without this section: loopback only, everyone may do everything."""

    timeout: PositiveDuration = 10.0
    tokens: Annotated[tuple[TokenSection, ...], Field(strict=False)] = ()
    jwt: JwtSection | None = None
    allow_query_tokens: bool = False
    anonymous: Rights | None = None
