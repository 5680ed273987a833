"""Checks a command's value against its point, and converts between the point's values and the wire's."""

from __future__ import annotations

import math

from gateway.errors import RequestError
from gateway.model import Confirm, Point, Value

_STRENGTH: dict[Confirm, int] = {"sent": 0, "acked": 1, "verified": 2}


def checked_value(name: str, point: Point, value: Value) -> Value:
    """The value where the point takes it; raises `bad_request` saying what it takes, `unsupported` where none."""
    if not point.writable:
        raise RequestError("unsupported", f"{name} is not writable")
    refusal = point.refusal(value)
    if refusal is not None:
        raise RequestError("bad_request", f"{name} takes {refusal}")
    return int(value) if point.type == "integer" and isinstance(value, float) else value


def checked_confirm(name: str, offered: Confirm, wanted: Confirm | None) -> Confirm:
    """The proof to wait for; raises `unsupported` where more is wanted than the point offers."""
    if wanted is None:
        return offered
    if _STRENGTH[wanted] > _STRENGTH[offered]:
        raise RequestError("unsupported", f"{name} offers confirmation up to {offered}, not {wanted}")
    return wanted


def wire_value(point: Point, value: Value) -> Value:
    """The value as the wire takes it: the code of a name, or the other way of scale and offset."""
    if point.codes is not None:
        return next((code for code, name in point.codes if name == value), value)
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
