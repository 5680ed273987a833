"""Who a connection is: static tokens known by their SHA-256, and what may be done without one."""

from __future__ import annotations

import hashlib
import hmac

from gateway.config.models import AuthSection
from gateway.errors import RequestError
from gateway.model import Identity

# Without an `auth` section only this machine can connect, and everyone on it may do everything.
LOCAL = Identity("local", read=("*",), command=("*",))

_MAX_TOKEN = 4096  # characters


class Authenticator:
    """Turns tokens into identities, by the configuration's `auth` section."""

    def __init__(self, section: AuthSection | None) -> None:
        self._section = section
        tokens = section.tokens if section else ()
        self._tokens = [(token.sha256, Identity(token.name, token.read, token.command)) for token in tokens]

    @property
    def is_open(self) -> bool:
        """Whether no token is needed by anyone."""
        return self._section is None

    @property
    def timeout(self) -> float:
        """Seconds that a connection may take to authenticate."""
        return self._section.timeout if self._section else 10.0

    def without_token(self) -> Identity | None:
        """Who a connection without a token is; None where it must bring one."""
        if self._section is None:
            return LOCAL
        rights = self._section.anonymous
        return Identity("anonymous", rights.read, rights.command) if rights is not None else None

    def identify(self, token: str) -> Identity:
        """Whose token this is; raises `unauthorized`. Takes the same time for every wrong token."""
        if self._section is None:
            return LOCAL
        digest = hashlib.sha256(token[:_MAX_TOKEN].encode("utf-8", "surrogatepass")).hexdigest()
        found: Identity | None = None
        for known, identity in self._tokens:
            if hmac.compare_digest(known, digest):
                found = identity
        if found is None:
            raise RequestError("unauthorized", "the token is not valid")
        return found

    def still_holds(self, identity: Identity) -> bool:
        """Whether the configuration still gives this identity these rights."""
        return identity in (self.without_token(), *(known for _, known in self._tokens))


def bearer(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header (RFC 6750 §2.1); None where there is no such header."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
