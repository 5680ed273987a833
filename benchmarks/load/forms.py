"""What a serial board says, in each codec that the gateway reads: four values a frame, about as many bytes as in JSON.

Framed here, without the gateway's code. Each form is a pool of frames that the board says again and again: what it
takes to make one must not slow the flood.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from benchmarks.load import readings

_POOL = 1000  # frames


@dataclass(frozen=True, slots=True)
class Form:
    """A way to say readings: how the gateway is told to read it, and what ends a frame."""

    settings: str  # of the serial adapter, in YAML
    encode: Callable[[int], bytes]
    end: bytes = b"\n"

    def pool(self) -> list[bytes]:
        """Frames as they go on the wire."""
        return [self.encode(number) for number in range(_POOL)]


def _values(number: int) -> tuple[float, float, int, int]:
    return 20 + number % 7 + number % 100 / 100, 48.5, number, 10**9 + number


def _delimited(number: int) -> bytes:
    return b"%.2f,%.1f,%d,%d\n" % _values(number)


def _key_value(number: int) -> bytes:
    return b"temperature=%.2fC humidity=%.1f%% number=%d sent=%d\n" % _values(number)


def _senml(number: int) -> bytes:
    return (
        b'[{"bn":"urn:dev:ow:10e2073a01080063:","n":"temperature","u":"Cel","v":%.2f},{"n":"humidity","u":"%%RH","v":%.1f},'
        b'{"n":"number","v":%d},{"n":"sent","v":%d}]\n' % _values(number)
    )


def _nmea(number: int) -> bytes:
    body = b"GPRMC,%02d%02d%02d.00,A,4807.%04d,N,01131.%04d,E,022.4,084.4,230326,,,A" % (
        number // 3600 % 24,
        number // 60 % 60,
        number % 60,
        number % 10_000,
        number * 7 % 10_000,
    )
    return b"$%s*%02X\r\n" % (body, reduce(lambda sum, byte: sum ^ byte, body))


def _cobs(payload: bytes) -> bytes:
    """Consistent overhead byte stuffing of less than 254 bytes, with its delimiter."""
    stuffed = b"".join(bytes([len(run) + 1]) + run for run in payload.split(b"\0"))
    return stuffed + b"\0"


def _struct(number: int) -> bytes:
    payload = struct.pack("<ffII", *_values(number))
    return _cobs(payload + zlib.crc32(payload).to_bytes(4, "big"))


FORMS: dict[str, Form] = {
    "json": Form("codec: json", lambda number: readings.encode(number) + b"\n"),
    "delimited": Form("codec: {type: delimited, points: [temperature, humidity, number, sent]}", _delimited),
    "key_value": Form("codec: key_value", _key_value),
    "regex": Form(
        r"codec: {type: regex, pattern: "
        r"'(?P<temperature>[\d.]+),(?P<humidity>[\d.]+),(?P<number>\d+),(?P<sent>\d+)'}",
        _delimited,
    ),
    "senml": Form("codec: senml", _senml),
    "nmea0183": Form("codec: nmea0183", _nmea),
    "number": Form("codec: number", lambda number: b"%.2f\n" % _values(number)[0]),
    "text": Form("codec: text", _delimited),
    "struct": Form(
        "framing: {type: cobs, checksum: crc32}, "
        'codec: {type: struct, layout: "<ffII", points: [temperature, humidity, number, sent]}',
        _struct,
        end=b"\0",
    ),
}
