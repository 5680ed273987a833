"""A regular expression taken apart, with the characters that each part may take.

Python has a parser of them, and no public one: it is met in this file only. Its private name has been the same since
Python 3.11, and `tests/codecs/test_patterns.py` notices where that ends.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

FLAGS = re.ASCII | re.DOTALL  # \d, \w and \s are ASCII, and a dot is any character

# A set of characters: a bit for each of ASCII, and one for all others together.
_OTHERS = 1 << 128
ANYTHING = _OTHERS | (_OTHERS - 1)
_CLASSES = {
    op.CATEGORY_DIGIT: r"\d", op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s", op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w", op.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_PLACES = {
    op.AT_BEGINNING: "^", op.AT_BEGINNING_STRING: r"\A", op.AT_END: "$", op.AT_END_STRING: r"\Z",
    op.AT_BOUNDARY: r"\b", op.AT_NON_BOUNDARY: r"\B",
}  # fmt: skip


class PatternError(ValueError):
    """A pattern that is not taken; the message is what a person reads."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a pattern: its text, the characters it may begin and end with, all that it may take, and how many.

    `empty` is whether it may take none at all.
    """

    text: str
    first: int
    last: int
    chars: int
    empty: bool


@dataclass(frozen=True, slots=True)
class Place(Part):
    """A place, such as `$`, that takes no character."""


@dataclass(frozen=True, slots=True)
class Char(Part):
    """One character of a set."""


@dataclass(frozen=True, slots=True)
class Chain(Part):
    """Parts one after the other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Choice(Part):
    """One of several parts."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Repeat(Part):
    """A part several times; `keeps` is whether it never gives back what it took. `most` of None has no end."""

    body: Part
    least: int
    most: int | None
    keeps: bool


def parse(pattern: str) -> Part:
    """The pattern's parts; raises PatternError where it is none, or has what cannot be tried without going back."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it warns of what it will read differently one day: [a&&b]
            tree = parser.parse(pattern, FLAGS)
        return _Converter(tree.state).chain(tree)
    except Warning as warning:
        raise PatternError(f"is not clear: {str(warning)[:1].lower()}{str(warning)[1:]}") from warning
    except re.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise PatternError(f"is no regular expression: {error.msg}{where}") from error
    except (OverflowError, RecursionError) as error:
        raise PatternError("is no regular expression: it is too large or too deeply nested") from error
    except PatternError:
        raise
    except ValueError as error:
        raise PatternError(f"is no regular expression: {error}") from error


def chain(parts: Sequence[Part], text: str | None = None) -> Part:
    """The parts one after the other."""
    if len(parts) == 1 and text is None:
        return parts[0]
    return Chain(
        "".join(part.text for part in parts) if text is None else text,
        first_of(parts, 0),
        last_of(parts, 0),
        _all(part.chars for part in parts),
        all(part.empty for part in parts),
        tuple(parts),
    )


def first_of(parts: Iterable[Part], after: int) -> int:
    """What the parts may begin with, `after` where they may all be empty."""
    found = 0
    for part in parts:
        found |= part.first
        if not part.empty:
            return found
    return found | after


def last_of(parts: Sequence[Part], before: int) -> int:
    """What the parts may end with, `before` where they may all be empty."""
    found = 0
    for part in reversed(parts):
        found |= part.last
        if not part.empty:
            return found
    return found | before


def _all(sets: Iterable[int]) -> int:
    found = 0
    for each in sets:
        found |= each
    return found


