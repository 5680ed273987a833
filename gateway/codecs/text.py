"""What a piece of text in a frame says: a number, with its unit where one follows, true or false, nothing, or text."""

from __future__ import annotations

import math
import re

from gateway.codecs.units import UNITS, unit_code
from gateway.errors import CodecError
from gateway.model import Value

MAX_VALUES = 512  # in one frame
SHOWN = 40  # characters of a frame that an error repeats

# What firmware prints for no number: C's words, and Arduino's for what is too large to print.
_WORDS: dict[str, Value] = {
    "": None, "true": True, "false": False,
    "nan": math.nan, "+nan": math.nan, "-nan": math.nan,
    "inf": math.inf, "+inf": math.inf, "-inf": -math.inf, "ovf": math.inf, "-ovf": -math.inf,
    "infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf,
}  # fmt: skip
_LONGEST_WORD = max(map(len, _WORDS))
_MAX_DIGITS = 20  # with a sign; a longer whole number has more than 64 bits


def text_of(frame: bytes) -> str:
    """The frame as text; raises CodecError where it is not UTF-8."""
    try:
        return frame.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CodecError("not UTF-8 text") from error


class Reader:
    """Reads pieces of text, with `.` or `,` as the decimal mark."""

    def __init__(self, decimal: str = ".") -> None:
        mark = re.escape(decimal)
        self._dot = decimal == "."
        # Where a group took part, it is no whole number.
        self._number = re.compile(rf"[+-]?(?:\d++({mark}\d*+)?|({mark}\d++))([eE][+-]?\d++)?", re.ASCII).match

    def value(self, text: str) -> tuple[Value, str | None]:
        """The value, and the UCUM code of its unit where the text names one: `21.4 °C`.

        Digits alone are an integer, `nan` and `inf` floats, an empty text is null.
        """
        # Python reads the usual numbers itself, and more than them: `1_000`, and digits of other scripts.
        if self._dot and text[-1:].isdigit() and text.isascii() and "_" not in text and len(text) <= _MAX_DIGITS:
            try:
                return float(text) if "." in text else int(text), None
            except ValueError:
                pass
        text = text.strip()
        found = self._number(text)
        if found is None:
            word = text.lower() if len(text) <= _LONGEST_WORD else text
            return _WORDS.get(word, text), None
        unit, number = None, found[0]
        if len(number) != len(text):
            rest = text[len(number) :]
            unit = UNITS.get(rest) or unit_code(rest.lstrip(" \t"))
            if unit is None:
                return text, None
        if found.lastindex is None and len(number) <= _MAX_DIGITS:
            return int(number), unit
        return float(number if self._dot else number.replace(",", ".")), unit
