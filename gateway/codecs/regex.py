"""Text that a regular expression reads: the named groups are the points.

pattern: "T=(?P<temperature>-?\\d+\\.\\d+) H=(?P<humidity>\\d+)"
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from gateway.codecs.base import Codec, CodecOptions
from gateway.codecs.pattern_tree import FLAGS
from gateway.codecs.patterns import PatternError, check
from gateway.codecs.points import MAX_NAME, refuse, repeated
from gateway.codecs.text import SHOWN, Reader, text_of
from gateway.errors import CodecError
from gateway.model import NO_UNITS, Sample, Value

_MAX_PATTERN = 1024  # characters
_MAX_PATTERNS = 16


def _usable(pattern: str) -> str:
    """The pattern, where it is one that a bound of its steps is known of."""
    try:
        check([pattern], 0, search=False)
    except PatternError as error:
        raise refuse(f"the pattern {error}") from error
    return pattern


Pattern = Annotated[str, StringConstraints(min_length=1, max_length=_MAX_PATTERN), AfterValidator(_usable)]


def _several(given: object) -> object:
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, list | tuple):
        raise refuse("expected a regular expression, or a list of them")
    return given


# One pattern, or a list of them.
Patterns = Annotated[
    tuple[Pattern, ...],
    BeforeValidator(_several),
    Field(strict=False, min_length=1, max_length=_MAX_PATTERNS),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": _MAX_PATTERNS}]}
    ),
]


class RegexOptions(CodecOptions):
    """`{type: regex, pattern: "T=(?P<temperature>-?\\\\d+\\\\.\\\\d+)"}`; `max` is in characters."""

    type: str = "regex"
    pattern: Patterns
    search: bool = False
    max: Annotated[int, Field(ge=16, le=65520)] = 1024
    decimal: Literal[".", ","] = "."

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            check(self.pattern, self.max, search=self.search)
        except PatternError as error:
            raise refuse(f"{'the pattern' if len(self.pattern) == 1 else 'one of the patterns'} {error}") from error
        points = [_points(re.compile(pattern, FLAGS)) for pattern in self.pattern]
        if not any(points):
            raise refuse("the pattern names no point: write (?P<temperature>…) around what one is")
        for names in points:
            if name := repeated(name for _, name in names):
                raise refuse(f"the point {name!r} stands twice in one pattern")
            if any(len(name) > MAX_NAME for _, name in names):
                raise refuse(f"a point's name is longer than {MAX_NAME} characters")
        return self

    def build(self) -> Codec:
        """The codec."""
        return RegexCodec(self)


def _points(pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    """The groups that are points, by their numbers; two underscores are a dot, which no group can have in its name."""
    return [(number - 1, name.replace("__", ".")) for name, number in pattern.groupindex.items()]


class RegexCodec:
    """The first pattern that matches a frame tells its points."""

    def __init__(self, options: RegexOptions) -> None:
        self._max = options.max
        self._value = Reader(options.decimal).value
        self._patterns: list[tuple[Callable[[str], re.Match[str] | None], list[tuple[int, str]]]] = []
        for text in options.pattern:
            pattern = re.compile(text, FLAGS)
            self._patterns.append((pattern.search if options.search else pattern.fullmatch, _points(pattern)))

    def decode(self, frame: bytes) -> list[Sample]:
        """The sample of the groups that took part; none where none did."""
        text = text_of(frame)
        if len(text) > self._max:
            raise CodecError(f"{len(text)} characters, more than {self._max}")
        for match, points in self._patterns:
            found = match(text)
            if found is not None:
                return self._sample(found.groups(), points)
        raise CodecError(f"{text[:SHOWN]!r} does not match")

    def _sample(self, groups: tuple[str | None, ...], points: list[tuple[int, str]]) -> list[Sample]:
        values: dict[str, Value] = {}
        units: dict[str, str] = {}
        for number, name in points:
            text = groups[number]
            if text is not None:
                values[name], unit = self._value(text)
                if unit is not None:
                    units[name] = unit
        return [Sample(values, None, units or NO_UNITS)] if values else []
