"""What each installed command form writes, and takes for an answer. Whoever adds one adds its entry here."""

from dataclasses import dataclass, field
from typing import Any

from gateway.model import Acknowledgement, Outgoing


@dataclass(frozen=True)
class CommandExample:
    """A command, the frame that carries it, and frames with what they acknowledge (None: nothing)."""

    command: Outgoing
    frame: bytes
    answers: dict[bytes, Acknowledgement | None]
    device_field: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


COMMANDS: dict[str, list[CommandExample]] = {
    "json": [
        CommandExample(
            Outgoing(device="greenhouse", name=None, point="fan", value=True, id=17, deadline=0.0),
            b'{"command":"fan","value":true,"id":17}',
            {
                b'{"ack":17,"ok":true}': Acknowledgement(17, True),
                b'{"ack":17,"ok":false,"error":"jammed"}': Acknowledgement(17, False, "jammed"),
                b'{"ack":"17","ok":true}': None,
                b'{"ack":17,"ok":1}': None,
                b'{"ack":true,"ok":true}': None,
                b'{"ack":17}': None,
                b'[{"ack":17,"ok":true}]': None,
                b'{"fan":true}': None,
            },
        ),
        CommandExample(
            Outgoing(device="line.n1", name="n1", point="mode", value="a\r\nb", id=1, deadline=0.0),
            b'{"command":"mode","value":"a\\r\\nb","id":1,"node":"n1"}',
            {},
            device_field="node",
        ),
    ],
    "struct": [
        CommandExample(
            Outgoing(device="greenhouse", name=None, point="setpoint", value=21.5, id=17, deadline=0.0),
            bytes.fromhex("10 02 11000000 0000ac41"),
            {
                bytes.fromhex("11 11000000 01"): Acknowledgement(17, True),
                bytes.fromhex("11 11000000 02"): Acknowledgement(17, False, "jammed"),
                bytes.fromhex("11 11000000 07"): Acknowledgement(17, False, "error 7"),
                bytes.fromhex("10 11000000 01"): None,
                bytes.fromhex("11 11000000 01 00"): None,
                bytes.fromhex("11 11000000"): None,
            },
            options={
                "layout": "<BBIf",
                "fields": [0x10, "point", "id", "value"],
                "points": {"fan": 1, "setpoint": 2},
                "ack": {"layout": "<BIB", "fields": [0x11, "id", "ok"], "errors": {"jammed": 2}},
            },
        ),
        CommandExample(
            Outgoing(device="line.cellar", name="cellar", point="fan", value=True, id=17, deadline=0.0),
            bytes.fromhex("aa 03 00 01"),
            {
                b"\x06": Acknowledgement(None, True),
                b"\x15": Acknowledgement(None, False, "refused"),
                b"\x07": None,
                b"\x06\x06": None,
            },
            device_field="node",
            options={
                "layout": ">BBx?",
                "fields": [0xAA, "device", "value"],
                "points": {"fan": 0},
                "devices": {"cellar": 3},
                "ack": {"layout": ">B", "fields": ["ok"], "ok": 6, "errors": {"refused": 0x15}},
            },
        ),
        CommandExample(
            Outgoing(device="line.7", name="7", point="text", value="ü\n", id=17, deadline=0.0),
            b"\x07\xff\xfe\xc3\xbc\n\0\0",
            {b"\x07\xff\xfe\xc3\xbc\n\0\0": None},
            device_field="node",
            options={"layout": ">Bh5s", "fields": ["device", "point", "value"], "points": {"text": -2, "fan": 1}},
        ),
    ],
    "senml": [
        CommandExample(
            Outgoing(device="greenhouse", name=None, point="fan", value=True, id=17, deadline=0.0),
            b'[{"n":"fan","vb":true}]',
            {b'[{"n":"fan","vb":true}]': None, b'{"ack":17,"ok":true}': None},
        ),
        CommandExample(
            Outgoing(device="line.n1", name="n1", point="level", value=21.5, id=1, deadline=0.0),
            b'[{"bn":"n1/","n":"level","v":21.5}]',
            {},
            device_field="device",
            options={"separator": "/"},
        ),
    ],
    "template": [
        CommandExample(
            Outgoing(device="greenhouse", name=None, point="fan", value=True, id=17, deadline=0.0),
            b"SET fan 1",
            {
                b"OK": Acknowledgement(None, True),
                b" OK\r": Acknowledgement(None, True),
                b"ERR jammed": Acknowledgement(None, False, "jammed"),
                b"ERR": Acknowledgement(None, False),
                b"OKAY": None,
                b"T=21.5": None,
                b"SET fan 1": None,
            },
            options={"send": "SET {point} {value}", "ok": "OK", "error": "ERR {error}"},
        ),
        CommandExample(
            Outgoing(device="line.n1", name="n1", point="text", value="it is 5 o'clock", id=17, deadline=0.0),
            b'#17 n1 TEXT "it is 5 o\'clock"',
            {
                b"+17": Acknowledgement(17, True),
                b"-17 no room": Acknowledgement(17, False, "no room"),
                b"+": None,
                b"+12345678901": None,
            },
            device_field="node",
            options={
                "send": "#{id} {device} {point}={value}",
                "points": {"text": {"send": "#{id} {device} TEXT {value}"}},
                "quote": '"',
                "ok": "+{id}",
                "error": "-{id} {error}",
            },
        ),
        CommandExample(
            Outgoing(device="greenhouse", name=None, point="say", value="OK", id=17, deadline=0.0),
            b"{OK}",
            {b"YES": Acknowledgement(None, True), b"NO, jammed": Acknowledgement(None, False, "jammed")},
            options={
                "send": "{point}{id}",
                "points": {"say": {"send": "{{{value}}}"}, "lamp": {"send": "{value}", "on": "ON", "off": "OFF"}},
                "ok": "YES",
                "error": "NO, {error}",
            },
        ),
    ],
}
