"""What every adapter is to the rest of the gateway."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol

from gateway.bus import Link
from gateway.commands import Writer
from gateway.config import AdapterOptions
from gateway.model import Confirm

__all__ = ["Adapter", "AdapterPlugin", "LinkFactory"]


class Adapter(Writer, Protocol):
    """A way to devices: it runs its link for ever, and writes commands to it."""

    async def run(self) -> None:
        """Keeps the link up until cancelled; says on its `Link` what it hears and how the link fares."""
        ...


class LinkFactory(Protocol):
    """Makes the adapter's handle onto the bus."""

    def __call__(
        self, *, single: bool, silence: float | None = None, offers: Callable[[str | None], Confirm] = ...
    ) -> Link:
        """See `gateway.bus.Link`."""
        ...


class AdapterPlugin(AdapterOptions):
    """The options of an adapter, as configured."""

    @abstractmethod
    def build(self, link: LinkFactory, gateway: str) -> Adapter:
        """The adapter; `gateway` is the gateway's name, for those that introduce themselves."""
        raise NotImplementedError
