"""A configuration value that names a plug-in: `lines`, or `{type: lines, max: 4096}`."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from gateway import plugins

logger = logging.getLogger(__name__)


def choice_error(given: object, allowed: list[str]) -> PydanticCustomError:
    """'line' is not one of lines, cobs (did you mean 'lines'?)."""
    near = get_close_matches(str(given), allowed, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return PydanticCustomError(
        "choice",
        "{given} is not one of {allowed}{hint}",
        {"given": repr(given)[:80], "allowed": ", ".join(allowed), "hint": hint},
    )


def located(loc: tuple[str | int, ...], error: PydanticCustomError, given: object) -> ValidationError:
    """The error at a place below the value being validated; pydantic joins it to the place above."""
    return ValidationError.from_exception_data("configuration", [InitErrorDetails(type=error, loc=loc, input=given)])


@dataclass(frozen=True, slots=True)
class Plugged:
    """Annotates a field whose value is the options model of a plug-in of this group.

    `short` allows the bare name; adapters are always mappings.
    """

    group: plugins.Group
    short: bool = True

    def _validate(self, given: Any, info: ValidationInfo) -> BaseModel:
        if isinstance(given, BaseModel):
            return given
        options = {"type": given} if self.short and isinstance(given, str) else given
        if not isinstance(options, dict):
            form = "a name or a mapping with `type`" if self.short else "a mapping with `type`"
            raise PydanticCustomError("choice", "expected {form}", {"form": form})
        known = plugins.names(self.group)
        if "type" not in options:
            raise PydanticCustomError(
                "missing_type", "`type` is missing: one of {allowed}", {"allowed": ", ".join(known)}
            )
        name = options["type"]
        try:
            model = plugins.find(self.group, name) if isinstance(name, str) else None
        except Exception as raised:  # bulkhead: an added plug-in's import may raise anything
            logger.exception("the plug-in fieldgate.%s:%s cannot be loaded", self.group, name)
            raise PydanticCustomError(
                "plugin",
                "the plug-in {name} cannot be loaded: {error}",
                {"name": repr(name), "error": f"{type(raised).__name__}: {raised}"},
            ) from raised
        if model is None:
            error = choice_error(name, known)
            if options is given:
                raise located(("type",), error, name)
            raise error
        return model.model_validate(options, context=info.context)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda model: model.model_dump()),
        )

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        choices: list[JsonSchemaValue] = []
        if self.short:
            choices.append({"type": "string", "enum": plugins.names(self.group)})
        for name in plugins.names(self.group):
            try:
                model = plugins.find(self.group, name)
            except Exception:  # bulkhead: the others still have a schema
                logger.exception("the plug-in fieldgate.%s:%s cannot be loaded", self.group, name)
                continue
            if model is not None:
                choice = handler(model.__pydantic_core_schema__)
                # The models leave `type` open, for code that builds them; in a file it tells them apart.
                members = handler.resolve_ref_schema(choice)
                members.setdefault("properties", {})["type"] = {"const": name}
                members["required"] = sorted({*members.get("required", []), "type"})
                choices.append(choice)
        return {"anyOf": choices}
