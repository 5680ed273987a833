import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.codecs.delimited import DelimitedCodec, DelimitedOptions
from gateway.errors import CodecError
from gateway.model import Sample


def codec(**options: Any) -> DelimitedCodec:
    return DelimitedCodec(DelimitedOptions.model_validate(options))


def values(reader: DelimitedCodec, line: str) -> dict[str, Any] | None:
    """The values of a line; None where it is no reading."""
    samples = reader.decode(line.encode())
    return samples[0].values if samples else None


class TestLines:
    @pytest.mark.parametrize(
        ("separator", "line"),
        [(",", "21.4,48"), (";", "21.4 ; 48;"), ("\t", "21.4\t48"), ("|", "21.4|48"), ("||", "21.4||48||"),
         (" ", "21.4 48"), (" ", "  21.4 \t  48 "), (" / ", "21.4 / 48")],
    )  # fmt: skip
    def test_the_separator_parts_the_columns(self, separator: str, line: str) -> None:
        assert values(codec(separator=separator, points=["t", "h"]), line) == {"t": 21.4, "h": 48}

    @pytest.mark.parametrize("left_out", [None, "-", ""])
    def test_a_column_without_a_name_is_left_out(self, left_out: str | None) -> None:
        assert values(codec(points=["t", left_out, "h"]), "21.4,broken,48") == {"t": 21.4, "h": 48}

    @pytest.mark.parametrize(("line", "found"), [("21.4", 1), ("21.4,48,3", 3), ("21.4,48,,", 4), ("", 1)])
    def test_another_number_of_columns_is_an_error_that_tells_both(self, line: str, found: int) -> None:
        with pytest.raises(CodecError, match=f"{found} columns, where 2 are expected"):
            values(codec(points=["t", "h"]), line)

    def test_an_empty_last_column_is_one_where_it_is_expected(self) -> None:
        assert values(codec(points=["t", "h"]), "21.4,") == {"t": 21.4, "h": None}

    @pytest.mark.parametrize("line", ['"21.4,48', '"a"b,48', '21.4,"'])
    def test_wrong_quotes_are_an_error(self, line: str) -> None:
        with pytest.raises(CodecError, match="wrong quotes"):
            values(codec(points=["t", "h"]), line)

    def test_a_comment_is_no_reading_only_where_it_is_declared(self) -> None:
        assert values(codec(points=["t"], comment="//"), "// ready") is None
        assert values(codec(points=["t"]), "# 5") == {"t": "# 5"}

    @given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), min_size=2, max_size=5))
    def test_what_a_csv_writer_quotes_comes_back(self, cells: list[str]) -> None:
        written = io.StringIO()
        csv.writer(written, quoting=csv.QUOTE_ALL).writerow([f"x{cell}x" for cell in cells])
        names = [f"p{number}" for number in range(len(cells))]
        read = values(codec(points=names), written.getvalue().rstrip("\r\n"))
        assert read == dict(zip(names, [f"x{cell}x" for cell in cells], strict=True))


class TestHeaders:
    def test_lines_are_errors_until_there_is_a_header(self) -> None:
        reader = codec(header=True)
        with pytest.raises(CodecError, match="the header is missing"):
            values(reader, "21.4,48")
        assert values(reader, "t,h") is None
        assert values(reader, "21.4,48") == {"t": 21.4, "h": 48}

    def test_points_serve_until_there_is_one(self) -> None:
        reader = codec(header=True, points=["a", None])
        assert values(reader, "21.4,48") == {"a": 21.4}
        assert values(reader, "t,h") is None
        assert values(reader, "21.4,48") == {"t": 21.4, "h": 48}

    def test_units_of_a_header_are_the_samples(self) -> None:
        reader = codec(header=True, separator=";")
        assert reader.decode(b"#Temperature (C);p [hPa];state (raw)") == []
        assert reader.decode(b"21.4;1013;idle") == [
            Sample(
                {"Temperature": 21.4, "p": 1013, "state (raw)": "idle"}, None, {"Temperature": "Cel", "p": "hPa"}
            )
        ]  # fmt: skip
        assert reader.decode(b"70 F;1013;idle")[0].units == {"Temperature": "[degF]", "p": "hPa"}
        assert reader.decode(b"21.4;1013;idle")[0].units == {"Temperature": "Cel", "p": "hPa"}

    def test_a_banner_that_looks_like_one_costs_no_line(self) -> None:
        reader = codec(header=True)
        for line in ("Hello, world, again", "t,h", "Hello, world, again"):
            assert values(reader, line) is None
        assert values(reader, "21.4,48") == {"t": 21.4, "h": 48}

    @pytest.mark.parametrize("line", ["OK,5", "OK,nan", "OK,true", "OK,-", "OK,OK", "OK,", "OK,5V", "OK,\x07a"])
    def test_a_line_with_anything_that_is_no_name_is_a_reading(self, line: str) -> None:
        reader = codec(header=True, points=["a", "b"])
        read = values(reader, line)
        assert read is not None
        assert read["a"] == "OK"

    def test_a_line_of_one_word_is_no_header(self) -> None:
        with pytest.raises(CodecError, match="the header is missing"):
            values(codec(header=True), "Booting")

    def test_a_new_header_holds_with_the_first_line_that_fits(self) -> None:
        reader = codec(header=True)
        assert values(reader, "a,b") is None
        assert values(reader, "1,2") == {"a": 1, "b": 2}
        assert values(reader, "a,b,c") is None
        with pytest.raises(CodecError, match="1 columns, where 2 are expected"):
            values(reader, "1")
        assert values(reader, "1,2,3") == {"a": 1, "b": 2, "c": 3}
        with pytest.raises(CodecError, match="2 columns, where 3 are expected"):
            values(reader, "1,2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "`points` is missing"),
        ({"points": [None, "-"]}, "`points` is missing"),
        ({"points": ["a", "a"]}, "the point 'a' stands twice"),
        ({"points": ["a\n"]}, "cannot be shown"),
        ({"points": ["a" * 129]}, "at most 128 characters"),
        ({"points": [f"p{number}" for number in range(513)]}, "at most 512 items"),
        ({"points": ["a"], "decimal": ","}, "holds the decimal mark"),
        ({"points": ["a"], "separator": "."}, "holds the decimal mark"),
        ({"points": ["a"], "separator": "a"}, "what may stand in a value"),
        ({"points": ["a"], "separator": '"'}, "what may stand in a value"),
        ({"points": ["a"], "separator": ""}, "at least 1 character"),
        ({"points": ["a"], "comment": ""}, "at least 1 character"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        codec(**options)
