"""Whether the last bytes of frames are a checksum of what stands before them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, get_args

from gateway.detection import evidence
from gateway.detection.trial import distinct
from gateway.framing.checksum import Checksum, ChecksumType, Order
from gateway.framing.lines import LineChecksum

_FRAMES = 48  # of a capture are enough
_BYTES = 12_000
_SHARE = 0.7  # of the frames it must fit
_BITS = 18.0  # of evidence: two frames with 16 bits, three with 8
_BITS_MARKED = 9.0  # behind a `*`, which is there for nothing else
_TYPES: tuple[ChecksumType, ...] = get_args(ChecksumType)
_STANDARD: dict[ChecksumType, Order] = {"crc16-modbus": "little", "crc16-ccitt": "big", "crc32": "big"}
_TAIL = re.compile(rb"([^0-9A-Za-z]?)((?:[0-9A-Fa-f]{2}){1,4})$")


@dataclass(frozen=True)
class Found:
    """A checksum as it is configured, and its evidence."""

    options: Any
    size: int
    bits: float
    says: str


def at_the_end(frames: Iterable[bytes], covered: Sequence[tuple[str, int]] = (("payload", 0),)) -> Found | None:
    """The checksum of frames that are whole, from some byte on to their end.

    `covered` are the names of what it may cover and the byte where that begins; the first is what needs no saying.
    """
    sample = _sample(frames)
    best: Found | None = None
    cost = log2(len(_TYPES) * 2 * len(covered))
    for type in _TYPES:
        orders: tuple[Order | None, ...] = (None, "little", "big") if type in _STANDARD else (None,)
        for order in orders:
            if order is not None and order == _STANDARD[type]:
                continue
            checksum = Checksum(type, order)
            for name, begin in covered:
                told = [frame[begin:] for frame in sample if len(frame) > begin + checksum.size]
                hits = sum(checksum.stripped(frame) is not None for frame in told)
                bits = evidence.of_hits(hits, len(told), 8.0 * checksum.size) - cost
                if hits < _SHARE * len(sample) or bits < _BITS or (best is not None and bits <= best.bits):
                    continue
                options: dict[str, str] = {"type": type}
                if order is not None:
                    options["order"] = order
                if name != covered[0][0]:
                    options["covers"] = name
                says = f"{type} fits {hits} of {len(told)} different frames"
                best = Found(type if len(options) == 1 else options, checksum.size, bits, says)
    return best


def of_lines(lines: Iterable[bytes]) -> Found | None:
    """The checksum in hexadecimal digits at the end of lines."""
    sample = _sample(lines)
    tails = [tail for tail in map(_TAIL.search, sample) if tail]
    if len(tails) < _SHARE * len(sample):
        return None
    best: Found | None = None
    for type in _TYPES:
        size = Checksum(type).size
        for separator in {tail[1].decode("latin-1") for tail in tails if len(tail[2]) == 2 * size}:
            least = _BITS_MARKED if separator == "*" else _BITS
            for skip in (0, 1):
                section = LineChecksum(type=type, separator=separator, skip=skip)
                checksum = section.build()
                hits = sum(checksum.stripped(line) is not None for line in sample)
                bits = evidence.of_hits(hits, len(sample), 8.0 * size) - log2(len(_TYPES) * 8)
                if hits < _SHARE * len(sample) or bits < least or (best is not None and bits <= best.bits):
                    continue
                options = section.model_dump(exclude_defaults=True)
                says = f"{type} fits {hits} of {len(sample)} different lines"
                best = Found(type if len(options) == 1 else options, checksum.size, bits, says)
    return best


def _sample(frames: Iterable[bytes]) -> list[bytes]:
    kept: list[bytes] = []
    size = 0
    for frame in distinct(frames)[:_FRAMES]:
        size += len(frame)
        if size > _BYTES and kept:
            break
        kept.append(frame)
    return kept
