"""Checks a command's value against its point, and converts between the point's values and the wire's."""

from __future__ import annotations

import math

from gateway.errors import RequestError
from gateway.model import Confirm, Point, Value

_MAX_TEXT = 1024  # characters of a string value
_STRENGTH: dict[Confirm, int] = {"sent": 0, "acked": 1, "verified": 2}


def checked_value(name: str, point: Point, value: Value) -> Value:
    """The value where the point takes it; raises `bad_request` saying what it takes, `unsupported` where none."""
    if not point.writable:
        raise RequestError("unsupported", f"{name} is not writable")
    if point.type == "action":
        if value is not None:
            raise RequestError("bad_request", f"{name} is an action and takes no value")
        return None
    if point.type == "boolean":
        if not isinstance(value, bool):
            raise RequestError("bad_request", f"{name} takes true or false")
        return value
    if point.type in ("number", "integer"):
        return _checked_number(name, point, value)
    if point.type == "enum":
        if value not in (point.values or ()):
            raise RequestError("bad_request", f"{name} takes one of {', '.join(point.values or ())}")
        return value
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise RequestError("bad_request", f"{name} takes text of at most {_MAX_TEXT} characters")
    return value


def _checked_number(name: str, point: Point, value: Value) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestError("bad_request", f"{name} takes a number")
    if point.type == "integer" and value != int(value):
        raise RequestError("bad_request", f"{name} takes a whole number")
    if (point.min is not None and value < point.min) or (point.max is not None and value > point.max):
        low = "-∞" if point.min is None else f"{point.min:g}"
        high = "∞" if point.max is None else f"{point.max:g}"
        raise RequestError("bad_request", f"{name} takes numbers from {low} to {high}")
    return int(value) if point.type == "integer" else value


def checked_confirm(name: str, offered: Confirm, wanted: Confirm | None) -> Confirm:
    """The proof to wait for; raises `unsupported` where more is wanted than the point offers."""
    if wanted is None:
        return offered
    if _STRENGTH[wanted] > _STRENGTH[offered]:
        raise RequestError("unsupported", f"{name} offers confirmation up to {offered}, not {wanted}")
    return wanted


def wire_value(point: Point, value: Value) -> Value:
    """The value as the wire takes it: the other way of scale and offset."""
    if not point.converts or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = float(f"{(value - point.offset) / point.scale:.12g}")
    return int(number) if number.is_integer() and abs(number) < 1 << 53 else number


def shows(point: Point, reported: Value, commanded: Value) -> bool:
    """Whether a reported value is the commanded one, within what the wire's resolution lets it show."""
    if isinstance(reported, bool) or isinstance(commanded, bool):
        return reported is commanded
    if isinstance(reported, int | float) and isinstance(commanded, int | float):
        # Half a step, and a little more: 1.25 shown in steps of 0.1 is 1.2, which floats put 0.05000000000000004 away.
        resolution = abs(point.scale) * 0.500001 if point.converts else 0.0
        return math.isclose(reported, commanded, rel_tol=1e-6, abs_tol=max(resolution, 1e-9))
    return reported == commanded
