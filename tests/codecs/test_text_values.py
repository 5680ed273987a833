import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.text import Reader
from gateway.codecs.units import UNITS, known_unit, name_and_unit, unit_code
from gateway.model import Value

READ = Reader().value
COMMA = Reader(",").value


class TestValues:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("48", 48),
            ("21.4", 21.4),
            ("-0", 0),
            ("-0.0", -0.0),
            ("+007", 7),
            (" 5. ", 5.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("9223372036854775807", 9223372036854775807),
            ("123456789012345678901234567890", 1.2345678901234568e29),
            ("1e999", math.inf),
            ("inf", math.inf),
            ("-Infinity", -math.inf),
            ("ovf", math.inf),
            ("true", True),
            ("FALSE", False),
            ("", None),
            (" \t", None),
        ],
    )
    def test_a_value_is_read_with_its_kind(self, text: str, value: Value) -> None:
        assert READ(text) == (value, None)
        assert type(READ(text)[0]) is type(value)

    @pytest.mark.parametrize(
        "text",
        ["1_000", "1_0.5", "٣", "٣.٤", "1.٣", "²", "0x10", "1,5", "1.2.3", "12:30", "2026-11-26", "10.0.0.1", "--1",
         ".", "e5", "on", "yes", "null", "1e", "12ab", "12C4", "1h30m", "+ 1"],
    )  # fmt: skip
    def test_what_only_resembles_a_number_stays_text(self, text: str) -> None:
        assert READ(text) == (text, None)

    @pytest.mark.parametrize("text", ["nan", "NaN", "-nan", " NAN "])
    def test_firmwares_word_for_no_number_is_one(self, text: str) -> None:
        value, unit = READ(text)
        assert isinstance(value, float)
        assert math.isnan(value)
        assert unit is None

    @pytest.mark.parametrize(
        ("text", "value"),
        [("21,4", 21.4), ("-,5", -0.5), ("7", 7), ("1,5e3", 1500.0), ("21.4", "21.4"), ("1.234,5", "1.234,5")],
    )
    def test_a_decimal_comma_is_read_where_it_is_one(self, text: str, value: Value) -> None:
        assert COMMA(text) == (value, None)

    @given(st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False, allow_infinity=False))
    def test_a_number_comes_back_as_python_prints_it(self, number: float) -> None:
        assert READ(str(number)) == (number, None)
        assert COMMA(str(number).replace(".", ",")) == (number, None)

    @given(st.text(st.sampled_from("0123456789.,+-eE_ ٣²nafi")))
    def test_both_ways_of_reading_agree(self, text: str) -> None:
        """Plain numbers are read by Python, which takes more than we do, and the rest by an expression."""
        value, unit = READ(text)
        padded, same_unit = READ(f" {text}{' ' * 30}")
        assert repr(value) == repr(padded)
        assert unit == same_unit


class TestUnits:
    @pytest.mark.parametrize(
        ("text", "value", "unit"),
        [
            ("21.4C", 21.4, "Cel"),
            ("21.4 °C", 21.4, "Cel"),
            ("70℉", 70, "[degF]"),
            ("48%", 48, "%"),
            ("48 %RH", 48, "%"),
            ("1013hPa", 1013, "hPa"),
            ("1013 HPA", 1013, "hPa"),
            ("1.5e3V", 1500.0, "V"),
            ("5µA", 5, "uA"),
            ("5mW", 5, "mW"),
            ("5MW", 5, "MW"),
            ("4.2l/min", 4.2, "L/min"),
            ("0.3kWh", 0.3, "kW.h"),
            ("180°", 180, "deg"),
            ("1200rpm", 1200, "{rpm}"),
            ("-61 dBm", -61, "dB[mW]"),
            ("61 dBA", 61, "dB{A}"),
            ("3furlong/h2", 3, "furlong/h2"),
        ],
    )
    def test_a_number_may_have_its_unit(self, text: str, value: Value, unit: str) -> None:
        assert READ(text) == (value, unit)

    def test_what_differs_by_its_case_only_is_not_guessed(self) -> None:
        assert known_unit("mw") is None
        assert known_unit("a") is None
        assert known_unit("KWH") == "kW.h"

    def test_a_code_of_the_table_is_one_word(self) -> None:
        for word, code in UNITS.items():
            assert known_unit(word) == code
            assert code.isascii()
            assert not set(code) & set(" \t\n")

    @pytest.mark.parametrize("text", ["ab", "C4", "-1", "x" * 17, "", "a b", "1", "°°°5", "a/b/c/d"])
    def test_what_is_no_unit_is_none(self, text: str) -> None:
        assert unit_code(text) is None

    @pytest.mark.parametrize(
        ("text", "name", "unit"),
        [
            ("Temperature (C)", "Temperature", "Cel"),
            ("temp[°C]", "temp", "Cel"),
            ("flow ( l/min )", "flow", "L/min"),
            ("Temp (inside)", "Temp (inside)", None),
            ("a(b)[%]", "a(b)", "%"),
            ("(C)", "(C)", None),
            ("plain", "plain", None),
            ("a)", "a)", None),
        ],
    )
    def test_a_name_may_have_a_unit_in_brackets(self, text: str, name: str, unit: str | None) -> None:
        assert name_and_unit(text) == (name, unit)
