"""Frames of one length, found by what comes again after as many bytes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, pairwise

from gateway.detection import checksums, evidence
from gateway.detection.candidates import Candidate, gap_of
from gateway.detection.capture import Capture
from gateway.detection.sync_words import KNOWN, places, preference, words

_WINDOW = 16_384  # bytes that are searched
_PERIODS = range(3, 1025)  # bytes of a frame
_SHARE = 0.6
_LEAST = 3  # frames
_ROWS = 96
_WAYS = 6  # words by which one length is looked at
_CONSTANT = 0.95  # share of the rows in which a column is the same
_STARTS = 8  # places in the frame where it may begin
_COST = 12.0  # bits


def candidates(capture: Capture) -> list[Candidate]:
    """Those that explain most of the capture."""
    data = capture.data[:_WINDOW]
    found: list[Candidate] = []
    for period, ways in _periods(data):
        # Of the words that come again so, the one by which the rest of the frame is most regular: in step with it.
        anchors = max(ways, key=lambda way: evidence.of_columns(_rows(data, way, period), capture.entropy))
        rows = _rows(data, anchors, period)
        bits = evidence.of_columns(rows, capture.entropy) - _COST
        if bits > 0:
            found += _rotations(capture, data, anchors, period, rows, bits)
    return found + _after_pauses(capture)


def _rows(data: bytes, anchors: list[int], period: int) -> list[bytes]:
    return [data[at : at + period] for at in anchors[:_ROWS]]


def _periods(data: bytes) -> Iterator[tuple[int, list[list[int]]]]:
    """The likeliest lengths, each with the places of the words that come again after so many bytes."""
    found: dict[int, list[list[int]]] = {}
    for word in words(data):
        at_all = places(data, word)
        gaps = Counter(after - before for before, after in pairwise(at_all))
        for period, times in gaps.most_common(1):
            if period not in _PERIODS or times < _LEAST or times < _SHARE * (len(at_all) - 1):
                continue
            anchors: list[int] = []
            for at in at_all:
                # One to a frame: a word such as 0000 may stand in it twice.
                if data.startswith(word, at + period) and (not anchors or at >= anchors[-1] + period):
                    anchors.append(at)
            found.setdefault(period, []).append(anchors)
    for ways in found.values():
        ways.sort(key=len, reverse=True)
    for period, ways in sorted(found.items(), key=lambda item: -len(item[1][0]))[:3]:
        yield period, ways[:_WAYS]


def _rotations(
    capture: Capture, data: bytes, anchors: list[int], period: int, rows: list[bytes], bits: float
) -> Iterator[Candidate]:
    """The same frames, beginning at each place where they may."""
    constant = [_is_constant(column) for column in zip(*rows, strict=True)]
    burst_start = _start_of_bursts(capture, anchors, period)
    starts = [burst_start] if burst_start is not None else list(_starts(rows[0], constant))[:_STARTS]
    found = []
    for number, start in enumerate(starts):
        shift = start if start <= period // 2 else start - period
        frames = [data[at + shift : at + shift + period] for at in anchors if at + shift >= 0]
        frames = [frame for frame in frames if len(frame) == period]
        run = next((length for length in range(2) if not constant[(start + length) % period]), 2)
        word = (rows[0] * 2)[start : start + run]
        options = {"type": "fixed", "length": period - run, **({"sync": word.hex().upper()} if run else {})}
        weight = (0.88 if run else 0.8) + preference(word) - number / 1000 - period / 100_000
        says = f"{len(rows)} frames of {period} bytes, {sum(constant)} of them always the same"
        candidate = Candidate(options, bits, weight, (says,))
        checked = checksums.at_the_end(frames, (("payload", run), ("frame", 0)) if run else (("payload", 0),))
        if checked is not None:
            shorter = options | {"length": period - run - checked.size}
            found.append(Candidate(shorter, bits, weight, (says,)).with_checksum(checked))
        found.append(candidate if run else Candidate(options | gap_of(capture), bits, weight, (says,)))
    proven = any(candidate.proven for candidate in found)
    yield from (candidate.demoted() if proven and not candidate.proven else candidate for candidate in found)


def _is_constant(column: tuple[int, ...]) -> bool:
    return Counter(column).most_common(1)[0][1] >= _CONSTANT * len(column)


def _starts(row: bytes, constant: list[bool]) -> Iterator[int]:
    """Where a frame may begin: at a sync word that is known, else where what is always the same begins."""
    period = len(row)
    doubled = row * 2
    yield from (
        at for at in range(period) if doubled[at : at + 2] in KNOWN and constant[at] and constant[(at + 1) % period]
    )
    runs = [at for at in range(period) if constant[at] and not constant[at - 1]]
    yield from sorted(runs, key=lambda at: -next((n for n in range(period) if not constant[(at + n) % period]), period))


def _start_of_bursts(capture: Capture, anchors: list[int], period: int) -> int | None:
    """Where in a frame what comes after a pause begins, counted from its anchor."""
    starts = list(accumulate(map(len, capture.bursts)))[:-1]
    # From each to the next anchor, which is less than a frame away: a byte that was lost shifts only what is between.
    ahead = [(anchors[place] - start) for start in starts if (place := bisect_left(anchors, start)) < len(anchors)]
    phases = [-distance % period for distance in ahead if distance < period]
    if len(phases) < _LEAST:
        return None
    phase, times = Counter(phases).most_common(1)[0]
    return phase if times >= _SHARE * len(ahead) else None


def _after_pauses(capture: Capture) -> list[Candidate]:
    """Frames of which nothing is always the same: what comes between two pauses is as long each time."""
    bursts = capture.bursts[1:]
    if len(bursts) < _LEAST:
        return []
    length, times = Counter(map(len, bursts)).most_common(1)[0]
    if length not in _PERIODS or times < _SHARE * len(bursts):
        return []
    frames = [burst for burst in bursts if len(burst) == length]
    # Noise may come in pieces of one length too, as an adapter on USB hands it over: what is in them must tell.
    bits = evidence.of_columns(frames, capture.entropy) - _COST
    says = f"{times} of {len(bursts)} bursts have {length} bytes"
    found = checksums.at_the_end(frames)
    plain = Candidate({"type": "fixed", "length": length, **gap_of(capture)}, bits, 0.78, (says,))
    if found is None:
        return [plain]
    checked = Candidate({"type": "fixed", "length": length - found.size}, bits, 0.8, (says,))
    return [checked.with_checksum(found), plain.demoted()]
