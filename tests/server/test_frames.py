"""WebSocket frames against a parser that knows only RFC 6455."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.frames import PING, close_frame, pong_frame, text_frame
from tests.server.fakes import payload_of


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_a_text_frame_has_the_shortest_form_of_its_length(length: int) -> None:
    payload = b"x" * length
    frame = text_frame(payload)
    assert payload_of(frame) == payload
    assert len(frame) - length == (2 if length < 126 else 4 if length < 65536 else 10)


@given(st.binary(max_size=70_000))
def test_a_text_frame_gives_back_its_payload(payload: bytes) -> None:
    assert payload_of(text_frame(payload)) == payload


@given(st.binary(max_size=125))
def test_a_pong_carries_the_payload_of_its_ping(payload: bytes) -> None:
    assert pong_frame(payload) == bytes((0x8A, len(payload))) + payload


def test_a_ping_is_empty() -> None:
    assert PING == b"\x89\x00"


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4413, "did not drain"), (1011, "x" * 200)])
def test_a_close_frame_is_a_control_frame_with_its_code(code: int, reason: str) -> None:
    frame = close_frame(code, reason)
    assert frame[0] == 0x88
    assert frame[1] == len(frame) - 2 <= 125
    assert int.from_bytes(frame[2:4], "big") == code
    assert reason.encode().startswith(frame[4:])
