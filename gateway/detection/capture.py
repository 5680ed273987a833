"""What was heard on a line, and when."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from gateway.detection import evidence

LONGEST = 64 * 1024  # bytes that are looked at
_PAUSE = 0.03  # seconds; USB adapters hand over what they have at least every 16 ms


@dataclass(frozen=True)
class Capture:
    """Chunks of bytes with the seconds at which they came, on any clock."""

    chunks: tuple[tuple[float, bytes], ...]

    @classmethod
    def of(cls, chunks: Iterable[tuple[float, bytes]]) -> Capture:
        """The first 64 KiB of what came."""
        kept, left = [], LONGEST
        for time, chunk in chunks:
            if left <= 0:
                break
            kept.append((time, chunk[:left]))
            left -= len(chunk)
        return cls(tuple(kept))

    @cached_property
    def data(self) -> bytes:
        """All bytes, in order."""
        return b"".join(chunk for _, chunk in self.chunks)

    @cached_property
    def entropy(self) -> float:
        """Bits of a byte, by how frequent each is."""
        return evidence.entropy(self.data) if self.data else 0.0

    def share(self, word: bytes) -> float:
        """How frequent the word is at any place."""
        return self.data.count(word) / max(1, len(self.data))

    def bits(self, word: bytes) -> float:
        """What it proves that the word stands at some place: more, the less frequent it is."""
        share = self.share(word)
        return -math.log2(share) if share else 8.0 * len(word)

    @cached_property
    def bursts(self) -> list[bytes]:
        """What came without a pause, from one pause to the next; the first may have begun before."""
        bursts: list[list[bytes]] = []
        before = None
        for time, chunk in self.chunks:
            if before is None or time - before > _PAUSE:
                bursts.append([])
            bursts[-1].append(chunk)
            before = time
        return [b"".join(parts) for parts in bursts]

    @cached_property
    def shortest_pause(self) -> float | None:
        """Seconds between two bursts, as short as one in ten is; None where there is one burst only."""
        times = [time for time, _ in self.chunks]
        pauses = sorted(after - before for before, after in pairwise(times) if after - before > _PAUSE)
        return pauses[len(pauses) // 10] if pauses else None

    @property
    def seconds(self) -> float:
        """From the first chunk to the last."""
        return self.chunks[-1][0] - self.chunks[0][0] if self.chunks else 0.0
