"""Payloads that are one bare value: a number, true or false, or a text."""

from __future__ import annotations

import math
import re
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from gateway.codecs.base import BARE, Codec, CodecOptions
from gateway.codecs.points import refuse
from gateway.codecs.text import SHOWN, text_of
from gateway.codecs.units import unit_code
from gateway.errors import CodecError
from gateway.model import Sample, Value

_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?|(?:nan|inf(?:inity)?)(?!\w))", re.A | re.I)
_MAX_NUMBER = 64  # characters
_MAX_WORD = 32  # characters
_MAX_WORDS = 16
_MAX_TEXT = 4096  # characters


class NumberOptions(CodecOptions):
    """`number`"""

    type: str = "number"

    def build(self) -> Codec:
        """The number codec."""
        return NumberCodec()


class NumberCodec:
    """A decimal number and its unit where one follows, with white space around it or not."""

    def decode(self, frame: bytes) -> list[Sample]:
        """The number as the bare value."""
        text = text_of(frame).strip()
        found = _NUMBER.match(text) if len(text) <= _MAX_NUMBER else None
        if found is not None:
            number = found[0]
            value = int(number) if _INTEGER.fullmatch(number) else float(number)
            if len(number) == len(text):
                return [Sample({BARE: value})]
            unit = unit_code(text[len(number) :].lstrip())
            if unit is not None:
                return [Sample({BARE: value}, None, {BARE: unit})]
        raise CodecError(f"{text[:SHOWN]!r} is not a number")


def _words(given: object) -> object:
    """One word or several; what YAML takes for true, or for a number, is a word here."""
    if not isinstance(given, list | tuple):
        given = (given,)
    return tuple(str(word).lower() if isinstance(word, bool | int) else word for word in given)


Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_WORD)]
_WORD_SCHEMA = {"type": ["string", "boolean", "integer"]}
Words = Annotated[
    tuple[Word, ...],
    BeforeValidator(_words),
    Field(strict=False, min_length=1, max_length=_MAX_WORDS),
    WithJsonSchema({"anyOf": [_WORD_SCHEMA, {"type": "array", "items": _WORD_SCHEMA, "minItems": 1}]}),
]


class BooleanOptions(CodecOptions):
    """`boolean`, or `{type: boolean, on: open, off: [closed, locked]}`"""

    type: str = "boolean"
    on: Words = ("ON", "true", "1", "yes")
    off: Words = ("OFF", "false", "0", "no")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        words = [word.casefold() for word in self.on + self.off]
        twice = next((word for word in words if words.count(word) > 1), None)
        if twice is not None:
            raise refuse(f"the word {twice!r} stands twice in `on` and `off`: case makes no difference")
        return self

    def build(self) -> BooleanCodec:
        """The boolean codec."""
        return BooleanCodec(self.on, self.off)


class BooleanCodec:
    """A word for true or false, in any case. The words of one place in both lists belong together."""

    def __init__(self, on: tuple[str, ...], off: tuple[str, ...]) -> None:
        self._pairs = tuple(zip(on, off, strict=False))
        self._meanings = {word.casefold(): value for value, words in ((True, on), (False, off)) for word in words}

    def decode(self, frame: bytes) -> list[Sample]:
        """What the word means, as the bare value."""
        text = text_of(frame).strip()
        value = self._meanings.get(text.casefold()) if len(text) <= _MAX_WORD else None
        if value is None:
            known = ", ".join(self._meanings)
            raise CodecError(f"{text[:SHOWN]!r} is not one of {known[:SHOWN]}")
        return [Sample({BARE: value})]

    def encode(self, value: bool, said: bytes | None) -> bytes:
        """The value in the pair of words, and the case, that the device `said` last; else in the first pair."""
        heard = said.decode("utf-8").strip() if said is not None else ""
        for on, off in self._pairs:
            if heard.casefold() in (on.casefold(), off.casefold()):
                word = on if value else off
                if heard not in (on, off):
                    case = next((case for case in (str.lower, str.upper, str.title) if case(heard) == heard), str)
                    word = case(word)
                return word.encode("utf-8")
        return self._pairs[0][not value].encode("utf-8")


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
