"""Who a connection is: static tokens known by their SHA-256, signed tokens, tickets, and what may be done without."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

from gateway.config.auth import AuthSection
from gateway.errors import RequestError
from gateway.model import Identity
from gateway.revocations import Revocations, default_path
from gateway.server.credentials import Credential
from gateway.server.guesses import Guesses
from gateway.server.tickets import Tickets

# Without an `auth` section only this machine can connect, and everyone on it may do everything.
LOCAL = Identity("local", read=("*",), command=("*",))

MAX_TOKEN = 8192  # characters
QUERY_LIFETIME = 600.0  # seconds that a token in a query may have to live
_AHEAD = 5.0  # seconds that the clock of whoever signs may be ahead of ours

WRONG = "the token is not valid"


class Authenticator:
    """Turns credentials into identities, by the configuration's `auth` section."""

    def __init__(
        self,
        section: AuthSection | None,
        *,
        tickets: Tickets | None = None,
        guesses: Guesses | None = None,
        revocations: Revocations | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._section = section
        self.tickets = tickets or Tickets()
        self.guesses = guesses or Guesses()
        self.revocations = revocations or Revocations()
        self._now = now
        tokens = section.tokens if section else ()
        self._tokens = [Identity(t.name, t.read, t.command, sha256=t.sha256) for t in tokens]
        self._key = section.jwt.key if section is not None and section.jwt is not None else None
        if section is not None and section.jwt is not None:
            self.revocations.path = section.jwt.revocations or default_path()

    def renewed(self, section: AuthSection | None) -> Authenticator:
        """The same by another configuration: tickets, revocations and the counts of wrong tokens are kept."""
        return Authenticator(
            section, tickets=self.tickets, guesses=self.guesses, revocations=self.revocations, now=self._now
        )

    @property
    def is_open(self) -> bool:
        """Whether no token is needed by anyone."""
        return self._section is None

    @property
    def takes_signed(self) -> bool:
        """Whether there are signed tokens, which can be revoked."""
        return self._key is not None

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

    def admit(self, credential: Credential | None, address: str) -> Identity:
        """Who shows this, or nothing, from this address.

        Raises `unauthorized`, or `rate_limited` where too many wrong tokens came from there.
        """
        identity = self.without_token()
        if self._section is not None and credential is not None:
            self.guesses.check(address)
            identity = self._find(credential)
            if identity is None:
                self.guesses.count(address)
                raise RequestError("unauthorized", WRONG)
        if identity is None:
            raise RequestError("unauthorized", "a token is needed")
        return identity

    def still_holds(self, identity: Identity) -> bool:
        """Whether the configuration still gives this identity these rights, and its token was not revoked."""
        if identity.signed_by is not None:
            key = self._key
            return key is not None and identity.signed_by == key.fingerprint and identity.jti not in self.revocations
        # One that was given another token, with the same name and rights, is somebody else.
        known = (self.without_token(), *self._tokens)
        return any(identity == one and identity.sha256 == one.sha256 for one in known if one is not None)

    def _find(self, credential: Credential) -> Identity | None:
        """Whose credential it is, None where it is nobody's; `unauthorized` where it does not count any more."""
        if len(credential.text) > MAX_TOKEN:
            return None
        if credential.way == "ticket":
            identity = self.tickets.redeem(credential.text)
            if identity is not None and not (self.still_holds(identity) and self._lives(identity)):
                raise RequestError("unauthorized", "the token that the ticket was made with does not hold any more")
            return identity
        any_in_query = self._section is not None and self._section.allow_query_tokens
        if credential.way == "query" and not any_in_query:
            return self._find_short_lived(credential.text)
        return self._find_static(credential.text) or self._find_signed(credential.text)

    def _find_static(self, token: str) -> Identity | None:
        """Takes the same time for every wrong token."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        found: Identity | None = None
        for identity in self._tokens:
            if hmac.compare_digest(identity.sha256 or "", digest):
                found = identity
        return found

    def _find_signed(self, token: str) -> Identity | None:
        signed = self._key.read(token) if self._key is not None else None
        if signed is None:
            return None
        identity = signed.identity
        if not self._lives(identity):
            raise RequestError("unauthorized", "the token has expired")
        if signed.begins > self._now() + _AHEAD:
            raise RequestError("unauthorized", "the token is not valid yet")
        if self.revocations.unknown:
            raise RequestError("unauthorized", "the list of revoked tokens cannot be read: signed tokens are not taken")
        if identity.jti in self.revocations:
            raise RequestError("unauthorized", "the token was revoked")
        return identity

    def _find_short_lived(self, token: str) -> Identity | None:
        """A token that may stand in a URL. Whether another would be right is not looked at, nor held against anyone."""
        if self._key is not None and token.count(".") == 2:
            identity = self._find_signed(token)
            if identity is None or (identity.expires or 0.0) - self._now() < QUERY_LIFETIME:
                return identity
        raise RequestError(
            "unauthorized",
            f"a query takes a ticket, or a signed token with less than {QUERY_LIFETIME / 60:g} minutes to live",
        )

    def _lives(self, identity: Identity) -> bool:
        return identity.expires is None or self._now() < identity.expires
