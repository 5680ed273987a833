import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.codecs.struct import StructCodec, StructOptions
from gateway.errors import CodecError
from gateway.model import Value


def codec(layout: str, points: list[Any], **options: Any) -> StructCodec:
    return StructCodec(StructOptions.model_validate({"layout": layout, "points": points, **options}))


def values(reader: StructCodec, frame: bytes) -> dict[str, Value]:
    (sample,) = reader.decode(frame)
    return sample.values


class TestLayouts:
    @pytest.mark.parametrize(
        ("layout", "frame", "value"),
        [
            ("<b", b"\xff", -1),
            ("<H", b"\x01\x02", 0x0201),
            (">H", b"\x01\x02", 0x0102),
            ("!i", b"\xff\xff\xff\xfe", -2),
            ("<l", b"\x01\0\0\0", 1),
            ("<Q", b"\xff" * 8, (1 << 64) - 1),
            ("<?", b"\x02", True),
            ("<d", struct.pack("<d", 0.1), 0.1),
            ("<5s", b"ab\0\xff\xff", "ab"),
            ("<4s", "üß".encode(), "üß"),
            ("<x H 2x", b"\xff\x01\x00\xff\xff", 1),
        ],
    )
    def test_a_field_is_read_as_its_letter_says(self, layout: str, frame: bytes, value: Value) -> None:
        read = values(codec(layout, ["v"]), frame)["v"]
        assert read == value
        assert type(read) is type(value)

    def test_a_count_numbers_the_values_of_one_point(self) -> None:
        assert values(codec("<3BH", ["cells", "last"]), b"\x01\x02\x03\x04\x00") == {
            "cells.0": 1, "cells.1": 2, "cells.2": 3, "last": 4
        }  # fmt: skip

    @pytest.mark.parametrize("left_out", [None, "-", "", {"name": None}])
    def test_a_field_without_a_name_is_left_out(self, left_out: Any) -> None:
        assert values(codec("<B3HB", ["a", left_out, "b"]), b"\x01\xff\xff\xff\xff\xff\xff\x02") == {"a": 1, "b": 2}

    @pytest.mark.parametrize("length", [0, 3, 5])
    def test_another_length_is_an_error_that_tells_both(self, length: int) -> None:
        with pytest.raises(CodecError, match=f"{length} bytes, where the layout has 4"):
            values(codec("<HH", ["a", "b"]), bytes(length))

    def test_trailing_bytes_are_ignored_where_that_is_said(self) -> None:
        reader = codec("<H", ["a"], trailing=True)
        assert values(reader, b"\x01\x00rest") == {"a": 1}
        with pytest.raises(CodecError, match="1 bytes, where the layout has 2"):
            values(reader, b"\x01")

    def test_a_text_that_is_none_is_an_error(self) -> None:
        with pytest.raises(CodecError, match="not UTF-8"):
            values(codec("<2s", ["a"]), b"\xff\xff")


class TestFloats:
    @pytest.mark.parametrize("number", [21.4, 0.1, -273.15, 1e-7, 3.4e38, 1e-45, 16777217.0, 1013.25, 0.0, -0.0])
    def test_a_narrow_float_is_the_number_that_was_meant(self, number: float) -> None:
        read = values(codec("<f", ["v"]), struct.pack("<f", number))["v"]
        assert isinstance(read, float)
        assert struct.pack("<f", read) == struct.pack("<f", number)
        assert len(repr(read)) <= max(len(repr(number)), 10)

    @given(st.floats(width=32))
    def test_it_stays_the_same_float(self, number: float) -> None:
        read = values(codec("<f", ["v"]), struct.pack("<f", number))["v"]
        assert isinstance(read, float)
        assert struct.pack("<f", read) == struct.pack("<f", number) or (math.isnan(read) and math.isnan(number))

    @given(st.floats(width=16))
    def test_so_does_one_of_16_bits(self, number: float) -> None:
        read = values(codec("<e", ["v"]), struct.pack("<e", number))["v"]
        assert isinstance(read, float)
        assert struct.pack("<e", read) == struct.pack("<e", number) or (math.isnan(read) and math.isnan(number))

    @given(st.decimals(-9999, 9999, places=2))
    def test_a_decimal_comes_back_as_it_was(self, number: Any) -> None:
        assert values(codec("<f", ["v"]), struct.pack("<f", float(number))) == {"v": float(number)}

    def test_a_scaled_value_is_as_exact_as_it_can_be(self) -> None:
        reader = codec("<hf", [{"name": "t", "scale": 0.01, "offset": -40}, {"name": "n", "scale": 0.1}])
        assert values(reader, struct.pack("<hf", 6145, 3)) == {"t": 21.45, "n": 0.3}
        read = values(reader, struct.pack("<hf", -1, math.nan))
        assert read["t"] == -40.01
        assert isinstance(read["n"], float)
        assert math.isnan(read["n"])


