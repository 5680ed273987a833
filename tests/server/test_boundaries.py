"""Where a client's frames and messages begin and end, whichever way the network cuts them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.boundaries import Boundaries, Fault

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
LIMIT = 70_000


def frame(opcode: int, length: int, *, final: bool = True, form: int = 0) -> bytes:
    """A masked frame; `form` is 0 for the shortest form of the length, or 2 or 8 bytes."""
    form = form or (0 if length < 126 else 2 if length < 65536 else 8)
    short = {0: length, 2: 126, 8: 127}[form]
    extended = length.to_bytes(form, "big") if form else b""
    return bytes((final << 7 | opcode, 0x80 | short)) + extended + b"mask" + b"\xff" * length


@dataclass(frozen=True)
class Sent:
    """A sequence of frames, and where each of them ends."""

    data: bytes
    ends: tuple[int, ...]
    open_after: tuple[bool, ...]  # whether a message is unfinished after each frame


@st.composite
def sequences(draw: st.DrawFn) -> Sent:
    data, ends, unfinished = b"", [], []
    length = st.integers(0, 300) | st.sampled_from((125, 126, 65535, 65536))
    for _ in range(draw(st.integers(1, 4))):
        parts = draw(st.lists(length, min_size=1, max_size=3).filter(lambda parts: sum(parts) <= LIMIT))
        for index, part in enumerate(parts):
            for _ in range(draw(st.integers(0, 1))):
                data += frame(draw(st.sampled_from((PING, PONG))), draw(st.integers(0, 125)))
                ends.append(len(data))
                unfinished.append(index > 0)
            final = index == len(parts) - 1
            form = draw(st.sampled_from((0, 0, 8)))
            data += frame(draw(st.sampled_from((TEXT, BINARY))) if index == 0 else 0, part, final=final, form=form)
            ends.append(len(data))
            unfinished.append(not final)
    return Sent(data, tuple(ends), tuple(unfinished))


@given(sequences(), st.data())
def test_any_cut_of_any_frames_gives_the_same_boundaries(sent: Sent, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sent.data)), max_size=12)) | {0, len(sent.data)})
    boundaries = Boundaries()
    for start, stop in pairwise(cuts):
        whole = boundaries.receive_data(sent.data[start:stop], float(stop), LIMIT)
        ended = [end for end in sent.ends if start < end <= stop]
        assert whole == (ended[-1] - start if ended else 0)
        done = [end for end in sent.ends if end <= stop]
        between = bool(done) and sent.open_after[len(done) - 1]
        assert (boundaries.since is not None) is (between or stop not in (*sent.ends, 0))
        assert boundaries.fault is None


@given(sequences())
def test_a_byte_at_a_time_is_the_same(sent: Sent) -> None:
    boundaries = Boundaries()
    some = sent.data[:2000]
    ends = [n + 1 for n in range(len(some)) if boundaries.receive_data(some[n : n + 1], 0.0, LIMIT)]
    assert ends == [end for end in sent.ends if end <= len(some)]


def test_fragments_and_pings_between_do_not_move_the_beginning_of_a_message() -> None:
    boundaries = Boundaries()
    boundaries.receive_data(frame(TEXT, 3, final=False), 1.0, LIMIT)
    boundaries.receive_data(frame(PING, 0), 2.0, LIMIT)
    boundaries.receive_data(frame(0, 3, final=False), 3.0, LIMIT)
    assert boundaries.since == 1.0
    boundaries.receive_data(frame(0, 0) + frame(TEXT, 3)[:4], 4.0, LIMIT)
    assert boundaries.since == 4.0
    boundaries.receive_data(frame(TEXT, 3)[4:], 5.0, LIMIT)
    assert boundaries.since is None


def test_a_ping_that_drips_in_is_incomplete_too() -> None:
    boundaries = Boundaries()
    for number, byte in enumerate(frame(PING, 2)[:-1]):
        boundaries.receive_data(bytes((byte,)), float(number), LIMIT)
        assert boundaries.since == 0.0


@pytest.mark.parametrize(
    ("parts", "fits"),
    [
        ([100], True), ([101], False), ([60, 40], True), ([60, 41], False), ([0] * 50 + [100], True), ([2**40], False),
        ([2**62], False),
    ],
)  # fmt: skip
def test_a_message_is_too_large_as_soon_as_its_headers_say_so(parts: list[int], fits: bool) -> None:
    boundaries = Boundaries()
    for index, part in enumerate(parts):
        head = bytes(((index == len(parts) - 1) << 7 | (TEXT if index == 0 else 0), 0xFF)) + part.to_bytes(8, "big")
        boundaries.receive_data(head + b"mask" + b"x" * min(part, 100), 0.0, 100)
    assert boundaries.fault == (None if fits else (1009, "a message holds at most 100 bytes"))


def test_the_next_message_is_measured_anew() -> None:
    boundaries = Boundaries()
    for _ in range(3):
        boundaries.receive_data(frame(TEXT, 100), 0.0, 100)
    assert boundaries.fault is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xc1\x80mask", "reserved bits"),
        (b"\x91\x80mask", "reserved bits"),
        (b"\x81\x00", "a frame without a mask"),
        (b"\x83\x80mask", "unknown opcode"),
        (b"\x8b\x80mask", "unknown opcode"),
        (b"\x09\x80mask", "a control frame in parts or too long"),
        (b"\x89\xfe\x00\x7emask", "a control frame in parts or too long"),
        (b"\x80\x80mask", "fragments out of order"),
        (b"\x01\x80mask\x81\x80mask", "fragments out of order"),
        (b"\x81\xff\x80" + bytes(7) + b"mask", "impossible length"),
    ],
)
def test_a_header_that_none_may_send_is_1002(data: bytes, reason: str) -> None:
    fault: Fault = (1002, reason)
    good = frame(TEXT, 5)
    whole, dripped = Boundaries(), Boundaries()
    assert whole.receive_data(good + data + b"more", 0.0, LIMIT) in (len(good), len(good) + 6)
    for byte in good + data:
        dripped.receive_data(bytes((byte,)), 0.0, LIMIT)
    assert whole.fault == dripped.fault == fault
    assert whole.is_broken
    assert whole.receive_data(good, 0.0, LIMIT) == 0


def test_a_close_frame_is_seen() -> None:
    boundaries = Boundaries()
    boundaries.receive_data(frame(TEXT, 8), 0.0, LIMIT)
    assert not boundaries.goodbye
    boundaries.receive_data(frame(CLOSE, 2), 0.0, LIMIT)
    assert boundaries.goodbye
