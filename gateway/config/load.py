"""Reads a configuration file and says of every problem where it stands and what was expected."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.config.document import Document, Path_, visible
from gateway.config.models import Config, inconsistencies
from gateway.config.strict import Context
from gateway.errors import ConfigurationError, Problem

_MAX_BYTES = 1 << 20


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration in the file; raises ConfigurationError with every problem of it."""
    file = str(path)
    try:
        with path.open("rb") as opened:
            raw = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError([Problem(file, 0, 0, f"cannot be read: {error.strerror}")]) from error
    if len(raw) > _MAX_BYTES:
        raise ConfigurationError([Problem(file, 0, 0, f"is larger than {_MAX_BYTES} bytes")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `error` counts from after a byte order mark, where there is one.
        before = error.object[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ConfigurationError([Problem(file, line, column, "is not UTF-8 text")]) from error
    return parse(text, file, path.parent, environment)


def parse(text: str, file: str, base: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration in the text; `file` names it in messages, `base` is where relative paths start."""
    document = Document(text, file, environment)
    plain = document.root
    if not isinstance(plain, dict):
        line, column = document.place(())
        problem = Problem(file, line, column, "expected a mapping with sections such as `adapters`")
        raise ConfigurationError(document.problems or [problem])
    context = Context(base)
    try:
        config = Config.model_validate(plain, context=context)
    except ValidationError as error:
        given = error.errors(include_url=False)
        # A list whose only item is wrong is not also too short.
        wrong = {details["loc"][:length] for details in given for length in range(len(details["loc"]))}
        told = [details for details in given if details["type"] != "too_short" or details["loc"] not in wrong]
        found = {_problem(file, document, context, details) for details in told}
        # pydantic looks at the whole only where each part is right; all problems are told at once.
        for loc, message in inconsistencies(plain):
            line, column = document.place(loc)
            found.add(Problem(file, line, column, visible(f"{_join(loc)}: {message}")))
        # What YAML cannot give is not also missing or of the wrong kind.
        taken = {(problem.line, problem.column) for problem in document.problems}
        rest = [problem for problem in found if (problem.line, problem.column) not in taken]
        raise ConfigurationError(document.problems + rest) from error
    if document.problems:
        raise ConfigurationError(document.problems)
    return config


def _problem(file: str, document: Document, context: Context, details: ErrorDetails) -> Problem:
    path: Path_ = tuple(part for part in details["loc"] if part != "[key]")
    unknown = details["type"] == "extra_forbidden"
    line, column = document.place(path, of_key=unknown or "[key]" in details["loc"])
    message = f"unknown key{_known(document.root, path, context)}" if unknown else _message(details)
    return Problem(file, line, column, visible(f"{_join(path)}: {message}" if path else message))


def _join(path: Path_) -> str:
    return ".".join(str(part) for part in path)


def _known(plain: Any, path: Path_, context: Context) -> str:
    """The keys that are known beside an unknown one, nearest first."""
    for part in path[:-1]:
        try:
            plain = plain[part]
        except (LookupError, TypeError):  # a plug-in's union puts names of its own into the path
            return ""
    model: type[BaseModel] | None = context.models.get(id(plain))
    if model is None:
        return ""
    allowed = list(model.model_fields)
    near = get_close_matches(str(path[-1]), allowed, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f", expected one of {', '.join(allowed)}{hint}"


_EXPECTED = {
    "string_type": "text",
    "string_unicode": "text of Unicode characters",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "path_type": "a path",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
}

_WITH_SECRETS = ("password", "secret", "token", "sha256")
_OF_SECRETS = ("auth", "jwt")  # mappings; who writes a text there has most likely written the secret


def _message(details: ErrorDetails) -> str:
    kind = details["type"]
    context = details.get("ctx", {})
    given = details.get("input")
    secret = any(word in str(part) for part in details["loc"] for word in _WITH_SECRETS)
    secret |= details["loc"][-1:] in [(name,) for name in _OF_SECRETS]
    found = "" if secret else f", found {_found(given)}"
    it = "it" if secret else repr(given)[:80]
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind].format(**context)}{found}"
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        parts = re.split(r",| or ", str(context.get("expected", "")))
        allowed = list(dict.fromkeys(part.strip(" '") for part in parts))
        near = get_close_matches(str(given), allowed, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return f"{it} is not one of {', '.join(allowed)}{hint}"
    if kind == "string_pattern_mismatch":
        return f"{it} does not match {context.get('pattern')}"
    if kind == "too_short":
        return f"expected at least {context.get('min_length')} items, found {context.get('actual_length')}"
    message = details["msg"]
    if kind in ("duration", "listen", "values"):
        return message + found
    # A sentence of the library's begins with a capital, and so does the name of an algorithm.
    return message[0].lower() + message[1:] if message[:1].isupper() and message[1:2].islower() else message


def _found(given: object) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list):
        return "a list"
    if isinstance(given, bool):
        return "true" if given else "false"
    return repr(given)[:80]
