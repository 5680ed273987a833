from typing import Any

import pytest
from pydantic import ValidationError

from gateway.codecs.regex import RegexCodec, RegexOptions
from gateway.errors import CodecError
from gateway.model import Sample


def codec(pattern: str | list[str], **options: Any) -> RegexCodec:
    return RegexCodec(RegexOptions.model_validate({"pattern": pattern, **options}))


class TestPatterns:
    def test_the_named_groups_are_the_points(self) -> None:
        reader = codec(r"(\w+) T=(?P<air__temperature>\S+) H=(?P<humidity>\S+)( \w+)?")
        assert reader.decode(b"DATA T=21.4C H=48 OK") == [
            Sample({"air.temperature": 21.4, "humidity": 48}, None, {"air.temperature": "Cel"})
        ]

    def test_it_matches_the_whole_frame_unless_it_searches(self) -> None:
        pattern = r"T=(?P<t>\d+)"
        with pytest.raises(CodecError, match="'DATA T=21' does not match"):
            codec(pattern).decode(b"DATA T=21")
        assert codec(pattern, search=True).decode(b"DATA T=21;") == [Sample({"t": 21})]

    def test_a_group_that_took_no_part_is_left_out(self) -> None:
        assert codec(r"T=(?P<t>\d+)(?: H=(?P<h>\d+))?").decode(b"T=21") == [Sample({"t": 21})]

    def test_a_group_that_took_nothing_is_null(self) -> None:
        assert codec(r"T=(?P<t>\d*)").decode(b"T=") == [Sample({"t": None})]

    def test_the_first_of_several_patterns_that_matches_counts(self) -> None:
        reader = codec([r"T=(?P<t>\d+)", r"T=(?P<text>\w+)", "boot.*"])
        assert reader.decode(b"T=21") == [Sample({"t": 21})]
        assert reader.decode(b"T=hot") == [Sample({"text": "hot"})]

    def test_a_match_without_points_is_no_reading(self) -> None:
        assert codec([r"T=(?P<t>\d+)", "boot.*"]).decode(b"booting") == []

    def test_digits_are_those_of_ascii(self) -> None:
        with pytest.raises(CodecError, match="does not match"):
            codec(r"(?P<t>\d)").decode("٣".encode())

    def test_a_dot_is_any_character(self) -> None:
        assert codec("(?P<t>.+)").decode("ü\nx".encode()) == [Sample({"t": "ü\nx"})]

    def test_a_frame_that_is_too_long_is_refused_before_it_is_tried(self) -> None:
        reader = codec("(?P<t>.*)", max=16)
        assert reader.decode("ü".encode() * 16) == [Sample({"t": "ü" * 16})]
        with pytest.raises(CodecError, match="17 characters, more than 16"):
            reader.decode(b"x" * 17)

    def test_flags_may_stand_at_the_beginning(self) -> None:
        assert codec(r"(?i)temp=(?P<t>\d+)").decode(b"TEMP=21") == [Sample({"t": 21})]
        assert codec(r"(?x) temp = (?P<t> \d+ )  # degrees").decode(b"temp=21") == [Sample({"t": 21})]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": r"T=\d+"}, "the pattern names no point"),
        ({"pattern": "T=(?P<t>"}, "is no regular expression: missing \\), unterminated subpattern at character 3"),
        ({"pattern": "(?P<1t>x)"}, "is no regular expression: bad character in group name '1t'"),
        ({"pattern": "(?P<t>x){99999999999}"}, "is no regular expression: it is too large"),
        ({"pattern": "(?u)(?P<t>x)"}, "is no regular expression: ASCII and UNICODE flags are incompatible"),
        ({"pattern": "(?P<t>(a+)+)b"}, r"has a repeat within a repeat, a\+ in \(a\+\)\+"),
        ({"pattern": ["(?P<t>x)", "(a+)+"]}, "pattern.1"),
        ({"pattern": ""}, "at least 1 character"),
        ({"pattern": []}, "at least 1 item"),
        ({"pattern": "(?P<t>.*)a.*b.*c"}, r"has \.\*, which may end anywhere: lower `max` to 227"),
        ({"pattern": [r"(?P<t>.*)a.*b"] * 9}, "one of the patterns has .* lower `max` to"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        codec(**options)


def test_a_lower_maximum_makes_room_for_a_slower_pattern() -> None:
    assert codec("(?P<t>.*)a.*b.*c", max=227).decode(b"21abc") == [Sample({"t": 21})]
