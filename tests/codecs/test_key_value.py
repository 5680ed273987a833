from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.codecs.key_value import KeyValueCodec, KeyValueOptions
from gateway.errors import CodecError
from gateway.model import Sample


def codec(**options: Any) -> KeyValueCodec:
    return KeyValueCodec(KeyValueOptions.model_validate(options))


def sample(line: str, **options: Any) -> Sample:
    (read,) = codec(**options).decode(line.encode())
    return read


class TestPairs:
    @pytest.mark.parametrize(
        "line",
        ["T=21.4 H=48", "T=21.4,H=48", "T=21.4;H=48;", "T:21.4 H:48", "T: 21.4, H: 48", "T = 21.4 , H = 48",
         " T=21.4\tH=48 ", "T =21.4;; H= 48"],
    )  # fmt: skip
    def test_the_usual_forms_need_no_options(self, line: str) -> None:
        assert sample(line).values == {"T": 21.4, "H": 48}

    @pytest.mark.parametrize(
        "line", ["T=21.4 °C, H=48 %", "T=21.4°C H=48%", "T(C)=21.4 H[%]=48", "T[F]=21.4C H=48 %RH"]
    )
    def test_units_stand_with_the_value_or_the_name(self, line: str) -> None:
        assert sample(line) == Sample({"T": 21.4, "H": 48}, None, {"T": "Cel", "H": "%"})

    @pytest.mark.parametrize(
        ("line", "value"),
        [("x= y=1", None), ("x=", None), ("x=on", "on"), ("x=true", True), ("x=12:30:05", "12:30:05"),
         ("x=http://a/b", "http://a/b"), ('x="a b=c, \\"d\\" \\\\"', 'a b=c, "d" \\'), ('x=""', ""), ('x="5"', "5"),
         ("x=0x10", "0x10"), ("x=-5", -5)],
    )  # fmt: skip
    def test_a_value_is_what_it_looks_like(self, line: str, value: object) -> None:
        assert sample(line).values["x"] == value
        assert type(sample(line).values["x"]) is type(value)

    def test_a_time_may_hold_the_mark_of_the_pairs(self) -> None:
        assert sample("at:12:30:05 T:21").values == {"at": "12:30:05", "T": 21}

    @pytest.mark.parametrize(
        ("line", "part"),
        [
            ("T=21.4 H=4T=21.5 H=48", "H=4T=21.5"),
            ("T=21.4 OK", "OK"),
            ("T=on C", "C"),
            ("T=21.4C C", "C"),
            ("T=21.4, C", "C"),
            ("DATA T=21.4", "DATA T=21.4"),
            ("4=5", "4=5"),
            ("T==5", "T==5"),
            ('T="a', 'T="a'),
            ('T="a"b', 'T="a"b'),
            ("T=21 mode:on", "mode:on"),
            ("x" * 65 + "=1", "xxx"),
        ],
    )
    def test_what_belongs_to_no_pair_is_an_error_that_shows_it(self, line: str, part: str) -> None:
        with pytest.raises(CodecError, match="is no pair of a name and a value") as caught:
            sample(line)
        assert part in str(caught.value)
        assert len(str(caught.value)) < 100

    @pytest.mark.parametrize("line", ["", " ", ",", "21.4", "Booting", "x" * 10_000])
    def test_a_frame_without_a_pair_is_an_error(self, line: str) -> None:
        with pytest.raises(CodecError, match="no pair of a name and a value"):
            sample(line)

    def test_a_name_that_stands_twice_is_an_error(self) -> None:
        with pytest.raises(CodecError, match="'T' stands twice"):
            sample("T=21.4 T(C)=21.5")

    def test_the_pairs_of_a_frame_have_an_end(self) -> None:
        pairs = [f"p{number}={number}" for number in range(513)]
        assert len(sample(" ".join(pairs[:512])).values) == 512
        with pytest.raises(CodecError, match="more than 512 pairs"):
            sample(" ".join(pairs))

    @given(
        st.dictionaries(
            st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,10}", fullmatch=True),
            st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
            min_size=1,
            max_size=6,
        ),
        st.sampled_from([" ", ", ", ";", "; ", "\t"]),
        st.sampled_from(["=", ":", ": ", " = "]),
    )
    def test_pairs_that_were_written_come_back(self, pairs: dict[str, Any], between: str, mark: str) -> None:
        line = between.join(f"{name}{mark}{str(value).lower()}" for name, value in pairs.items())
        assert sample(line).values == pairs


class TestOptions:
    def test_without_blanks_between_pairs_names_and_texts_hold_them(self) -> None:
        line = "Air temp: 21.4 C, state: warming up , x:"
        assert sample(line, pairs=",", assign=":") == Sample(
            {"Air temp": 21.4, "state": "warming up", "x": None}, None, {"Air temp": "Cel"}
        )

    def test_the_prefix_stands_before_every_reading(self) -> None:
        assert sample("$DATA: T=21", prefix="$DATA:").values == {"T": 21}
        with pytest.raises(CodecError, match=r"'T=21' does not begin with '\$DATA:'"):
            sample("T=21", prefix="$DATA:")

    def test_points_take_some_pairs_and_rename_them(self) -> None:
        points = {"T": "air.temperature"}
        assert sample("T=21C H=48%", points=points) == Sample({"air.temperature": 21}, None, {"air.temperature": "Cel"})
        with pytest.raises(CodecError, match="no pair in 'H=48%' is one of `points`"):
            sample("H=48%", points=points)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"pairs": ""}, "at least 1 character"),
            ({"pairs": "a"}, "cannot be marks"),
            ({"assign": '"'}, "cannot be marks"),
            ({"assign": "-"}, "cannot be marks"),
            ({"assign": ","}, "',' cannot stand in both"),
            ({"decimal": ","}, "',' is the decimal mark"),
            ({"points": {}}, "at least 1 item"),
            ({"points": {"a": "x", "b": "x"}}, "the point 'x' stands twice"),
            ({"points": {"a": ""}}, "at least 1 character"),
        ],
    )
    def test_options_that_cannot_work_are_refused(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValidationError, match=message):
            codec(**options)
