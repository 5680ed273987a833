"""Commands: checked, queued for their device, and followed until it is known what became of them."""

from gateway.commands.ledger import Command, Ledger, Outcome, State
from gateway.commands.router import Commands, Writer

__all__ = ["Command", "Commands", "Ledger", "Outcome", "State", "Writer"]
