"""Wires: what bytes come over, a port of this machine or a TCP server, and how one is opened and found again."""

from gateway.adapters.wire.connection import STUCK, Connection, Receive, Wire

__all__ = ["STUCK", "Connection", "Receive", "Wire"]
