"""Whether the last bytes of frames are a checksum of what stands before them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, get_args

from gateway.detection import evidence
from gateway.framing.checksum import Checksum, ChecksumType, Order
from gateway.framing.lines import LineChecksum

_FRAMES = 48  # of a capture are enough
_BYTES = 12_000
_SHARE = 0.7  # of the frames it must fit
_BITS = 18.0  # of evidence: two frames with 16 bits, three with 8
_BITS_MARKED = 9.0  # behind a `*`, which is there for nothing else
_VARIED = 2.0  # bits of a byte, from which a sum may be anything
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
    # Of bytes that are two or three only, a sum is one of a few as well.
    entropy = evidence.entropy(byte for frame in sample for byte in frame)
    each = 8.0 if entropy >= _VARIED else entropy
    for type in _TYPES:
        orders: tuple[Order | None, ...] = (None, "little", "big") if type in _STANDARD else (None,)
        for order in orders:
            if order is not None and order == _STANDARD[type]:
                continue
            checksum = Checksum(type, order)
            for name, begin in covered:
                told = [frame for frame in sample if len(frame) > begin + checksum.size]
                hits = [frame for frame in told if checksum.stripped(frame[begin:]) is not None]
                bits = evidence.of_hits(len(hits), len(told), each * checksum.size) - cost
                if not _is_usual(hits, sample) or bits < _BITS or (best is not None and bits <= best.bits):
                    continue
                options: dict[str, str] = {"type": type}
                if order is not None:
                    options["order"] = order
                if name != covered[0][0]:
                    options["covers"] = name
                says = f"{type} fits {len(hits)} of {len(told)} different frames"
                best = Found(type if len(options) == 1 else options, checksum.size, bits, says)
    return best


def of_lines(lines: Iterable[bytes]) -> Found | None:
    """The checksum in hexadecimal digits at the end of lines."""
    sample = _sample(lines)
    tails = [tail for tail in map(_TAIL.search, sample) if tail]
    best: Found | None = None
    for type in _TYPES:
        size = Checksum(type).size
        for separator in {tail[1].decode("latin-1") for tail in tails if len(tail[2]) == 2 * size}:
            least = _BITS_MARKED if separator == "*" else _BITS
            for skip in (0, 1):
                section = LineChecksum(type=type, separator=separator, skip=skip)
                checksum = section.build()
                hits = [line for line in sample if checksum.stripped(line) is not None]
                bits = evidence.of_hits(len(hits), len(sample), 8.0 * size) - log2(len(_TYPES) * 8)
                if not _is_usual(hits, sample) or bits < least or (best is not None and bits <= best.bits):
                    continue
                options = section.model_dump(exclude_defaults=True)
                says = f"{type} fits {len(hits)} of {len(sample)} different lines"
                best = Found(type if len(options) == 1 else options, checksum.size, bits, says)
    return best


def _is_usual(hits: Iterable[bytes], sample: Counter[bytes]) -> bool:
    """Whether most frames fit, those counted again that came again: noise is different each time."""
    return sum(sample[frame] for frame in hits) >= _SHARE * sample.total()


def _sample(frames: Iterable[bytes]) -> Counter[bytes]:
    """The first different frames, and how often each came."""
    counts = Counter(frames)
    size = 0
    for number, frame in enumerate(counts):
        size += len(frame)
        if number and (number >= _FRAMES or size > _BYTES):
            return Counter({frame: counts[frame] for frame in list(counts)[:number]})
    return counts
