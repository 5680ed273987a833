"""Options of a command as the gateway's own models take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.cli.console import USAGE, fail

Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], given: Mapping[str, Any], names: Mapping[str, str]) -> Model:
    """The model of what was given; ends the command where it cannot be used.

    `names` has the options that say a key, or that a kind of error is about, under another name.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = first["loc"]
        key = str(place[0]) if place else first["type"]
        name = names.get(key) or (f"--{key.replace('_', '-')}" if place else "options")
        fail(f"{name}: {first['msg']}", USAGE)
