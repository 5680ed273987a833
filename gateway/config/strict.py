"""The building blocks of every configuration model: strictness, durations, names, paths, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from gateway.model import NAME_PATTERN

Wrong = tuple[tuple[str | int, ...], str]  # a path in the file, and what is wrong there

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", re.ASCII)


@dataclass(slots=True)
class Context:
    """What validation knows beside the values, and what it leaves for the error messages.

    `base` is the folder that relative paths start from; `models` remembers which model read which mapping (by
    `id`), so that an unknown key can be answered with the known ones.
    """

    base: Path = field(default_factory=Path)
    models: dict[int, type[BaseModel]] = field(default_factory=dict)


class Strict(BaseModel):
    """A frozen model that refuses unknown keys and converts nothing."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _remember(cls, given: Any, info: ValidationInfo) -> Any:
        if isinstance(info.context, Context) and isinstance(given, dict):
            info.context.models[id(given)] = cls
        return given


def parse_duration(given: object) -> float:
    """Seconds from `500ms`, `30s`, `5m`, `1h`, `30d` or a number of seconds."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        seconds = float(given)
    elif isinstance(given, str) and (found := _DURATION.fullmatch(given.strip())):
        seconds = float(found[1]) * _UNITS[found[2] or "s"]
    else:
        raise PydanticCustomError("duration", "expected a duration such as 500ms, 30s, 5m or a number of seconds")
    if not 0 <= seconds <= 100 * 365 * 86400:
        raise PydanticCustomError("duration", "expected a duration from 0 to 100 years")
    return seconds


def positive(seconds: float) -> float:
    """The seconds, where they are above 0."""
    if seconds <= 0:
        raise PydanticCustomError("duration", "expected a duration above 0")
    return seconds


def _relative(path: Path, info: ValidationInfo) -> Path:
    return info.context.base / path if isinstance(info.context, Context) else path


DURATION_SCHEMA: dict[str, list[dict[str, Any]]] = {
    "anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)?$"}, {"type": "number", "minimum": 0}]
}
_duration_schema = WithJsonSchema(DURATION_SCHEMA)

Duration = Annotated[float, BeforeValidator(parse_duration), _duration_schema]
PositiveDuration = Annotated[float, AfterValidator(positive), BeforeValidator(parse_duration), _duration_schema]
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
DeviceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64})?$")]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=256)]
# YAML gives lists; frozen models keep tuples.
Globs = Annotated[tuple[Glob, ...], Field(strict=False)]
# Relative to the configuration file, whatever the working directory is.
FilePath = Annotated[Path, Field(strict=False), AfterValidator(_relative)]


def secret(inline: SecretStr | None, file: Path | None) -> str | None:
    """A secret given in the configuration or in a file beside it, without the newline that editors add.

    Raises OSError where the file cannot be read.
    """
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    return inline.get_secret_value() if inline is not None else None


def refuse(wrong: Iterable[Wrong]) -> None:
    """Raises what is wrong, each at its place below the value being validated."""
    errors = [
        InitErrorDetails(
            type=PydanticCustomError("consistency", "{message}", {"message": message}), loc=loc, input=None
        )
        for loc, message in wrong
    ]
    if errors:
        raise ValidationError.from_exception_data("configuration", errors)
