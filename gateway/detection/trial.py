"""The real framings and codecs, tried on a capture as they would run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from gateway import plugins
from gateway.codecs import Codec, CodecOptions
from gateway.codecs.base import named
from gateway.detection.capture import Capture
from gateway.errors import CodecError
from gateway.framing import Framing, FramingOptions
from gateway.model import Sample

_SOME = 64  # frames by which all are measured

Options = dict[str, Any]  # as they stand in a configuration, with `type`


def framing_of(options: Options) -> Framing | None:
    """The framing; None where there is none with such options."""
    made = _made("framings", options)
    return cast("FramingOptions", made).build() if made is not None else None


def codec_of(options: Options) -> Codec | None:
    """The codec, likewise."""
    made = _made("codecs", options)
    return cast("CodecOptions", made).build() if made is not None else None


def _made(group: plugins.Group, options: Options) -> BaseModel | None:
    model = plugins.find(group, options["type"])
    try:
        return model.model_validate(options) if model is not None else None
    except ValidationError:
        return None


@dataclass
class Trial:
    """What a framing made of a capture. `times` are those of its frames; `damaged` leaves a torn first frame out."""

    frames: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    damaged: int = 0
    explained: float = 0.0  # share of the bytes that are part of a frame


def cut(framing: Framing, capture: Capture) -> Trial:
    """The frames of the capture."""
    trial = Trial()
    last = None
    first_error = 0
    for time, chunk in capture.chunks:
        if framing.gap is not None and last is not None and time - last > framing.gap:
            framing.break_off()
        last = time
        found = framing.receive_data(chunk)
        if found and not trial.frames:
            first_error = min(framing.errors, 1)  # it began before we listened
        trial.frames += found
        trial.times += [time] * len(found)
    trial.damaged = framing.errors - first_error
    whole = sum(map(len, trial.frames)) + _overhead(framing, trial.frames)
    # At both ends is the half of a frame.
    torn = min(2 * max(map(len, trial.frames), default=0), len(capture.data) // 2)
    trial.explained = min(1.0, whole / max(1, len(capture.data) - torn))
    return trial


def _overhead(framing: Framing, frames: Sequence[bytes]) -> int:
    """Bytes of delimiters, lengths and checksums beside what the frames hold, by some of them."""
    beside = 0
    some = frames[:_SOME]
    for frame in some:
        with suppress(CodecError):  # it came in a form that nobody would send
            beside += len(framing.encode(frame)) - len(frame)
    return beside * len(frames) // max(1, len(some))


@dataclass
class Reading:
    """What a codec made of frames."""

    read: int = 0
    tried: int = 0
    share: float = 0.0  # of the bytes: what noise made a frame of is short
    samples: list[Sample] = field(default_factory=list)
    good: list[bool] = field(default_factory=list)


def decode(codec: Codec, frames: Sequence[bytes]) -> Reading:
    """The samples of the frames; a first one that cannot be read is taken for torn."""
    reading = Reading()
    for frame in frames:
        try:
            samples = [named(sample) for sample in codec.decode(frame)]
        except CodecError:
            reading.good.append(False)
            continue
        reading.good.append(True)
        reading.samples += samples
    reading.read = sum(reading.good)
    torn = len(frames) > 1 and not reading.good[0]
    reading.tried = len(frames) - torn
    size = sum(map(len, frames[torn:]))
    read = sum(len(frame) for frame, good in zip(frames, reading.good, strict=True) if good)
    reading.share = read / size if size else 0.0
    return reading


def distinct(frames: Iterable[bytes]) -> list[bytes]:
    """Each frame once, in order: what is repeated word for word proves nothing anew."""
    return list(dict.fromkeys(frames))
