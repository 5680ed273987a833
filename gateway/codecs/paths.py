"""Where a value stands in a JSON document: `AM2301.Temperature`, `list.0`, `a["x.y"]`. No template language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

_LONGEST = 256  # characters
_DEEPEST = 16  # steps, as deep as a document is read

# A step: a plain name behind a dot, one in quotes, or either kind in brackets. A plain name has no marks of the syntax.
_PLAIN = r"(?P<plain>[^\s.\[\]\"'](?:[^.\[\]\"']*+(?<!\s))?+)"
_QUOTED = r"\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'"
_STEP = re.compile(
    rf"(?P<dot>\.)?+(?:{_PLAIN}|{_QUOTED})"
    r"|\[(?:(?P<index>\d++)|\"(?P<in_double>[^\"]*+)\"|'(?P<in_single>[^']*+)')\]",
    re.ASCII,
)
_NUMBER = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)


class Missing(Enum):
    """What a path finds where nothing stands; null is a value."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path. A step that is a plain number is an item of a list, counted from 0, or a member of that name."""

    text: str
    steps: tuple[tuple[str, int | None], ...]  # the member's name, and the item's number where it may be one

    @classmethod
    def parse(cls, text: str) -> Path:
        """The path that the text is; raises ValueError.

        Names that hold a dot, a bracket or a quote, or end with a blank, stand in quotes: `a."x.y"` or `a["x.y"]`.
        """
        if not 0 < len(text) <= _LONGEST:
            raise ValueError(f"a path has 1 to {_LONGEST} characters")
        steps: list[tuple[str, int | None]] = []
        place = 0
        while place < len(text):
            found = _STEP.match(text, place)
            in_brackets = found is not None and text[place] == "["
            # Dots stand between names: none before the first, one before each other that is not in brackets.
            if found is None or (found["dot"] is not None) != (bool(steps) and not in_brackets):
                raise ValueError(f'{text[:80]!r} is not a path such as a.b, list.0 or a["x.y"]')
            number = found["plain"] or found["index"]
            name = next(group for kind, group in found.groupdict().items() if kind != "dot" and group is not None)
            steps.append((name, int(number) if number and _NUMBER.fullmatch(number) else None))
            place = found.end()
        if len(steps) > _DEEPEST:
            raise ValueError(f"a path has at most {_DEEPEST} steps")
        return cls(text, tuple(steps))

    def find(self, node: Any) -> Any | Missing:
        """What stands there in a parsed document; MISSING where nothing does."""
        for name, number in self.steps:
            if type(node) is dict:
                node = node.get(name, MISSING)
                if node is MISSING:
                    return MISSING
            elif number is not None and type(node) is list and number < len(node):
                node = node[number]
            else:
                return MISSING
        return node
