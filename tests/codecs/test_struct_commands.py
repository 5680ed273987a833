import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.codecs.struct_commands import StructCommandOptions, StructCommands
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Value

OPTIONS: dict[str, Any] = {"layout": "<BBIf", "fields": [0x10, "point", "id", "value"], "points": {"fan": 1}}


def form(**options: Any) -> StructCommands:
    return StructCommands(StructCommandOptions.model_validate({**OPTIONS, **options}))


def command(value: Value = None, *, point: str = "fan", name: str | None = None, id: int = 17) -> Outgoing:
    return Outgoing(device="d", name=name, point=point, value=value, id=id, deadline=0.0)


def written(letter: str, value: Value) -> bytes:
    return form(layout=f"<{letter}", fields=["value"]).encode(command(value), None)


class TestCommands:
    @pytest.mark.parametrize(
        ("letter", "value", "frame"),
        [
            ("B", 255, b"\xff"),
            ("b", -1, b"\xff"),
            ("H", 21.0, b"\x15\0"),
            ("B", True, b"\x01"),
            ("?", True, b"\x01"),
            ("?", 0, b"\0"),
            ("f", True, struct.pack("<f", 1)),
            ("f", 21, struct.pack("<f", 21)),
            ("d", 0.1, struct.pack("<d", 0.1)),
            ("4s", "ü", b"\xc3\xbc\0\0"),
            ("2s", "", b"\0\0"),
        ],
    )
    def test_a_value_is_written_as_its_field_is(self, letter: str, value: Value, frame: bytes) -> None:
        assert written(letter, value) == frame

    @pytest.mark.parametrize("letter", ["B", "f", "?", "3s"])
    def test_an_action_writes_zeros(self, letter: str) -> None:
        assert set(written(letter, None)) == {0}

    @pytest.mark.parametrize(
        ("letter", "value"),
        [
            ("B", 256), ("B", -1), ("H", 21.5), ("B", "on"), ("Q", 1 << 64), ("B", 10**5000), ("d", 10**400),
            ("B", float("nan")), ("f", float("inf")), ("f", 1e39), ("e", 70000.0), ("f", "21"), ("?", 2), ("?", "true"),
            ("2s", "abc"), ("2s", "é\u00e9"), ("2s", "a\0"), ("2s", "\ud800"), ("2s", 5),
        ],
        ids=lambda item: f"{type(item).__name__}-{item!r:.10}" if not isinstance(item, int) else "int",
    )  # fmt: skip
    def test_a_value_that_does_not_fit_is_an_error_and_never_another_value(self, letter: str, value: Value) -> None:
        with pytest.raises(CodecError):
            written(letter, value)

    @given(st.integers(-(1 << 40), 1 << 40) | st.floats())
    def test_a_number_is_written_as_itself_or_not_at_all(self, value: float) -> None:
        try:
            frame = written("h", value)
        except CodecError:
            assert not -(1 << 15) <= value < 1 << 15 or value != int(value)
        else:
            assert struct.unpack("<h", frame) == (value,)

    def test_a_point_without_a_code_is_an_error(self) -> None:
        with pytest.raises(CodecError, match="'lamp' is not one of `points`"):
            form().encode(command(1, point="lamp"), None)

    def test_an_id_that_does_not_fit_is_an_error(self) -> None:
        with pytest.raises(CodecError, match="does not fit"):
            form().encode(command(1, id=1 << 32), None)


ADDRESSED: dict[str, Any] = {"layout": ">BBh", "fields": ["device", "point", "value"], "devices": {"cellar": 3}}


class TestDevices:
    @pytest.mark.parametrize(("name", "number"), [("cellar", 3), ("7", 7), ("007", 7)])
    def test_a_device_has_the_number_that_is_given_or_its_name_is_one(self, name: str, number: int) -> None:
        assert form(**ADDRESSED).encode(command(5, name=name), "node") == bytes([number, 1, 0, 5])

    @pytest.mark.parametrize("name", ["attic", "-1", "٣", "256", "", "9" * 30, None])
    def test_a_device_without_a_number_is_an_error(self, name: str | None) -> None:
        with pytest.raises(CodecError):
            form(**ADDRESSED).encode(command(5, name=name), "node")

    def test_a_command_is_never_sent_to_all_where_it_is_for_one(self) -> None:
        with pytest.raises(CodecError, match="whom the command is for"):
            form().encode(command(5, name="cellar"), "node")


ACK: dict[str, Any] = {"layout": "<BIB", "fields": [0x11, "id", "ok"], "errors": {"jammed": 2}}


