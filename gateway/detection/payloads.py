"""What the frames of a line say: each codec is tried on them, and judged by what it could hardly read by chance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.detection import evidence
from gateway.detection.sentences import DEVICE, pattern_of, shape
from gateway.detection.tables import tables
from gateway.detection.text_lines import is_text
from gateway.detection.trial import Options, Reading, codec_of, decode, distinct

_FRAMES = 400
_BYTES = 32_768
_LEAST_SHARE = 0.25  # of the frames that a codec must read to be looked at
_NUMERIC = 2.5  # bits: that many more than any character that is printable has one of a number
_PAIR = 12.0  # bits of a name, a mark and a value
_AGAIN = 3.0  # bits of a frame that was there before
_LEAST = 4  # frames, to be called text
_SHAPES = 0.6  # of them may be of different shapes
_ADDRESS = re.compile(rb"[$!]([A-Z0-9]{3,16}),")
_SHAPED = 2.0  # bits of a character that stands where it stood before
_PREFIX = re.compile(rb"(#?[A-Za-z0-9_ ]{1,24}[,:;> ]+)\w+\s*[=:]")
_KEY_VALUE: tuple[Options, ...] = (
    {"type": "key_value"},
    {"type": "key_value", "pairs": "|"},
    {"type": "key_value", "pairs": "&"},
    {"type": "key_value", "pairs": "/"},
    {"type": "key_value", "pairs": " ;", "decimal": ","},
)


@dataclass(frozen=True)
class Payload:
    """A codec with what it read. `syntax` tells that it reads what nothing but a device that speaks it says."""

    options: Options
    reading: Reading
    bits: float
    weight: float
    says: tuple[str, ...] = ()
    syntax: bool = False


def payloads(frames: Sequence[bytes]) -> list[Payload]:
    """The codecs that read a good part of the frames."""
    sample = _sample(frames)
    text = [frame for frame in sample if is_text(frame)]
    found = [_objects(sample), _packs(sample), _sentences(sample)]
    if len(text) >= max(1, len(sample) // 2):
        found += [_pairs(sample, options) for options in _KEY_VALUE]
        found += [_numbers(sample), *_tables(sample), _pattern(sample), _text(sample)]
    return [payload for payload in found if payload is not None and payload.reading.share >= _LEAST_SHARE]


def _sample(frames: Sequence[bytes]) -> list[bytes]:
    kept: list[bytes] = []
    size = 0
    for frame in frames[:_FRAMES]:
        size += len(frame)
        if size > _BYTES and kept:
            break
        kept.append(frame)
    return kept


@dataclass(frozen=True)
class _Read:
    """What a codec reads, and the different frames that it could read."""

    reading: Reading
    good: list[bytes]

    @property
    def again(self) -> float:
        """The bits of frames that came word for word again, as noise does not."""
        return _AGAIN * (self.reading.read - len(self.good))

    def bits(self, each: float) -> float:
        """The evidence, where chance reads a frame once in 2 to the power of `each`."""
        failed = self.reading.tried - self.reading.read
        return evidence.of_hits(len(self.good), len(self.good) + failed, each) + self.again


def _read(options: Options, frames: Sequence[bytes]) -> _Read | None:
    codec = codec_of(options)
    if codec is None:
        return None
    reading = decode(codec, frames)
    good = [frame for frame, good in zip(frames, reading.good, strict=True) if good]
    return _Read(reading, distinct(good)) if any(sample.values for sample in reading.samples) else None


def _objects(frames: Sequence[bytes]) -> Payload | None:
    """JSON; a bare number or text is not what anyone calls so."""
    nested = [frame for frame in frames if frame.lstrip()[:1] in (b"{", b"[")]
    read = _read({"type": "json"}, frames) if len(nested) * 2 >= len(frames) else None
    if read is None:
        return None
    return Payload({"type": "json"}, read.reading, read.bits(16.0), 1.0, (f"{read.reading.read} objects",), True)


def _packs(frames: Sequence[bytes]) -> Payload | None:
    options: Options = {"type": "senml", "device": True}
    read = _read(options, frames)
    if read is not None and len({sample.values.get(DEVICE) for sample in read.reading.samples}) < 2:
        del options["device"]  # one alone needs no name
        read = _read(options, frames)
    if read is None:
        return None
    return Payload(options, read.reading, read.bits(24.0), 1.2, (f"{read.reading.read} packs",), True)


def _sentences(frames: Sequence[bytes]) -> Payload | None:
    read = _read({"type": "nmea0183"}, frames)
    if read is None:
        return None
    kinds = sorted({found[1].decode() for found in map(_ADDRESS.search, read.good) if found})
    says = f"sentences {', '.join(kinds[:8])}"
    # Its checksum is its own, and so the better reading than one of the lines'.
    return Payload({"type": "nmea0183"}, read.reading, read.bits(14.0), 1.3, (says,), True)


def _pairs(frames: Sequence[bytes], options: Options) -> Payload | None:
    read = _read(options, frames)
    if read is None and (prefix := _common_prefix(frames)):
        options = options | {"prefix": prefix}
        read = _read(options, frames)
    if read is None:
        return None
    samples = read.reading.samples
    names = Counter(name for sample in samples for name in sample.values)
    if not any(isinstance(value, int | float | bool) for sample in samples for value in sample.values.values()):
        return None
    # Names come again; what comes once only may be any text with a colon in it.
    usual = sum(times for times in names.values() if times > 1 or len(frames) < 3)
    if usual < 0.8 * names.total():
        return None
    fewest = min(len(sample.values) for sample in samples)
    weight = 0.97 - (0.0 if options == _KEY_VALUE[0] else 0.02)
    says = f"pairs of {', '.join(list(names)[:6])}"
    return Payload(options, read.reading, read.bits(_PAIR * max(1, min(fewest, 4))), weight, (says,))


def _common_prefix(frames: Sequence[bytes]) -> str:
    """What all frames begin with, up to a mark behind a word: `DATA,` of `DATA,t=21.4`."""
    found = Counter(head[1] for head in map(_PREFIX.match, frames) if head)
    if not found:
        return ""
    prefix, times = found.most_common(1)[0]
    return prefix.decode() if times >= 0.6 * len(frames) else ""


def _numbers(frames: Sequence[bytes]) -> Payload | None:
    read = _read({"type": "number"}, frames)
    if read is None:
        return None
    bits = _NUMERIC * sum(map(len, read.good)) * read.reading.share + read.again
    return Payload({"type": "number"}, read.reading, bits, 0.96, ("each is one number",))


def _tables(frames: Sequence[bytes]) -> Iterator[Payload]:
    for table in tables(frames):
        read = _read(table.options, frames)
        if read is not None:
            bits = _NUMERIC * table.numeric * read.reading.share + read.again
            yield Payload(table.options, read.reading, bits, 0.95 + table.preference, (table.says,))


def _pattern(frames: Sequence[bytes]) -> Payload | None:
    pattern = pattern_of(frames)
    if pattern is None:
        return None
    options: Options = {"type": "regex", "pattern": pattern}
    read = _read(options, frames)
    if read is None:
        return None
    bits = _SHAPED * sum(map(len, read.good[1:])) + read.again
    return Payload(options, read.reading, bits, 0.85, ("all of one pattern",))


def _text(frames: Sequence[bytes]) -> Payload | None:
    """Text, where its lines resemble each other: else it may as well be noise that is printable."""
    text = [frame for frame in frames if is_text(frame)]
    seen: set[bytes] = set()
    again = 0
    for frame in text:
        shaped = shape(frame)
        again += len(frame) if shaped in seen and len(shaped) > 3 else 0
        seen.add(shaped)
    read = _read({"type": "text"}, frames)
    if read is None or len(frames) < _LEAST or len(seen) > _SHAPES * len(text):
        return None
    return Payload({"type": "text"}, read.reading, _SHAPED * again, 0.5, ("whole lines as they are",))
