import pytest
from pydantic import ValidationError

from gateway.errors import CodecError
from gateway.framing.lines import Lines, LinesOptions, TextChecksum


class TestReceiving:
    def test_empty_lines_are_nothing(self) -> None:
        lines = Lines()
        assert lines.receive_data(b"\n\r\n\n\r\r\n") == []
        assert lines.errors == 0

    def test_spaces_belong_to_the_line(self) -> None:
        assert Lines().receive_data(b" a \t\r\n") == [b" a \t"]

    def test_a_carriage_return_within_a_line_stays(self) -> None:
        assert Lines().receive_data(b"a\rb\r\n") == [b"a\rb"]

    def test_a_carriage_return_stays_where_the_terminator_is_another(self) -> None:
        assert Lines(terminator=b";").receive_data(b"a\r;b\n;") == [b"a\r", b"b\n"]

    def test_a_terminator_cut_in_two_is_one(self) -> None:
        lines = Lines(terminator=b"\r\n")
        assert [lines.receive_data(part) for part in (b"a", b"\r", b"\nb\r", b"x\r", b"\n")] == [
            [], [], [b"a"], [], [b"b\rx"]
        ]  # fmt: skip

    @pytest.mark.parametrize("one_by_one", [False, True])
    @pytest.mark.parametrize(("data", "frames", "errors"), [
        (b"1234\n12345\n1234\n", [b"1234", b"1234"], 1),
        (b"1234\r\n", [b"1234"], 0),
        (b"1234\r\r\n5\n", [b"5"], 1),  # longer on the wire than it is kept for
        (b"1" * 500 + b"\n2\n", [b"2"], 1),
        (b"1" * 500 + b"\n" + b"2" * 500 + b"\n3\n", [b"3"], 2),
        (b"1" * 500, [], 1),
        (b"\r" * 500 + b"\n1\n", [b"1"], 1),
    ])  # fmt: skip
    def test_an_overlong_line_is_one_error_and_costs_no_other(
        self, data: bytes, frames: list[bytes], errors: int, one_by_one: bool
    ) -> None:
        lines = Lines(maximum=4)
        parts = [data[place : place + 1] for place in range(len(data))] if one_by_one else [data]
        assert [frame for part in parts for frame in lines.receive_data(part)] == frames
        assert lines.errors == errors
        assert lines.resyncs == errors - (not data.endswith(b"\n"))  # the next line is still to be found

    def test_after_a_reset_the_rest_of_an_overlong_line_is_forgotten_too(self) -> None:
        lines = Lines(maximum=4)
        lines.receive_data(b"x" * 100)
        lines.reset()
        assert lines.receive_data(b"abc\n") == [b"abc"]


class TestChecksums:
    @pytest.mark.parametrize(("line", "frames", "errors"), [
        (b"21.4,48*39", [b"21.4,48"], 0),
        (b"21.4,48*39\r", [b"21.4,48"], 0),
        (b"a*6B*3F", [b"a*6B"], 0),  # the last separator counts
        (b"z*7a", [b"z"], 0),  # small letters are taken
        (b"21.4,48*38", [], 1),
        (b"21.4,48", [], 1),
        (b"21.4,48*3", [], 1),
        (b"21.4,48#39", [], 1),
        (b"21.4,48*39 ", [], 1),
        (b"*", [], 1),
        (b"*00", [], 0),  # an empty line
        (b"", [], 0),
    ])  # fmt: skip
    def test_a_line_without_or_with_a_wrong_checksum_is_an_error(
        self, line: bytes, frames: list[bytes], errors: int
    ) -> None:
        lines = Lines(checksum=TextChecksum("xor8"))
        assert lines.receive_data(line + b"\na*61\n") == [*frames, b"a"]
        assert (lines.errors, lines.checksum_errors, lines.resyncs) == (errors, errors, 0)

    def test_a_line_goes_out_with_its_checksum(self) -> None:
        assert Lines(checksum=TextChecksum("xor8")).encode(b"z") == b"z*7A\n"
        assert Lines(checksum=TextChecksum("crc16-modbus", b" ")).encode(b"123456789") == b"123456789 4B37\n"
        assert Lines(checksum=TextChecksum("crc32", b"")).encode(b"123456789") == b"123456789CBF43926\n"

    def test_what_is_skipped_is_not_covered(self) -> None:
        sentence = b"$GPGLL,5300.97914,N,00259.98174,E,125926,A"
        lines = Lines(checksum=TextChecksum("xor8", skip=1))
        assert lines.receive_data(sentence + b"*28\r\n") == [sentence]
        assert lines.encode(sentence) == sentence + b"*28\n"

    def test_the_longest_line_has_its_checksum_besides(self) -> None:
        lines = Lines(maximum=4, checksum=TextChecksum("crc32"))
        assert lines.receive_data(lines.encode(b"1234")) == [b"1234"]
        assert lines.receive_data(b"12345" + TextChecksum("crc32").of(b"12345") + b"\n") == []
        assert (lines.errors, lines.checksum_errors) == (1, 0)


class TestSending:
    @pytest.mark.parametrize("frame", [b"", b"a\nb", b"a\n", b"\r", b"a\rb", b"x" * 4097])
    def test_what_would_not_be_one_line_is_refused(self, frame: bytes) -> None:
        with pytest.raises(CodecError):
            Lines().encode(frame)

    @pytest.mark.parametrize("frame", [b"a;;b", b"a;", b";;", b"a\n", b";"])
    def test_what_would_end_early_at_a_long_terminator_is_refused(self, frame: bytes) -> None:
        with pytest.raises(CodecError, match="line end"):
            Lines(terminator=b";;").encode(frame)

    def test_a_line_goes_out_with_its_terminator(self) -> None:
        assert Lines().encode(b"a") == b"a\n"
        assert Lines(terminator=b"\r\n").encode(b"a") == b"a\r\n"


class TestOptions:
    def test_each_port_gets_a_buffer_of_its_own(self) -> None:
        options = LinesOptions()
        first, second = options.build(), options.build()
        first.receive_data(b"half")
        assert second.receive_data(b"a\n") == [b"a"]

    @pytest.mark.parametrize(
        "options", [{"max": 0}, {"max": 65521}, {"terminator": ""}, {"terminator": "12345"}, {"x": 1}]
    )
    def test_options_out_of_bounds_are_refused(self, options: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            LinesOptions.model_validate({"type": "lines", **options})
