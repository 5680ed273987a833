"""Adapters: where the wire comes in. Each is one file that meets one I/O library."""

from gateway.adapters.base import Adapter, AdapterPlugin, LinkFactory

__all__ = ["Adapter", "AdapterPlugin", "LinkFactory"]
