"""What several profiles are made of: base topics, values that are commanded, messages that come too early."""

import pytest
from pydantic import ValidationError

from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles.commanded import commanded
from gateway.profiles.early import Early
from gateway.profiles.homie import HomieOptions
from gateway.profiles.zigbee2mqtt import Zigbee2mqttOptions


class TestBaseTopic:
    @pytest.mark.parametrize("topic", ["zigbee2mqtt", "home/zigbee", "größe", "a b"])
    def test_it_is_a_topic_of_one_level_or_more(self, topic: str) -> None:
        assert Zigbee2mqttOptions(topic=topic).topic == topic
        assert HomieOptions(topic=topic).topic == topic

    @pytest.mark.parametrize("topic", ["", "/", "a/", "/a", "a//b", "a/+", "#", "a\0b", "$SYS/x", "x" * 257])
    def test_it_has_no_wildcards_and_no_empty_levels(self, topic: str) -> None:
        with pytest.raises(ValidationError):
            Zigbee2mqttOptions(topic=topic)


class TestCommanded:
    def test_a_whole_number_is_an_int(self) -> None:
        found = commanded("p", Point("integer", writable=True), 3.0)
        assert (found, type(found)) == (3, int)

    @pytest.mark.parametrize(
        ("point", "value"),
        [
            (Point("boolean"), True),
            (Point("boolean", writable=True), 1),
            (Point("number", writable=True), 10**400),
            (Point("number", writable=True), float("nan")),
            (Point("number", min=0, max=1, writable=True), 2),
            (Point("enum", values=("a",), writable=True), "b"),
        ],
        ids=str,
    )
    def test_what_the_point_does_not_take_is_refused(self, point: Point, value: Value) -> None:
        with pytest.raises(CodecError):
            commanded("p", point, value)

    def test_the_refusal_is_no_longer_than_a_line(self) -> None:
        values = tuple(str(n) for n in range(1000))
        with pytest.raises(CodecError) as refused:
            commanded("x" * 1000, Point("enum", values=values, writable=True), "b")
        assert len(str(refused.value)) < 300


class TestEarly:
    def test_the_newest_of_each_topic_is_kept_until_it_is_taken(self) -> None:
        early = Early()
        early.keep("a/1", b"old")
        early.keep("a/1", b"new")
        early.keep("b/1", b"x")
        assert early.take("a/") == {"a/1": b"new"}
        assert early.take() == {"b/1": b"x"}
        assert early.take() == {}

    def test_of_too_many_the_oldest_go(self) -> None:
        early = Early()
        for n in range(1030):
            early.keep(f"t{n}", b"x")
        kept = early.take()
        assert len(kept) == 1024
        assert "t5" not in kept
        assert "t6" in kept

    def test_what_is_too_large_for_a_value_is_not_kept_and_neither_is_what_it_replaced(self) -> None:
        early = Early()
        early.keep("t", b"x")
        early.keep("t", b"x" * 5000)
        assert early.take() == {}