class TestAnswers:
    def test_without_an_answer_there_is_none(self) -> None:
        assert not form().answers
        assert form().answers_by_id
        assert form().match(b"\x11\x11\0\0\0\x01") is None

    def test_an_answer_repeats_the_id(self) -> None:
        known = form(ack=ACK)
        assert known.answers
        assert known.answers_by_id
        assert known.match(b"\x11\x11\0\0\0\x01") == Acknowledgement(17, True)
        assert known.match(b"\x11\x11\0\0\0\x02") == Acknowledgement(17, False, "jammed")
        assert known.match(b"\x11\x11\0\0\0\x00") == Acknowledgement(17, False, "error 0")

    @pytest.mark.parametrize("frame", [b"", b"\x12\x11\0\0\0\x01", b"\x11\x11\0\0\0", b"\x11\x11\0\0\0\x01\x00"])
    def test_another_frame_is_none(self, frame: bytes) -> None:
        assert form(ack=ACK).match(frame) is None

    def test_an_answer_without_an_id_is_of_the_command_before(self) -> None:
        known = form(ack={"layout": "<BBB", "fields": [0x11, None, "ok"], "ok": 0})
        assert not known.answers_by_id
        assert known.match(b"\x11\x99\x00") == Acknowledgement(None, True)
        assert known.match(b"\x11\x99\x05") == Acknowledgement(None, False, "error 5")

    def test_without_a_constant_only_known_numbers_are_an_answer(self) -> None:
        known = form(ack={"layout": "<B", "fields": ["ok"], "ok": 6, "errors": {"refused": 0x15}})
        assert known.match(b"\x06") == Acknowledgement(None, True)
        assert known.match(b"\x15") == Acknowledgement(None, False, "refused")
        assert known.match(b"\x00") is None

    @given(st.integers(0, (1 << 30)), st.floats(width=32, allow_nan=False, allow_infinity=False))
    def test_an_echo_is_none(self, id: int, value: float) -> None:
        known = form(ack={"layout": "<BIBf", "fields": [0x11, "id", "ok", None]})
        assert known.match(known.encode(command(value, id=id), None)) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "BB"}, "must begin with its byte order"),
        ({"fields": [1, "point", "id"]}, "the layout has B B I f, which is 4, and `fields` has 3"),
        ({"fields": [1, "point", "id", "valu"]}, "'valu' is neither a whole number nor one of point, id"),
        ({"fields": [1, "point", "id", True]}, "True is neither"),
        ({"fields": [1, "point", "id", None]}, "None is neither"),
        ({"fields": [256, "point", "id", "value"]}, "256 does not fit the field B"),
        ({"fields": [1, "value", "id", "value"]}, "`value` stands twice"),
        ({"fields": ["id", "point", 1, "value"]}, "`id` needs a field of 4 bytes"),
        ({"fields": [1, "point", 5, "id"]}, "`id` needs a field of whole numbers, not f"),
        ({"layout": "<2BI", "fields": ["value", "id"]}, "2B in the layout is more than one field; write BB"),
        ({"points": {}}, "at least 1 item"),
        ({"points": {"fan": 256}}, "256 does not fit the field B"),
        ({"fields": [1, 2, "id", "value"], "points": {"a": 1, "b": 2}}, "`fields` has no `point`"),
        ({"devices": {"a": 1}}, "`devices` means nothing"),
        ({"fields": ["device", "point", "id", "value"], "devices": {"a": 256}}, "256 does not fit"),
        ({"ack": {"layout": "<BI", "fields": [2, "id"]}}, "`fields` has no `ok`"),
        ({"ack": {"layout": "<Bf", "fields": [2, "ok"]}}, "`ok` needs a field of whole numbers, not f"),
        ({"ack": {"layout": "<BB", "fields": [2, "ok"], "ok": 256}}, "256 does not fit"),
        ({"ack": {"layout": "<BB", "fields": [2, "ok"], "errors": {"e": 1}}}, "1 is both `ok` and one of `errors`"),
        ({"ack": {"layout": "<BB", "fields": [2, "value"]}}, "'value' is neither a whole number nor one of id, ok"),
        ({"ack": {"layout": "<BBIf", "fields": [None, "ok", "id", None]}}, "could be taken for its answer"),
        ({"ack": {"layout": "<BBIf", "fields": [0x10, "ok", "id", None]}}, "could be taken for its answer"),
        ({"ack": {"layout": "<xBIf", "fields": ["ok", "id", None]}}, "could be taken for its answer"),
        (
            {"fields": [1, "point", 5, "value"], "ack": {"layout": "<BIB", "fields": [2, "id", "ok"]}},
            "`ack` has an `id`, and the command has none",
        ),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        form(**options)


def test_pads_tell_a_command_from_its_answer_too() -> None:
    ack = {"layout": "<BB", "fields": [0x11, "ok"]}
    assert form(layout="<xB", fields=["value"], ack=ack).match(b"\x00\x01") is None
