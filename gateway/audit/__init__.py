"""The audit: a durable record of every command, and what the next process learns from it."""

from gateway.audit.audit import Audit, NoAudit
from gateway.audit.recovery import Recovered, restore

__all__ = ["Audit", "NoAudit", "Recovered", "restore"]
