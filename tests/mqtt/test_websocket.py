"""The client's side of a WebSocket as a plain object."""

import base64
import os
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt.websocket import Frames, check_answer, frame, new_key, upgrade

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # and the answer to it are of RFC 6455 §1.3
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
PROOF = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def served(payload: bytes, first: int = 0x82) -> bytes:
    """A frame as a server writes it."""
    size = len(payload)
    if size < 126:
        head = bytes((first, size))
    elif size < 65536:
        head = struct.pack("!BBH", first, 126, size)
    else:
        head = struct.pack("!BBQ", first, 127, size)
    return head + payload


def unmasked(data: bytes) -> tuple[int, bytes]:
    """Opcode and payload of a client's short frame."""
    assert data[1] & 0x80, "a client's frames are masked"
    assert data[1] & 0x7F == len(data) - 6
    mask = data[2:6]
    return data[0], bytes(byte ^ mask[number % 4] for number, byte in enumerate(data[6:]))


def test_the_request_asks_for_mqtt() -> None:
    lines = upgrade("broker.local:9001", "/mqtt", KEY).decode().split("\r\n")
    assert lines[0] == "GET /mqtt HTTP/1.1"
    assert "Host: broker.local:9001" in lines
    assert f"Sec-WebSocket-Key: {KEY}" in lines
    assert "Sec-WebSocket-Protocol: mqtt" in lines
    assert lines[-2:] == ["", ""]


def test_each_key_is_another_and_has_sixteen_bytes() -> None:
    assert len({new_key() for _ in range(10)}) == 10
    assert len(base64.b64decode(new_key())) == 16


def test_an_answer_that_agrees_is_taken() -> None:
    check_answer(ANSWER + PROOF, KEY)
    check_answer(ANSWER.replace(b"Upgrade: w", b"upgrade:W") + PROOF + b"\r\nSec-WebSocket-Protocol: mqtt", KEY)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            b"HTTP/1.1 404 Not Found\r\n" + PROOF,
            "it answers 404 Not Found to the WebSocket: is the path of the URL right?",
        ),
        (b"SSH-2.0-OpenSSH", "it does not speak HTTP"),
        (ANSWER, "its answer is that of no WebSocket"),
        (ANSWER + PROOF.replace(b"s3p", b"s4p"), "its answer is that of no WebSocket"),
        (ANSWER + PROOF + b"\r\nSec-WebSocket-Protocol: chat", "its WebSocket does not speak MQTT"),
    ],
)
def test_an_answer_that_does_not_agree_says_why(answer: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match="^" + reason.replace("?", r"\?")):
        check_answer(answer, KEY)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 125, 126, 127, 65_535, 65_536, 100_001])
def test_a_frame_of_ours_is_what_was_given_under_its_mask(size: int) -> None:
    payload = os.urandom(size)
    data = frame(payload)
    start = {True: 2, size > 125: 4, size > 65_535: 10}[True]
    told = {2: size, 4: 126, 10: 127}[start]
    assert (data[0], data[1]) == (0x82, 0x80 | told)
    if start > 2:
        assert int.from_bytes(data[2:start], "big") == size
    mask = data[start : start + 4]
    assert bytes(byte ^ mask[number % 4] for number, byte in enumerate(data[start + 4 :])) == payload
    assert frame(payload)[start : start + 4] != mask, "each frame has a mask of its own"


def test_a_ping_is_answered_with_its_own_bytes_and_the_newest_is_enough() -> None:
    frames = Frames()
    assert frames.receive(served(b"ab") + served(b"1", 0x89) + served(b"22", 0x89) + served(b"cd")) == b"abcd"
    assert [unmasked(answer) for answer in frames.answers] == [(0x8A, b"22")]


def test_a_goodbye_is_answered_and_ends_it() -> None:
    frames = Frames()
    assert frames.receive(served(b"ab") + served(b"\x03\xe9bye", 0x88) + served(b"cd")) == b"ab"
    assert frames.closed
    assert [unmasked(answer) for answer in frames.answers] == [(0x88, b"\x03\xe9")]


@pytest.mark.parametrize(
    "data",
    [
        served(b"text", 0x81),
        served(b"x", 0xC2),  # as if compressed
        served(b"x", 0x83),
        b"\x82\x81aaaa1",  # masked
        served(b"x" * 126, 0x89),
        served(b"x", 0x09),
    ],
)
def test_what_a_server_must_not_send_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="it sends WebSocket frames that are none of MQTT"):
        Frames().receive(data)


def test_a_frame_is_passed_on_before_it_is_whole_however_large_it_says_it_is() -> None:
    frames = Frames()
    assert frames.receive(struct.pack("!BBQ", 0x82, 127, 1 << 62)) == b""
    assert frames.receive(b"x" * 1000) == b"x" * 1000
    assert not frames._head


def check_split(payloads: list[bytes], cuts: list[int], pings: list[int]) -> None:
    data = b""
    for number, payload in enumerate(payloads):
        data += served(payload, 0x02 if number % 3 == 0 else 0x80)
        if number in pings:
            data += served(b"ping", 0x89)
    frames = Frames()
    got, place = b"", 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        got += frames.receive(data[place:cut])
        place = cut
    assert got == b"".join(payloads)


SPLITS = (
    st.lists(st.one_of(st.binary(max_size=40), st.just(b"y" * 200), st.just(b"z" * 70_000)), max_size=5),
    st.lists(st.integers(0, 200_000), max_size=6),
    st.lists(st.integers(0, 5), max_size=2),
)


@given(*SPLITS)
@settings(max_examples=60)
def test_the_payload_comes_whole_wherever_the_bytes_are_cut(
    payloads: list[bytes], cuts: list[int], pings: list[int]
) -> None:
    check_split(payloads, cuts, pings)


@pytest.mark.long
@given(*SPLITS)
@settings(max_examples=5_000, deadline=None)
def test_the_payload_comes_whole_wherever_the_bytes_are_cut_at_length(
    payloads: list[bytes], cuts: list[int], pings: list[int]
) -> None:
    check_split(payloads, cuts, pings)


@given(st.lists(st.binary(max_size=30), max_size=4))
def test_no_bytes_do_more_than_an_error(pieces: list[bytes]) -> None:
    frames = Frames()
    for piece in pieces:
        try:
            frames.receive(piece)
        except ValueError:
            return
        assert len(frames._head) < 140
