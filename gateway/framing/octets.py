"""Bytes as a configuration gives them: hexadecimal text."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_LONGEST = 4  # bytes; no sync word in use is longer


def _hexadecimal(given: object) -> str:
    """The text as it is, where it is hexadecimal."""
    if not isinstance(given, str):
        raise PydanticCustomError("octets", 'expected hexadecimal text in quotes, such as "55AA"')
    try:
        length = len(bytes.fromhex(given))
    except ValueError:
        length = 0
    if not 1 <= length <= _LONGEST:
        raise PydanticCustomError(
            "octets",
            'expected 1 to {longest} bytes as hexadecimal text, such as "55AA", found {given}',
            {"longest": _LONGEST, "given": repr(given)[:80]},
        )
    return given


def _single(given: object) -> str:
    text = _hexadecimal(given)
    if len(bytes.fromhex(text)) != 1:
        raise PydanticCustomError(
            "octets", 'expected one byte as hexadecimal text, such as "7E", found {given}', {"given": repr(given)[:80]}
        )
    return text


# `bytes.fromhex` reads them; they stay text here, so that a configuration that is printed can be read again.
Octets = Annotated[
    str, BeforeValidator(_hexadecimal), WithJsonSchema({"type": "string", "pattern": r"^\s*([0-9A-Fa-f]{2}\s*){1,4}$"})
]
Octet = Annotated[
    str, BeforeValidator(_single), WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9A-Fa-f]{2}\s*$"})
]
