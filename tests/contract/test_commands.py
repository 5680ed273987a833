"""What holds of every command codec, behind every framing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs import CommandCodec
from gateway.errors import CodecError
from gateway.framing import Framing
from gateway.model import Acknowledgement, Outgoing, Value
from tests.contract.command_examples import COMMANDS, CommandExample
from tests.contract.framing_examples import FRAMINGS
from tests.contract.hostile import HOSTILE
from tests.contract.parts import EXAMPLES, build, cases, encoded, frames_like, tried

COMMAND_CASES = pytest.mark.parametrize(("name", "example"), cases(COMMANDS))

TEXTS = (
    st.sampled_from(
        ["fan", "a\r\nb", "\n", "\r", ";", ";;", "\0", '"', "\\", '{"ack":1,"ok":true}', "\ud800", "__proto__"]
    )
    | st.text(max_size=30)
    | st.text(st.characters(exclude_categories=[]), max_size=10)
)
VALUES: st.SearchStrategy[Value] = TEXTS | st.none() | st.booleans() | st.integers() | st.floats()
OUTGOING = st.builds(
    Outgoing,
    device=st.just("line.n1"),
    name=st.none() | TEXTS,
    point=TEXTS,
    value=VALUES,
    id=st.integers(0, 1 << 53),
    deadline=st.just(0.0),
)


def new(name: str, example: CommandExample) -> CommandCodec:
    codec: CommandCodec = build("commands", name, example.options)
    return codec


def framings() -> list[Framing]:
    return [build("framings", name, example.options) for name, examples in FRAMINGS.items() for example in examples]


def matched(codec: CommandCodec, frame: bytes) -> Acknowledgement | None:
    """The acknowledgement, checked for what every consumer relies on."""
    answer = codec.match(frame)
    if answer is not None:
        assert codec.answers
        assert type(answer.id) is int or (answer.id is None and not codec.answers_by_id)
        assert type(answer.ok) is bool
        assert answer.error is None or (type(answer.error) is str and len(answer.error) <= 200)
        if answer.error is not None:
            answer.error.encode("utf-8")  # clients get it
    return answer


@COMMAND_CASES
def test_the_example_is_written_and_answered_as_it_says(name: str, example: CommandExample) -> None:
    codec = new(name, example)
    assert codec.encode(example.command, example.device_field) == example.frame
    for frame, answer in example.answers.items():
        assert matched(codec, frame) == answer


@EXAMPLES
@COMMAND_CASES
def test_a_command_is_exactly_one_frame_whatever_its_value(name: str, example: CommandExample, examples: int) -> None:
    codec = new(name, example)

    @tried(examples)
    @given(OUTGOING, st.none() | TEXTS)
    def check(command: Outgoing, field: str | None) -> None:
        try:
            frame = codec.encode(command, field)
        except CodecError:
            return
        assert type(frame) is bytes
        for framing in framings():
            wire = encoded(framing, frame)
            if wire is not None:
                assert framing.receive_data(wire) == [frame]

    check()


@EXAMPLES
@COMMAND_CASES
def test_a_command_that_a_device_echoes_is_no_answer(name: str, example: CommandExample, examples: int) -> None:
    codec = new(name, example)

    @tried(examples)
    @given(OUTGOING, st.none() | TEXTS | st.sampled_from(["ack", "ok"]))
    def check(command: Outgoing, field: str | None) -> None:
        try:
            frame = codec.encode(command, field)
        except CodecError:
            return
        assert codec.match(frame) is None

    check()


@EXAMPLES
@COMMAND_CASES
def test_any_frame_is_an_answer_or_none(name: str, example: CommandExample, examples: int) -> None:
    codec = new(name, example)
    known = [example.frame, *example.answers, *(frame for frame in HOSTILE if len(frame) < 1000)]

    @tried(examples)
    @given(frames_like(known))
    def check(frame: bytes) -> None:
        matched(codec, frame)

    check()


@COMMAND_CASES
@pytest.mark.parametrize("frame", HOSTILE, ids=lambda frame: f"{frame[:12]!r}-{len(frame)}")
def test_a_hostile_answer_does_not_hold_the_loop(name: str, example: CommandExample, frame: bytes) -> None:
    codec = new(name, example)
    started = time.process_time()
    matched(codec, frame)
    assert time.process_time() - started < 0.5
