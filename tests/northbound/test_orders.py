"""Payloads as values: what a point takes, and nothing else."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RequestError
from gateway.model import Point, PointType, Value
from gateway.northbound.orders import read_value
from gateway.northbound.shown import bare

TYPES: list[PointType] = ["number", "integer", "boolean", "string", "enum", "action"]


@pytest.mark.parametrize(
    ("kind", "payload", "value"),
    [
        ("number", b"21.5", 21.5),
        ("number", b" -3 ", -3),
        ("number", b".5", 0.5),
        ("number", b"1e3", 1000.0),
        ("integer", b"7", 7),
        ("boolean", b"true", True),
        ("boolean", b"OFF", False),
        ("boolean", b"1", True),
        ("string", b" as it is\n", " as it is\n"),
        ("string", b"", ""),
        ("enum", b"day", "day"),
        ("action", b"", None),
        ("action", b"PRESS", None),
    ],
)
def test_a_payload_is_the_value_that_it_says(kind: PointType, payload: bytes, value: Value) -> None:
    read = read_value(Point(kind), payload)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("number", b""),
        ("number", b"nan"),
        ("number", b"1e999"),
        ("number", b"0x10"),
        ("number", "٣".encode()),
        ("number", b"1" * 65),
        ("boolean", b"yes"),
        ("boolean", b""),
        ("string", b"\xff"),
        ("string", b"x" * 4097),
        ("action", b"1"),
    ],
)
def test_what_is_no_value_is_a_bad_request(kind: PointType, payload: bytes) -> None:
    with pytest.raises(RequestError) as raised:
        read_value(Point(kind), payload)
    assert raised.value.code == "bad_request"


@given(kind=st.sampled_from(TYPES), payload=st.binary(max_size=100))
def test_any_payload_is_a_value_or_a_bad_request(kind: PointType, payload: bytes) -> None:
    check_payload(kind, payload)


@pytest.mark.long
@settings(max_examples=20_000)
@given(
    kind=st.sampled_from(TYPES), payload=st.binary(max_size=200) | st.text(max_size=80).map(lambda text: text.encode())
)
def test_twenty_thousand_payloads_are_values_or_bad_requests(kind: PointType, payload: bytes) -> None:
    check_payload(kind, payload)


def check_payload(kind: PointType, payload: bytes) -> None:
    """Nothing but a RequestError is raised."""
    with suppress(RequestError):
        read_value(Point(kind), payload)


@given(st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_a_value_that_was_published_can_be_sent_back(value: Value) -> None:
    kind: PointType = "boolean" if isinstance(value, bool) else "number"
    assert read_value(Point(kind), bare(value)) == value


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_a_text_that_was_published_can_be_sent_back(value: str) -> None:
    assert read_value(Point("string"), bare(value)) == value
