"""Which pages may use a visitor's browser to reach the gateway."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit


class Origins:
    """The gateway's own origin, and the foreign ones that the configuration lists."""

    def __init__(self, listed: Iterable[str]) -> None:
        self._listed = frozenset(origin.lower() for origin in listed)
        self._hosts = frozenset(urlsplit(origin).netloc for origin in self._listed)

    def allow(self, origin: str | None, host: str) -> bool:
        """Whether a page of this origin may ask; None is no page. `host` is what it asked for."""
        if origin is None or origin.lower() in self._listed:
            return True
        try:
            parts = urlsplit(origin)
            default = {"http": ":80", "https": ":443"}[parts.scheme]
        except (ValueError, KeyError):
            return False
        netloc = parts.netloc.lower()
        return bool(netloc) and netloc.removesuffix(default) == host.lower().removesuffix(default)

    def is_local(self, host: str) -> bool:
        """Whether a Host header names this machine, or the host of a listed origin."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return host.lower() in self._hosts
