"""Codecs: frames into samples and acknowledgements, commands into frames, without any I/O."""

from gateway.codecs.base import BARE, Codec, CodecOptions, CommandCodec, CommandOptions

__all__ = ["BARE", "Codec", "CodecOptions", "CommandCodec", "CommandOptions"]
