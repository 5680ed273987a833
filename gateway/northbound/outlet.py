"""What the northbound side asks of a connection to a broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Outlet(Protocol):
    """One life of a connection, to which messages are given without waiting."""

    def post(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, correlation: bytes | None = None
    ) -> bool:
        """Publishes a message, now or as soon as the broker takes it. False: it does not, too much waits already."""
        ...

    @property
    def takes_more(self) -> bool:
        """Whether what is posted now is written now."""
        ...

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be written or confirmed."""
        ...

    def on_drained(self, call: Callable[[], None]) -> None:
        """Has this called whenever it takes more again."""
        ...
