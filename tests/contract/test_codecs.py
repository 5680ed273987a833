"""What holds of every codec, and of the bus behind it."""

import math
import time

import orjson
import pytest
from hypothesis import given

from gateway.bus import Devices, Link, Log
from gateway.codecs import Codec
from gateway.config.models import DeviceSection
from gateway.config.points import PointSection
from gateway.errors import CodecError
from gateway.model import PointType, Sample
from tests.contract.codec_examples import CODECS, CodecExample
from tests.contract.hostile import HOSTILE
from tests.contract.parts import EXAMPLES, build, cases, frames_like, tried

CODEC_CASES = pytest.mark.parametrize(("name", "example"), cases(CODECS))


def new(name: str, example: CodecExample) -> Codec:
    codec: Codec = build("codecs", name, example.options)
    return codec


def decoded(codec: Codec, frame: bytes) -> list[Sample]:
    """The samples, checked for what every consumer relies on; none where the frame is refused."""
    try:
        samples = codec.decode(frame)
    except CodecError:
        return []
    for sample in samples:
        assert all(type(point) is str for point in sample.values)
        assert all(value is None or type(value) in (bool, int, float, str) for value in sample.values.values())
        assert len(sample.values) <= 512
        stamp = sample.device_time
        assert stamp is None or (type(stamp) is float and math.isfinite(stamp))
    return samples


@CODEC_CASES
def test_the_examples_are_read_as_they_say(name: str, example: CodecExample) -> None:
    codec = new(name, example)
    for frame, samples in example.frames.items():
        assert codec.decode(frame) == samples
        for got, expected in zip(codec.decode(frame), samples, strict=True):  # 0 == False to Python, not to a client
            assert [type(value) for value in got.values.values()] == [type(v) for v in expected.values.values()]


@EXAMPLES
@CODEC_CASES
def test_any_frame_gives_samples_or_a_codec_error(name: str, example: CodecExample, examples: int) -> None:
    codec = new(name, example)

    @tried(examples)
    @given(frames_like([*example.frames, *(frame for frame in HOSTILE if len(frame) < 1000)]))
    def check(frame: bytes) -> None:
        decoded(codec, frame)

    check()


@CODEC_CASES
@pytest.mark.parametrize("frame", HOSTILE, ids=lambda frame: f"{frame[:12]!r}-{len(frame)}")
def test_a_hostile_frame_is_refused_or_read_without_holding_the_loop(
    name: str, example: CodecExample, frame: bytes
) -> None:
    codec = new(name, example)
    started = time.process_time()
    decoded(codec, frame)
    assert time.process_time() - started < 0.5


@EXAMPLES
@CODEC_CASES
def test_the_bus_carries_whatever_a_codec_gives_as_strict_json(name: str, example: CodecExample, examples: int) -> None:
    codec = new(name, example)
    types: list[PointType | None] = [None, "number", "integer", "boolean", "string", "enum"]

    @tried(examples)
    @given(frames_like([*example.frames, *(frame for frame in HOSTILE if len(frame) < 1000)]))
    def check(frame: bytes) -> None:
        samples = decoded(codec, frame)
        points = {point for sample in samples for point in sample.values}
        for kind in types:
            section = PointSection(type=kind, scale=0.1, min=0, values=("a", "b") if kind == "enum" else None)
            declared = {} if kind is None else {"d": DeviceSection(points=dict.fromkeys(points, section))}
            log = Log(1000, 60)
            devices = Devices(log, declared)
            link = Link("d", devices, single=True)
            link.up()
            for sample in samples:
                link.receive(None, Sample(dict(sample.values), sample.device_time))
            for entry in log.after(0, log.head):
                orjson.loads(entry.encoded)

    check()
