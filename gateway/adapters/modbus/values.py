"""How a value stands in the registers of a Modbus device: decode and encode, side by side."""

from __future__ import annotations

import math
import struct
from operator import itemgetter
from typing import Literal, Protocol

from gateway.errors import CodecError
from gateway.model import Value

Format = Literal[
    "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "text"
]  # fmt: skip
# Of a value whose bytes, from the highest, are ABCD: big ABCD, little DCBA, big-swapped BADC, little-swapped CDAB.
Order = Literal["big", "little", "big-swapped", "little-swapped"]

REGISTER = 2  # bytes

_DIGITS_OF_FLOAT32 = range(6, 10)  # the last is enough for any

_CODES = {
    "uint16": "H", "int16": "h", "uint32": "I", "int32": "i", "uint64": "Q", "int64": "q", "float32": "f",
    "float64": "d",
}  # fmt: skip


class Form(Protocol):
    """How one value stands in its registers; `count` is how many it takes."""

    count: int

    def decode(self, data: bytes) -> Value:
        """The value of the registers, as they come: the high byte of each first."""
        ...

    def encode(self, value: Value) -> bytes:
        """The registers that hold the value; raises CodecError where none do."""
        ...


class NumberForm:
    """A number in one, two or four registers."""

    def __init__(self, format: Format, order: Order) -> None:
        self._format = format
        self._struct = struct.Struct(f">{_CODES[format]}")
        self._whole = not format.startswith("float")
        self._narrow = format == "float32"
        self.count = self._struct.size // REGISTER
        # The same arrangement leads both ways.
        self._places = None if order == "big" else itemgetter(*_places(self._struct.size, order))

    def decode(self, data: bytes) -> Value:
        ordered = data if self._places is None else bytes(self._places(data))
        number: int | float = self._struct.unpack(ordered)[0]
        return self._shortest(number, ordered) if self._narrow else number

    def _shortest(self, number: float, data: bytes) -> float:
        """The shortest decimal that is this float: 21.4, and not 21.399999618530273."""
        if not math.isfinite(number):
            return number
        for digits in _DIGITS_OF_FLOAT32:
            near = float(f"{number:.{digits}g}")
            if self._struct.pack(near) == data:
                return near
        return number

    def encode(self, value: Value) -> bytes:
        if value is None or isinstance(value, str):
            raise CodecError(f"the register takes a number, not {_told(value)}")
        try:
            number = value
            if self._whole:
                number = int(value)
                if number != value:
                    raise CodecError(f"the register takes whole numbers, not {value!r}")
            data = self._struct.pack(number)
        except (struct.error, OverflowError, ValueError):
            raise CodecError(f"{value!r} does not fit into {self._format}") from None
        return data if self._places is None else bytes(self._places(data))


class TextForm:
    """A text, two characters a register, that ends at the first NUL."""

    def __init__(self, registers: int, order: Order) -> None:
        self.count = registers
        self._swapped = _swaps_bytes(order)

    def decode(self, data: bytes) -> Value:
        text = (_swapped(data) if self._swapped else data).partition(b"\0")[0]
        try:
            return text.decode()
        except UnicodeDecodeError:
            return text.decode("latin-1")

    def encode(self, value: Value) -> bytes:
        if not isinstance(value, str) or "\0" in value:
            raise CodecError(f"the registers take text without NUL, not {_told(value)}")
        try:
            data = value.encode()
        except UnicodeEncodeError:
            raise CodecError("the registers take text of Unicode characters") from None
        size = self.count * REGISTER
        if len(data) > size:
            raise CodecError(f"the registers hold {size} bytes, and this text has {len(data)}")
        data = data.ljust(size, b"\0")
        return _swapped(data) if self._swapped else data


class BitForm:
    """One bit of a register, 0 the lowest; `and_mask` and `or_mask` set it and leave the others."""

    count = 1

    def __init__(self, bit: int, order: Order) -> None:
        # Where the bytes are swapped, the low byte comes first.
        self._mask = 1 << (bit ^ 8 if _swaps_bytes(order) else bit)

    def decode(self, data: bytes) -> Value:
        return bool(int.from_bytes(data, "big") & self._mask)

    def encode(self, value: Value) -> bytes:
        """The register in which this bit alone is set, or none."""
        return (self._mask if switch(value) else 0).to_bytes(REGISTER, "big")

    def masks(self, value: Value) -> tuple[int, int]:
        """What a mask write (function 22) takes: the bits that stay, and those that are set."""
        return 0xFFFF ^ self._mask, int.from_bytes(self.encode(value), "big")


def switch(value: Value) -> bool:
    """On or off, of true, false, 1 and 0; raises CodecError for anything else."""
    if not isinstance(value, str) and value in (0, 1):
        return bool(value)
    raise CodecError(f"one bit takes true or false, not {_told(value)}")


def _swaps_bytes(order: Order) -> bool:
    return order in ("little", "big-swapped")


def _places(size: int, order: Order) -> list[int]:
    """Where the bytes of the value, from the highest, stand on the wire."""
    words = [(first, first + 1) for first in range(0, size, REGISTER)]
    if order in ("little", "little-swapped"):
        words.reverse()
    return [place for word in words for place in (reversed(word) if _swaps_bytes(order) else word)]


def _swapped(data: bytes) -> bytes:
    swapped = bytearray(len(data))
    swapped[::2], swapped[1::2] = data[1::2], data[::2]
    return bytes(swapped)


def _told(value: Value) -> str:
    return "nothing" if value is None else repr(value)[:40]
