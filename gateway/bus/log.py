"""The log: every reading and change of a device in one order, kept for a while, encoded once.

Snapshots, resumes and slow readers are all served from here. A position in it is a sequence number; to clients
it is an opaque cursor, which also names the log, so that a cursor of another log is recognised.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

_KEEP_BYTES = 64 << 20  # of encoded entries: devices with long texts must not fill a small machine


class Entry(NamedTuple):
    """One thing that happened: a reading, or a device that appeared, changed or went (`about_device`).

    `encoded` is its JSON as clients get it; `at` is monotonic seconds.
    """

    sequence: int
    device: str
    encoded: bytes
    about_device: bool
    at: float


class Log:
    """A ring of the newest entries, bounded by count, by age, and by the bytes of what is encoded."""

    def __init__(
        self,
        keep_readings: int,
        keep: float,
        monotonic: Callable[[], float] = time.monotonic,
        keep_bytes: int = _KEEP_BYTES,
    ) -> None:
        self._ring: list[Entry | None] = []
        self._capacity = keep_readings
        self._keep = keep
        self._keep_bytes = keep_bytes
        self._held = 0  # bytes
        self._monotonic = monotonic
        self._epoch = secrets.token_hex(5)
        self._oldest = 1  # sequence of the oldest entry held
        self.head = 0  # sequence of the newest entry; 0 before the first
        # Called in turn for each entry. A tap must not raise and must not wait: publishing never does.
        self.taps: list[Callable[[Entry], None]] = []

    def append(self, device: str, encoded: bytes, *, about_device: bool = False) -> int:
        """Adds an entry and hands it to the taps; returns its sequence number."""
        self.head = sequence = self.head + 1
        # orjson's results keep the 4 KiB that they were written into; a copy keeps what it holds.
        encoded = bytes(memoryview(encoded))
        entry = Entry(sequence, device, encoded, about_device, self._monotonic())
        if len(self._ring) < self._capacity:
            self._ring.append(entry)
        else:
            if sequence - self._oldest >= self._capacity:
                self._forget_oldest()
            self._ring[(sequence - 1) % self._capacity] = entry
        self._held += len(encoded)
        while self._held > self._keep_bytes and self._oldest < sequence:
            self._forget_oldest()
        for tap in self.taps:
            tap(entry)
        return sequence

    def forget_old(self) -> None:
        """Lets go of entries older than `keep`; the clock of the bus calls it."""
        limit = self._monotonic() - self._keep
        while self._oldest <= self.head:
            entry = self._ring[(self._oldest - 1) % self._capacity]
            if entry is not None and entry.at >= limit:
                return
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        place = (self._oldest - 1) % self._capacity
        entry = self._ring[place]
        if entry is not None:
            self._held -= len(entry.encoded)
        self._ring[place] = None
        self._oldest += 1

    def holds_after(self, position: int) -> bool:
        """Whether every entry after this position is still held."""
        return self._oldest - 1 <= position <= self.head

    def after(self, position: int, until: int) -> Iterator[Entry]:
        """The entries after `position` up to and with `until`, in order; the caller knows they are held."""
        ring, capacity = self._ring, self._capacity
        for sequence in range(position + 1, until + 1):
            entry = ring[(sequence - 1) % capacity]
            if entry is not None:
                yield entry

    def __len__(self) -> int:
        return self.head - self._oldest + 1

    def cursor(self, position: int) -> str:
        """The position as clients see it."""
        return f"{self._epoch}-{position:x}"

    def position(self, cursor: str) -> int | None:
        """The position of a cursor; None where it is of another log or none at all."""
        epoch, _, sequence = cursor.partition("-")
        if epoch != self._epoch or not 1 <= len(sequence) <= 15:
            return None
        try:
            position = int(sequence, 16)
        except ValueError:
            return None
        return position if 0 <= position <= self.head else None
