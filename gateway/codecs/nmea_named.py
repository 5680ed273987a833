"""Sentences of NMEA 0183 whose points are named by what stands in their fields, and how their numbers are read."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.codecs.nmea_sentences import SYSTEMS, TRANSDUCERS
from gateway.errors import CodecError
from gateway.model import Value

Values = dict[str, Value]
Units = dict[str, str]

_DECIMAL = re.compile(r"[+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


def decimal(text: str) -> float:
    """A decimal number; raises CodecError for another text."""
    if not _DECIMAL.fullmatch(text):
        raise CodecError(f"{text[:20]!r} is not a number")
    return float(text)


def whole(text: str) -> int:
    """A whole number from 0; raises CodecError for another text."""
    if not _WHOLE.fullmatch(text):
        raise CodecError(f"{text[:20]!r} is not a whole number")
    return int(text)


def _satellites(talker: str, fields: list[str]) -> tuple[Values, Units] | None:
    """GSV: how many satellites of a system are in view. The parts of the message repeat it, for each signal again."""
    part, count = (fields + [""] * 3)[1:3]
    system = SYSTEMS.get(talker)
    signal = fields[-1] if fields and len(fields) % 4 == 0 else ""  # since version 4.10 of the standard
    if part != "1" or not count or signal not in ("", "0", "7" if system == "galileo" else "1"):
        return None
    return {f"satellites_in_view.{system}" if system else "satellites_in_view": whole(count)}, {}


def _revolutions(talker: str, fields: list[str]) -> tuple[Values, Units] | None:
    """RPM: of an engine or a shaft, by its number."""
    source, number, rpm, pitch, status = (fields + [""] * 5)[:5]
    if source not in ("E", "S"):
        raise CodecError(f"{source[:8]!r} is neither E nor S, engine nor shaft")
    name = f"{'engine' if source == 'E' else 'shaft'}.{whole(number or '0')}"
    values: Values = {}
    units: Units = {}
    for point, unit, text in ((f"{name}.rpm", "/min", rpm), (f"{name}.pitch", "%", pitch)):
        if text or status == "V":
            values[point] = None if status == "V" else decimal(text)
            units[point] = unit
    return values, units


def _transducers(talker: str, fields: list[str]) -> tuple[Values, Units] | None:
    """XDR: any number of transducers, each with its type, value, unit and name."""
    values: Values = {}
    units: Units = {}
    for at in range(0, len(fields) - 3, 4):
        kind, text, letter, name = fields[at : at + 4]
        if not text:
            continue
        measured, codes = TRANSDUCERS.get(kind, ("generic", {}))
        point = f"{measured}.{name[:64]}" if name else measured
        values[point] = decimal(text)
        if letter in codes:
            units[point] = codes[letter]
    return values, units


# By kind of sentence: what reads values and units, from talker and fields; None where the sentence has none.
NAMED: dict[str, Callable[[str, list[str]], tuple[Values, Units] | None]] = {
    "GSV": _satellites,
    "RPM": _revolutions,
    "XDR": _transducers,
}
