"""No audit yet."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.commands.ledger import Command, Sender


class NoAudit:
    """Records nothing."""

    def accepted(self, command: Command, sender: Sender) -> None:
        """Nothing."""

    async def claim(self, command: Command, inputs: Mapping[str, object]) -> None:
        """Nothing."""

    def moved(self, command: Command) -> None:
        """Nothing."""
