"""Payloads that are one bare value: a number or a text."""

from __future__ import annotations

import math
import re

from gateway.codecs.base import BARE, Codec, CodecOptions
from gateway.codecs.text import text_of
from gateway.errors import CodecError
from gateway.model import Sample, Value

_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_MAX_NUMBER = 64  # characters
_MAX_TEXT = 4096  # characters


class NumberOptions(CodecOptions):
    """`number`"""

    type: str = "number"

    def build(self) -> Codec:
        """The number codec."""
        return NumberCodec()


class NumberCodec:
    """A decimal number, with white space around it or not."""

    def decode(self, frame: bytes) -> list[Sample]:
        """The number as the bare value."""
        text = text_of(frame).strip()
        if len(text) > _MAX_NUMBER or not _NUMBER.fullmatch(text):
            raise CodecError(f"{text[:40]!r} is not a number")
        return [Sample({BARE: int(text) if _INTEGER.fullmatch(text) else float(text)})]


class TextOptions(CodecOptions):
    """`text`"""

    type: str = "text"

    def build(self) -> Codec:
        """The text codec."""
        return TextCodec()


class TextCodec:
    """UTF-8 text as it stands."""

    def decode(self, frame: bytes) -> list[Sample]:
        """The text as the bare value."""
        text = text_of(frame)
        if len(text) > _MAX_TEXT:
            raise CodecError(f"longer than {_MAX_TEXT} characters")
        return [Sample({BARE: text})]


def encode_bare(value: Value) -> bytes:
    """A value as a bare payload, the other way of these codecs: `true`, `21.5`, `text`; nothing for null.

    Raises CodecError where it has no such form.
    """
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, float) and not math.isfinite(value):
        raise CodecError(f"{value} cannot be sent as a number")
    try:
        return str(value).encode("utf-8")
    except ValueError as error:  # half a surrogate pair, or a number of thousands of digits
        raise CodecError("the value cannot be written as UTF-8 text") from error
