"""What the configuration says of commands to a point: when they may be sent, and what is safe when nobody minds it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import PositiveDuration, Strict
from gateway.model import Value

Scalar = bool | int | float | str
SafeOn = Literal["lease", "start", "stop"]


class RequireSection(Strict):
    """A condition on another point, `device.point`; `fresh` is how old its newest value may be, in seconds."""

    point: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}\..{1,193}$")]
    above: float | None = None
    below: float | None = None
    equals: Scalar | None = None
    fresh: PositiveDuration = 30.0

    @model_validator(mode="after")
    def _asks_something(self) -> RequireSection:
        if self.above is None and self.below is None and self.equals is None:
            raise PydanticCustomError("require", "needs `above`, `below` or `equals`")
        return self


class CommandRules(Strict):
    """How commands to a point are treated."""

    urgent: bool | Annotated[tuple[Scalar, ...], Field(strict=False)] = False
    min_interval: PositiveDuration | None = None
    verify_within: PositiveDuration | None = None
    require: Annotated[tuple[RequireSection, ...], Field(strict=False)] = ()
    safe: Scalar | None = None
    safe_on: Annotated[tuple[SafeOn, ...], Field(strict=False)] = ("lease", "start", "stop")

    def is_urgent(self, value: Value) -> bool:
        """Whether a command of this value goes ahead of those that wait."""
        if isinstance(self.urgent, bool):
            return self.urgent
        # True is no 1 here.
        return any(value == urgent and isinstance(value, bool) is isinstance(urgent, bool) for urgent in self.urgent)

    def given_rules(self) -> list[str]:
        """The keys that were given of those that mean something only for a point that takes commands."""
        return [key for key in CommandRules.model_fields if key in self.model_fields_set]
