"""The wire format is that of Protocol Buffers, as its documentation shows it and others read it."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sims.wire.protobuf import bytes_field, double_field, fields, float_field, integer_field, varint


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, b"\x00"),
        (1, b"\x01"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (150, b"\x96\x01"),
        ((1 << 64) - 1, b"\xff" * 9 + b"\x01"),
    ],
)
def test_a_varint_has_seven_bits_a_byte(number: int, encoded: bytes) -> None:
    assert varint(number) == encoded


def test_fields_are_those_of_the_documentation() -> None:
    assert integer_field(1, 150) == bytes.fromhex("089601")
    assert integer_field(1, -2) == bytes.fromhex("08feffffffffffffffff01")
    assert bytes_field(2, b"testing") == bytes.fromhex("120774657374696e67")
    assert bytes_field(3, integer_field(1, 150)) == bytes.fromhex("1a03089601")
    assert float_field(12, 1.0) == bytes.fromhex("650000803f")
    assert double_field(13, 1.0) == bytes.fromhex("69000000000000f03f")


def test_what_was_written_is_read() -> None:
    message = integer_field(1, 7) + bytes_field(536_870_911, b"x") + float_field(3, 0.5) + double_field(4, 0.25)
    assert list(fields(message)) == [
        (1, 7),
        (536_870_911, b"x"),
        (3, struct.pack("<f", 0.5)),
        (4, struct.pack("<d", 0.25)),
    ]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"\x08", "does not end"),
        (b"\x08" + b"\x80" * 11, "does not end"),
        (b"\x12\x05abc", "ends within"),
        (b"\x65\x00", "ends within"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x01", "number 0"),
    ],
)
def test_a_broken_message_is_an_error(message: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        list(fields(message))


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.integers(0, 2**64 - 1) | st.binary())))
def test_any_fields_come_back(written: list[tuple[int, int | bytes]]) -> None:
    parts = [bytes_field(f, v) if isinstance(v, bytes) else integer_field(f, v) for f, v in written]
    assert list(fields(b"".join(parts))) == written


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_an_error(message: bytes) -> None:
    with suppress(ValueError):
        assert all(field > 0 for field, _ in fields(message))
