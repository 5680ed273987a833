"""Framings: a byte stream into frames and back, without any I/O."""

from gateway.framing.base import Framing, FramingOptions

__all__ = ["Framing", "FramingOptions"]
