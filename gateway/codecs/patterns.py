"""How many steps a regular expression may take, before it meets what a device sends.

Python's engine goes back and tries again wherever it could have gone another way, and a pattern such as `(a+)+b` makes
it do so for years. So a pattern is refused here unless its worst case is known to be small:

- A repeat whose next part cannot begin with a character that the repeat takes has one way only. So has a choice whose
  parts begin differently.
- Any other repeat may end at any character of the frame: of n. Two of them make n² / 2 ways, and so on.
- Within a repeat nothing may have several ways, because those would multiply with every turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import factorial

from gateway.codecs.pattern_tree import (
    ANYTHING,
    Chain,
    Char,
    Choice,
    Part,
    PatternError,
    Place,
    Repeat,
    first_of,
    last_of,
    parse,
)

MOST_STEPS = 4_000_000  # some hundredths of a second on a PC, some tenths on a Raspberry Pi
_FEW = 64  # turns up to which a repeat is counted by its turns, and not as one without end
_TOO_MANY = 1 << 40
_MOST_PARTS = 20_000  # of a pattern with its repeats written out
NOTHING = Chain("", 0, 0, 0, True, ())

__all__ = ["PatternError", "Steps", "check"]


class Steps:
    """A bound of the steps that a pattern takes on a frame of n characters: Σ c[i]·nⁱ / i!"""

    def __init__(self) -> None:
        self._counts: list[int] = [0] * 8
        self.free: list[Part] = []  # what may end anywhere

    def add(self, degree: int, count: int) -> None:
        """Adds the steps of a part that is reached in n^degree / degree! ways, times `count`."""
        at = min(degree, len(self._counts) - 1)
        self._counts[at] = min(self._counts[at] + count, _TOO_MANY)

    def join(self, other: Steps) -> None:
        """Adds the steps of another pattern."""
        for degree, count in enumerate(other._counts):
            self.add(degree, count)
        self.free += other.free

    def on(self, length: int) -> int:
        """The bound for a frame of so many characters."""
        return sum(count * length**degree // factorial(degree) for degree, count in enumerate(self._counts))

    def longest(self, most: int) -> int:
        """The longest frame, up to `most` characters, that does not take too many."""
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.on(middle) <= MOST_STEPS else (low, middle - 1)
        return low


def check(patterns: Sequence[str], longest: int, *, search: bool) -> None:
    """Raises PatternError, saying why, where frames of up to `longest` characters could keep the patterns too long.

    All of them are tried on one frame, so that they share the bound.
    """
    bounds = [bound(parse(pattern), search=search) for pattern in patterns]
    steps = Steps()
    for each in bounds:
        steps.join(each)
    if steps.on(longest) <= MOST_STEPS:
        return
    worst = max(bounds, key=lambda each: each.on(longest))
    parts = " and ".join(dict.fromkeys(part.text[:40] for part in worst.free))
    told = f"has {parts}, which may end anywhere" if parts else "can match in too many ways"
    told += ", and `search` may begin anywhere" if search else ""
    enough = steps.longest(longest)
    remedy = f"lower `max` to {enough}, or say" if enough >= 16 else "say"
    raise PatternError(f"{told}: {remedy} more closely what stands there, such as [^,]* instead of .*")


def bound(part: Part, *, search: bool) -> Steps:
    """The steps of the whole pattern; raises PatternError where there is no bound."""
    walk = _Walk(search)
    walk.take(part, follow=0, before=ANYTHING if search else 0, ends=True)
    walk.end_run()
    return walk.steps


class _Walk:
    """Goes through the parts in their order, and knows in how many ways each can be reached.

    In degree d there are n^d / d! times `ways`: parts before, or the begin of a search, that may be at any place.
    """

    def __init__(self, search: bool) -> None:
        self.steps = Steps()
        self._search = search
        self._degree = 1 if search else 0
        self._factor = 1
        self._spread = 0  # places before it that lead to the same one, by choices of different length
        self._again = False  # whether any number of places lead to the same one
        self._run: list[tuple[int, int]] = []  # characters that follow each other: their set, and how many
        self._taken = 0
        self.steps.add(self._degree, 1)

    @property
    def _ways(self) -> int:
        return min(self._factor * (1 + self._spread), _TOO_MANY)

    def take(self, part: Part, follow: int, before: int, ends: bool) -> None:
        """Counts the steps of a part; what may follow it and stand before it, and whether it ends the pattern."""
        self._taken += 1
        if self._taken > _MOST_PARTS:
            raise PatternError("is too large")
        if isinstance(part, Char):
            self._run.append((part.chars, 1))
        elif isinstance(part, Chain):
            parts = part.parts
            for number, each in enumerate(parts):
                rest = parts[number + 1 :]
                self.take(each, first_of(rest, follow), last_of(parts[:number], before), ends and not rest)
        elif isinstance(part, Choice):
            self._choose(part.parts, follow, before, ends)
        elif isinstance(part, Repeat):
            self._repeat(part, follow, before, ends)

    def end_run(self) -> None:
        """Counts the steps of the characters in a row.

        A row that begins with a character which is not among its others cannot begin again within itself.
        """
        if not self._run:
            return
        (first, times), *rest = self._run
        alone = times == 1 and not self._again and not any(first & chars for chars, _ in rest)
        self.steps.add(self._degree, self._ways * (1 if alone else sum(times for _, times in self._run)))
        self._run.clear()

    def _choose(self, parts: tuple[Part, ...], follow: int, before: int, ends: bool) -> None:
        self.end_run()
        start = self._degree, self._factor, self._spread, self._again
        self.steps.add(self._degree, self._ways * len(parts))
        taken = self._taken
        reached = []
        for part in parts:
            self._degree, self._factor, self._spread, self._again = start
            self.take(part, follow, before, ends)
            self.end_run()
            reached.append((self._degree, self._factor, self._spread, self._again))
        degrees, factors, spreads, again = zip(*reached, strict=True)
        self._degree = max(degrees)
        self._factor = min(sum(factors) if _overlap(parts, follow) else max(factors), _TOO_MANY)
        self._spread = max(spreads) + (self._taken - taken if self._degree else 0)
        self._again = any(again)

    def _repeat(self, part: Repeat, follow: int, before: int, ends: bool) -> None:
        body, least, most = part.body, part.least, part.most
        if most == 1 and least == 0:
            self._choose((body, NOTHING), follow, before, ends)
        elif least != most:
            refuse_ways(part, body)
            self._repeat_freely(part, follow, before, ends)
        elif isinstance(body, Char):
            self._run.append((body.chars, least))
        else:
            for turn in range(least):
                last = turn == least - 1
                after = follow if last else body.first | follow
                self.take(body, after, before if turn == 0 else body.last, ends and last)

    def _repeat_freely(self, part: Repeat, follow: int, before: int, ends: bool) -> None:
        body, least, most = part.body, part.least, part.most
        if ends and isinstance(body, Char) and least <= 1 and most is None and (self._search or body.chars == ANYTHING):
            return  # it takes the rest, and that is the end of it
        self.end_run()
        # Where it can only begin at the first of such characters, each of them is gone through once.
        once = not before & body.chars and not self._again
        few = most is not None and most <= _FEW
        turns = 1 if most is None else most - least + 1
        if not part.keeps and body.first & follow:  # where it ends is open
            if few:
                self._factor = min(self._factor * turns, _TOO_MANY)
            elif once and self._degree:
                self._factor = min(self._factor * (self._degree + 1), _TOO_MANY)
                self.steps.free.append(part)
            else:
                self._degree, self._spread, self._again = self._degree + 1, 0, False
                self.steps.free.append(part)
            self.steps.add(self._degree, self._ways)
        elif once:
            self.steps.add(max(self._degree, 1), self._ways * max(self._degree, 1))
        elif few:
            self._factor = min(self._factor * (most or 1), _TOO_MANY)
            self.steps.add(self._degree, self._ways)
        else:
            self.steps.add(self._degree + 1, self._ways)
            if self._degree:
                self._again = True
                self.steps.free.append(part)


def refuse_ways(repeat: Part, part: Part) -> None:
    """Raises PatternError where a part within a repeat can be gone through in several ways."""
    if isinstance(part, Repeat) and part.least != part.most:
        raise PatternError(f"has a repeat within a repeat, {part.text[:40]} in {repeat.text[:60]}")
    if part.empty:
        raise PatternError(f"repeats what may be nothing: {repeat.text[:60]}")
    if isinstance(part, Repeat):
        refuse_ways(repeat, part.body)
    elif isinstance(part, Choice):
        if _overlap(part.parts, 0):
            raise PatternError(f"repeats a choice whose parts may begin alike: {repeat.text[:60]}")
        for each in part.parts:
            refuse_ways(repeat, each)
    elif isinstance(part, Chain):
        for each in part.parts:
            if not isinstance(each, Place):
                refuse_ways(repeat, each)


def _overlap(parts: tuple[Part, ...], follow: int) -> bool:
    """Whether two parts of a choice may begin with the same character."""
    firsts = [part.first | (follow if part.empty else 0) for part in parts]
    return sum(part.empty for part in parts) > 1 or any(one & other for one, other in combinations(firsts, 2))
