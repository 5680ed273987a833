"""Texts and options as YAML that reads back as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

MAX_NAME = 128  # characters of what is named in a configuration

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
# What YAML 1.1 and 1.2 read as something else than text.
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "none"}


def is_sayable(text: str) -> bool:
    """Whether it can stand in the file as it is."""
    # `${…}` would be taken for an environment variable.
    return text.isprintable() and 1 <= len(text) <= MAX_NAME and "${" not in text


def flow(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return str(value) if isinstance(value, int | float) else scalar(str(value))


def scalar(text: str) -> str:
    """The text as YAML reads it back as a text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if "\\" in text and "'" not in text and text.isprintable():  # a pattern reads better so
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)
