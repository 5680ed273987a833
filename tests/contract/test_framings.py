"""What holds of every framing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.framing import Framing
from tests.contract.examples import FRAMINGS, FramingExample
from tests.contract.parts import EXAMPLES, build, cases, encoded, held, pieces, tried

FRAMING_CASES = pytest.mark.parametrize(("name", "example"), cases(FRAMINGS))

CUTS = st.lists(st.integers(0, 1 << 20), max_size=40)


def new(name: str, example: FramingExample) -> Framing:
    framing: Framing = build("framings", name, example.options)
    return framing


def frames_of(name: str, example: FramingExample) -> st.SearchStrategy[bytes]:
    """Frames that the framing carries."""
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
    part = st.binary(max_size=60) | delimiters | frames_of(name, example).map(framing.encode)
    return st.lists(part, max_size=12).map(b"".join)


@FRAMING_CASES
def test_the_example_comes_back(name: str, example: FramingExample) -> None:
    framing = new(name, example)
    assert framing.receive_data(example.wire) == example.frames
    assert framing.errors == 0
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
        assert cut.errors == whole.errors

    check()


@EXAMPLES
@FRAMING_CASES
def test_what_is_encoded_comes_back_as_that_one_frame(name: str, example: FramingExample, examples: int) -> None:
    delimiters = st.text("ab;\r\n\0", max_size=10).map(str.encode)

    @tried(examples)
    @given(st.binary(max_size=80) | delimiters, CUTS)
    def check(frame: bytes, cuts: list[int]) -> None:
        framing = new(name, example)
        wire = encoded(framing, frame)
        if wire is not None:
            assert [got for piece in pieces(wire, cuts) for got in framing.receive_data(piece)] == [frame]
            assert framing.receive_data(wire) == [frame]  # and it left nothing behind
            assert framing.errors == 0

    check()


@EXAMPLES
@FRAMING_CASES
def test_garbage_costs_only_its_neighbours(name: str, example: FramingExample, examples: int) -> None:
    frames = st.lists(frames_of(name, example), min_size=3, max_size=6)

    @tried(examples)
    @given(frames, st.binary(max_size=300), frames, CUTS)
    def check(before: list[bytes], garbage: bytes, after: list[bytes], cuts: list[int]) -> None:
        framing = new(name, example)
        stream = b"".join(map(framing.encode, before)) + garbage + b"".join(map(framing.encode, after))
        received = [frame for piece in pieces(stream, cuts) for frame in framing.receive_data(piece)]
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
        received = framing.receive_data(wire[: at % len(wire)] + b"".join(map(framing.encode, after)))
        in_step = after[2:]
        assert received[-len(in_step) :] == in_step

    check()


@FRAMING_CASES
@pytest.mark.parametrize("filler", [b"\0", b"x", b"\xff", b"\r", b";x", b"\xaa\x55", bytes(range(256))], ids=repr)
def test_it_holds_at_most_64_kib(name: str, example: FramingExample, filler: bytes) -> None:
    framing = new(name, example)
    chunk = filler * (1024 // len(filler))
    for _ in range(300):
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
