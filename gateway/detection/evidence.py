"""How unlikely it is that what was seen came about by chance, in bits: 10 are one in a thousand, 40 one in a billion.

Chance is noise of the same bytes in any order: what is frequent in a capture proves little by being there again. Bits
of independent observations add up. From them goes what the choice among hypotheses costs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

# A guess with fewer is not one. Some thousand hypotheses are tried on each capture, which is ten bits.
ENOUGH = 40.0
_ROWS = 96
_LONGEST = 1024  # bytes of a frame whose columns are looked at


def of_hits(hits: int, tries: int, bits: float) -> float:
    """So many hits of so many tries, where each is by chance one in 2 to the power of `bits`."""
    return of_each([bits] * hits, tries)


def of_each(hits: Sequence[float], tries: int) -> float:
    """Hits of so many bits each, of so many tries."""
    # Which of them hit is no part of the hypothesis.
    return max(0.0, sum(hits) - math.log2(math.comb(tries, len(hits)))) if hits else 0.0


def of_regularity(symbols: Sequence[int], by_chance: float) -> float:
    """So many bits fewer than by chance (`by_chance` for each symbol) are needed by one who learns what is common."""
    seen: Counter[int] = Counter()
    saved = 0.0
    for count, symbol in enumerate(symbols, start=1):
        known = seen[symbol]
        saved += by_chance - (math.log2(count / known) if known else math.log2(count) + by_chance)
        seen[symbol] += 1
    return max(0.0, saved)


def entropy(symbols: Iterable[int]) -> float:
    """Bits of one symbol, by how frequent each is."""
    counts = Counter(symbols)
    total = counts.total()
    return -sum(count / total * math.log2(count / total) for count in counts.values())


def of_places(share: float) -> float:
    """Bits of the distance between two bytes that are so frequent and stand anywhere."""
    if not 0 < share < 1:
        return 0.0
    return -math.log2(share) - (1 - share) / share * math.log2(1 - share)


def of_columns(frames: Sequence[bytes], by_chance: float) -> float:
    """What the bytes at each place of frames have in common, as far as most frames are of one length."""
    if not frames:
        return 0.0
    length, times = Counter(map(len, frames)).most_common(1)[0]
    if times < 0.7 * len(frames) or length > _LONGEST:
        return 0.0
    rows = [frame for frame in frames if len(frame) == length][:_ROWS]
    return sum(of_regularity(column, by_chance) for column in zip(*rows, strict=True))
