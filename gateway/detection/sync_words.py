"""Bytes that come again and again, and may be what frames begin with."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

# What devices in the field begin their frames with.
KNOWN = frozenset(
    bytes.fromhex(word)
    for word in ("AA55", "55AA", "A55A", "5AA5", "AAAA", "5555", "5959", "FEFE", "EB90", "B562", "FAFA", "BEEF", "424D")
)
_PAIRS = 24
_SINGLE = 6
_LEAST = 3  # times


def words(data: bytes) -> list[bytes]:
    """Those of two bytes, and of one, that are much more frequent than chance has them."""
    pairs = Counter(pairwise(data))
    single = Counter(data)
    found = [bytes(pair) for pair, times in pairs.most_common(_PAIRS) if times >= _LEAST]
    found += [word for word in KNOWN if word not in found and pairs[word[0], word[1]] >= _LEAST]
    often = max(_LEAST, 2 * len(data) // 256)
    return found + [bytes([byte]) for byte, times in single.most_common(_SINGLE) if times >= often]


def places(data: bytes, word: bytes) -> list[int]:
    """Where the word stands."""
    found = []
    at = data.find(word)
    while at >= 0:
        found.append(at)
        at = data.find(word, at + 1)
    return found


def preference(word: bytes) -> float:
    """How much a word looks like one that somebody chose: a little, to decide between readings that fit alike."""
    if word in KNOWN:
        return 0.02
    return -0.02 if b"\0" in word or b"\xff" in word else 0.0
