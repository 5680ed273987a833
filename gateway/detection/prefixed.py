"""Frames that begin with their length, behind a sync word or after a pause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log2
from struct import Struct
from typing import Any

from gateway.detection import checksums, evidence
from gateway.detection.candidates import Candidate, gap_of
from gateway.detection.capture import Capture
from gateway.detection.checksums import Found
from gateway.detection.sync_words import places, preference, words
from gateway.detection.trial import Options

_WINDOW = 16_384  # bytes that are searched
_LONGEST = 4096  # bytes of a frame
_SHARE = 0.6  # of the places must lead to the next
_LEAST = 3  # frames
_TRAILERS = (0, 1, 2, 4)  # bytes of a checksum that the length does not count
_COST = 10.0  # bits, for the words and the ways of counting that are tried


@dataclass(frozen=True)
class _Number:
    width: int
    order: str
    struct: Struct

    @property
    def options(self) -> Options:
        return {"width": self.width, **({"order": self.order} if self.width > 1 else {})}


_NUMBERS = tuple(
    _Number(width, order, Struct((">" if order == "big" else "<") + letter))
    for width, order, letter in (
        (1, "big", "B"),
        (2, "big", "H"),
        (2, "little", "H"),
        (4, "big", "I"),
        (4, "little", "I"),
    )
)


def candidates(capture: Capture) -> list[Candidate]:
    """Those that explain most of the capture, by sync words first."""
    data = capture.data[:_WINDOW]
    found = [made for word in words(data) for number in _NUMBERS for made in _synced(capture, data, word, number)]
    found += [candidate for number in _NUMBERS for candidate in _after_pauses(capture, number)]
    found += [candidate for number in _NUMBERS for candidate in _in_a_row(data, number)]
    return found


def _ways(before: int) -> Iterator[tuple[str, int, int]]:
    """How the number counts, what the frame has more than it, and bytes of checksum that it does not count."""
    for trailer in _TRAILERS:
        yield "payload", before + trailer, trailer
    yield "frame", 0, 0


def _synced(capture: Capture, data: bytes, word: bytes, number: _Number) -> list[Candidate]:
    size = len(word)
    before = size + number.width
    found = places(data, word)
    told = [(at, number.struct.unpack_from(data, at + size)[0]) for at in found if at + before <= len(data)]
    candidates: list[Candidate] = []
    for counts, more, trailer in _ways(before):
        frames, tries, skipped = [], 0, 0
        for at, value in told:
            end = at + value + more
            if not before < value + more <= _LONGEST:
                tries += 1
            elif end + size <= len(data):
                tries += 1
                if data.startswith(word, end):
                    frames.append(data[at:end])
                    skipped += data.find(word, at + 1) < end
        # What leads from each frame to the next but one is no length.
        if len(frames) < _LEAST or len(frames) < _SHARE * tries or 2 * skipped > len(frames):
            continue
        bits = evidence.of_hits(len(frames), tries, capture.bits(word)) - _COST
        options = {"type": "length_prefixed", **number.options, "sync": word.hex().upper()}
        plain = Candidate(options, bits, 0.94 + preference(word), (_says(len(frames), tries),), frames=len(frames))
        plain = plain.with_columns(frames, capture.entropy)
        covered = (("payload", before), ("length", size), ("frame", 0))
        candidates += _counting(plain, counts, trailer, checksums.at_the_end(frames, covered))
    return candidates


def _counting(plain: Candidate, counts: str, trailer: int, found: Found | None) -> Iterator[Candidate]:
    """The candidate with its checksum, where that is what the number left uncounted; else without any."""
    if found is not None and trailer in (0, found.size):
        counted = "rest" if counts == "payload" and not trailer else counts
        yield _with(plain, counts=counted).with_checksum(found)
    if not trailer:
        yield _with(plain.demoted() if found is not None else plain, counts=counts)


def _with(candidate: Candidate, **options: Any) -> Candidate:
    if options.get("counts") == "payload":  # needs no saying
        del options["counts"]
    return replace(candidate, options=candidate.options | options)


def _after_pauses(capture: Capture, number: _Number) -> list[Candidate]:
    """Frames without a sync word: what comes between two pauses is a whole number of them."""
    bursts = capture.bursts[1:]
    if len(bursts) < _LEAST or sum(map(len, bursts)) > _WINDOW:
        bursts = bursts[: _WINDOW // 64]
    candidates: list[Candidate] = []
    for counts, more, trailer in _ways(number.width):
        frames, hits = [], 0
        for burst in bursts:
            cut = list(_chain(burst, 0, number, more))
            if cut and cut[-1][1] == len(burst):
                hits += 1
                frames += [burst[start:end] for start, end in cut]
        if hits < _LEAST or hits < _SHARE * len(bursts):
            continue
        bits = evidence.of_hits(hits, len(bursts), min(8.0 * number.width, 12.0)) - _COST
        options = {"type": "length_prefixed", **number.options}
        plain = Candidate(options, bits, 0.9, (f"{hits} of {len(bursts)} bursts are whole frames",))
        plain = plain.with_columns(frames, capture.entropy)
        found = checksums.at_the_end(frames, (("payload", number.width), ("length", 0)))
        for candidate in _counting(plain, counts, trailer, found):
            candidates.append(candidate if candidate.proven else _with(candidate, **gap_of(capture)))
    return candidates


def _in_a_row(data: bytes, number: _Number) -> list[Candidate]:
    """Frames without a sync word and without pauses, which their checksum alone finds again."""
    candidates: list[Candidate] = []
    for counts, more, trailer in _ways(number.width):
        best: list[tuple[int, int]] = []
        seen: set[int] = set()
        for start in range(min(len(data), 300)):
            if start in seen:
                continue
            chain = list(_chain(data, start, number, more, seen))
            if len(chain) > len(best):
                best = chain
        if len(best) < _LEAST or best[-1][1] - best[0][0] < _SHARE * len(data):
            continue
        found = checksums.at_the_end(
            [data[start:end] for start, end in best], (("payload", number.width), ("length", 0))
        )
        if found is None:
            continue
        plain = Candidate({"type": "length_prefixed", **number.options}, -log2(300) - _COST, 0.85)
        candidates += [made for made in _counting(plain, counts, trailer, found) if made.proven]
    return candidates


def _chain(
    data: bytes, start: int, number: _Number, more: int, seen: set[int] | None = None
) -> Iterator[tuple[int, int]]:
    """The frames from a place on, each beginning where the one before ended, as far as whole ones are there."""
    least = number.width
    while start + number.width <= len(data):
        if seen is not None:
            if start in seen:
                return
            seen.add(start)
        length = number.struct.unpack_from(data, start)[0] + more
        if not least < length <= _LONGEST or start + length > len(data):
            return
        yield start, start + length
        start += length


def _says(hits: int, tries: int) -> str:
    return f"{hits} of {tries} lengths lead to the next frame"
