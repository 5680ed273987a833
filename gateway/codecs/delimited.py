"""Tables: a line of values between separators, in a known order or below a header that names them.

21.4,48                 points: [temperature, humidity]
Temperature (C),RH (%)  a header, with `header: true`
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.codecs.base import Codec, CodecOptions
from gateway.codecs.points import Place, refuse, repeated
from gateway.codecs.text import MAX_VALUES, Reader, text_of
from gateway.codecs.units import name_and_unit
from gateway.errors import CodecError
from gateway.model import NO_UNITS, Sample, Value

_NAMED = re.compile(r"[^\W\d]").match  # how a name in a header begins
_HEADERS = 4  # that are kept until a line fits one: a banner may look like a header
_MAX_NAME = 64  # characters of one
# A cell in quotes counts as one where blanks separate too.
_BLANK_CELLS = re.compile(r'"(?:[^"]++|"")*+"(?!\S)|\S++').findall


class DelimitedOptions(CodecOptions):
    """`{type: delimited, separator: ";", points: [temperature, null, humidity]}`"""

    type: str = "delimited"
    separator: Annotated[str, StringConstraints(min_length=1, max_length=4)] = ","
    points: Annotated[tuple[Place, ...], Field(strict=False, max_length=MAX_VALUES)] = ()
    header: bool = False
    decimal: Literal[".", ","] = "."
    comment: Annotated[str, StringConstraints(min_length=1, max_length=16)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = None
        if self.decimal in self.separator:
            wrong = f"the separator {self.separator!r} holds the decimal mark; give another `separator`"
        elif re.search(r'[\w"\r\n+-]', self.separator):
            wrong = f"the separator {self.separator!r} holds what may stand in a value"
        elif not self.header and not any(self.points):
            wrong = "`points` is missing: the names of the columns, in order (or `header: true`)"
        elif name := repeated(self.points):
            wrong = f"the point {name!r} stands twice in `points`"
        if wrong is not None:
            raise refuse(wrong)
        return self

    def build(self) -> Codec:
        """The codec, with no header read yet."""
        return DelimitedCodec(self)


class Columns:
    """What stands in which column; a name of None is left out."""

    def __init__(self, names: Sequence[str | None], units: Mapping[str, str] = NO_UNITS) -> None:
        self.names = tuple(names)
        self.units = units

    def fit(self, cells: list[str]) -> bool:
        """Whether there is a cell for each; takes off the empty one behind a separator at the end of the line."""
        more = len(cells) - len(self.names)
        if more == 1 and not cells[-1].strip():
            del cells[-1]
            return True
        return more == 0


class DelimitedCodec:
    """One line is one sample. A header is remembered, and holds from the first line below it that fits."""

    def __init__(self, options: DelimitedOptions) -> None:
        self._columns = Columns(options.points) if options.points else None
        self._announced: deque[Columns] = deque(maxlen=_HEADERS)  # headers that no line has fitted yet, newest first
        self._header = options.header
        self._comment = options.comment
        self._separator = None if options.separator == " " else options.separator
        self._quotes = len(options.separator) == 1
        self._value = Reader(options.decimal).value

    def decode(self, frame: bytes) -> list[Sample]:
        """The sample of a line; none of a header or a comment."""
        text = text_of(frame)
        if self._comment is not None and text.startswith(self._comment):
            return []
        if '"' in text and self._quotes:
            cells = quoted_cells(text, self._separator)
        else:
            cells = text.split(self._separator)
        if self._header and (header := self._read_header(cells)) is not None:
            self._announced.appendleft(header)
            return []
        columns = self._fitting(cells)
        read, units = self._value, columns.units
        values: dict[str, Value] = {}
        for name, cell in zip(columns.names, cells, strict=True):
            if name is not None:
                values[name], unit = read(cell)
                if unit is not None:
                    units = {**units, name: unit}
        return [Sample(values, None, units)]

    def _read_header(self, cells: list[str]) -> Columns | None:
        """The columns that the cells name; None where they are no header.

        A header has two cells or more. Each begins with a letter, is no value, and stands there once.
        """
        if not 1 < len(cells) <= MAX_VALUES + 1:
            return None
        names: dict[str, str | None] = {}
        for number, cell in enumerate(cells):
            text = cell.strip() if number else cell.lstrip("# ").rstrip()
            if not text and number == len(cells) - 1 > 1:
                break
            if (
                not _NAMED(text)
                or len(text) > _MAX_NAME
                or not text.isprintable()
                or type(self._value(text)[0]) is not str
            ):
                return None
            name, unit = name_and_unit(text)
            if name in names:
                return None
            names[name] = unit
        return Columns(list(names), {name: unit for name, unit in names.items() if unit is not None})

    def _fitting(self, cells: list[str]) -> Columns:
        """The columns that the cells stand in."""
        announced = self._announced
        for header in announced:
            if header.fit(cells):
                announced.clear()
                self._columns = header
                return header
        columns = self._columns or (announced[0] if announced else None)
        if columns is None:
            raise CodecError("the header is missing: no line so far has named the columns")
        if not columns.fit(cells):
            raise CodecError(f"{len(cells)} columns, where {len(columns.names)} are expected")
        return columns


def quoted_cells(text: str, separator: str | None) -> list[str]:
    """The cells of a line with quotes in it (RFC 4180 §2); a separator of None is any run of blanks."""
    if separator is None:
        return [
            cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell
            for cell in _BLANK_CELLS(text)
        ]
    try:
        (cells,) = csv.reader([text], delimiter=separator, skipinitialspace=separator != " ", strict=True)
    except (csv.Error, ValueError) as error:
        raise CodecError(f"wrong quotes: {error}") from error
    return cells
