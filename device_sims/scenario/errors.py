"""What is wrong with a scenario, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ScenarioError(ValueError):
    """A scenario that cannot be played; `str()` has a line for each thing that is wrong."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def not_one_of(given: object, known: Iterable[str]) -> str:
    """Says that it is none of what is known, and which of that was perhaps meant."""
    names = list(known)
    near = difflib.get_close_matches(str(given), names, n=1)
    meant = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{given!r} is not one of {', '.join(names)}{meant}"
