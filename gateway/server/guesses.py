"""Who guesses tokens is made to wait, by address."""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import RequestError, worth_saying

FREE = 5  # wrong tokens before the first pause
MEMORY = 600.0  # seconds after a wrong token in which the next one counts with it
FIRST_PAUSE = 1.0  # seconds; each wrong token after it doubles the next
LONGEST_PAUSE = 60.0  # seconds
MAX_ADDRESSES = 4096

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Guesser:
    wrong: int = 0
    last: float = 0.0  # monotonic seconds
    paused_until: float = 0.0


class Guesses:
    """The wrong tokens of each address, for a while, and of so many addresses at most.

    A right token forgives nothing: whoever has one could guess at others with it.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._guessers: dict[str, _Guesser] = {}  # who was wrong the longest ago comes first
        self.wrong = 0  # in all

    def __len__(self) -> int:
        return len(self._guessers)

    def check(self, address: str) -> None:
        """Raises `rate_limited` while the address has to wait: its token is not even looked at."""
        guesser = self._guessers.get(_neighbourhood(address))
        if guesser is not None and (wait := guesser.paused_until - self._monotonic()) > 0:
            raise RequestError(
                "rate_limited",
                f"too many wrong tokens from this address: try again in {math.ceil(wait)} s",
                retry_after=wait,
            )

    def count(self, address: str) -> None:
        """A token from the address was wrong."""
        now, key = self._monotonic(), _neighbourhood(address)
        guesser = self._guessers.pop(key, None)
        if guesser is None or now - guesser.last > MEMORY:
            guesser = _Guesser()
        guesser.wrong += 1
        guesser.last = now
        if guesser.wrong >= FREE:
            guesser.paused_until = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(guesser.wrong - FREE, 30))
        if len(self._guessers) >= MAX_ADDRESSES:
            del self._guessers[next(iter(self._guessers))]
        self._guessers[key] = guesser
        self.wrong += 1
        if worth_saying(self.wrong):
            logger.warning("%d wrong tokens so far, now one from %s", self.wrong, address)


def _neighbourhood(address: str) -> str:
    """What one guesser has: an IPv4 address, or a /64 of IPv6 ones; the text itself where it is neither."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:  # an IPv4 client of an IPv6 socket
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))
