"""What may stand in binary frames of one length: a guess at their fields, by how values behave from frame to frame."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.detection.trial import Options, distinct

_FRAMES = 64
_LONGEST = 256  # bytes; of longer frames nothing is guessed
_SAME = 0.5  # share of the frames that must have one length
# What a byte is worth that a field of this kind explains: a text or a counter is less likely by chance than a number.
_CONSTANT = 0.5
_BYTE = 0.45
_WORD = 0.9
_FLOAT = 1.1
_COUNTER = 1.2
_SMOOTH = 0.06  # of the whole range: how far a measured value goes from one frame to the next, on average
_LIKELY_FLOAT = (1e-4, 1e7)
_EXPONENT = 4  # powers of two by which a measured value varies at most

Field = tuple[str, float]  # its letter, and what it is worth


@dataclass(frozen=True)
class Record:
    """A `struct` codec, and how it was come by."""

    options: Options
    says: str


def record(frames: Sequence[bytes]) -> Record | None:
    """The codec for these frames, as far as they show it; None where there are none."""
    if not frames:
        return None
    length, times = Counter(map(len, frames)).most_common(1)[0]
    share = times / len(frames)
    if share < _SAME:
        least = min(map(len, frames))
        options = _options("<", ["B"] * min(least, 64)) | {"trailing": True}
        return Record(options, f"frames of {least} to {max(map(len, frames))} bytes, which are not understood")
    if length > _LONGEST:
        options = _options("<", ["B"] * 64) | {"trailing": True}
        return Record(options, f"frames of {length} bytes, of which the first 64 are given as they are")
    alike = distinct(frame for frame in frames if len(frame) == length)[:_FRAMES]
    _, order, fields = max((_fields(alike, order) for order in "<>"), key=lambda found: found[0])
    return Record(_options(order, fields), f"{length} bytes; fields, names and types are a guess")


def _options(order: str, fields: Sequence[str]) -> Options:
    names = [f"field{number}" for number in range(1, len(fields) + 1)]
    return {"type": "struct", "layout": order + "".join(fields), "points": names}


def _fields(frames: Sequence[bytes], order: str) -> tuple[float, str, list[str]]:
    """The fields that are worth most, each byte being part of one; and what all are worth."""
    length = len(frames[0])
    best: list[tuple[float, list[str]]] = [(0.0, [])]
    for end in range(1, length + 1):
        ways = []
        for size in (1, 2, 4, 8):
            if size <= end:
                letter, worth = _field(frames, end - size, size, order)
                before, fields = best[end - size]
                ways.append((before + worth * size, [*fields, letter]))
        best.append(max(ways, key=lambda way: way[0]))
    worth, fields = best[length]
    return worth, order, fields


def _field(frames: Sequence[bytes], start: int, size: int, order: str) -> Field:
    """The likeliest field of this size at this place."""
    raw = [frame[start : start + size] for frame in frames]
    changes = len(set(raw)) > 1
    if size == 1:
        return ("B", _BYTE if changes else _CONSTANT)
    floats = _floats(raw, {4: "f", 8: "d"}.get(size), order)
    if floats is not None:
        return floats
    if not changes or size == 8:
        return ("H" if size == 2 else "I" if size == 4 else "Q", 0.0)
    lowest = 0 if order == "<" else -1
    if 2 * len({value[lowest] for value in raw}) < len(set(raw)):
        return "I" if size == 4 else "H", 0.0  # its lowest byte stays while others change: it begins elsewhere
    unsigned = [int.from_bytes(value, "little" if order == "<" else "big") for value in raw]
    signed = [value - (1 << 8 * size) * (value >> 8 * size - 1) for value in unsigned]
    values = signed if min(signed) < 0 and _spread(signed) < _spread(unsigned) else unsigned
    letter = {2: "hH", 4: "iI"}[size][values is unsigned]
    steps = [after - before for before, after in pairwise(values)]
    if len(steps) > 1 and min(steps) > 0 and max(steps) <= 2 * min(steps):
        return letter, _COUNTER
    smooth = sum(map(abs, steps)) / len(steps) < _SMOOTH * (1 << 16)
    # The upper half of a number of 32 bits must have a part in it.
    if size == 4:
        return letter, _WORD if smooth and max(map(abs, values)) >= 1 << 16 else 0.0
    return letter, _WORD if smooth and max(map(abs, values)) >= 1 << 8 else _BYTE + 0.02 if smooth else 0.0


def _spread(values: Sequence[int]) -> int:
    return max(values) - min(values)


def _floats(raw: Sequence[bytes], letter: str | None, order: str) -> Field | None:
    if letter is None:
        return None
    values = [struct.unpack(order + letter, value)[0] for value in raw]
    least, most = _LIKELY_FLOAT
    measured = [abs(value) for value in values if value != 0]
    if not all(map(math.isfinite, values)) or not measured or not all(least < value < most for value in measured):
        return None
    exponents = [math.frexp(value)[1] for value in measured]
    if max(exponents) - min(exponents) > _EXPONENT and min(values) > 0:
        return None
    if letter == "d":
        # A decimal fills the whole of it; what ends in zeros is a whole number, or half of one, a quarter …
        lowest = {value[0 if order == "<" else -1] for value in raw}
        if 2 * len(lowest) < len(set(raw)) and not all((value * (1 << 16)).is_integer() for value in values):
            return None
    return letter, _FLOAT
