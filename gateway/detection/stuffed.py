"""Binary frames between delimiters: COBS, SLIP, and frames from a start byte to an end byte."""

from __future__ import annotations

from collections import Counter
from math import log2

from gateway.detection import checksums, evidence
from gateway.detection.candidates import Candidate
from gateway.detection.capture import Capture
from gateway.detection.trial import Options, Trial, cut, distinct, framing_of
from gateway.framing.cobs import Cobs

_LEAST = 2  # frames
_LONGEST = 65_000  # bytes of a frame
_TOLD = 300  # bytes of a piece, up to which chance is told apart; it is the same for longer ones
_STX_ETX: tuple[Options, ...] = (
    {"type": "stx_etx"},
    {"type": "stx_etx", "xor": "20"},
    {"type": "stx_etx", "start": "3C", "end": "3E", "escape": "5C"},  # <21.4,48> of many sketches
)


def candidates(capture: Capture) -> list[Candidate]:
    """Those that explain most of the capture."""
    found = [_cobs(capture), _slip(capture), *(_stx_etx(capture, options) for options in _STX_ETX)]
    return [with_or_without for candidate in found if candidate for with_or_without in candidate]


def _cobs(capture: Capture) -> list[Candidate]:
    trial = _cut({"type": "cobs"}, capture)
    if trial is None:
        return []
    pieces = distinct(piece for piece in capture.data.split(b"\0")[1:-1] if len(piece) > 1)
    by_chance = _cobs_by_chance(pieces)
    unstuffed = Cobs(maximum=_LONGEST)
    hits = [by_chance[min(len(piece), _TOLD)] for piece in pieces if unstuffed.receive_data(piece + b"\0")]
    bits = evidence.of_each(hits, len(pieces)) + _of_lengths(trial, capture.share(b"\0"))
    plain = Candidate({"type": "cobs"}, bits, 0.98, (_counted(trial),))
    return _whole(plain, trial, capture)


def _cobs_by_chance(pieces: list[bytes]) -> list[float]:
    """The bits that it proves that a piece of so many bytes is COBS, where its bytes are as frequent as they are."""
    counts = Counter(b"".join(pieces))
    shares = [(code, count / counts.total()) for code, count in counts.items()]
    ends = [1.0]  # how likely a code byte stands behind so many bytes
    for length in range(1, _TOLD + 1):
        ends.append(sum(share * ends[length - code] for code, share in shares if code <= length))
    return [-log2(max(likely, 1e-12)) for likely in ends]


def _slip(capture: Capture) -> list[Candidate]:
    trial = _cut({"type": "slip"}, capture)
    if trial is None:
        return []
    data = capture.data
    escapes = data.count(b"\xdb")
    right = data.count(b"\xdb\xdc") + data.count(b"\xdb\xdd")
    # Where each frame has an END on both of its sides, they stand side by side.
    ends = data.count(b"\xc0")
    doubled = min(data.count(b"\xc0\xc0"), len(trial.frames))
    by_chance = -log2(max(capture.share(b"\xdc") + capture.share(b"\xdd"), 1 / 256))
    bits = _of_lengths(trial, capture.share(b"\xc0")) + evidence.of_hits(right, max(escapes, right), by_chance)
    bits += evidence.of_hits(doubled, max(ends, doubled), capture.bits(b"\xc0"))
    plain = Candidate({"type": "slip"}, bits, 0.97, (_counted(trial),))
    return _whole(plain, trial, capture)


def _stx_etx(capture: Capture, options: Options) -> list[Candidate]:
    trial = _cut(options, capture)
    if trial is None:
        return []
    data = capture.data
    start, end = (bytes.fromhex(options.get(key, usual)) for key, usual in (("start", "02"), ("end", "03")))
    # One frame begins where the other ends, or behind a line end.
    adjacent = sum(data.count(end + between + start) for between in (b"", b"\n", b"\r\n"))
    adjacent = min(adjacent, len(trial.frames))
    bits = evidence.of_hits(adjacent, max(data.count(end), adjacent), capture.bits(start))
    bits += _of_lengths(trial, capture.share(end)) - log2(len(_STX_ETX))
    plain = Candidate(options, bits, 0.97, (_counted(trial),))
    return _whole(plain, trial, capture)


def _cut(options: Options, capture: Capture) -> Trial | None:
    framing = framing_of(options)
    trial = cut(framing, capture) if framing is not None else None
    if trial is None or len(trial.frames) < _LEAST or len(trial.frames) < trial.damaged:
        return None
    return trial


def _of_lengths(trial: Trial, share: float) -> float:
    """A byte that is so frequent, and parts nothing, would stand at distances all over."""
    return evidence.of_regularity([len(frame) for frame in trial.frames[1:]], evidence.of_places(share))


def _whole(plain: Candidate, trial: Trial, capture: Capture) -> list[Candidate]:
    with_columns = plain.with_columns(trial.frames[1:], capture.entropy)
    return with_columns.with_or_without(checksums.at_the_end(trial.frames))


def _counted(trial: Trial) -> str:
    shortest, longest = min(map(len, trial.frames)), max(map(len, trial.frames))
    size = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    return f"{len(trial.frames)} frames of {size} bytes"
