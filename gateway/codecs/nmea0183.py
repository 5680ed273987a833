"""NMEA 0183, the sentences of GPS receivers and of instruments on boats and in weather stations.

$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,260326,003.1,W*66

The library knows the order of the fields in each sentence, and reads degrees and minutes. Only the fields that are
points are read: a whole message of the library takes some five times as long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from pynmeagps.nmeahelpers import dmm2ddd  # type: ignore[import-untyped]
from pynmeagps.nmeatypes_get import NMEA_PAYLOADS_GET  # type: ignore[import-untyped]

from gateway.codecs.base import Codec, CodecOptions
from gateway.codecs.nmea_clock import Clock
from gateway.codecs.nmea_named import NAMED, Units, Values, decimal, whole
from gateway.codecs.nmea_sentences import (
    FACTORS,
    KNOT,
    MORE_FIELDS,
    SENTENCES,
    SPEED,
    TRUE_WIND,
    Item,
    Sentence,
    Source,
)
from gateway.errors import CodecError
from gateway.model import Sample, Value

_MAX_SENTENCE = 1024  # bytes; the standard has 82
_FOLDS = (4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8)  # bits that halve a sentence of that length, down to a byte
_ADDRESS = re.compile(r"[A-Z0-9]{3,16}")
_DEGREES = re.compile(r"\d{1,3}[0-5]\d(?:\.\d{0,12})?", re.ASCII)  # and minutes

Read = Callable[[list[str]], Value]
_SPEEDS = {"m/s": ("m/s", 1.0), "kn": ("[kn_i]", KNOT), "km/h": ("km/h", 1 / 3.6)}  # UCUM, and in m/s


class NmeaOptions(CodecOptions):
    """`nmea0183`, or `{type: nmea0183, by: talker, speed: kn}`"""

    type: str = "nmea0183"
    by: Literal["none", "talker", "sentence"] = "none"
    origin: bool = False
    speed: Literal["m/s", "kn", "km/h"] = "m/s"
    checksum: Literal["required", "optional"] = "required"

    def build(self) -> Codec:
        """The NMEA codec."""
        return NmeaCodec(self)


class NmeaCodec:
    """One sentence is one sample. Between sentences it remembers the date, for those that tell the time alone."""

    def __init__(self, options: NmeaOptions) -> None:
        self._by = options.by
        self._origin = options.origin
        self._needs_checksum = options.checksum == "required"
        self._sentences = {name: _Reader(name, sentence, options.speed) for name, sentence in SENTENCES.items()}
        self._true_wind = _Reader("MWV", TRUE_WIND, options.speed)
        self._clock = Clock()

    def decode(self, frame: bytes) -> list[Sample]:
        """The sample in the sentence; none where it is of a kind that has no points. Noise before it is passed over."""
        address, fields = self._taken_apart(frame)
        kind = address[2:]
        void = False
        if kind in self._sentences:
            reader = self._of_wind(fields) if kind == "MWV" else self._sentences[kind]
            values, units, void = reader.read(fields)
        elif kind in NAMED:
            read = NAMED[kind](address[:2], fields)
            if read is None:
                return []
            values, units = read
        else:
            return []
        return [self._sample(address, values, units, None if void else self._clock.time(kind, fields))]

    def _taken_apart(self, frame: bytes) -> tuple[str, list[str]]:
        """Address and fields. The address of what has no points is empty: a maker's own sentence, or one of AIS."""
        if len(frame) > _MAX_SENTENCE:
            raise CodecError(f"longer than {_MAX_SENTENCE} bytes")
        start = frame.rfind(b"$")
        if start < 0:
            start = frame.rfind(b"!")
            if start < 0:
                raise CodecError("no sentence: it has neither $ nor !")
        body, star, checksum = frame[start + 1 :].rstrip().partition(b"*")
        if star:
            if checksum.upper() != b"%02X" % _xor(body):
                raise CodecError("wrong checksum")
        elif self._needs_checksum:
            raise CodecError("no checksum")
        text = body.decode("latin-1")
        if not text.isascii() or not text.isprintable():
            raise CodecError("not printable ASCII")
        address, *fields = text.split(",")
        if not _ADDRESS.fullmatch(address):
            raise CodecError(f"{address[:20]!r} is not the address of a sentence")
        if address[0] == "P" or frame[start] == ord("!"):
            return "", []
        return address, fields

    def _of_wind(self, fields: list[str]) -> _Reader:
        angle, reference = (fields + [""] * 2)[:2]
        if reference == "R" or not (angle or reference):
            return self._sentences["MWV"]
        if reference == "T":
            return self._true_wind
        raise CodecError(f"{reference[:8]!r} is neither R nor T, the wind's reference")

    def _sample(self, address: str, values: Values, units: Units, device_time: float | None) -> Sample:
        if self._by != "none":
            prefix = address[:2] if self._by == "talker" else address
            values = {f"{prefix}.{point}": value for point, value in values.items()}
            units = {f"{prefix}.{point}": unit for point, unit in units.items()}
        if self._origin:
            values["talker"], values["sentence"] = address[:2], address[2:]
        return Sample(values, device_time, units)


