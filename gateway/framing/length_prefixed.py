"""Frames that begin with a number: how long they are."""

from __future__ import annotations

from struct import Struct
from typing import Annotated, Literal

from pydantic import Field

from gateway.config.strict import PositiveDuration
from gateway.framing.base import Framing, FramingOptions
from gateway.framing.checksum import BinaryChecksum, Checksum, Order
from gateway.framing.layout import Layout, refuse_length
from gateway.framing.octets import Octets
from gateway.framing.paced import Paced
from gateway.framing.scanner import Scanner

Counts = Literal["payload", "rest", "frame"]


class PrefixedChecksum(BinaryChecksum):
    """`{type: crc16-modbus, covers: length}`"""

    covers: Literal["payload", "length", "frame"] = "payload"


class LengthPrefixedOptions(FramingOptions):
    """`{type: length_prefixed, width: 2, order: big, counts: payload, sync: "AA55"}`; `max` is in bytes of payload."""

    type: str = "length_prefixed"
    width: Literal[1, 2, 4] = 2
    order: Order = "big"
    counts: Counts = "payload"
    sync: Octets | None = None
    max: Annotated[int, Field(ge=1, le=65000)] = 4096  # a whole frame stays within 64 KiB
    gap: PositiveDuration | None = None
    checksum: PrefixedChecksum | None = None

    def build(self) -> Framing:
        """A framing with an empty buffer."""
        sync = bytes.fromhex(self.sync or "")
        covers = self.checksum.covers if self.checksum else "payload"
        covered = {"payload": len(sync) + self.width, "length": len(sync), "frame": 0}[covers]
        layout = PrefixedLayout(
            Struct((">" if self.order == "big" else "<") + {1: "B", 2: "H", 4: "I"}[self.width]),
            self.counts,
            self.max,
            sync,
            self.checksum.build() if self.checksum else None,
            covered,
        )
        return Scanner(layout, self.gap) if self.sync or self.checksum else Paced(layout, self.gap)


class PrefixedLayout(Layout):
    """The number counts the payload, all that follows it, or the whole frame with itself."""

    def __init__(
        self, number: Struct, counts: Counts, maximum: int, sync: bytes, checksum: Checksum | None, covered: int
    ) -> None:
        super().__init__(sync, number.size, checksum, covered)
        self._number = number
        self._numbers = number.unpack_from
        self._at = len(sync)
        self._more = {"payload": self.empty, "rest": self._before, "frame": 0}[counts]  # bytes that it does not count
        self._longest = self.empty + maximum
        # The number itself may not reach so far.
        self._maximum = min(maximum, (1 << 8 * number.size) - 1 + self._more - self.empty)

    def length(self, buffer: bytes, start: int) -> int:
        """What the number says; 0 where it is too small, or too large."""
        length: int = self._numbers(buffer, start + self._at)[0] + self._more
        return length if self.empty <= length <= self._longest else 0

    def may_hold_others(self, buffer: bytes, start: int, end: int) -> bool:
        """With a sync word, where it stands within; else where numbers lead from one place to another within."""
        if self.sync:
            return buffer.find(self.sync, start + 1, end) >= 0
        numbers, more, least = self._numbers, self._more, self.empty + 1
        longest = end - start - least  # so that another one has room behind it
        for place in range(start + 1, end - 2 * least):
            length = numbers(buffer, place)[0] + more
            if least <= length < longest:
                behind = place + length
                if behind + least < end and least <= numbers(buffer, behind)[0] + more < end - behind:
                    return True
        return False

    def wrap(self, payload: bytes) -> bytes:
        """Sync word, number, payload, checksum."""
        refuse_length(payload, 1, self._maximum)
        number = self.empty + len(payload) - self._more
        return self._closed(self.sync + self._number.pack(number) + payload)
