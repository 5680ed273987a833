"""The table of the contract: what each installed framing, codec and command codec makes of a few frames.

Whoever adds a plug-in adds its entry here, and the whole suite runs on it.
"""

from dataclasses import dataclass, field
from typing import Any

from gateway.model import Acknowledgement, Outgoing, Sample


@dataclass(frozen=True)
class FramingExample:
    """Frames, and the bytes that carry them in this order."""

    frames: list[bytes]
    wire: bytes
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CodecExample:
    """Frames, and the samples that each holds."""

    frames: dict[bytes, list[Sample]]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CommandExample:
    """A command, the frame that carries it, and frames with what they acknowledge (None: nothing)."""

    command: Outgoing
    frame: bytes
    answers: dict[bytes, Acknowledgement | None]
    device_field: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


FRAMINGS: dict[str, list[FramingExample]] = {
    "lines": [
        FramingExample([b"one", b'{"t":21.5}', b" two "], b'one\n\r\n{"t":21.5}\r\n\n two \n'),
        FramingExample([b"a", b"12345678"], b"a;12345678;;", {"terminator": ";", "max": 8}),
        FramingExample([b"a", b"1234"], b"a\r\n1234\r\n", {"max": 4}),
        FramingExample([b"a;b", b";c"], b"a;b;;;c;;", {"terminator": ";;", "max": 8}),
        FramingExample([b"a\xffb"], b"a\xffb\r\n", {"terminator": "\r\n"}),
        FramingExample([b"x" * 65520], b"x" * 65520 + b"\n", {"max": 65520}),
    ],
}

CODECS: dict[str, list[CodecExample]] = {
    "json": [
        CodecExample(
            {
                b'{"temperature":21.4,"air":{"humidity":48,"dew":[1,2]}}': [
                    Sample({"temperature": 21.4, "air.humidity": 48, "air.dew.0": 1, "air.dew.1": 2})
                ],
                b'{"a":0,"b":0.0,"c":false,"d":"","e":null}': [
                    Sample({"a": 0, "b": 0.0, "c": False, "d": "", "e": None})
                ],
                b'{"t":1,"ts":1795338820.5}': [Sample({"t": 1}, 1795338820.5)],
                b"21.5": [Sample({"": 21.5})],
                b"{}": [Sample({})],
            }
        )
    ],
    "number": [
        CodecExample(
            {
                b"21.5": [Sample({"": 21.5})],
                b" -7\r\n": [Sample({"": -7})],
                b"0": [Sample({"": 0})],
                b"1e999": [Sample({"": float("inf")})],
                b"+.5E-3": [Sample({"": 0.0005})],
            }
        )
    ],
    "text": [
        CodecExample({"größe".encode(): [Sample({"": "größe"})], b"": [Sample({"": ""})], b"0": [Sample({"": "0"})]})
    ],
}

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
}

# What meets every codec and every command codec, whatever it reads.
HOSTILE: list[bytes] = [
    b"",
    b"\x00",
    b"\xff\xfe\xfd",
    b"[" * 60_000,
    b'{"a":' * 10_000,
    b'{"a":[NaN' + b"[" * 60_000,
    b'{"ack":' + b"[" * 60_000,
    b'{"a":1e999}',
    b'{"a":-1e999,"b":NaN,"c":-Infinity,"d":nan}',
    b'{"a":' + b"9" * 30 + b"}",
    b"9" * 60_000,
    b"-" + b"9" * 30,
    b'{"a":18446744073709551615,"b":-9223372036854775808}',
    b'{"ack":18446744073709551615,"ok":true}',
    b'{"ack":' + b"9" * 400 + b',"ok":true}',
    b'{"ack":17,"ok":false,"error":{"deep":["\\u0000\\n"]}}',
    b'{"ack":17,"ok":false,"error":"' + b"x" * 60_000 + b'"}',
    b'{"\\ud800":1}',
    b'{"a":"\\ud800"}',
    b'{"\\ud800":NaN,"node":"\\udfff"}',
    b'"\\ud83d',
    b'{"__proto__":{"constructor":1},"toString":2}',
    b'{"":{"":{"":1}}}',
    b'{"a":1,"a":2}',
    b'{"time":1e308,"ts":-1}',
    b'{"time":NaN,"t":1}',
    b'{"time":"9999-12-31T23:59:59.999999-23:59","ts":"2026-13-45"}',
    b'{"time":{"time":[]}}',
    b"{" + b",".join(b'"p%d":%d' % (n, n) for n in range(5_000)) + b"}",
    b"[" + b",".join([b"[]"] * 20_000) + b"]",
    b'"' + b'\\"' * 120_000,  # a string without an end, and 120,000 places where one might start
    b'"' * 240_001,
    b"nan" * 80_000,
    b"{" + b'"k":nan,' * 30_000,
    b" " * 200_000 + b"x",
    b"+" * 200_000,
    "٣".encode(),
    b"1_000",
    b"0x10",
]
