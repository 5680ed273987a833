"""Whether a point takes a value that a command brings."""

from __future__ import annotations

from gateway.errors import CodecError
from gateway.model import Point, Value

_INT64 = 1 << 63
_SHOWN = 200  # characters of what it takes instead


def commanded(name: str, point: Point, value: Value) -> Value:
    """The value, a whole number as `int` where the point is one; raises CodecError where the point does not take it."""
    if not point.writable:
        raise CodecError(f"{name[:40]!r} takes no commands")
    if type(value) is int and not -_INT64 <= value < _INT64:
        raise CodecError(f"{name[:40]!r} takes numbers of 64 bits at most")
    refusal = point.refusal(value)
    if refusal is not None:
        raise CodecError(f"{name[:40]!r} takes {refusal[:_SHOWN]}")
    return int(value) if point.type == "integer" and isinstance(value, float) else value
