"""What boards say can be read by the standard library, and what they are told is understood."""

import csv
import json
import re
import struct
from collections.abc import Mapping
from typing import Any

import pytest

from device_sims.device import Command, Poll, SimulatedDevice
from device_sims.kinds import KINDS, Value
from device_sims.wire import CHECKSUMS, CODECS, FRAMINGS, Codec, wire_of

READING: Mapping[str, Value] = {
    "temperature": -3.5,
    "humidity": 48,
    "pressure": 1013.2,
    "fan": True,
    "setpoint": 21.5,
    "sequence": 7,
}
TEXTS = ("delimited", "key_value", "text", "number")


def codec(name: str, *, kind: str = "climate", devices: int = 1, header: bool = True, stamp: bool = False) -> Codec:
    framing = "cobs" if name == "struct" else "lines"
    _, made = wire_of(
        KINDS[kind], framing=framing, checksum="none", codec=name, devices=devices, header=header, stamp=stamp
    )
    return made


def said(name: str, node: str | None = None) -> bytes:
    """The only payload of the reading above."""
    [payload] = codec(name, devices=2 if node else 1).reading(READING, node)
    return payload


class TestReadings:
    def test_json_is_one_object(self) -> None:
        assert json.loads(said("json")) == READING
        assert json.loads(said("json", "n2")) == {"node": "n2", **READING}

    def test_delimited_is_a_row_below_a_row_of_names(self) -> None:
        table = codec("delimited")
        lines = [line.decode() for line in (*table.hello(), *table.reading(READING, None))]
        [row] = csv.DictReader(lines)
        assert row == {
            "temperature": "-3.5",
            "humidity": "48",
            "pressure": "1013.2",
            "fan": "1",
            "setpoint": "21.5",
            "sequence": "7",
        }

    def test_delimited_names_the_node_in_the_first_column_and_the_time_in_the_last(self) -> None:
        table = codec("delimited", devices=2, stamp=True)
        lines = [line.decode() for line in (*table.hello(), *table.reading({**READING, "time": 1.5}, "n2"))]
        [row] = csv.DictReader(lines)
        assert next(iter(row)) == "node"
        assert (row["node"], row["time"]) == ("n2", "1.5")

    def test_a_table_may_do_without_names(self) -> None:
        assert codec("delimited", header=False).hello() == []

    def test_key_value_is_pairs_with_units(self) -> None:
        pairs = dict(pair.split("=") for pair in said("key_value", "n2").decode().split(" "))
        assert pairs == {
            "node": "n2",
            "temperature": "-3.5C",
            "humidity": "48%",
            "pressure": "1013.2hPa",
            "fan": "on",
            "setpoint": "21.5",
            "sequence": "7",
        }
        assert said("key_value").startswith(b"temperature=")

    @pytest.mark.parametrize(("node", "begins"), [(None, "climate 7: "), ("n2", "n2 7: ")])
    def test_text_is_a_sentence_for_a_regular_expression(self, node: str | None, begins: str) -> None:
        line = said("text", node).decode()
        assert line.startswith(begins)
        found = re.search(r"temperature (-?[\d.]+) C, humidity (\d+) %, .*fan (on|off), setpoint ([\d.]+)$", line)
        assert found is not None
        assert found.groups() == ("-3.5", "48", "on", "21.5")

    def test_number_is_the_first_sensor(self) -> None:
        assert said("number") == b"-3.5"

    def test_senml_is_a_pack(self) -> None:
        records = json.loads(said("senml"))
        assert records[0] == {"n": "temperature", "u": "Cel", "v": -3.5}
        assert records[1]["n"] == "humidity"
        assert records[1]["u"] == "/100"  # SenML's own % is a ratio
        assert {"n": "fan", "vb": True} in records
        assert [record["n"] for record in records] == list(READING)

    def test_senml_names_the_node_and_the_time_in_its_base(self) -> None:
        [payload] = codec("senml", devices=2, stamp=True).reading({**READING, "time": 1.5}, "n2")
        records = json.loads(payload)
        assert (records[0]["bn"], records[0]["bt"]) == ("n2:", 1.5)
        assert [record["n"] for record in records] == list(READING)

    def test_struct_is_packed_bytes(self) -> None:
        found = struct.unpack("<BIhBf?f", said("struct"))
        assert found == (0x52, 7, -35, 48, pytest.approx(1013.2), True, 21.5)
        assert struct.unpack("<BBIhBf?f", said("struct", "n2"))[:3] == (0x52, 2, 7)

    @pytest.mark.parametrize(
        ("kind", "layout"),
        [
            ("climate", "<BIhBf?f"),
            ("power", "<BIHHfI?f"),
            ("tank", "<BIHf?f"),
            ("gps", "<BIddfffBB"),
            ("boat", "<BIffffff"),
        ],
    )
    def test_each_kind_has_a_layout_that_holds_its_values(self, kind: str, layout: str) -> None:
        device = SimulatedDevice(kind, KINDS[kind], seed=3, interval=1, record=lambda _: None)
        for _ in range(300):
            reading = device.reading()
            [payload] = codec("struct", kind=kind).reading(reading, None)
            _, sequence, *fields = struct.unpack(layout, payload)
            assert sequence == reading.pop("sequence")
            for (point, value), field in zip(reading.items(), fields, strict=True):
                sensor = KINDS[kind].sensors.get(point)
                scale = 10**sensor.decimals if sensor and sensor.packed not in "fd" else 1
                assert field / scale == pytest.approx(float(value)), point

    @pytest.mark.parametrize("name", [name for name in CODECS if name not in ("nmea0183", "delimited")])
    def test_only_tables_have_first_words(self, name: str) -> None:
        assert codec(name).hello() == []


