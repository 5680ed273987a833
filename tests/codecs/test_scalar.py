import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.codecs import BARE
from gateway.codecs.scalar import BooleanOptions, NumberCodec, TextCodec, encode_bare
from gateway.errors import CodecError
from gateway.model import Sample, Value


class TestNumbers:
    @pytest.mark.parametrize(
        ("frame", "number"),
        [
            (b"0", 0),
            (b"-0.0", -0.0),
            (b" 21.5\r\n", 21.5),
            (b"+7", 7),
            (b"5.", 5.0),
            (b".5", 0.5),
            (b"1e3", 1000.0),
            (b"007", 7),
        ],
    )
    def test_a_number_is_read_with_its_kind(self, frame: bytes, number: float) -> None:
        ((value,),) = (sample.values.values() for sample in NumberCodec().decode(frame))
        assert value == number
        assert type(value) is type(number)

    @pytest.mark.parametrize("frame", [b"nan", b"-NaN", b"inf", b"Infinity", b"1e999"])
    def test_what_is_no_number_to_json_is_left_to_the_bus(self, frame: bytes) -> None:
        ((value,),) = (sample.values.values() for sample in NumberCodec().decode(frame))
        assert isinstance(value, float)
        assert not math.isfinite(value)

    @pytest.mark.parametrize(
        "frame",
        [b"", b" ", b"on", b"1,5", b"1 2", b"0x10", b"1_000", b"--1", b"e5", b".", "٣".encode(), b"\xff", b"9" * 65],
    )
    def test_anything_else_is_an_error(self, frame: bytes) -> None:
        with pytest.raises(CodecError):
            NumberCodec().decode(frame)

    @pytest.mark.parametrize(
        ("frame", "number", "unit"),
        [
            ("21.4 °C", 21.4, "Cel"),
            ("48%", 48, "%"),
            ("  -3 hPa\n", -3, "hPa"),
            ("1e3W", 1000.0, "W"),
            ("8.9 l/min", 8.9, "L/min"),
            ("5 widgets", 5, "widgets"),
        ],
    )
    def test_a_unit_behind_a_number_is_told_beside_it(self, frame: str, number: float, unit: str) -> None:
        (sample,) = NumberCodec().decode(frame.encode())
        assert sample == Sample({BARE: number}, None, {BARE: unit})
        assert type(sample.values[BARE]) is type(number)

    def test_no_number_may_have_a_unit_too(self) -> None:
        (sample,) = NumberCodec().decode("nan °C".encode())
        assert repr(sample.values[BARE]) == "nan"
        assert sample.units == {BARE: "Cel"}

    @pytest.mark.parametrize("frame", [b"nano", b"infinite", b"5 12", b"5e", b"21.4 deg C!", b"2026-11-26", b"12:30"])
    def test_what_follows_a_number_and_is_no_unit_is_an_error(self, frame: bytes) -> None:
        with pytest.raises(CodecError, match="is not a number"):
            NumberCodec().decode(frame)

    def test_a_long_frame_is_not_repeated_in_the_error(self) -> None:
        with pytest.raises(CodecError) as caught:
            NumberCodec().decode(b"x" * 100_000)
        assert len(str(caught.value)) < 100


class TestTexts:
    @given(st.text(max_size=4096))
    def test_a_text_is_as_it_stands(self, text: str) -> None:
        assert TextCodec().decode(text.encode()) == [Sample({BARE: text})]

    @pytest.mark.parametrize("frame", [b"\xff", b"\xed\xa0\x80", b"x" * 4097])
    def test_anything_else_is_an_error(self, frame: bytes) -> None:
        with pytest.raises(CodecError):
            TextCodec().decode(frame)


