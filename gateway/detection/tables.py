"""Rows of values between separators."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.codecs.text import Reader
from gateway.codecs.units import name_and_unit
from gateway.detection.sentences import DEVICE
from gateway.detection.text_lines import is_text
from gateway.detection.trial import Options, distinct
from gateway.model import Value

Read = Callable[[str], tuple[Value, str | None]]

_SEPARATORS = (",", ";", "\t", "|", " ")
_SHARE = 0.7  # of the rows must have as many cells
_MOST = 128  # cells
_ID = re.compile(r"[A-Za-z][\w-]{0,15}")
_NAMED = re.compile(r"[^\W\d]")
_COMMENTS = ("#", "//", "%", ";")


@dataclass(frozen=True)
class Table:
    """A `delimited` codec; `numeric` counts the characters of cells that are numbers, in different rows."""

    options: Options
    names: list[str]
    numeric: int
    preference: float
    says: str


def tables(frames: Sequence[bytes]) -> Iterator[Table]:
    """The tables that most of the frames are rows of."""
    lines = [frame.decode("utf-8").strip("\r") for frame in distinct(frames) if is_text(frame)]
    for separator in _SEPARATORS:
        for decimal in (".", ",") if separator != "," else (".",):
            found = _table(lines, separator, decimal)
            if found is not None:
                yield found


def _table(lines: list[str], separator: str, decimal: str) -> Table | None:
    rows = [line.split(None if separator == " " else separator) for line in lines]
    widths = Counter(map(len, rows))
    width, times = widths.most_common(1)[0] if widths else (0, 0)
    if width > 2 and all(not row[-1].strip() for row in rows if len(row) == width):
        width -= 1  # each row ends with a separator
        rows = [row[:-1] if len(row) == width + 1 else row for row in rows]
    if not 2 <= width <= _MOST or times < _SHARE * len(lines):
        return None
    read = Reader(decimal).value
    header: list[str] | None = None
    body = []
    comments = []
    for line, row in zip(lines, rows, strict=True):
        if len(row) == width and _is_header(row, read):
            header = header or row
        elif len(row) == width:
            body.append(row)
        elif line.startswith(_COMMENTS):
            comments.append(line)
    if not body:
        return None
    columns = list(zip(*body, strict=True))
    kinds = [_share_of_numbers(column, read) for column in columns]
    needed = 0.6 if separator == " " else 0.3
    if sum(kind > 0.7 for kind in kinds) < max(1, needed * width):
        return None
    if decimal == "," and not any("," in cell for row in body for cell in row):
        return None  # nothing tells it from the other
    numeric = sum(
        len(cell) for column, kind in zip(columns, kinds, strict=True) if kind > 0.7 for cell in column
    ) + 2 * len(body)
    options: Options = {"type": "delimited"}
    if separator != ",":
        options["separator"] = separator
    if decimal != ".":
        options["decimal"] = decimal
    names = _names(header, width)
    if header is None and _names_devices(columns[0], kinds):
        names[0] = DEVICE
    options["points"] = names
    if header is not None:
        options["header"] = True
    if comments:
        options["comment"] = next(mark for mark in _COMMENTS if comments[0].startswith(mark))
    says = f"{width} columns" + (f" below a header: {', '.join(names[:6])}" if header else "")
    # The right separator leaves numbers and nothing else.
    preference = -0.03 * (1 - sum(kind > 0.7 for kind in kinds) / width) - 0.01 * (separator == " ")
    return Table(options, names, numeric, preference, says)


def _is_header(row: list[str], read: Read) -> bool:
    return all(_NAMED.match(cell.strip().lstrip("# ")) and isinstance(read(cell)[0], str) for cell in row)


def _share_of_numbers(column: Sequence[str], read: Read) -> float:
    filled = [cell for cell in column if cell.strip()]
    return sum(not isinstance(read(cell)[0], str) for cell in filled) / len(column)


def _names_devices(column: Sequence[str], kinds: list[float]) -> bool:
    """Whether the first column, the only one of words, says which of several devices sent the row."""
    if kinds[0] > 0.1 or min(kinds[1:]) < 0.7 or not all(map(_ID.fullmatch, column)):
        return False
    times = Counter(column)
    return 2 <= len(times) <= 32 and min(times.values()) >= 2


def _names(header: list[str] | None, width: int) -> list[str]:
    """As the codec takes them from the header; else by their number."""
    if header is not None:
        names = [name_and_unit(cell.strip().lstrip("# "))[0] for cell in header]
        if len(set(names)) == width and all(name.isprintable() and len(name) <= 64 for name in names):
            return names
    return [f"column{number}" for number in range(1, width + 1)]
