"""What holds of every framing."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.framing import Framing
from tests.contract.framing_examples import FRAMINGS, FramingExample
from tests.contract.parts import build, cases, encoded, held, pieces, tried

CHECKED = {
    name: [example for example in examples if "checksum" in example.options] for name, examples in FRAMINGS.items()
}

FRAMING_CASES = pytest.mark.parametrize(("name", "example"), cases(FRAMINGS))

# There are many cases.
EXAMPLES = pytest.mark.parametrize("examples", [30, pytest.param(20_000, marks=pytest.mark.long)])

CUTS = st.lists(st.integers(0, 1 << 20), max_size=40)


def new(name: str, example: FramingExample) -> Framing:
    framing: Framing = build("framings", name, example.options)
    return framing


def frames_of(name: str, example: FramingExample) -> st.SearchStrategy[bytes]:
    """Frames that the framing carries."""
    if example.length is not None:
        return st.sampled_from(example.frames) | st.binary(min_size=example.length, max_size=example.length)
    framing = new(name, example)
    small = [frame for frame in example.frames if len(frame) < 1000] or [b"frame"]
    anything = (
        st.sampled_from(small) | st.binary(min_size=1, max_size=60) | st.text(";\r\na1", min_size=1).map(str.encode)
    )
    return anything.filter(lambda frame: encoded(framing, frame) is not None)


def streams(name: str, example: FramingExample) -> st.SearchStrategy[bytes]:
    """Whatever a wire brings: frames, damaged frames, garbage, and much of what looks like a delimiter."""
    framing = new(name, example)
    delimiters = st.text("ab;\r\n\0", max_size=30).map(str.encode)
    marks = st.lists(st.sampled_from(sorted(set(example.wire))), max_size=30).map(bytes)
    frames = frames_of(name, example).map(framing.encode)
    half = st.builds(lambda wire, at: wire[: at % len(wire)], frames, st.integers(0, 1 << 16))
    part = st.binary(max_size=60) | delimiters | marks | frames | half
    return st.lists(part, max_size=12).map(b"".join)


def counters(framing: Framing) -> tuple[int, int, int]:
    return framing.errors, framing.checksum_errors, framing.resyncs


def pause(framing: Framing, example: FramingExample) -> None:
    """A silence, where only that tells where a frame begins."""
    if example.by_gap:
        assert framing.gap is not None
        framing.break_off()


@FRAMING_CASES
def test_the_example_comes_back(name: str, example: FramingExample) -> None:
    framing = new(name, example)
    assert framing.receive_data(example.wire) == example.frames
    assert counters(framing) == (0, 0, 0)
    for frame in example.frames:
        assert framing.receive_data(framing.encode(frame)) == [frame]


@EXAMPLES
@FRAMING_CASES
def test_any_split_gives_the_same_frames_and_errors(name: str, example: FramingExample, examples: int) -> None:
    @tried(examples)
    @given(streams(name, example), CUTS, st.booleans())
    def check(stream: bytes, cuts: list[int], one_by_one: bool) -> None:
        whole, cut = new(name, example), new(name, example)
        expected = whole.receive_data(stream)
        places = range(len(stream)) if one_by_one else cuts
        assert [frame for piece in pieces(stream, places) for frame in cut.receive_data(piece)] == expected
        assert counters(cut) == counters(whole)
        # And what is half received is the same.
        cut.break_off()
        whole.break_off()
        assert counters(cut) == counters(whole)
        assert cut.receive_data(stream) == whole.receive_data(stream)

    check()


@EXAMPLES
@FRAMING_CASES
def test_what_is_encoded_comes_back_as_that_one_frame(name: str, example: FramingExample, examples: int) -> None:
    delimiters = st.text("ab;\r\n\0", max_size=10).map(str.encode)

    @tried(examples)
    @given(frames_of(name, example) | st.binary(max_size=80) | delimiters, CUTS)
    def check(frame: bytes, cuts: list[int]) -> None:
        framing = new(name, example)
        wire = encoded(framing, frame)
        if wire is not None:
            assert [got for piece in pieces(wire, cuts) for got in framing.receive_data(piece)] == [frame]
            assert framing.receive_data(wire) == [frame]  # and it left nothing behind
            assert counters(framing) == (0, 0, 0)

    check()


@EXAMPLES
@FRAMING_CASES
def test_garbage_costs_only_its_neighbours(name: str, example: FramingExample, examples: int) -> None:
    frames = st.lists(frames_of(name, example), min_size=3, max_size=6)

    @tried(examples)
    @given(frames, st.binary(max_size=300), frames, CUTS)
    def check(before: list[bytes], garbage: bytes, after: list[bytes], cuts: list[int]) -> None:
        framing = new(name, example)
        damaged = b"".join(map(framing.encode, before)) + garbage
        good = b"".join(map(framing.encode, after))
        if example.by_gap:
            received = [frame for piece in pieces(damaged, cuts) for frame in framing.receive_data(piece)]
            pause(framing, example)
            received += framing.receive_data(good)
        else:
            received = [frame for piece in pieces(damaged + good, cuts) for frame in framing.receive_data(piece)]
        assert received[: len(before)] == before
        in_step = after[2:]
        assert received[-len(in_step) :] == in_step

    check()


@EXAMPLES
@FRAMING_CASES
def test_a_truncated_frame_costs_only_its_neighbour(name: str, example: FramingExample, examples: int) -> None:
    frames = st.lists(frames_of(name, example), min_size=3, max_size=6)

    @tried(examples)
    @given(frames_of(name, example), st.integers(0, 1 << 16), frames)
    def check(truncated: bytes, at: int, after: list[bytes]) -> None:
        framing = new(name, example)
        wire = framing.encode(truncated)
        received = framing.receive_data(wire[: at % len(wire)])
        pause(framing, example)
        received += framing.receive_data(b"".join(map(framing.encode, after)))
        in_step = after[2:]
        assert received[-len(in_step) :] == in_step

    check()


def another(checksum: Any, text: bool) -> dict[str, Any]:
    """A checksum of the same size that is a wrong one."""
    options: dict[str, Any] = dict(checksum) if isinstance(checksum, dict) else {"type": checksum}
    swapped = {"xor8": "sum8", "sum8": "xor8", "crc16-modbus": "crc16-ccitt", "crc16-ccitt": "crc16-modbus"}
    if options["type"] in swapped:
        return {**options, "type": swapped[options["type"]]}
    return {**options, "skip": 1} if text else {**options, "order": "big" if "order" in options else "little"}


@pytest.mark.parametrize(("name", "example"), cases(CHECKED))
def test_a_wrong_checksum_costs_that_frame_only_and_is_counted(name: str, example: FramingExample) -> None:
    wrong_checksum = another(example.options["checksum"], text=name == "lines")
    framing = new(name, example)
    liar = new(name, replace(example, options={**example.options, "checksum": wrong_checksum}))
    frame = example.frames[-1]
    good, wrong = framing.encode(frame), liar.encode(frame)
    assert framing.receive_data(good + wrong + good * 3) == [frame] * 4
    assert counters(framing) == (1, 1, 0)
    assert framing.receive_data(good + wrong + wrong + good * 3) == [frame] * 4
    assert counters(framing) == (3, 3, 0)


@FRAMING_CASES
@pytest.mark.parametrize("filler", [b"\0", b"x", b"\xff", b"\r", b";x", b"\xaa\x55", bytes(range(256))], ids=repr)
def test_it_holds_at_most_64_kib(name: str, example: FramingExample, filler: bytes) -> None:
    framing = new(name, example)
    chunk = filler * (1024 // len(filler))
    for _ in range(100):
        framing.receive_data(chunk)
        assert held(framing) <= 64 * 1024


@FRAMING_CASES
def test_half_a_frame_is_forgotten_on_reset(name: str, example: FramingExample) -> None:
    for half in range(1, 4):
        framing = new(name, example)
        frame = example.frames[0]
        framing.receive_data(framing.encode(frame)[:half])
        framing.reset()
        assert framing.receive_data(framing.encode(frame)) == [frame]