class TestBooleans:
    @pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
    @pytest.mark.parametrize(("on", "off"), [("on", "off"), ("true", "false"), ("1", "0"), ("yes", "no")])
    def test_the_usual_words_are_known_in_any_case(self, on: str, off: str, case: Callable[[str], str]) -> None:
        codec = BooleanOptions().build()
        assert codec.decode(case(on).encode()) == [Sample({BARE: True})]
        assert codec.decode(case(off).encode()) == [Sample({BARE: False})]

    @pytest.mark.parametrize("frame", [b"", b"open", b"2", b"1.0", b"o n", b"null", b"\xff", b"on" * 50_000])
    def test_any_other_word_is_an_error(self, frame: bytes) -> None:
        with pytest.raises(CodecError) as caught:
            BooleanOptions().build().decode(frame)
        assert len(str(caught.value)) < 150

    def test_words_of_its_own_replace_the_usual_ones(self) -> None:
        options = BooleanOptions.model_validate({"type": "boolean", "on": "open", "off": ["closed", False, 0]})
        codec = options.build()
        for word, value in ((b"Open", True), (b"closed", False), (b"false", False), (b"0", False)):
            assert codec.decode(word) == [Sample({BARE: value})]
        with pytest.raises(CodecError, match="'on' is not one of open, closed, false, 0"):
            codec.decode(b"on")

    @pytest.mark.parametrize(
        "options",
        [
            {"on": ["a", "A"]},
            {"on": "x", "off": "X"},
            {"on": []},
            {"on": ""},
            {"on": 1.5},
            {"on": "x" * 33},
            {"on": None},
            {"off": [f"w{n}" for n in range(17)]},
        ],
    )
    def test_words_that_say_nothing_or_both_are_refused(self, options: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            BooleanOptions.model_validate({"type": "boolean", **options})

    @pytest.mark.parametrize(
        ("said", "on", "off"),
        [
            (None, b"ON", b"OFF"),
            (b"OFF", b"ON", b"OFF"),
            (b"on", b"on", b"off"),
            (b"Off", b"On", b"Off"),
            (b" 0\n", b"1", b"0"),
            (b"true", b"true", b"false"),
            (b"False", b"True", b"False"),
            (b"NO", b"YES", b"NO"),
            (b"oN", b"ON", b"OFF"),
        ],
    )
    def test_it_is_written_as_the_device_said_it_last(self, said: bytes | None, on: bytes, off: bytes) -> None:
        codec = BooleanOptions().build()
        assert (codec.encode(True, said), codec.encode(False, said)) == (on, off)

    def test_words_of_its_own_are_written_in_their_own_case(self) -> None:
        codec = BooleanOptions.model_validate({"type": "boolean", "on": ["An", "Auf"], "off": ["Aus"]}).build()
        assert codec.encode(True, b"Aus") == b"An"
        assert codec.encode(False, b"Auf") == b"Aus", "a word without a partner: the first ones"
        assert codec.encode(False, b"AN") == b"AUS"

    @given(st.booleans(), st.sampled_from(["ON", "off", "True", "0", "yes", None]))
    def test_what_is_written_is_read_back(self, value: bool, said: str | None) -> None:
        codec = BooleanOptions().build()
        assert codec.decode(codec.encode(value, said.encode() if said else None)) == [Sample({BARE: value})]


class TestBareValues:
    @pytest.mark.parametrize(
        ("value", "payload"),
        [(None, b""), (True, b"true"), (False, b"false"), (0, b"0"), (21.5, b"21.5"), ("", b""), ("ü", "ü".encode())],
    )
    def test_a_value_is_written_bare(self, value: Value, payload: bytes) -> None:
        assert encode_bare(value) == payload

    @given(st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False))
    def test_a_number_comes_back(self, number: float) -> None:
        assert NumberCodec().decode(encode_bare(number)) == [Sample({BARE: number})]

    @given(st.text(max_size=100))
    def test_a_text_comes_back(self, text: str) -> None:
        assert TextCodec().decode(encode_bare(text)) == [Sample({BARE: text})]

    @pytest.mark.parametrize(
        "value", [math.nan, math.inf, "\ud800", 10**5000], ids=["nan", "inf", "surrogate", "digits"]
    )
    def test_what_has_no_such_form_is_refused(self, value: Value) -> None:
        with pytest.raises(CodecError):
            encode_bare(value)
