"""One-use tickets: what a browser may put into a URL, where a token would stay in logs and histories."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import RequestError
from gateway.model import Identity

LIFETIME = 30.0  # seconds
MOST = 10_000
MOST_EACH = 64  # of one identity's name
_BYTES = 32


@dataclass(frozen=True, slots=True)
class _Ticket:
    identity: Identity
    ends: float  # monotonic seconds


class Tickets:
    """The tickets that were given out and not used yet, known by their SHA-256."""

    def __init__(self, now: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._monotonic = monotonic
        self._tickets: dict[bytes, _Ticket] = {}  # oldest first; all live equally long
        self._each: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._tickets)

    def issue(self, identity: Identity) -> tuple[str, float]:
        """A ticket, and when it ends in seconds since the Unix epoch; `rate_limited` where too many are out."""
        now = self._monotonic()
        self._forget_old(now)
        if len(self._tickets) >= MOST or self._each[identity.name] >= MOST_EACH:
            raise RequestError("rate_limited", "too many tickets that were not used yet", retry_after=LIFETIME)
        ticket = secrets.token_urlsafe(_BYTES)
        self._tickets[_digest(ticket)] = _Ticket(identity, now + LIFETIME)
        self._each[identity.name] += 1
        ends = self._now() + LIFETIME
        return ticket, ends if identity.expires is None else min(ends, identity.expires)

    def redeem(self, text: str) -> Identity | None:
        """Whose ticket it is; None where it is none, or was used, or is too old. It is gone then."""
        now = self._monotonic()
        self._forget_old(now)
        ticket = self._tickets.pop(_digest(text), None)
        if ticket is None:
            return None
        self._leave(ticket)
        return ticket.identity

    def _forget_old(self, now: float) -> None:
        while self._tickets:
            digest, ticket = next(iter(self._tickets.items()))
            if ticket.ends > now:
                return
            del self._tickets[digest]
            self._leave(ticket)

    def _leave(self, ticket: _Ticket) -> None:
        name = ticket.identity.name
        self._each[name] -= 1
        if not self._each[name]:
            del self._each[name]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
