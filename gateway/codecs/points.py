"""The names of points in the options of codecs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_NAME = 128  # characters; the bus takes no longer one


def refuse(message: str) -> PydanticCustomError:
    """The error of options that do not fit together."""
    return PydanticCustomError("consistency", "{message}", {"message": message})


def _printable(name: str) -> str:
    if not name.isprintable():
        raise refuse(f"the name {name!r} holds what cannot be shown")
    return name


def _or_left_out(given: object) -> object:
    return None if isinstance(given, str) and given in ("", "-") else given


PointName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]
# A place in a frame: what it is called, or null, `-` or "" where it is left out.
Place = Annotated[
    PointName | None,
    BeforeValidator(_or_left_out),
    WithJsonSchema({"type": ["string", "null"], "maxLength": MAX_NAME}),
]


def repeated(names: Iterable[str | None]) -> str | None:
    """A name that stands more than once."""
    return next((name for name, times in Counter(names).items() if name is not None and times > 1), None)
