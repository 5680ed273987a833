"""Puts framings and codecs together, and judges what is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt

from gateway.detection import evidence, periodic, prefixed, stuffed, text_lines
from gateway.detection.candidates import Candidate
from gateway.detection.capture import Capture
from gateway.detection.payloads import Payload, payloads
from gateway.detection.records import record
from gateway.detection.sentences import DEVICE
from gateway.detection.trial import Options, Reading, Trial, codec_of, cut, decode, framing_of
from gateway.model import Sample, Value

_SURE = 0.6  # share of frames and of bytes that a guess must explain
_SURE_SYNTAX = 0.3  # likewise, where nothing but a device that speaks it says such a thing
_LEAST_ENTROPY = 0.5  # bits a byte; below it is one byte again and again, as of a line that is held
_MOST_TRIED = 8  # ways of a kind, those with the most evidence
_TEXT = bytes(range(32, 127)) + b"\t\r\n"
_STRAY = 0.02  # share of other bytes that text may have in it
_BINARY = 0.75  # weight of a codec that is a guess at fields
_MOST = 8  # guesses that are told
_OF_NAMES = (DEVICE, "node", "dev", "sensor", "station", "addr", "address", "id", "name")


@dataclass(frozen=True)
class Guess:
    """A framing and a codec as they stand in a configuration; `score` is from 0 to 1, `rank` orders what scores alike.

    Both are of how much is explained, by its root: damage costs one framing more frames than another.

    `sure` tells that chance does not explain it, `proven` that its text or its checksum leaves no doubt. `times` are
    those of the frames that were read. `field` is the point that says which device of several sent a frame, `names` are
    those it said.
    """

    framing: Options
    codec: Options
    score: float
    rank: float
    bits: float
    sure: bool
    proven: bool
    frames: int
    read: int
    times: tuple[float, ...] = ()
    values: dict[str, Value] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    field: str | None = None
    names: tuple[str, ...] = ()
    says: tuple[str, ...] = ()

    @property
    def rate(self) -> float | None:
        """Frames a second; None where there are too few."""
        if len(self.times) < 2 or self.times[-1] <= self.times[0]:
            return None
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])

    @property
    def longest_pause(self) -> float | None:
        """Seconds between two frames, at the longest."""
        return max((after - before for before, after in pairwise(self.times)), default=None)


def guess(capture: Capture) -> list[Guess]:
    """What the line may speak, the likeliest first. None of them is `sure` where it may as well be noise."""
    found: list[Guess] = []
    if capture.entropy < _LEAST_ENTROPY:
        return []
    for candidate in _candidates(capture):
        framing = framing_of(candidate.options)
        if framing is None:
            continue
        trial = cut(framing, capture)
        if len(trial.frames) >= max(1, _SURE * candidate.frames):
            found += _guesses(candidate, trial)
    best: dict[tuple[str, bool, str], Guess] = {}
    for one in sorted(found, key=lambda guess: (guess.sure, guess.rank), reverse=True):
        # Of each kind the best: other readings of the same are of no interest.
        best.setdefault((one.framing["type"], "checksum" in one.framing, one.codec["type"]), one)
    return list(best.values())[:_MOST]


def _candidates(capture: Capture) -> Iterator[Candidate]:
    lines = text_lines.candidates(capture)
    yield from lines
    data = capture.data
    if lines and len(data.translate(None, _TEXT)) < _STRAY * len(data) and data.count(b"\n") > 2:
        return  # text as it is: nothing else cuts it better
    yield from stuffed.candidates(capture)
    for found in (prefixed.candidates(capture), periodic.candidates(capture)):
        found.sort(key=lambda made: (made.proven, made.bits), reverse=True)
        yield from found[:_MOST_TRIED]


def _guesses(candidate: Candidate, trial: Trial) -> Iterator[Guess]:
    understood = False
    for payload in payloads(trial.frames):
        if payload.options["type"] == "text" and candidate.options["type"] == "fixed":
            continue  # text that was cut into pieces
        made = _of_payload(candidate, trial, payload)
        understood |= made.sure
        yield made
    if candidate.options["type"] == "lines" or understood:
        return
    fields = record(trial.frames)
    if fields is None:
        return
    codec = codec_of(fields.options)
    if codec is None:
        return
    reading = decode(codec, trial.frames)
    share = reading.share * trial.explained
    yield _made(
        candidate,
        trial,
        fields.options,
        reading,
        share=share,
        rank=sqrt(share) * candidate.weight * _BINARY,
        bits=candidate.bits,
        least=_SURE,
        proven=candidate.proven,
        says=(fields.says,),
    )


def _of_payload(candidate: Candidate, trial: Trial, payload: Payload) -> Guess:
    reading = payload.reading
    share = reading.share * trial.explained
    bits = candidate.bits + payload.bits
    if candidate.options["type"] == "lines" and payload.bits < evidence.ENOUGH / 2 and not candidate.proven:
        bits = payload.bits  # that lines are printable does not tell them from printable noise
    return _made(
        candidate,
        trial,
        payload.options,
        reading,
        share=share,
        rank=sqrt(share) * candidate.weight * payload.weight,
        bits=bits,
        least=_SURE_SYNTAX if payload.syntax else _SURE,
        proven=True,
        says=payload.says,
    )


def _made(
    candidate: Candidate,
    trial: Trial,
    codec: Options,
    reading: Reading,
    *,
    share: float,
    rank: float,
    bits: float,
    least: float,
    proven: bool,
    says: tuple[str, ...],
) -> Guess:
    values: dict[str, Value] = {}
    units: dict[str, str] = {}
    samples = reading.samples
    for sample in samples:
        values.update(sample.values)
        units.update(sample.units)
    of_names = _field_of_names(samples)
    return Guess(
        framing=candidate.options,
        codec=codec,
        score=round(min(rank, 1.0), 3),
        rank=rank,
        bits=round(bits, 1),
        sure=bits >= evidence.ENOUGH and share >= least,
        proven=proven,
        frames=len(trial.frames),
        read=reading.read,
        times=tuple(time for time, read in zip(trial.times, reading.good, strict=False) if read),
        values=values,
        units=units,
        field=of_names,
        names=tuple(sorted({str(sample.values[of_names]) for sample in samples if of_names in sample.values}))
        if of_names is not None
        else (),
        says=candidate.says + says,
    )


def _field_of_names(samples: Sequence[Sample]) -> str | None:
    """The point that says which of several devices sent a frame."""
    for name in _OF_NAMES:
        told = [sample.values[name] for sample in samples if name in sample.values]
        if len(told) < 0.9 * len(samples) or not all(isinstance(value, str) for value in told):
            continue
        if 2 <= len(Counter(told)) <= 32 and len(told) >= 2 * len(Counter(told)):
            return name
    return None
