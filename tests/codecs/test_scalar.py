import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs import BARE
from gateway.codecs.scalar import NumberCodec, TextCodec, encode_bare
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
