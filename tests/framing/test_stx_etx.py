import pytest

from gateway.framing.stx_etx import Marks, StxEtx

HDLC = Marks(b"\x7e", b"\x7f", b"\x7d", 0x20)


def counters(framing: StxEtx) -> tuple[int, int]:
    return framing.errors, framing.resyncs


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize(
    ("stream", "frames", "errors", "resyncs"),
    [
        (b"\x02a\x03\x02\x03\x02b\x03", [b"a", b"b"], 0, 0),  # an empty one is nothing
        (b"\x02\x02\x02a\x03", [b"a"], 0, 0),
        (b"\x02lost\x02a\x03", [b"a"], 1, 0),  # it lost its end
        (b"\x02a\x03lost\x03\x02b\x03", [b"a", b"b"], 1, 1),  # it lost its start
        (b"\x02a\x03\r\n\x02b\x03\r\n", [b"a", b"b"], 0, 1),  # bytes between frames are passed over
        (b"noise\x02a\x03", [b"a"], 0, 1),
        (b"\x02a\x10\x02b\x10\x03\x10\x10\x03", [b"a\x02b\x03\x10"], 0, 0),
        (b"\x02a\x10b\x03", [b"ab"], 0, 0),  # what needed no escape may have one
        (b"\x10\x02lost\x03\x02a\x03", [b"a"], 1, 1),  # an escaped start is none
        (b"\x02" + b"x" * 300 + b"\x03\x02a\x03", [b"a"], 1, 1),
        (b"\x02" + b"x" * 300 + b"\x02a\x03", [b"a"], 1, 1),
        (b"\x02" + b"x" * 300 + b"\x10\x03\x03\x02a\x03", [b"a"], 1, 1),
        (b"\x02" + b"x" * 9 + b"\x03\x02a\x03", [b"a"], 1, 0),  # whole, and only too long
        (b"\x02\x10\x02\x10\x02\x10\x02\x10\x02\x10\x02\x10\x02\x10\x02\x10\x02\x03", [b"\x02" * 8], 0, 0),
    ],
)
def test_frames_are_found_between_start_and_end(
    stream: bytes, frames: list[bytes], errors: int, resyncs: int, one_by_one: bool
) -> None:
    framing = StxEtx(maximum=8)
    parts = [bytes([byte]) for byte in stream] if one_by_one else [stream]
    assert [frame for part in parts for frame in framing.receive_data(part)] == frames
    assert counters(framing) == (errors, resyncs)


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize(
    ("stream", "frames", "errors"),
    [
        (b"\x7ea\x7d\x5e\x7f", [b"a\x7e"], 0),
        (b"\x7ea\x7d\x7f\x7eb\x7f", [b"b"], 1),  # an escape before the end hides nothing
        (b"\x7ea\x7d\x7eb\x7f", [b"b"], 1),  # nor before a start
        (b"\x7ea\x7d\x7d\x7f\x7eb\x7f", [b"b"], 1),
        (b"\x7e\x7d\x41\x7f", [b"a"], 0),  # what needed no escape may have one
    ],
)
def test_where_escaped_bytes_are_xored_a_mark_is_always_one(
    stream: bytes, frames: list[bytes], errors: int, one_by_one: bool
) -> None:
    framing = StxEtx(HDLC)
    parts = [bytes([byte]) for byte in stream] if one_by_one else [stream]
    assert [frame for part in parts for frame in framing.receive_data(part)] == frames
    assert framing.errors == errors


@pytest.mark.parametrize("marks", [Marks(), HDLC, Marks(b"]", b"^", b"\\"), Marks(b"[", b"-", b".", 0x80)])
def test_marks_of_any_kind_are_marks(marks: Marks) -> None:
    framing = StxEtx(marks)
    every = bytes(range(256)) * 2
    assert framing.receive_data(framing.encode(every)) == [every]
    assert framing.receive_data(framing.encode(marks.escape)) == [marks.escape]
    assert counters(framing) == (0, 0)


def test_a_long_frame_that_trickles_in_is_searched_once() -> None:
    framing = StxEtx(maximum=32_000)
    framing.receive_data(b"\x02")
    for _ in range(31_000):
        assert framing.receive_data(b"x") == []
        assert framing._searched == len(framing._partial)
    assert framing.receive_data(b"\x03") == [b"x" * 31_000]