class _Reader:
    """Reads the points of one kind of sentence, by the places of its fields."""

    def __init__(self, name: str, sentence: Sentence, speed: str) -> None:
        places = {field: place for place, field in enumerate(_fields(name))}
        self._items = [_compiled(item, places, speed) for item in sentence.items]
        self._always = [_compiled(item, places, speed) for item in sentence.always]
        self._length = len(places)
        self._void_at = places[sentence.void[0]] if sentence.void else -1
        self._is_void: Callable[[str], bool] = sentence.void[1] if sentence.void else bool

    def read(self, fields: list[str]) -> tuple[Values, Units, bool]:
        """The values, their units, and whether the sentence says of itself that it is void.

        Void items are null. Empty fields are left out.
        """
        values: Values = {}
        units: Units = {}
        void = 0 <= self._void_at < len(fields) and self._is_void(fields[self._void_at])
        if len(fields) < self._length:  # of an older version of the standard
            fields = fields + [""] * (self._length - len(fields))
        for point, unit, read in self._items:
            value = None if void else read(fields)
            if value is None and not void:
                continue
            values[point] = value
            if unit is not None:
                units[point] = unit
        for point, unit, read in self._always:
            value = read(fields)
            if value is not None:
                values[point] = value
                if unit is not None:
                    units[point] = unit
        return values, units, void


def _fields(name: str) -> list[str]:
    """The names of the fields of a sentence, in order."""
    if name in MORE_FIELDS:
        return MORE_FIELDS[name]
    fields: list[str] = []
    for field, kind in NMEA_PAYLOADS_GET[name].items():
        if isinstance(kind, tuple):  # a group of fields that comes several times
            fields += [f"{field}.{number}" for number in range(kind[0])]
        else:
            fields.append(field)
    return fields


def _compiled(item: Item, places: dict[str, int], speed: str) -> tuple[str, str | None, Read]:
    """Point, unit, and what reads it from the fields: None where they are empty."""
    at = places[item.sources[0].field]
    if item.place is not None and item.sign is not None:
        return item.point, item.unit, _position(at, places[item.sign], item.place)
    if item.whole:
        return item.point, item.unit, lambda fields: whole(fields[at]) if fields[at] else None
    if item.sign is not None:
        return item.point, item.unit, _signed(at, places[item.sign], item.turned)
    if item.sources[0].letter is None:
        return item.point, item.unit, lambda fields: decimal(fields[at]) if fields[at] else None
    unit, divisor = _SPEEDS[speed] if item.unit == SPEED else (item.unit, 1.0)
    factors = {letter: factor / divisor for letter, factor in FACTORS[item.unit or ""].items()}
    return item.point, unit, _measured([_placed(source, places) for source in item.sources], factors)


def _placed(source: Source, places: dict[str, int]) -> tuple[int, int, str]:
    """The place of a field, that of its unit's letter (-1 where it is always the same), and the letter."""
    letter = source.letter or ""
    return (places[source.field], -1, letter) if len(letter) == 1 else (places[source.field], places[letter], "")


def _position(at: int, sign_at: int, most: int) -> Read:
    def read(fields: list[str]) -> Value:
        text, sign = fields[at], fields[sign_at]
        if not text:
            return None
        degrees = dmm2ddd(text if "." in text else f"{text}.") if _DEGREES.fullmatch(text) else ""
        if not isinstance(degrees, float) or degrees > most:
            raise CodecError(f"{text[:20]!r} is not degrees and minutes")
        return _turned(degrees, sign, "NS" if most == 90 else "EW")

    return read


def _signed(at: int, sign_at: int, turned: bool) -> Read:
    def read(fields: list[str]) -> Value:
        if not fields[at]:
            return None
        value = _turned(decimal(fields[at]), fields[sign_at], "RL" if turned else "EW")
        return value % 360 if turned else value

    return read


def _turned(value: float, sign: str, signs: str) -> float:
    if sign == signs[0]:
        return value
    if sign == signs[1]:
        return -value if value else value
    raise CodecError(f"{sign[:8]!r} is neither {signs[0]} nor {signs[1]}")


def _measured(sources: list[tuple[int, int, str]], factors: dict[str, float]) -> Read:
    def read(fields: list[str]) -> Value:
        for at, letter_at, letter in sources:
            if not fields[at]:
                continue
            factor = factors.get(letter if letter_at < 0 else fields[letter_at])
            if factor is None:
                raise CodecError(f"{fields[letter_at][:8]!r} is none of the units {', '.join(factors)}")
            value = decimal(fields[at])
            return value if factor == 1.0 else round(value * factor, 4)
        return None

    return read


def _xor(body: bytes) -> int:
    """All bytes XORed, by folding: no loop over them."""
    number = int.from_bytes(body, "big")
    for bits in _FOLDS:
        number ^= number >> bits
    return number & 0xFF
