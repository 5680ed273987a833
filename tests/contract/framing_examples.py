"""What each installed framing makes of a few frames. Whoever adds a framing adds its entry here."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FramingExample:
    """Frames, and the bytes that carry them in this order.

    `length` is that of every frame, where it has to be one. `by_gap` says that nothing in the bytes tells where a frame
    begins, so that only a pause brings the framing back in step.
    """

    frames: list[bytes]
    wire: bytes
    options: dict[str, Any] = field(default_factory=dict)
    length: int | None = None
    by_gap: bool = False


_MODBUS = bytes.fromhex("01 03 00 00 00 0A")  # a request of Modbus RTU, whose CRC is C5 CD
_LIDAR = bytes.fromhex(
    "D2 04 20 03 50 0A"
)  # a distance, as small lidars send it: 59 59, and the sum of all bytes behind

FRAMINGS: dict[str, list[FramingExample]] = {
    "lines": [
        FramingExample([b"one", b'{"t":21.5}', b" two "], b'one\n\r\n{"t":21.5}\r\n\n two \n'),
        FramingExample([b"a", b"12345678"], b"a;12345678;;", {"terminator": ";", "max": 8}),
        FramingExample([b"a", b"1234"], b"a\r\n1234\r\n", {"max": 4}),
        FramingExample([b"a;b", b";c"], b"a;b;;;c;;", {"terminator": ";;", "max": 8}),
        FramingExample([b"a\xffb"], b"a\xffb\r\n", {"terminator": "\r\n"}),
        FramingExample([b"x" * 65520], b"x" * 65520 + b"\n", {"max": 65520}),
        # Checksums are text here; the sentence is the usual example of NMEA 0183.
        FramingExample([b"21.4,48", b"a*b"], b"21.4,48*39\n\r\na*b*29\r\n", {"checksum": "xor8"}),
        FramingExample(
            [b"$GPGLL,5300.97914,N,00259.98174,E,125926,A"],
            b"$GPGLL,5300.97914,N,00259.98174,E,125926,A*28\r\n",
            {"checksum": {"type": "xor8", "skip": 1}},
        ),
        FramingExample(
            [b"21.4,48"], b"21.4,48#ce71b573;", {"terminator": ";", "checksum": {"type": "crc32", "separator": "#"}}
        ),
        FramingExample([b"21.4,48"], b"21.4,480F3C\n", {"checksum": {"type": "crc16-modbus", "separator": ""}}),
    ],
    "cobs": [
        FramingExample(
            [b"\0", b"\0\0", b"\0\x11\0", b"\x11\x22\0\x33", b"\x11\x22\x33\x44", b"\x11\0\0\0"],
            bytes.fromhex(
                "01 01 00 01 01 01 00 01 02 11 01 00 00 03 11 22 02 33 00 05 11 22 33 44 00 02 11 01 01 01 00"
            ),
        ),
        FramingExample(
            [bytes(range(1, 255)), bytes(range(255)), bytes(range(1, 256)), bytes(range(2, 256)) + b"\0"],
            b"\xff" + bytes(range(1, 255)) + b"\0"
            b"\x01\xff" + bytes(range(1, 255)) + b"\0"
            b"\xff" + bytes(range(1, 255)) + b"\x02\xff\0"
            b"\xff" + bytes(range(2, 256)) + b"\x01\x01\0",
            {"max": 255},
        ),
        FramingExample(
            [b"x" * 65000], b"".join([b"\xff" + b"x" * 254] * 255) + b"\xe7" + b"x" * 230 + b"\0", {"max": 65000}
        ),
        FramingExample([_MODBUS], bytes.fromhex("03 01 03 01 01 04 0A C5 CD 00"), {"checksum": "crc16-modbus"}),
        FramingExample(
            [b"Fieldgate"], b"\x0eFieldgate\xd5\xef\x40\xd7\0", {"checksum": {"type": "crc32", "order": "little"}}
        ),
    ],
    "slip": [
        FramingExample([b"one", b"\xc0\xdb", b"two"], b"\xc0one\xc0\xc0\xdb\xdc\xdb\xdd\xc0two\xc0"),
        FramingExample([b"\xc0" * 32000], b"\xdb\xdc" * 32000 + b"\xc0", {"max": 32000}),
        FramingExample([b"one"], b"one\xc0", {"max": 4}),
        FramingExample([b"\xc0\xdb"], b"\xdb\xdc\xdb\xdd\x71\x4d\xc0", {"checksum": "crc16-ccitt"}),
        FramingExample([b"Fieldgate"], b"Fieldgate\x55\xc0", {"checksum": "xor8"}),
    ],
    "stx_etx": [
        FramingExample(
            [b"one", b"\x02\x03\x10", b"two"], b"\x02one\x03\x02\x10\x02\x10\x03\x10\x10\x03\x02\x03\x02two\x03"
        ),
        FramingExample([b"\x02" * 32000], b"\x02" + b"\x10\x02" * 32000 + b"\x03", {"max": 32000}),
        FramingExample(
            [b"\x7d\x7e\x7f"],
            b"\x7e\x7d\x5d\x7d\x5e\x7d\x5f\x7f",
            {"start": "7E", "end": "7F", "escape": "7D", "xor": "20", "max": 8},
        ),
        FramingExample([b"\0\x11\0"], b"\x02\0\x11\0\x7d\x90\x03", {"checksum": "crc16-modbus"}),
        FramingExample(
            [b"a", _MODBUS],
            b"<aa><" + bytes.fromhex("01 03 00 00 00 0A 08") + b">",
            {"start": "3C", "end": "3E", "escape": "5C", "xor": "80", "checksum": "xor8"},
        ),
    ],
    "fixed": [
        FramingExample(
            [_LIDAR],
            bytes.fromhex("59 59 D2 04 20 03 50 0A 05"),
            {"length": 6, "sync": "5959", "checksum": {"type": "sum8", "covers": "frame"}},
            length=6,
        ),
        FramingExample([_MODBUS], _MODBUS + b"\xc5\xcd", {"length": 6, "checksum": "crc16-modbus"}, length=6),
        FramingExample([_LIDAR] * 3, (bytes.fromhex("42 4D") + _LIDAR) * 3, {"length": 6, "sync": "42 4d"}, length=6),
        FramingExample([b"abcd", b"efgh"], b"abcdefgh", {"length": 4}, length=4, by_gap=True),
    ],
    "length_prefixed": [
        FramingExample([b"one", b"x" * 256], b"\0\x03one\x01\0" + b"x" * 256, by_gap=True),
        FramingExample([b"one", b"t"], b"\x04one\x02t", {"width": 1, "counts": "frame"}, by_gap=True),
        FramingExample([b"one", b"t"], b"\xaa\x55\x03one\xaa\x55\x01t", {"sync": "AA55", "width": 1}),
        FramingExample(
            [b"one"], b"\xaa\x55\x03\0one", {"sync": "AA55", "order": "little", "counts": "rest", "max": 500}
        ),
        FramingExample(
            [b"one", _MODBUS],
            b"\xaa\x55\x03one\xad\x96\xaa\x55\x06" + _MODBUS + b"\xc5\xcd",
            {"sync": "AA55", "width": 1, "checksum": "crc16-modbus"},
        ),
        FramingExample(
            [b"one", b"\x7e\x05one"],
            b"\x7e\x05one\x9b\xf9\x7e\x07\x7e\x05one\x0b\x46",
            {"sync": "7E", "width": 1, "counts": "rest", "checksum": {"type": "crc16-ccitt", "covers": "length"}},
        ),
        FramingExample(
            [b"one", b"x" * 65000],
            b"\x55\xaa\x7e\x55\x0f\0\0\0one\x8a\xd6\x90\x7d"
            b"\x55\xaa\x7e\x55\xf4\xfd\0\0" + b"x" * 65000 + b"\x45\x72\x42\x5f",
            {
                "sync": "55AA7E55",
                "width": 4,
                "order": "little",
                "max": 65000,
                "counts": "frame",
                "checksum": {"type": "crc32", "covers": "frame"},
            },
        ),
        # Without a sync word, the checksum alone tells a frame from what looks like one: 32 bits of it.
        FramingExample([b"one"], b"\x03one\x7a\x6c\x86\xf1", {"width": 1, "checksum": "crc32"}),
        FramingExample([b"one"], b"\0\x09one\x7a\x6c\x86\xf1", {"counts": "frame", "checksum": "crc32"}),
    ],
}
