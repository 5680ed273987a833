"""Noise is never taken for something that is said."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detection import Capture, guess
from tests.detection.hearing import heard
from tests.detection.uart import misread

SIZES = (100, 150, 300, 700, 2000, 5000)
LARGE = (20_000, 65_536)
PRINTABLE = bytes(range(32, 127)) + b"\t\r\n"
RAMPS = bytes((0x00, 0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE, 0xFF))  # what a much slower line looks like
RATES = (115200, 9600, 57600, 38400, 19200, 230400, 460800, 4800, 1200)


def noises(draw: random.Random, size: int) -> Iterator[tuple[str, bytes]]:
    yield "any bytes", draw.randbytes(size)
    yield "printable", bytes(draw.choice(PRINTABLE) for _ in range(size))
    yield "ramps", bytes(draw.choice(RAMPS) for _ in range(size))
    yield "few values", bytes(draw.choice(b"\0\1\2\3") for _ in range(size))
    letters = b"abcdefghijklmnopqrstuvwxyz ,.;:="
    lines = (bytes(draw.choice(letters) for _ in range(draw.randrange(1, 60))) for _ in range(size // 30))
    yield "lines", b"\n".join(lines) + b"\n"


def ways(data: bytes) -> Iterator[Capture]:
    """At once, and in pieces of one size with pauses, as an adapter on USB may hand it over."""
    yield Capture.of([(0.0, data)])
    yield Capture.of([(number / 20, data[at : at + 37]) for number, at in enumerate(range(0, len(data), 37))])


def claimed(data: bytes) -> list[object]:
    return [made for capture in ways(data) for made in guess(capture) if made.sure]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("size", SIZES)
def test_noise_is_not_claimed(size: int, seed: int) -> None:
    for name, noise in noises(random.Random(1000 * size + seed), size):
        assert not claimed(noise), name


@pytest.mark.long
@pytest.mark.parametrize("seed", range(150))
def test_no_noise_of_any_size_is_claimed(seed: int) -> None:
    for size in (*SIZES, *LARGE):
        for name, noise in noises(random.Random(7000 * size + seed), size):
            assert not claimed(noise), (name, size)


@given(st.binary(min_size=0, max_size=600))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_taken_and_none_make_it_fail(data: bytes) -> None:
    for capture in ways(data):
        for made in guess(capture):
            assert 0 <= made.score <= 1


@pytest.mark.parametrize("data", [b"", b"\n", b"\0" * 5000, b"\xff" * 70_000, b"U" * 300, b"\n" * 3000])
def test_nothing_and_one_byte_again_and_again_are_nothing(data: bytes) -> None:
    assert not claimed(data)


@pytest.mark.parametrize(
    ("framing", "checksum", "codec"),
    [
        ("lines", "none", "json"),
        ("lines", "none", "number"),
        ("lines", "none", "key_value"),
        ("cobs", "crc16-modbus", "struct"),
        ("stx_etx", "sum8", "json"),
        ("length_prefixed", "xor8", "struct"),
    ],
)
def test_a_board_that_is_heard_at_a_wrong_speed_proves_nothing(framing: str, checksum: str, codec: str) -> None:
    chunks = heard(framing, checksum, codec)
    for sent_at in (9600, 115200):
        for read_at in RATES:
            guesses = guess(Capture.of(misread(chunks, sent_at, read_at)))
            proven = bool(guesses) and guesses[0].sure and guesses[0].proven
            assert proven == (read_at == sent_at), (sent_at, read_at, guesses[:1])


def test_the_line_of_these_tests_carries_what_is_sent() -> None:
    everything = bytes(range(256)) * 2
    assert misread([(0.0, everything)], 9600, 9600) == [(0.0, everything)]
    assert misread([(0.0, b"U\x00U")], 19200, 9600) != [(0.0, b"U\x00U")]
