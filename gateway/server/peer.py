"""A connection, as far as anything but its socket needs to know it."""

from __future__ import annotations

from typing import Protocol


class Peer(Protocol):
    """What takes frames for one client."""

    def write(self, frame: bytes) -> None:
        """Hands over a complete frame; never waits, never raises."""
        ...

    def backlog(self) -> int:
        """Bytes handed over and not yet taken by the network."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Closes the connection."""
        ...