class _Converter:
    """From the parser's tree to ours."""

    def __init__(self, state: Any) -> None:
        self._names = {number: name for name, number in state.groupdict.items()}
        self._any_case = bool(state.flags & re.IGNORECASE)

    def chain(self, items: Iterable[Any]) -> Part:
        return chain([self._part(*item) for item in items])

    def _part(self, kind: Any, given: Any) -> Part:
        if kind in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
            return self._char(kind, given)
        if kind is op.AT:
            return Place(_PLACES.get(given, "^"), 0, 0, 0, True)
        if kind is op.SUBPATTERN:
            group, added, taken, inner = given
            if added or taken:
                raise PatternError("flags hold for the whole pattern: (?i) at its beginning")
            part = self.chain(inner)
            opening = "(?:" if group is None else f"(?P<{self._names[group]}>" if group in self._names else "("
            return chain([part], f"{opening}{part.text})")
        if kind is op.ATOMIC_GROUP:
            part = self.chain(given)
            return chain([part], f"(?>{part.text})")
        if kind is op.BRANCH:
            parts = tuple(self.chain(inner) for inner in given[1])
            return Choice(
                f"(?:{'|'.join(part.text for part in parts)})",
                _all(part.first for part in parts),
                _all(part.last for part in parts),
                _all(part.chars for part in parts),
                any(part.empty for part in parts),
                parts,
            )
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            return self._repeat(kind, *given)
        if kind in (op.GROUPREF, op.GROUPREF_EXISTS):
            raise PatternError("has a reference back to a group, which cannot be bounded")
        raise PatternError("looks ahead or behind with (?=, (?!, (?<= or (?<!, which cannot be bounded")

    def _repeat(self, kind: Any, least: int, most: int, items: Any) -> Part:
        body = self.chain(items)
        end = None if most == op.MAXREPEAT else int(most)
        sign = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, end))
        if sign is None:
            sign = f"{{{least}}}" if least == end else f"{{{least},{'' if end is None else end}}}"
        text = body.text if isinstance(body, Char) or body.text[-1:] == ")" else f"(?:{body.text})"
        text += sign + {op.MIN_REPEAT: "?", op.POSSESSIVE_REPEAT: "+"}.get(kind, "")
        keeps = kind is op.POSSESSIVE_REPEAT
        return Repeat(text, body.first, body.last, body.chars, body.empty or least == 0, body, least, end, keeps)

    def _char(self, kind: Any, given: Any) -> Part:
        if kind is op.ANY:
            text, chars = ".", ANYTHING
        elif kind is op.IN:
            text, chars = self._set(given)
        else:
            text, chars = re.escape(chr(given)).replace("\\ ", " "), self._folded(_bit(given))
            if kind is op.NOT_LITERAL:
                text, chars = f"[^{text}]", ANYTHING & ~(chars & ~_OTHERS)
        return Char(text, chars, chars, chars, False)

    def _set(self, items: Any) -> tuple[str, int]:
        texts: list[str] = []
        chars = 0
        negated = False
        for kind, given in items:
            if kind is op.NEGATE:
                negated = True
            elif kind is op.RANGE:
                low, high = given
                texts.append(f"{chr(low)}-{chr(high)}")
                chars |= (1 << min(high, 127) + 1) - (1 << min(low, 128)) | (_OTHERS if high > 127 else 0)
            elif kind is op.CATEGORY:
                texts.append(_CLASSES[given])
                chars |= _class(_CLASSES[given])
            else:
                texts.append(chr(given))
                chars |= _bit(given)
        text = texts[0] if len(texts) == 1 and texts[0][0] == "\\" and len(texts[0]) == 2 else f"[{''.join(texts)}]"
        chars = self._folded(chars)
        if negated:
            return f"[^{''.join(texts)}]", ANYTHING & ~(chars & ~_OTHERS)
        return text, chars

    def _folded(self, chars: int) -> int:
        """With both cases of each letter, where case does not count."""
        if not self._any_case:
            return chars
        lower, upper = _class("[a-z]"), _class("[A-Z]")
        return chars | (chars & upper) << 32 | (chars & lower) >> 32


def _bit(code: int) -> int:
    return 1 << code if code < 128 else _OTHERS


def _class(text: str) -> int:
    """The characters of a class; all beyond ASCII are in its complement only."""
    taken = re.compile(text, re.ASCII)
    return _all(1 << code for code in range(128) if taken.match(chr(code))) | (_OTHERS if taken.match("\x80") else 0)
