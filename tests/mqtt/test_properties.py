"""The properties of MQTT 5 messages, against what paho writes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.mqtt.properties import MessageProperties, parse

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=20)


def packed(**given: Any) -> bytes:
    """A block as paho writes it, without its length, which must be one byte here."""
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    for name, value in given.items():
        setattr(made, name, value)
    block = bytes(made.pack())  # type: ignore[no-untyped-call]
    return block[1:] if block[0] < 0x80 else block[2:]


def test_each_property_is_found() -> None:
    block = packed(
        PayloadFormatIndicator=1,
        MessageExpiryInterval=70_000,
        ContentType="text/plain",
        ResponseTopic="answers/1",
        CorrelationData=b"\x00\xff",
        SubscriptionIdentifier=[1, 300],
        TopicAlias=258,
        UserProperty=[("a", "1"), ("a", "2"), ("ä", "")],
    )
    assert parse(block) == MessageProperties(
        70_000, "text/plain", "answers/1", b"\x00\xff", (("a", "1"), ("a", "2"), ("ä", ""))
    )


def test_what_is_the_connections_business_is_nothing_to_the_receiver() -> None:
    assert not parse(packed(PayloadFormatIndicator=1, SubscriptionIdentifier=[5], TopicAlias=1))
    assert not parse(b"")
    assert parse(packed(MessageExpiryInterval=0))


@pytest.mark.parametrize(
    "block",
    [
        b"\x02\0\0",
        b"\x03\0\x05abc",
        b"\x09\0",
        b"\x0b\xff\xff\xff\xff\x01",
        b"\x26\0\x01a",
        b"\x13\0\x01",
        b"\xff",
        b"\x08\0\x01\xff",
        b"\x02\0\0\0\x01\x02\0\0\0\x01",
    ],
)
def test_a_block_that_is_none_is_an_error(block: bytes) -> None:
    with pytest.raises(ValueError, match=r"^\S"):
        parse(block)


def check_bytes(block: bytes) -> None:
    try:
        found = parse(block)
    except ValueError:
        return
    assert isinstance(found, MessageProperties)


def check_round_trip(expiry: int, content: str, topic: str, correlation: bytes, user: list[tuple[str, str]]) -> None:
    block = packed(
        MessageExpiryInterval=expiry,
        ContentType=content,
        ResponseTopic=topic,
        CorrelationData=correlation,
        UserProperty=user,
    )
    assert parse(block) == MessageProperties(expiry, content, topic, correlation, tuple(user))


EXPIRY = st.integers(0, 2**32 - 1)
USER = st.lists(st.tuples(TEXT, TEXT), max_size=3)


@given(st.binary(max_size=60))
def test_no_bytes_do_more_than_an_error(block: bytes) -> None:
    check_bytes(block)


@given(EXPIRY, TEXT, TEXT, st.binary(max_size=20), USER)
@settings(max_examples=50)
def test_what_paho_writes_is_read(
    expiry: int, content: str, topic: str, correlation: bytes, user: list[tuple[str, str]]
) -> None:
    check_round_trip(expiry, content, topic, correlation, user)


@pytest.mark.long
@given(st.binary(max_size=60))
@settings(max_examples=20_000, deadline=None)
def test_no_bytes_do_more_than_an_error_at_length(block: bytes) -> None:
    check_bytes(block)
