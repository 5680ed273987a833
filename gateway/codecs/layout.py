"""The layout of a binary frame, in the letters of Python's `struct`: `<Hhf` is little-endian, 16, 16 and 32 bits."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from gateway.codecs.points import refuse
from gateway.codecs.text import MAX_VALUES
from gateway.errors import CodecError
from gateway.model import Value

PAD = "x"
TEXT = "s"
INTEGERS = "bBhHiIlLqQ"
FLOATS = "efd"
_LETTERS = f"{PAD}{TEXT}?{INTEGERS}{FLOATS}"
_FIELD = re.compile(rf"\s*(\d*)([{_LETTERS}])", re.ASCII)
_MAX_BYTES = 65520  # the longest frame that a framing may have
_EXACT = 1 << 24  # below it, every whole number is a float of 32 bits
# Digits of a decimal that may be enough to tell a float of this width from its neighbours.
_DIGITS = {"e": range(3, 6), "f": range(6, 10)}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its letter, and how many there are of it; of text, how many bytes."""

    letter: str
    count: int

    @property
    def values(self) -> int:
        """How many values it gives."""
        return 1 if self.letter == TEXT else self.count

    @property
    def bits(self) -> int:
        """How wide one value is."""
        return struct.calcsize(f"<{self.letter}") * 8

    def __str__(self) -> str:
        return f"{self.count}{self.letter}" if self.count > 1 or self.letter == TEXT else self.letter


@dataclass(frozen=True, slots=True)
class Layout:
    """Byte order, and the fields in order, pads included."""

    order: str
    fields: tuple[Field, ...]

    @property
    def named(self) -> list[Field]:
        """The fields that hold something."""
        return [field for field in self.fields if field.letter != PAD]

    @property
    def size(self) -> int:
        """Bytes of a frame."""
        return self.packer().size

    def packer(self) -> struct.Struct:
        """Reads and writes such frames."""
        return struct.Struct(self.order + "".join(f"{field.count}{field.letter}" for field in self.fields))


def parse_layout(text: str) -> Layout:
    """Raises PydanticCustomError saying what is wrong with the layout."""
    order, rest = text[:1], text[1:].rstrip()
    if order not in ("<", ">", "!"):
        raise refuse("the layout must begin with its byte order: `<` little-endian, `>` or `!` big-endian")
    fields = []
    at = 0
    while at < len(rest):
        found = _FIELD.match(rest, at)
        if found is None:
            raise refuse(f"{rest[at:].strip()[:20]!r} in the layout is not one of {' '.join(_LETTERS)}")
        at = found.end()
        digits = found[1] or "1"
        if len(digits) > 5 or int(digits) == 0:
            raise refuse(f"the count in {found[0].strip()!r} must be 1 to {_MAX_BYTES}")
        fields.append(Field(found[2], int(digits)))
    layout = Layout(order, tuple(fields))
    if not layout.named:
        raise refuse("the layout has no field")
    if layout.size > _MAX_BYTES or sum(field.values for field in layout.named) > MAX_VALUES:
        raise refuse(f"the layout has more than {MAX_VALUES} values or {_MAX_BYTES} bytes")
    return layout


def _checked(text: str) -> str:
    parse_layout(text)
    return text


LayoutText = Annotated[str, StringConstraints(min_length=1, max_length=2048), AfterValidator(_checked)]


def reader_of(field: Field, scale: float, offset: float) -> Callable[..., Value] | None:
    """What makes a point's value of what `struct` reads; None where nothing has to be done."""
    if scale != 1 or offset != 0:
        # Decimal scales make 0.1 * 3 a 0.30000000000000004; twelve digits are more than any sensor has.
        return lambda raw: float(f"{raw * scale + offset:.12g}")
    if field.letter == TEXT:
        return _text
    if field.letter in _DIGITS:
        return _shortest(field.letter)
    return None


def _text(raw: bytes) -> str:
    try:
        return raw.partition(b"\0")[0].decode("utf-8")
    except UnicodeDecodeError as error:
        raise CodecError("a text in the frame is not UTF-8") from error


def _shortest(letter: str) -> Callable[[float], float]:
    """Reads a narrow float as the shortest decimal that is this float: 21.4, and not 21.399999618530273."""
    packer = struct.Struct(f"<{letter}")
    pack, unpack, digits = packer.pack, packer.unpack, _DIGITS[letter]

    def shortest(raw: float) -> float:
        if raw - raw != 0 or (raw.is_integer() and abs(raw) < _EXACT):  # NaN and infinities are as they are
            return raw
        for count in digits:
            near = float(f"{raw:.{count}g}")
            if unpack(pack(near))[0] == raw:
                return near
        return raw

    return shortest
