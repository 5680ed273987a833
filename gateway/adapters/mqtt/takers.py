"""Who gets a message: topic filters (MQTT 5 §4.7) with those who wanted them, looked up by topic."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CACHE = 16384  # topics whose takers are remembered
_LONGEST = 512  # characters of a topic that is


class Takers:
    """Which ranks take a topic."""

    def __init__(self) -> None:
        self._exact: dict[str, set[int]] = {}  # by topic
        self._wild: dict[str, tuple[re.Pattern[str], set[int]]] = {}
        self._known: dict[str, tuple[int, ...]] = {}

    def add(self, rank: int, filters: Iterable[str]) -> None:
        """Those topics are for this rank too."""
        for wanted in filters:
            if "+" in wanted or "#" in wanted:
                if wanted not in self._wild:
                    self._wild[wanted] = (_pattern(wanted), set())
                ranks = self._wild[wanted][1]
                self._known.clear()
            else:
                ranks = self._exact.setdefault(wanted, set())
                self._known.pop(wanted, None)
            ranks.add(rank)

    def drop(self, rank: int, filters: Iterable[str]) -> list[str]:
        """Those topics are not for this rank any more; returns the filters that nobody wants now."""
        unwanted = []
        for dropped in filters:
            wild = self._wild.get(dropped)
            ranks = wild[1] if wild is not None else self._exact.get(dropped)
            if ranks is None or rank not in ranks:
                continue
            ranks.discard(rank)
            if not ranks:
                unwanted.append(dropped)
                (self._wild if wild is not None else self._exact).pop(dropped)
            if wild is not None:
                self._known.clear()
            else:
                self._known.pop(dropped, None)
        return unwanted

    def of(self, topic: str) -> tuple[int, ...]:
        """The ranks that take the topic, the lowest first."""
        try:
            return self._known[topic]
        except KeyError:
            ranks = set(self._exact.get(topic, ()))
            for pattern, wanting in self._wild.values():
                if not ranks.issuperset(wanting) and pattern.fullmatch(topic):
                    ranks.update(wanting)
            takers = tuple(sorted(ranks))
            if len(self._known) >= _CACHE:
                self._known.clear()
            if len(topic) <= _LONGEST:
                self._known[topic] = takers
            return takers


def _pattern(wanted: str) -> re.Pattern[str]:
    """What matches the topics of a filter. A wildcard at the beginning does not match `$` (MQTT 5 §4.7.2)."""
    head, hash_, _ = wanted.partition("#")
    levels = "/".join("[^/]*" if level == "+" else re.escape(level) for level in head.removesuffix("/").split("/"))
    begins = r"(?!\$)" if wanted[0] in "+#" else ""
    if not hash_:
        return re.compile(begins + levels)
    return re.compile(begins + (f"{levels}(?:/.*)?" if head else ".*"), re.DOTALL)
