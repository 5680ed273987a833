"""What a person typed as a command's value, by the type of its point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gateway.model import Value

_WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


def typed_value(name: str, point: Mapping[str, Any], text: str | None) -> Value:
    """The value for a point as the gateway describes it; raises ValueError saying what it takes."""
    kind = point["type"]
    if kind == "action":
        if text is not None:
            raise ValueError(f"{name} is an action and takes no value")
        return None
    expected = _expected(point)
    if text is None:
        raise ValueError(f"{name} needs a value: {expected}")
    value: Value = text
    if kind == "boolean":
        value = _WORDS.get(text.strip().lower())
    elif kind in ("number", "integer"):
        value = _number(point, text)
    elif kind == "enum" and text not in point.get("values", ()):
        value = None
    if value is None:
        raise ValueError(f"{name} takes {expected}, not {text!r}")
    return value


def guessed_value(text: str | None) -> Value:
    """The value where the point is not known: true and false, numbers, else text."""
    if text in (None, "true", "false"):
        return None if text is None else text == "true"
    number = _number({"type": "number"}, text)
    return text if number is None else number


def _number(point: Mapping[str, Any], text: str) -> int | float | None:
    """The number; None where it is none, or none that the point takes."""
    try:
        number: int | float = int(text)
    except ValueError:
        try:
            number = float(text)
        except ValueError:
            return None
    if not math.isfinite(number) or not point.get("min", -math.inf) <= number <= point.get("max", math.inf):
        return None
    if point["type"] == "integer":
        return int(number) if number == int(number) else None
    return number


def _expected(point: Mapping[str, Any]) -> str:
    kind = point["type"]
    if kind == "boolean":
        return "on or off (also true, false, yes, no, 1, 0)"
    if kind == "enum":
        return f"one of {', '.join(point.get('values', ()))}"
    if kind not in ("number", "integer"):
        return "a text"
    what = "a whole number" if kind == "integer" else "a number"
    low, high, unit = point.get("min"), point.get("max"), point.get("unit")
    if low is not None and high is not None:
        what += f" from {low:g} to {high:g}"
    elif low is not None:
        what += f" of {low:g} or more"
    elif high is not None:
        what += f" of {high:g} or less"
    return f"{what} ({unit})" if unit else what
