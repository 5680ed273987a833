"""How a wire value becomes a point's value: typed, scaled, named, and checked against its range."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite

from gateway.config.points import PointSection
from gateway.model import Point, PointType, Quality, Value, clean

_INT64 = 1 << 63

Rule = Callable[[Value], tuple[Value, Quality]]

_WORDS = {"true": True, "on": True, "1": True, "yes": True, "false": False, "off": False, "0": False, "no": False}


def type_of(value: Value, section: PointSection | None) -> PointType | None:
    """The type that a first value shows; None where it shows none (null)."""
    declared = section.declared_type() if section else None
    if declared is not None:
        return declared
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else None


def make_rule(point: Point) -> Rule | None:
    """The rule of a point.

    A value outside the range is kept with quality bad; one of another type is null with quality bad.
    """
    if point.type in ("number", "integer"):
        return _number_rule(point)
    if point.type == "boolean":
        return _as_boolean
    if point.type == "enum":
        if point.codes is not None:
            names = _names(point.codes)
            return lambda value: _as_name(names, value)
        return lambda value: _as_one_of(point.values or (), value)
    if point.type == "string":
        return _as_text
    return None


def _number_rule(point: Point) -> Rule:
    low = -inf if point.min is None else point.min
    high = inf if point.max is None else point.max
    converts, is_integer = point.converts, point.type == "integer"
    scale, offset = point.scale, point.offset

    def rule(value: Value) -> tuple[Value, Quality]:
        kind = type(value)
        number: int | float | None
        if (kind is float and isfinite(value)) or (kind is int and -_INT64 <= value < _INT64):  # type: ignore[arg-type,operator]
            number = value  # type: ignore[assignment]
        else:
            number = _as_number(value)
        if number is not None and converts:
            # Decimal scales make 0.1 * 3 a 0.30000000000000004; twelve digits are more than any sensor has.
            number = float(f"{number * scale + offset:.12g}")
        if number is None or not isfinite(number):
            return None, Quality.BAD
        if is_integer and isinstance(number, float):
            if not number.is_integer():
                return number, Quality.BAD
            if abs(number) < _INT64:  # a larger one would be no JSON number of ours
                number = int(number)
        return number, Quality.GOOD if low <= number <= high else Quality.BAD

    return rule


def _as_number(value: Value) -> int | float | None:
    """The number that a text holds, or that a number of too many digits is nearest to."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    number, _ = clean(value)
    return None if isinstance(number, bool | str) else number


def _as_one_of(allowed: tuple[str, ...], value: Value) -> tuple[Value, Quality]:
    kept, quality = clean(value)
    return kept, quality if value in allowed else Quality.BAD


def _names(codes: tuple[tuple[int | str, str], ...]) -> dict[Value, str]:
    """The names by what the wire may send: a number also as the text that it is, and the other way round."""
    names: dict[Value, str] = dict(codes)
    for code, name in codes:
        if isinstance(code, int):
            names.setdefault(str(code), name)
        elif code.isascii() and code.isdigit():
            names.setdefault(int(code), name)
    return names


def _as_name(names: dict[Value, str], value: Value) -> tuple[Value, Quality]:
    name = names.get(value.strip() if isinstance(value, str) else value)
    if name is not None:
        return name, Quality.GOOD
    return clean(value)[0], Quality.BAD


def _as_text(value: Value) -> tuple[Value, Quality]:
    kept, quality = clean(value)
    if isinstance(kept, bool):
        return "true" if kept else "false", quality
    return kept if kept is None else str(kept), quality


def _as_boolean(value: Value) -> tuple[Value, Quality]:
    if isinstance(value, bool):
        return value, Quality.GOOD
    if isinstance(value, str):
        word = _WORDS.get(value.strip().lower())
        return (word, Quality.GOOD) if word is not None else (None, Quality.BAD)
    if value in (0, 1):
        return bool(value), Quality.GOOD
    return None, Quality.BAD