class TestHearing:
    @pytest.mark.parametrize("name", TEXTS)
    @pytest.mark.parametrize(
        ("line", "command"),
        [
            (b"SET fan 1", Command("fan", "1", bare=True)),
            (b"  SET  fan  on ", Command("fan", "on", bare=True)),
            (b"SET fan 1 #17", Command("fan", "1", 17, bare=True)),
            (b"SET mode very slow #a7", Command("mode", "very slow", "a7", bare=True)),
        ],
    )
    def test_set_is_a_command(self, name: str, line: bytes, command: Command) -> None:
        assert codec(name).heard(line) == command

    @pytest.mark.parametrize("name", ["delimited", "key_value", "text"])
    def test_on_a_shared_line_set_names_the_node(self, name: str) -> None:
        heard = codec(name, devices=2).heard(b"SET n2 fan 1 #17")
        assert heard == Command("fan", "1", 17, bare=True, node="n2")

    @pytest.mark.parametrize("name", TEXTS)
    @pytest.mark.parametrize(
        "line",
        [b"", b"fan 1", b"SET", b"SET fan", b"SET fan #17", b"SET #17", b"READ n1 n2", b"\xff\xfe", b"set fan 1"],
    )
    def test_what_is_neither_is_not_understood(self, name: str, line: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - some words are the library's
            codec(name).heard(line)

    @pytest.mark.parametrize("line", [b"SET fan 1", b"READ", b"SET n1 #17"])
    def test_on_a_shared_line_nothing_is_meant_for_nobody(self, line: bytes) -> None:
        with pytest.raises(ValueError, match="neither SET nor READ"):
            codec("key_value", devices=2).heard(line)

    @pytest.mark.parametrize("name", ["json", "senml", "struct", *TEXTS])
    def test_read_asks_for_a_reading(self, name: str) -> None:
        assert codec(name).heard(b"READ") == Poll()

    @pytest.mark.parametrize("name", ["json", "senml", "struct", "key_value"])
    def test_read_names_the_node(self, name: str) -> None:
        assert codec(name, devices=2).heard(b"READ n2") == Poll("n2")

    @pytest.mark.parametrize(
        ("error", "id", "answer"),
        [
            (None, None, b"OK"),
            (None, 17, b"OK #17"),
            ("jammed", None, b"ERR jammed"),
            ("jammed", 17, b"ERR jammed #17"),
        ],
    )
    def test_boards_of_text_always_answer(self, error: str | None, id: object, answer: bytes) -> None:
        assert codec("text").answer(Command("fan", "1", id), error) == answer

    def test_senml_is_commanded_by_packs_and_never_answers(self) -> None:
        board = codec("senml")
        assert board.heard(b'[{"n":"fan","vb":true}]') == Command("fan", True)
        assert board.heard(b'[{"n":"setpoint","v":0}]') == Command("setpoint", 0)
        assert board.heard(b'[{"bn":"n2:","n":"fan","vb":false}]') == Command("fan", False, node="n2")
        assert board.heard(b'[{"n":"n2:fan","vs":"on"}]') == Command("fan", "on", node="n2")
        assert board.answer(Command("fan", True), None) is None

    @pytest.mark.parametrize(
        "pack",
        [b"{}", b"[]", b'[{"n":"fan"}]', b'[{"v":1}]', b'[{"n":"a","v":1},{"n":"b","v":1}]', b"[" * 50_000, b"[1]",
         b'[{"n":"fan","bn":7,"v":1}]'],
    )  # fmt: skip
    def test_what_is_no_pack_of_one_is_not_understood(self, pack: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - some words are the library's
            codec("senml").heard(pack)

    def test_struct_is_commanded_by_records(self) -> None:
        board = codec("struct")
        assert board.heard(struct.pack("<BIBf", 0x43, 70_000, 1, 1)) == Command("fan", True, 70_000)
        assert board.heard(struct.pack("<BIBf", 0x43, 17, 2, 19.5)) == Command("setpoint", 19.5, 17)
        assert board.heard(struct.pack("<BIBf5x", 0x43, 17, 1, 0)) == Command("fan", False, 17)
        assert board.heard(struct.pack("<BIBf", 0x43, 17, 1, 3)) == Command("fan", 3, 17)
        assert board.heard(struct.pack("<BIBf", 0x43, 17, 9, 3)) == Command("actuator 9", 3, 17)
        shared = codec("struct", devices=2)
        command = shared.heard(struct.pack("<BBIBf", 0x43, 2, 17, 1, 1))
        assert command == Command("fan", True, 17, node="n2")

    @pytest.mark.parametrize("record", [b"", b"C", struct.pack("<BIBf", 0x52, 1, 1, 1), b"C" * 30])
    def test_what_is_no_record_is_not_understood(self, record: bytes) -> None:
        with pytest.raises(ValueError, match="command"):
            codec("struct").heard(record)

    def test_struct_answers_with_records(self) -> None:
        board, shared = codec("struct"), codec("struct", devices=2)
        assert board.answer(Command("fan", True, 70_000), None) == struct.pack("<BIB", 0x41, 70_000, 1)
        assert board.answer(Command("fan", True, 17), "jammed") == struct.pack("<BIB", 0x41, 17, 0)
        answer = shared.answer(Command("fan", True, 17, node="n2"), None)
        assert answer == struct.pack("<BBIB", 0x41, 2, 17, 1)


class TestTogether:
    def test_what_goes_together_is_known(self) -> None:
        fit = set()
        for framing in FRAMINGS:
            for checksum in CHECKSUMS:
                for name in CODECS:
                    try:
                        wire(framing=framing, checksum=checksum, codec=name)
                    except ValueError:
                        continue
                    fit.add((framing, checksum, name))
        texts = {"json", "delimited", "key_value", "text", "senml", "number"}
        streams = set(FRAMINGS) - {"fixed"}
        assert fit == {
            *((framing, checksum, name) for framing in streams for checksum in CHECKSUMS for name in texts),
            *((framing, checksum, "struct") for framing in set(FRAMINGS) - {"lines"} for checksum in CHECKSUMS),
        }

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"framing": "line"}, "no framing is named 'line': there are lines, cobs"),
            ({"checksum": "crc8"}, "no checksum is named 'crc8': there are none, crc16-modbus"),
            ({"codec": "xml"}, "no codec is named 'xml': there are json, delimited"),
            ({"codec": "struct"}, "struct sends any byte"),
            ({"framing": "fixed"}, "fixed frames have one length, and those of json have many"),
            ({"codec": "number", "devices": 2}, "number names no device"),
            ({"codec": "nmea0183"}, "nmea0183 has no sentences for climate: there are those for gps, boat"),
            ({"kind": "gps", "framing": "cobs"}, "nmea0183 has a framing and a checksum of its own"),
            ({"kind": "gps", "checksum": "xor8"}, "nmea0183 has a framing and a checksum of its own"),
            ({"kind": "boat", "devices": 2}, "nmea0183 names no device"),
        ],
    )
    def test_what_does_not_says_why(self, settings: dict[str, Any], says: str) -> None:
        with pytest.raises(ValueError, match=re.escape(says)):
            wire(**settings)


def wire(*, kind: str = "climate", devices: int = 1, codec: str | None = None, **more: str) -> object:
    whole = {"framing": "lines", "checksum": "none", **more}
    return wire_of(KINDS[kind], codec=codec, devices=devices, header=True, stamp=False, **whole)