class TestBits:
    def test_a_bit_is_true_or_false_and_several_are_a_number(self) -> None:
        reader = codec("<H", [{"name": "flags", "bits": {"pump": 0, "door": "1", "mode": "2-4", "last": "15-15"}}])
        names = [f"flags.{name}" for name in ("pump", "door", "mode", "last")]
        for frame, expected in ((b"\x15\x80", (True, False, 5, 1)), (b"\x02\x00", (False, True, 0, 0))):
            read = values(reader, frame)
            assert read == dict(zip(names, expected, strict=True))
            assert [type(value) for value in read.values()] == [bool, bool, int, int]

    def test_bits_without_a_name_stand_by_themselves(self) -> None:
        assert values(codec(">b", [{"bits": {"sign": 7, "rest": "0-6"}}]), b"\x85") == {"sign": True, "rest": 5}


@pytest.mark.parametrize(
    ("layout", "points", "message"),
    [
        ("Hh", ["a", "b"], "must begin with its byte order"),
        ("=H", ["a"], "must begin with its byte order"),
        ("@H", ["a"], "must begin with its byte order"),
        ("<", ["a"], "the layout has no field"),
        ("<4x", ["a"], "the layout has no field"),
        ("<P", ["a"], "'P' in the layout is not one of x s"),
        ("<n", ["a"], "'n' in the layout is not one of"),
        ("<c", ["a"], "'c' in the layout is not one of"),
        ("<H<H", ["a", "b"], "'<H' in the layout is not one of"),
        ("<H3", ["a"], "'3' in the layout is not one of"),
        ("<٣H", ["a"], "in the layout is not one of"),
        ("<0H", ["a"], "the count in '0H' must be 1 to"),
        ("<999999H", ["a"], "the count in '999999H' must be"),
        ("<513H", ["a"], "more than 512 values"),
        ("<60000s6000s", ["a", "b"], "or 65520 bytes"),
        ("<HH", ["a"], "the layout has H H, which is 2, and `points` has 1"),
        ("<4sH", ["a", "b", "c"], "the layout has 4s H, which is 2, and `points` has 3"),
        ("<H", [None], "`points` names no field"),
        ("<HH", ["a", "a"], "the point 'a' stands twice"),
        ("<H2H", ["a.1", "a"], "the point 'a.1' stands twice"),
        ("<H", [{"name": "a", "bits": {"b": 16}}], r"the point a \(H\): there is no bit 16, they count from 0 to 15"),
        ("<H", [{"name": "a", "bits": {"b": "14-16"}}], "there is no bit 16"),
        ("<H", [{"name": "a", "bits": {"b": "4-2"}}], "expected the number of a bit"),
        ("<H", [{"name": "a", "bits": {"b": -1}}], "expected the number of a bit"),
        ("<H", [{"name": "a", "bits": {"b": True}}], "expected the number of a bit"),
        ("<H", [{"name": "a", "bits": {}}], "at least 1 item"),
        ("<H", [{"name": "a", "bits": {"b": 1}, "scale": 2}], "mean nothing beside `bits`"),
        ("<f", [{"name": "a", "bits": {"b": 1}}], r"the point a \(f\): `bits` are those of one whole number"),
        ("<2H", [{"bits": {"b": 1}}], r"the point - \(2H\): `bits` are those of one whole number"),
        ("<?", [{"name": "a", "scale": 2}], r"the point a \(\?\): `scale` and `offset` are for numbers"),
        ("<4s", [{"name": "a", "offset": 2}], r"the point a \(4s\): `scale` and `offset` are for numbers"),
        ("<H", [{"name": "a", "scale": 0}], "`scale` must not be 0"),
        ("<HH", ["a", {"scale": 2}], "mean nothing without a `name`"),
        ("<H", [{"nam": "a"}], "points.0.nam"),
        ("<H", [5], "points.0"),
    ],
)
def test_options_that_cannot_work_are_refused(layout: str, points: list[Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        codec(layout, points)
