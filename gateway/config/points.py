"""What the configuration says of a device's points, beside how commands to them are treated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, ValidationError, WithJsonSchema, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from gateway.config.commanding import CommandRules
from gateway.config.strict import DURATION_SCHEMA, PositiveDuration, parse_duration, positive, refuse
from gateway.model import Confirm, Point, PointType

Names = tuple[str, ...] | Mapping[int | str, str]
StaleAfter = float | Literal["auto"]

_VALUES_SCHEMA = {
    "anyOf": [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
        {"type": "null"},
    ]
}
_STALE_AFTER_SCHEMA = {"anyOf": [{"const": "auto"}, *DURATION_SCHEMA["anyOf"], {"type": "null"}]}

# What stands in a point as it stands in its section.
_AS_GIVEN = {field.name for field in fields(Point)} - {"type", "values", "codes", "stale_after"}


def parse_values(given: object) -> Names | None:
    """A list of texts, or a mapping to texts from what the wire says instead."""
    if given is None:
        return None
    if isinstance(given, list | tuple):
        _refuse_no_texts(enumerate(given))
        return tuple(given)
    if not isinstance(given, Mapping) or not given:
        raise PydanticCustomError("values", "expected a list of texts, or a mapping from what the device says to texts")
    _refuse_no_texts(given.items())
    names = list(given.values())
    refuse(
        ((code,), f"{name!r} stands for another key too, so that a command would not know which to send")
        for code, name in given.items()
        if names.count(name) > 1
    )
    return dict(given)


def _refuse_no_texts(items: Iterable[tuple[Any, object]]) -> None:
    wrong = [InitErrorDetails(type="string_type", loc=(at,), input=item) for at, item in items if type(item) is not str]
    if wrong:
        raise ValidationError.from_exception_data("values", wrong)


def parse_stale_after(given: object) -> StaleAfter | None:
    """A duration above 0, or `auto`."""
    if given is None:
        return None
    if given == "auto":
        return "auto"
    try:
        return positive(parse_duration(given))
    except PydanticCustomError as error:
        raise PydanticCustomError("duration", f"{error.message()}, or auto") from error


class PointSection(CommandRules):
    """What the wire does not say of a point."""

    type: PointType | None = None
    title: str | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    values: Annotated[Names | None, PlainValidator(parse_values), WithJsonSchema(_VALUES_SCHEMA)] = None
    scale: float = 1.0
    offset: float = 0.0
    writable: bool = False
    confirm: Confirm | None = None
    stale_after: Annotated[
        StaleAfter | None, PlainValidator(parse_stale_after), WithJsonSchema(_STALE_AFTER_SCHEMA)
    ] = None
    deadband: Annotated[float, Field(ge=0)] | None = None
    interval: PositiveDuration | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = []
        if self.scale == 0:
            wrong.append(("scale", "must not be 0"))
        if self.min is not None and self.max is not None and self.min > self.max:
            wrong.append(("min", "is above `max`"))
        if self.type == "enum" and not self.values:
            wrong.append(("type", "a point of type enum needs `values`"))
        if isinstance(self.values, Mapping) and self.type not in ("enum", None):
            wrong.append(("values", f"names for what the device says are for a point of type enum, not {self.type}"))
        if self.deadband is not None and self.declared_type() not in ("number", "integer"):
            wrong.append(("deadband", f"means nothing for a point of type {self.declared_type()}: only numbers move"))
        if self.interval is not None and isinstance(self.stale_after, float) and self.interval > self.stale_after / 2:
            wrong.append(
                ("interval", "is more than half of `stale_after`: values would look stale to clients in between")
            )
        if self.writable and self.declared_type() is None:
            wrong.append(("writable", "a writable point needs a `type`"))
        if not self.writable:
            wrong += [(key, "means nothing where the point is not `writable`") for key in self.given_rules()]
        elif not wrong:
            point = self.to_point("number")
            values = [("safe", self.safe)] if self.safe is not None else []
            values += [("urgent", value) for value in self.urgent] if not isinstance(self.urgent, bool) else []
            wrong += [(key, f"takes {refusal}") for key, value in values if (refusal := point.refusal(value))]
        refuse(((key,), message) for key, message in wrong)
        return self

    def declared_type(self) -> PointType | None:
        """The type as declared, or as the other keys imply; None when the first reading will tell."""
        if self.type is not None:
            return self.type
        if self.values is not None:
            return "enum"
        numeric = self.unit, self.min, self.max, self.deadband
        return "number" if self.scale != 1 or self.offset != 0 or any(n is not None for n in numeric) else None

    def to_point(self, learnt: PointType) -> Point:
        """The point, with the learnt type where none is declared."""
        return self.laid_over(Point(self.declared_type() or learnt))

    def laid_over(self, known: Point) -> Point:
        """The point as it is known, changed in what is declared."""
        given = {name: getattr(self, name) for name in self.model_fields_set & _AS_GIVEN}
        if self.values is not None:
            given["type"] = "enum"
            given["values"] = tuple(self.values.values()) if isinstance(self.values, Mapping) else self.values
            given["codes"] = tuple(self.values.items()) if isinstance(self.values, Mapping) else None
        if self.type is not None:
            given["type"] = self.type
        if "stale_after" in self.model_fields_set:
            given["stale_after"] = self.stale_after if isinstance(self.stale_after, float) else None
        return replace(known, **given)
