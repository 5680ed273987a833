"""What codecs make of whole streams as firmware sends them: banners, torn lines, garbage between readings.

A recording has `> ` before what came as a line, `>> ` where its end was lost, `hex: ` before a binary frame; then `= `
before the values and units that are read (null for what is no number), `! ` before a part of the error, or `-` where
there is no reading. Bytes that are no text are written as in Python.
"""

import json
import math
from pathlib import Path

import pytest

from gateway.codecs import Codec
from gateway.errors import CodecError
from gateway.framing.lines import Lines
from tests.contract.parts import build

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.txt"))


def wire(text: str) -> bytes:
    """`\\x85` is that byte, and everything else UTF-8."""
    return text.encode("utf-8").decode("unicode_escape").encode("latin-1")


def outcome(codec: Codec, frame: bytes) -> str | list[object]:
    """The values and units of the one sample, with null for what is no number; or the error."""
    try:
        samples = codec.decode(frame)
    except CodecError as error:
        return f"! {error}"
    if not samples:
        return "-"
    (sample,) = samples
    numbers = {
        point: None if isinstance(value, float) and not math.isfinite(value) else value
        for point, value in sample.values.items()
    }
    return [numbers, dict(sample.units)]


def values(text: str) -> list[object]:
    read, end = json.JSONDecoder().raw_decode(text)
    return [read, json.loads(text[end:] or "{}")]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_recorded_stream_is_read_as_it_says(path: Path, size: int) -> None:
    stream, frames, expected = b"", [], []
    codec: Codec | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "options:":
            options = json.loads(rest)
            codec = build("codecs", options["type"], options)
        elif kind in (">", ">>"):
            stream += wire(rest) + (b"\n" if kind == ">" else b"")
        elif kind == "hex:":
            frames.append(bytes.fromhex(rest))
        elif kind != "#":
            expected.append(line)
    assert codec is not None
    framing = Lines()
    for start in range(0, len(stream), size):
        frames += framing.receive_data(stream[start : start + size])
    assert len(frames) == len(expected) > 5
    for frame, line in zip(frames, expected, strict=True):
        got = outcome(codec, frame)
        if line.startswith("! "):
            assert isinstance(got, str), frame
            assert line[2:] in got
        elif line.startswith("= "):
            assert got == values(line[2:]), frame
        else:
            assert got == line, frame
