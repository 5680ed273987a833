"""Lines of words and numbers that are always put in the same way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from gateway.detection.text_lines import is_text

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_DIGITS = re.compile(rb"[+-]?\d+(?:\.\d+)?")
_IS_WORD = re.compile(r"[^\W\d]\w*")
_WORD = re.compile(r"([^\W\d]\w*)\W*$")
_STATES = frozenset(
    [
        "on",
        "off",
        "true",
        "false",
        "yes",
        "no",
        "ok",
        "error",
        "open",
        "closed",
        "high",
        "low",
        "auto",
        "manual",
        "idle",
        "run",
    ]
)
_SHARE = 0.7  # of the lines must be of the pattern
_MOSTLY = 0.9  # of the lines have the same at a place where all have
_LEAST = 3  # lines
_MOST_WORDS = 16  # different ones at one place
DEVICE = "device"  # the point that a word at the beginning is
_MOST = 32  # numbers in a line


def shape(frame: bytes) -> bytes:
    """The frame with all numbers alike."""
    return _DIGITS.sub(b"0", frame)


def pattern_of(frames: Sequence[bytes]) -> str | None:
    """A regular expression that names the numbers in most of the frames; None where they have no pattern.

    Words that change, such as `on` and `off`, are named too.
    """
    lines = [frame.decode("utf-8").strip() for frame in frames if is_text(frame)]
    if len(lines) < _LEAST:
        return None
    tokens = [re.findall(r"[+-]?\d+(?:\.\d+)?|[^\W\d]\w*|.", line, re.DOTALL) for line in lines]
    lengths = Counter(map(len, tokens))
    length, times = lengths.most_common(1)[0]
    if times < _SHARE * len(lines):
        return None
    alike = [row for row in tokens if len(row) == length]
    columns = list(zip(*alike, strict=True))
    parts: list[str] = []
    names = [DEVICE]
    numbers = 0
    said = ""  # the words before, which name what follows
    for column in columns:
        most, times = Counter(column).most_common(1)[0]
        if _mostly(_NUMBER, column) and (times < len(column) or "." in most or _WORD.search(said)):
            numbers += 1
            parts.append(f"(?P<{_name(said, names)}>[+-]?\\d+(?:\\.\\d+)?)")
            said = ""
        elif times >= _MOSTLY * len(column) and not (said and most.lower() in _STATES):
            parts.append(_escaped(most))
            said += most
        elif _mostly(_IS_WORD, column) and len(set(column)) <= _MOST_WORDS:
            name = _name(said, names) if parts else DEVICE
            parts.append(f"(?P<{name}>\\w+)")
            said = ""
        else:
            return None
    return "".join(parts) if 0 < numbers <= _MOST and not any("${" in part for part in parts) else None


def _escaped(text: str) -> str:
    """The text as a pattern, with a backslash only where one is needed."""
    return re.sub(r"\\([ #&~\t])", r"\1", re.escape(text))


def _mostly(kind: re.Pattern[str], column: Sequence[str]) -> bool:
    """Whether the pieces are of this kind, but for some that are damaged."""
    return sum(kind.fullmatch(piece) is not None for piece in column) >= _MOSTLY * len(column)


def _name(said: str, taken: list[str]) -> str:
    """The last word that stands before, else a number."""
    word = _WORD.search(said)
    name = word[1] if word and word[1].isascii() else "value"
    number = 1
    while name in taken:
        number += 1
        name = f"{word[1] if word and word[1].isascii() else 'value'}{number}"
    taken.append(name)
    return name
