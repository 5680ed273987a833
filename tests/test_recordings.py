"""The file of a recording."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.recordings import Entry, Header, Recording, RecordingError

SERIAL = Header("serial", 1795338820.125, {"port": "/dev/ttyACM0", "baudrate": 115200})
BROKER = Header("mqtt", 1795338820.125, {"url": "mqtt://localhost", "topics": ["#"]})


def read(lines: Iterable[bytes]) -> list[Entry]:
    return list(Recording(lines, "r.jsonl"))


def refusal(*lines: bytes, header: Header = SERIAL) -> str:
    with pytest.raises(RecordingError) as refused:
        read([header.to_line(), *lines])
    return str(refused.value)


def test_the_file_is_a_header_and_a_line_for_each_entry() -> None:
    assert SERIAL.to_line() == (
        b'{"fieldgate":"recording","version":1,"source":"serial","started":1795338820.125,'
        b'"port":"/dev/ttyACM0","baudrate":115200}\n'
    )
    assert Entry(0.5, b'{"t":21.4}\r\n').to_line() == b'{"t":0.5,"data":"{\\"t\\":21.4}\\r\\n"}\n'
    assert Entry(1.25, b"\x02\xa1\xff\x03").to_line() == b'{"t":1.25,"hex":"02a1ff03"}\n'
    assert Entry(2, b"on", "a/b", True).to_line() == b'{"t":2,"topic":"a/b","retained":true,"data":"on"}\n'


@pytest.mark.parametrize(
    ("data", "readable"),
    [
        (b"", True),
        (b"plain\ttext\r\n", True),
        ("Größe 21 °C".encode(), True),
        (b"\x1b[2J", False),  # would steer a terminal
        ("a\u202eb".encode(), False),
        (b"a\0b", False),
        (b"\xff", False),
        ("ö".encode()[:1], False),
    ],
)
def test_only_what_an_editor_shows_as_it_is_stands_as_text(data: bytes, readable: bool) -> None:
    members = json.loads(Entry(0, data).to_line())
    assert ("data" in members) is readable


times = st.lists(st.floats(0, 1e6), max_size=20).map(sorted)
data = st.one_of(st.binary(max_size=40), st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace")))


@given(times, st.lists(data, min_size=20, max_size=20))
def test_reading_undoes_writing_for_bytes_of_a_port(at: list[float], chunks: list[bytes]) -> None:
    entries = [Entry(round(time, 6), chunk) for time, chunk in zip(at, chunks, strict=False)]
    recording = Recording([SERIAL.to_line(), *(entry.to_line() for entry in entries)], "r.jsonl")
    assert recording.header == SERIAL
    assert list(recording) == entries
    assert not recording.torn


@given(
    st.lists(st.tuples(data, st.text(max_size=20, alphabet=st.characters(codec="utf-8")), st.booleans()), max_size=20)
)
def test_reading_undoes_writing_for_messages_of_a_broker(messages: list[tuple[bytes, str, bool]]) -> None:
    entries = [Entry(float(number), *message) for number, message in enumerate(messages)]
    assert read([BROKER.to_line(), *(entry.to_line() for entry in entries)]) == entries


def test_a_last_line_that_was_cut_off_is_left_out_and_said() -> None:
    whole = Entry(1, b"abc").to_line()
    for length in range(1, len(whole) - 1):
        recording = Recording([SERIAL.to_line(), whole, whole[:length]], "r.jsonl")
        assert list(recording) == [Entry(1, b"abc")]
        assert recording.torn, whole[:length]
    recording = Recording([SERIAL.to_line(), whole, whole[:-1]], "r.jsonl")  # only the line end is missing
    assert list(recording) == [Entry(1, b"abc"), Entry(1, b"abc")]
    assert not recording.torn


def test_a_line_in_the_middle_that_was_cut_off_is_an_error() -> None:
    whole = Entry(1, b"abc").to_line()
    assert refusal(whole, whole[:9] + b"\n", whole) == "r.jsonl:3: not a JSON object"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[]\n", "not a JSON object"),
        (b'{"data":"a"}\n', "`t` is None, which is no time"),
        (b'{"t":-1,"data":"a"}\n', "`t` is -1, which is no time"),
        (b'{"t":true,"data":"a"}\n', "`t` is True, which is no time"),
        (b'{"t":1}\n', "needs either `data` or `hex`, as a string"),
        (b'{"t":1,"data":"a","hex":"00"}\n', "needs either `data` or `hex`, as a string"),
        (b'{"t":1,"data":3}\n', "needs either `data` or `hex`, as a string"),
        (b'{"t":1,"hex":"0"}\n', "`hex` is no string of pairs of hexadecimal digits"),
        (b'{"t":1,"data":"a","size":1}\n', "'size' is not one of t, topic, retained, data, hex"),
        (b'{"t":1,"topic":"a","data":"a"}\n', "a serial port has no `topic` and no `retained`"),
        (b'{"t":1,"retained":true,"data":"a"}\n', "a serial port has no `topic` and no `retained`"),
    ],
)
def test_anything_else_is_an_error_with_its_place(line: bytes, message: str) -> None:
    assert refusal(line) == f"r.jsonl:2: {message}"


def test_a_message_needs_its_topic() -> None:
    assert refusal(b'{"t":1,"data":"a"}\n', header=BROKER) == "r.jsonl:2: `topic` is None, which is no topic"
    assert "`retained` is 1" in refusal(b'{"t":1,"topic":"a","retained":1,"data":"a"}\n', header=BROKER)


def test_time_never_goes_back() -> None:
    later, earlier = Entry(2, b"a").to_line(), Entry(1, b"a").to_line()
    assert refusal(later, earlier) == "r.jsonl:3: `t` goes back, from 2 to 1"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "not a recording of `fieldgate record`"),
        ([b"adapters: []\n"], "not a recording of `fieldgate record`"),
        ([b'{"t":1,"data":"a"}\n'], "not a recording of `fieldgate record`"),
        ([SERIAL.to_line()[:40]], "not a recording of `fieldgate record`"),
        ([b'{"fieldgate":"recording","version":2}\n'], "version 2 is not one that this Fieldgate reads: 1"),
        (
            [b'{"fieldgate":"recording","version":1,"source":"can","started":1}\n'],
            "`source` is 'can', which is not one of serial, mqtt",
        ),
        ([b'{"fieldgate":"recording","version":1,"source":"serial"}\n'], "`started` is None, which is no time"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_at_its_first_line(lines: list[bytes], message: str) -> None:
    with pytest.raises(RecordingError) as refused:
        Recording(lines, "r.jsonl")
    assert str(refused.value) == f"r.jsonl:1: {message}"


@given(st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=6))
def test_whatever_stands_in_a_file_ends_in_an_error_of_ours(lines: list[bytes]) -> None:
    for file in (lines, [SERIAL.to_line(), *lines], [BROKER.to_line(), *lines]):
        try:
            read(file)
        except RecordingError as error:
            assert str(error).startswith("r.jsonl:")  # noqa: PT017
