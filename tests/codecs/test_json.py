from typing import Any

import pytest
from pydantic import ValidationError

from gateway.codecs import Codec
from gateway.codecs.json import JsonCodec, JsonCommands, JsonOptions, outcome
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


class TestUnits:
    @pytest.mark.parametrize(
        ("frame", "sample"),
        [
            ('{"t":{"value":21.4,"unit":"°C"}}', Sample({"t": 21.4}, None, {"t": "Cel"})),
            ('{"unit":"°C","value":21.4}', Sample({"": 21.4}, None, {"": "Cel"})),
            ('[{"value":1,"unit":"W"}]', Sample({"0": 1}, None, {"0": "W"})),
            ('{"a":{"b":{"value":null,"unit":"kWh"}}}', Sample({"a.b": None}, None, {"a.b": "kW.h"})),
            ('{"t":{"value":3,"unit":""}}', Sample({"t": 3})),
            ('{"t":{"value":3,"unit":"per 100"}}', Sample({"t": 3}, None, {"t": "per 100"})),
            ('{"on":{"value":true,"unit":"x"}}', Sample({"on": True}, None, {"on": "x"})),
        ],
    )
    def test_a_value_with_its_unit_is_one_point(self, frame: str, sample: Sample) -> None:
        assert CODEC.decode(frame.encode()) == [sample]

    @pytest.mark.parametrize(
        ("frame", "points"),
        [
            (b'{"t":{"value":21.4,"unit":"C","at":5}}', {"t.value", "t.unit", "t.at"}),
            (b'{"t":{"value":21.4,"unit":5}}', {"t.value", "t.unit"}),
            (b'{"t":{"value":{"x":1},"unit":"C"}}', {"t.value.x", "t.unit"}),
            (b'{"t":{"value":[1],"unit":"C"}}', {"t.value.0", "t.unit"}),
            (b'{"t":{"unit":"C","v":1}}', {"t.unit", "t.v"}),
            (b'{"unit":"C","v":1}', {"unit", "v"}),
        ],
    )
    def test_anything_more_or_other_is_an_object_like_any(self, frame: bytes, points: set[str]) -> None:
        assert set(values(frame)) == points


def picking(**points: Any) -> Codec:
    return JsonOptions.model_validate({"type": "json", "points": points}).build()


class TestPoints:
    FRAME = b'{"AM2301":{"Temperature":21.5,"Humidity":nan},"list":[3,{"x":true}],"POWER":"ON","time":1795338820}'

    def test_only_the_points_are_taken_from_where_their_paths_lead(self) -> None:
        codec = picking(temperature="AM2301.Temperature", first="list.0", x="list[1].x", power="POWER")
        assert codec.decode(self.FRAME) == [
            Sample({"temperature": 21.5, "first": 3, "x": True, "power": "ON"}, 1795338820.0)
        ]

    def test_what_is_missing_is_absent_and_costs_no_other(self) -> None:
        codec = picking(a="AM2301.Pressure", b="list.7", c="POWER.x", power="POWER", humidity="AM2301.Humidity")
        assert codec.decode(self.FRAME) == [Sample({"power": "ON", "humidity": None}, 1795338820.0)]
        assert picking(a="nothing").decode(self.FRAME) == [Sample({}, 1795338820.0)]

    @pytest.mark.parametrize("path", ["AM2301", "list", "list.1"])
    def test_an_object_or_a_list_is_no_value(self, path: str) -> None:
        assert picking(a=path, power="POWER").decode(self.FRAME) == [Sample({"a": None, "power": "ON"}, 1795338820.0)]

    def test_a_value_with_its_unit_is_one(self) -> None:
        frame = '{"a":{"b":{"value":21.4,"unit":"°C"}}}'.encode()
        assert picking(t="a.b").decode(frame) == [Sample({"t": 21.4}, None, {"t": "Cel"})]
        assert picking(t="a.b.value", u="a.b.unit").decode(frame) == [Sample({"t": 21.4, "u": "°C"})]

    def test_the_stamp_may_be_a_point_too(self) -> None:
        assert picking(at="time").decode(self.FRAME) == [Sample({"at": 1795338820}, 1795338820.0)]

    def test_a_bare_list_has_numbers(self) -> None:
        assert picking(a=0, b="1.x").decode(b'[5,{"x":6}]') == [Sample({"a": 5, "b": 6})]
        assert picking(a=0).decode(b"5") == [Sample({})]

    @pytest.mark.parametrize(
        ("points", "complaint"),
        [
            ({}, "at least 1 item"),
            ({"a": "b..c"}, "'b..c' is not a path such as"),
            ({"a": None}, "expected a path such as"),
            ({"a": 1.5}, "expected a path such as"),
            ({"a": True}, "expected a path such as"),
            ({"": "a"}, "at least 1 character"),
            ({"a\n": "a"}, "cannot be shown"),
        ],
    )
    def test_what_is_no_path_or_no_name_is_refused(self, points: dict[str, Any], complaint: str) -> None:
        with pytest.raises(ValidationError, match=complaint):
            picking(**points)


class TestClaims:
    CLAIMS = frozenset({"device", "device_id"})

    @pytest.mark.parametrize("codec", [JsonCodec(), picking(t="t")])
    def test_a_frame_of_another_device_is_refused(self, codec: JsonCodec) -> None:
        for frame in (b'{"t":1,"device":"node2"}', b'{"device_id":"Node1","t":1}', b'{"device":""}'):
            with pytest.raises(CodecError, match=r"claims the device '.*', and the topic is of 'node1'"):
                codec.decode_of(frame, "node1", self.CLAIMS)

    @pytest.mark.parametrize(
        "frame",
        [
            b'{"t":1}',
            b'{"t":1,"device":"node1","device_id":"node1"}',
            b'{"t":1,"device":7,"device_id":null}',
            b'{"t":1,"device":{"id":"node2"},"deviceId":"node2"}',
            b'{"t":1,"of":{"device":"node2"}}',
            b'["node2"]',
            b'"device"',
        ],
    )
    def test_other_frames_are_read_as_ever(self, frame: bytes) -> None:
        assert CODEC.decode_of(frame, "node1", self.CLAIMS) == CODEC.decode(frame)


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

    @pytest.mark.parametrize(
        ("frame", "answer"),
        [
            (b'{"ok":true}', Acknowledgement(None, True)),
            (b'{"ok":false,"error":"jammed","ack":5}', Acknowledgement(5, False, "jammed")),
            (b'{"ack":5}', None),
            (b'{"ok":1}', None),
            (b'{"ok":true,"ack":"5"}', None),
            (b'{"ok":true,"ack":true}', None),
            (b"[true]", None),
            (b"OK", None),
        ],
    )
    def test_an_outcome_needs_no_id(self, frame: bytes, answer: Acknowledgement | None) -> None:
        assert outcome(frame) == answer
