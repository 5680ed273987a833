"""Commands: checked, queued for their device, and followed until it is known what became of them."""

from gateway.commands.asked import Asked
from gateway.commands.carrier import Claims, Writer
from gateway.commands.ledger import Command, Journal, Ledger, Outcome, Sender, State
from gateway.commands.router import Commands

__all__ = ["Asked", "Claims", "Command", "Commands", "Journal", "Ledger", "Outcome", "Sender", "State", "Writer"]
