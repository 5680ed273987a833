"""Where requests begin and end, whichever way the network cuts them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.heads import MAX_HEAD, Heads

GET = b"GET / HTTP/1.1\r\nHost: pi\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: pi\r\ncontent-LENGTH : 5\r\n\r\nhello"
REQUESTS = st.lists(st.sampled_from((GET, POST, b"\r\n" + GET)), min_size=1, max_size=4)


@given(REQUESTS, st.data())
def test_any_cut_gives_whole_requests_one_after_the_other(requests: list[bytes], data: st.DataObject) -> None:
    sent = b"".join(requests)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sent)))) | {0, len(sent)})
    heads = Heads(0.0)
    passed = b"".join(heads.receive_data(sent[start:stop], 1.0) for start, stop in pairwise(cuts))
    whole = [passed]
    for _ in requests[1:]:
        whole.append(heads.answered(2.0))
    assert whole == [request.lstrip() for request in requests]
    assert heads.answered(3.0) == b""
    assert heads.since is None


def test_nothing_of_a_head_passes_before_its_end_and_its_body_passes_as_it_comes() -> None:
    heads = Heads(7.0)
    for byte in POST[:-6]:
        assert heads.receive_data(bytes((byte,)), 8.0) == b""
        assert heads.since == 7.0
    assert heads.receive_data(POST[-6:-3], 9.0) == POST[:-3]
    assert heads.since is None
    assert heads.receive_data(b"l", 9.0) == b"l"
    assert heads.receive_data(b"loGET", 9.0) == b"lo"
    assert heads.answered(10.0) == b""
    assert heads.since == 10.0


def test_a_body_that_is_still_coming_after_the_answer_is_no_head() -> None:
    heads = Heads(0.0)
    heads.receive_data(POST[:-2], 0.0)
    assert heads.answered(1.0) == b""
    assert heads.since is None
    assert heads.receive_data(b"lo" + GET, 2.0) == b"lo" + GET


def test_a_body_without_a_length_passes_to_the_end() -> None:
    heads = Heads(0.0)
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert heads.receive_data(head + b"5\r\nhe", 0.0) == head + b"5\r\nhe"
    assert heads.receive_data(b"llo\r\n\r\n\r\n", 0.0) == b"llo\r\n\r\n\r\n"


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02", b"hello\r\n"])
def test_what_is_not_http_passes_so_that_it_is_told_at_once(sent: bytes) -> None:
    assert Heads(0.0).receive_data(sent, 0.0) == sent


@pytest.mark.parametrize("line", [b"X: y\r\n", b"X: " + b"y" * 5000 + b"\r\n", b"y" * 997])
def test_a_head_that_is_too_large_is_not_passed_on(line: bytes) -> None:
    heads = Heads(0.0)
    sent = b"GET / HTTP/1.1\r\n"
    assert heads.receive_data(sent, 0.0) == b""
    while not heads.too_large:
        sent += line
        assert heads.receive_data(line, 0.0) == b""
        assert len(sent) < MAX_HEAD + 6000
    assert len(sent) > MAX_HEAD
    at_once = Heads(0.0)
    assert at_once.receive_data(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000 + b"\r\n", 0.0) == b""
    assert at_once.too_large


def test_what_waits_behind_a_request_is_bounded() -> None:
    heads = Heads(0.0)
    heads.receive_data(GET, 0.0)
    assert heads.under_way
    seen = []
    for more in (b"G" * MAX_HEAD, b"G"):
        heads.receive_data(more, 0.0)
        seen.append(heads.too_large)
    assert seen == [False, True]
    assert heads.answered(1.0) == b""


def test_an_answer_of_which_nothing_is_taken_is_stuck_and_a_slow_one_is_not() -> None:
    heads = Heads(0.0)
    assert [heads.is_stuck(unsent, now, 30.0) for unsent, now in ((9, 10), (8, 35), (7, 60), (7, 89))] == [False] * 4
    assert heads.is_stuck(7, 91, 30.0)
    assert not heads.is_stuck(0, 92, 30.0)
