"""`fieldgate token list`"""

from __future__ import annotations

from gateway import revocations
from gateway.cli import configuration, table
from gateway.cli.console import FAILED, fail, say
from gateway.cli.token.rights import ConfigOption, stamp
from gateway.config.auth import AuthSection
from gateway.config.jwt import JwtSection

_HEADINGS = ("kind", "name", "reads", "commands", "until")


def list_tokens(config: ConfigOption = None) -> None:
    """List who may connect, and which tokens are revoked.

    Signed tokens that were given out are not known, only the key that they are signed with.
    """
    auth = configuration.read(configuration.find(config)).auth
    if auth is None:
        say("fieldgate: without an `auth` section there are no tokens: everyone on this machine may do everything")
        return
    rows = [*_static(auth), *(_signed(auth.jwt) if auth.jwt is not None else ())]
    if rows:
        table.write(_HEADINGS, rows)
    else:
        say("fieldgate: nobody is let in: there are no tokens")


def _static(auth: AuthSection) -> list[tuple[str | None, ...]]:
    rows: list[tuple[str | None, ...]] = [
        ("token", token.name, ", ".join(token.read), ", ".join(token.command), None) for token in auth.tokens
    ]
    if auth.anonymous is not None:
        rows.append(("anonymous", None, ", ".join(auth.anonymous.read), ", ".join(auth.anonymous.command), None))
    return rows


def _signed(section: JwtSection) -> list[tuple[str | None, ...]]:
    file = section.revocations or revocations.default_path()
    try:
        revoked = revocations.load(file)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", FAILED)
    except ValueError as error:
        fail(f"{file} {error}", FAILED)
    issuer = f" of {section.issuer}" if section.issuer is not None else ""
    return [
        ("jwt", f"{section.algorithm} for {section.audience}{issuer}", None, None, None),
        *(("revoked", jti, None, None, stamp(end) if end is not None else None) for jti, end in revoked.items()),
    ]
