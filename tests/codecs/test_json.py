import pytest

from gateway.codecs.json import JsonCodec, JsonCommands
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Sample, Value

CODEC = JsonCodec()
COMMANDS = JsonCommands()


def values(frame: bytes) -> dict[str, Value]:
    (sample,) = CODEC.decode(frame)
    return sample.values


def stamp(frame: bytes) -> float | None:
    (sample,) = CODEC.decode(frame)
    return sample.device_time


class TestReadings:
    @pytest.mark.parametrize("word", ["nan", "NaN", "NAN", "-nan", "inf", "-inf", "+Inf", "Infinity", "-Infinity"])
    def test_what_firmware_prints_for_no_number_costs_only_its_own_value(self, word: str) -> None:
        frame = f'{{"t":{word}, "h":48, "list":[{word},1], "text":"{word} is \\"{word}\\""}}'.encode()
        assert values(frame) == {"t": None, "h": 48, "list.0": None, "list.1": 1, "text": f'{word} is "{word}"'}

    @pytest.mark.parametrize(
        "frame", [b'{"a":nano}', b'{"a":1nan}', b'{"a":nan.5}', b"{nan:1}", b'{"a":--nan}', b"{'a':nan}"]
    )
    def test_what_only_holds_the_word_is_no_json(self, frame: bytes) -> None:
        with pytest.raises(CodecError, match="not JSON"):
            CODEC.decode(frame)

    @pytest.mark.parametrize(
        "frame",
        [b"", b" ", b"{", b'{"a":1', b'{"a":1}}', b'{"a":01}', b"{'a':1}", b'{"a":1,}', b'{"a":"\n"}', b'{"a":1e999}'],
    )
    def test_what_is_not_json_is_an_error(self, frame: bytes) -> None:
        with pytest.raises(CodecError, match="not JSON"):
            CODEC.decode(frame)

    def test_an_integer_keeps_its_digits_as_long_as_64_bits_do(self) -> None:
        assert values(b'{"a":9007199254740993,"b":123456789012345678901234567890}') == {
            "a": 9007199254740993, "b": 123456789012345678901234567890.0
        }  # fmt: skip

    def test_nesting_has_an_end(self) -> None:
        assert values(b'{"a":' * 16 + b"1" + b"}" * 16) == {".".join("a" * 16): 1}
        with pytest.raises(CodecError, match="nested deeper than 16"):
            CODEC.decode(b'{"a":' * 17 + b"1" + b"}" * 17)

    @pytest.mark.parametrize("form", ["{%s}", '{"deep":{%s}}'])
    def test_the_values_of_a_frame_have_an_end(self, form: str) -> None:
        members = [f'"p{number}":{number}' for number in range(513)]
        assert len(values((form % ",".join(members[:512])).encode())) == 512
        with pytest.raises(CodecError, match="more than 512 values"):
            CODEC.decode((form % ",".join(members)).encode())

    def test_a_bare_value_or_list_is_a_sample_too(self) -> None:
        assert values(b"false") == {"": False}
        assert values(b'"on"') == {"": "on"}
        assert values(b"null") == {"": None}
        assert values(b"[1,2]") == {"0": 1, "1": 2}


class TestStamps:
    @pytest.mark.parametrize(
        ("written", "seconds"),
        [
            ("1795338820", 1795338820.0),
            ("1795338820.25", 1795338820.25),
            ("1795338820250", 1795338820.25),
            ("0", 0.0),
            ('"2026-11-22T10:33:40Z"', 1795343620.0),
            ('"2026-11-22T11:33:40+01:00"', 1795343620.0),
        ],
    )
    @pytest.mark.parametrize("name", ["time", "ts"])
    def test_a_time_is_the_devices_own_stamp(self, name: str, written: str, seconds: float) -> None:
        frame = f'{{"{name}":{written},"t":1}}'.encode()
        assert CODEC.decode(frame) == [Sample({"t": 1}, seconds)]

    @pytest.mark.parametrize("written", ["-1", "1e300", "true", "null", '"noon"', '"2026-11-22T10:33:40"', '"12:00"'])
    def test_what_is_no_time_is_a_value(self, written: str) -> None:
        frame = f'{{"time":{written},"t":1}}'.encode()
        assert stamp(frame) is None
        assert set(values(frame)) == {"time", "t"}

    def test_only_one_of_both_names_is_the_stamp(self) -> None:
        assert CODEC.decode(b'{"time":5,"ts":6}') == [Sample({"ts": 6}, 5.0)]

    def test_a_time_further_in_is_a_value(self) -> None:
        assert CODEC.decode(b'{"a":{"time":5}}') == [Sample({"a.time": 5})]


def command(value: Value, name: str | None = None) -> Outgoing:
    return Outgoing(device="a", name=name, point="fan", value=value, id=17, deadline=0.0)


class TestCommands:
    @pytest.mark.parametrize(
        ("value", "written"),
        [
            (True, b"true"),
            (0, b"0"),
            (21.5, b"21.5"),
            ("", b'""'),
            (None, b"null"),
            ("a\n", b'"a\\n"'),
            ("ü", '"ü"'.encode()),
        ],
    )
    def test_a_command_is_one_object_on_one_line(self, value: Value, written: bytes) -> None:
        assert COMMANDS.encode(command(value), None) == b'{"command":"fan","value":%b,"id":17}' % written

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), 1 << 70, "\ud800"])
    def test_what_json_cannot_carry_is_refused_and_never_sent_as_null(self, value: Value) -> None:
        with pytest.raises(CodecError):
            COMMANDS.encode(command(value), None)

    def test_the_devices_name_stands_in_its_field(self) -> None:
        assert COMMANDS.encode(command(1, "n1"), "node").endswith(b'"id":17,"node":"n1"}')

    @pytest.mark.parametrize("field", ["command", "value", "id"])
    def test_a_field_that_would_overwrite_a_member_is_refused(self, field: str) -> None:
        with pytest.raises(CodecError, match=f"cannot stand in '{field}'"):
            COMMANDS.encode(command(1, "n1"), field)


class TestAnswers:
    def test_an_answer_may_hold_more(self) -> None:
        assert COMMANDS.match(b' {"node":"n1", "ack" : 5, "ok":true, "error":null} ') == Acknowledgement(5, True)

    def test_a_reading_with_a_point_of_that_name_is_no_answer(self) -> None:
        assert COMMANDS.match(b'{"ack":5}') is None
        assert COMMANDS.match(b'{"state":"\\"ack\\"","ok":true}') is None
        assert COMMANDS.match(b'{"a":{"ack":5,"ok":true}}') is None

    def test_an_error_of_any_form_is_cut_text(self) -> None:
        answer = COMMANDS.match(b'{"ack":5,"ok":false,"error":{"code":7}}')
        assert answer is not None
        assert answer.error == "{'code': 7}"
        answer = COMMANDS.match(b'{"ack":5,"ok":false,"error":"' + b"x" * 5000 + b'"}')
        assert answer is not None
        assert answer.error == "x" * 200
