"""Pairs of a name and a value: `T=21.4 H=48%`, `temp: 21.4 C, hum: 48 %`, `state="warming up";T=21.4`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gateway.codecs.base import Codec, CodecOptions
from gateway.codecs.points import PointName, refuse, repeated
from gateway.codecs.text import MAX_VALUES, SHOWN, Reader, text_of
from gateway.codecs.units import known_unit, name_and_unit
from gateway.errors import CodecError
from gateway.model import NO_UNITS, Sample, Value

_MAX_NAME = 64  # characters of a name on the wire
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _marks(given: str) -> str:
    if re.search(r'[\w"\\+-]', given):
        raise refuse(
            "letters, digits, signs, quotes and backslashes cannot be marks: they may stand in a name or a value"
        )
    return given


Marks = Annotated[str, StringConstraints(min_length=1, max_length=8), AfterValidator(_marks)]


class KeyValueOptions(CodecOptions):
    """`{type: key_value, pairs: " ,;", assign: "=:", points: {T: temperature}}`"""

    type: str = "key_value"
    pairs: Marks = " ,;"
    assign: Marks = "=:"
    prefix: Annotated[str, StringConstraints(max_length=64)] = ""
    points: Annotated[Mapping[str, PointName], Field(min_length=1, max_length=MAX_VALUES)] | None = None
    decimal: Literal[".", ","] = "."

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if both := set(self.pairs) & set(self.assign):
            raise refuse(f"{min(both)!r} cannot stand in both `pairs` and `assign`")
        if self.decimal in self.pairs + self.assign:
            raise refuse(f"{self.decimal!r} is the decimal mark; give other `pairs` and `assign`")
        if self.points and (name := repeated(self.points.values())):
            raise refuse(f"the point {name!r} stands twice in `points`")
        return self

    def build(self) -> Codec:
        """The codec."""
        return KeyValueCodec(self)


class KeyValueCodec:
    """One frame is one sample; a frame with anything in it that belongs to no pair is refused."""

    def __init__(self, options: KeyValueOptions) -> None:
        self._prefix = options.prefix
        self._points = options.points
        self._value = Reader(options.decimal).value
        self._forms = [(mark, _pairs(options.pairs, mark).findall) for mark in options.assign]

    def decode(self, frame: bytes) -> list[Sample]:
        """The sample of the pairs in the frame."""
        text = text_of(frame)
        if self._prefix:
            if not text.startswith(self._prefix):
                raise CodecError(f"{text[:SHOWN]!r} does not begin with {self._prefix!r}")
            text = text[len(self._prefix) :]
        for mark, form in self._forms:  # one mark for the whole frame: in `time=12:30` the colon is none
            if mark in text:
                pairs = form(text)
                break
        else:
            raise CodecError(f"no pair of a name and a value in {text[:SHOWN]!r}")
        if len(pairs) > MAX_VALUES:
            raise CodecError(f"more than {MAX_VALUES} pairs in one frame")
        read, points = self._value, self._points
        values: dict[str, Value] = {}
        units: dict[str, str] = {}
        for name, quoted, bare, word, rest in pairs:
            if rest:
                raise CodecError(f"{rest[:SHOWN]!r} is no pair of a name and a value")
            value, unit = read(bare)
            if word:
                value, unit = _joined(value, unit, word)
            elif quoted:
                value = _ESCAPED.sub(r"\1", quoted[1:-1])
            point, of_name = name_and_unit(name.rstrip())
            if points is not None:
                if point not in points:
                    continue
                point = points[point]
            if point in values:
                raise CodecError(f"{point[:SHOWN]!r} stands twice")
            values[point] = value
            if unit is not None or of_name is not None:
                units[point] = unit or of_name or ""
        if not values:
            raise CodecError(f"no pair in {text[:SHOWN]!r} is one of `points`")
        return [Sample(values, None, units or NO_UNITS)]


def _joined(value: Value, unit: str | None, word: str) -> tuple[Value, str | None]:
    """A number and the unit that stands behind a blank."""
    code = known_unit(word)
    if code is None or unit is not None or value is None or isinstance(value, str | bool):
        raise CodecError(f"{word!r} is no pair of a name and a value")
    return value, code


def _pairs(pairs: str, mark: str) -> re.Pattern[str]:
    """Finds the pairs in a text: the name, the value in quotes or bare, a unit behind a blank; or all the rest.

    Nothing in it backtracks. A bare value holds the mark only between digits, and none follows it: else a line lost
    its end, or the value is missing and this is the next name.
    """
    parts = re.escape(pairs)
    blank = r"\s" if " " in pairs else ""
    mark = re.escape(mark)
    inside = rf'[^{parts}{blank}{mark}"]'
    end = rf"(?:[{parts}\s]++|$)"
    name = rf"([^\W\d]{inside}{{0,{_MAX_NAME - 1}}}+)"
    quoted = r'("[^"\\]*+(?:\\.[^"\\]*+)*+")'
    bare = rf"({inside}++(?:(?<=\d){mark}(?=\d){inside}++)*+)(?!\s*+{mark})"
    word = rf"(?:[ \t]++({inside}{{1,16}}+)(?={end})(?!\s*+{mark}))?+" if blank else "((?!))?"
    return re.compile(rf"[{parts}\s]*+(?:{name}\s*+{mark}(?:[ \t]*+(?:{quoted}|{bare}{word}))?+{end}|(.++))", re.DOTALL)
