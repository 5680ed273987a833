"""Those templates that say no more than where a value stands: `{{ value_json.a['b'] | round(1) }}`.

Or which of two words it means: `{{ 'ON' if value_json.a == 1 else 'OFF' }}`.

Home Assistant's templates are programs. What is not understood here is refused whole, so that no value is ever wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.codecs.paths import MISSING, Missing, Path
from gateway.errors import CodecError

_LONGEST = 512  # characters
_SHOWN = 60  # characters of a template that an error repeats

_LITERAL = r"""'[^'\\|()]*+'|"[^"\\|()]*+"|-?\d{1,9}(?:\.\d{1,9})?|[Nn]one|[Tt]rue|[Ff]alse"""
_FILTER = rf"\|\s*+([a-z_]++)\s*+(?:\(\s*+((?:{_LITERAL})(?:\s*+,\s*+(?:{_LITERAL}))?)?\s*+\)\s*+)?"
_PLACE = r"""value(?P<json>_json(?P<steps>(?:\.\w++|\[\s*+(?:'[^'\\]*+'|"[^"\\]*+"|\d++)\s*+\])*+))?"""
_EXPRESSION = re.compile(
    rf"\s*+\{{\{{-?\s*+{_PLACE}\s*+(?P<filters>(?:{_FILTER})*+)-?\}}\}}\s*+",
    re.ASCII,
)
_CHOICE = re.compile(
    rf"\s*+\{{\{{-?\s*+(?P<then>{_LITERAL})\s++if\s++{_PLACE}"
    rf"(?:\s*+(?P<sign>==|!=)\s*+(?P<what>{_LITERAL})|\s++is\s++(?P<defined>defined))?"
    rf"\s++else\s++(?P<other>{_LITERAL})\s*+-?\}}\}}\s*+",
    re.ASCII,
)
# `{{ value_json.a if value_json.a is defined else 0 }}` says no more either: the 0 would be a made-up value.
_GUARDED = re.compile(
    rf"(\s*+\{{\{{-?\s*+)(value[^\s|{{}}]*+)\s++if\s++\2\s++is\s++defined\s++else\s++(?:{_LITERAL})\s*+(-?\}}\}}\s*+)",
    re.ASCII,
)
_FILTERS = re.compile(_FILTER, re.ASCII)
_LITERALS = re.compile(_LITERAL)
_WORDS = {"none": None, "true": True, "false": False}

_CHANGES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "string": lambda text: text,
}

Step = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ValueTemplate:
    """Where a value stands in a payload: the whole text, or what is at a path of its JSON."""

    path: Path | None = None
    is_json: bool = False
    steps: tuple[Step, ...] = ()
    numeric: bool = False  # a filter makes a number of it

    @classmethod
    def parse(cls, text: str) -> ValueTemplate:
        """The template; raises CodecError where it is more than a place and simple filters."""
        guarded = _GUARDED.fullmatch(text) if len(text) <= _LONGEST else None
        if guarded is not None:
            text = "".join(guarded.groups())
        found = _EXPRESSION.fullmatch(text) if len(text) <= _LONGEST else None
        choice = _CHOICE.fullmatch(text) if found is None and len(text) <= _LONGEST else None
        found = found or choice
        if found is None:
            raise CodecError(f"the template {text[:_SHOWN]!r} is more than the place of a value")
        path = None
        if found["steps"]:
            try:
                path = Path.parse(
                    re.sub(r"\[\s+|\s+\]", lambda edge: edge[0].strip(), found["steps"]).removeprefix(".")
                )
            except ValueError as error:
                raise CodecError(f"the template {text[:_SHOWN]!r}: {error}") from error
        if choice is not None:
            return cls(path, found["json"] is not None, (_chosen(choice),))
        filters = [(each[1], _literals(each[2])) for each in _FILTERS.finditer(found["filters"])]
        steps = tuple(_step(name, arguments) for name, arguments in filters)
        numeric = any(name in ("float", "int", "round") for name, _ in filters)
        return cls(path, found["json"] is not None, steps, numeric)

    def find(self, text: str, document: Any) -> Any | Missing:
        """The value in a payload, given as text and as the JSON that it is; MISSING where there is none.

        Raises CodecError where it is no number and should be one.
        """
        value: Any = text
        if self.is_json:
            value = document if self.path is None else self.path.find(document)
        for step in self.steps:
            value = step(value)
        return value


@dataclass(frozen=True, slots=True)
class CommandTemplate:
    """The text around a command's value."""

    pieces: tuple[str, ...]  # the value stands between them
    as_json: bool = False

    @classmethod
    def parse(cls, text: str) -> CommandTemplate:
        """The template; raises CodecError where it is more than text around `{{ value }}`."""
        pieces = tuple(re.split(r"\{\{\s*+value\s*+\}\}", text)) if len(text) <= _LONGEST else ("{{",)
        as_json = len(pieces) == 1
        if as_json:
            pieces = tuple(re.split(r"\{\{\s*+value\s*+\|\s*+to_?json\s*+\}\}", text[:_LONGEST]))
        if len(pieces) == 1 or any(mark in piece for piece in pieces for mark in ("{{", "}}}", "{%", "{#")):
            raise CodecError(f"the command template {text[:_SHOWN]!r} is more than text around a value")
        return cls(pieces, as_json)

    def render(self, value: str | int | float) -> str:
        """The payload; raises CodecError where the value would change what stands around it."""
        if self.as_json:
            return orjson.dumps(value).decode().join(self.pieces)
        text = str(value)
        if any(self.pieces) and re.search(r'["\\\x00-\x1f]', text):
            raise CodecError(
                "the text holds what cannot stand in this device's commands: quotes, \\ or control characters"
            )
        return text.join(self.pieces)


def _literals(text: str | None) -> list[Any]:
    literals: list[Any] = []
    for each in _LITERALS.findall(text or ""):
        if each[0] in "'\"":
            literals.append(each[1:-1])
        elif each.lower() in _WORDS:
            literals.append(_WORDS[each.lower()])
        else:
            literals.append(float(each) if "." in each else int(each))
    return literals


def as_number(value: Any) -> int | float | None:
    """The number that a value is, or that its text holds; None where it is none."""
    if type(value) is int or type(value) is float:
        return value
    if type(value) is not str or len(value) > 64 or not value.isascii() or "_" in value:
        return None
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return None


def _chosen(found: re.Match[str]) -> Step:
    """One of two words. Of a place that is not there only `is defined` says anything."""
    (then,), (other,) = _literals(found["then"]), _literals(found["other"])
    what, sign, defined = _literals(found["what"]), found["sign"], found["defined"] is not None

    def step(value: Any) -> Any:
        if value is MISSING:
            return other if defined else value
        holds = defined or (bool(value) if sign is None else (value == what[0]) is (sign == "=="))
        return then if holds else other

    return step


def _step(name: str, arguments: list[Any]) -> Step:
    """A filter; raises CodecError where it is none of those that cannot go wrong."""
    if name == "is_defined" and not arguments:
        return lambda value: value
    if name in ("default", "d") and 1 <= len(arguments) <= 2:
        return _default(arguments[0], arguments[1:] == [True])
    if name in _CHANGES and not arguments:
        change = _CHANGES[name]
        return lambda value: change(as_text(value)) if value is not MISSING else value
    if name in ("float", "int"):
        # Their default would be a made-up value: where there is one, what is no number is nothing at all.
        return _number(int if name == "int" else None, lenient=bool(arguments))
    if name == "round" and (not arguments or (type(arguments[0]) is int and arguments[1:] in ([], ["common"]))):
        digits = arguments[0] if arguments else 0
        if 0 <= digits <= 12:
            return _number(lambda number: round(float(number), digits), lenient=False)
    raise CodecError(f"the filter {name[:_SHOWN]!r} of a template is not understood")


def _default(instead: Any, of_false: bool) -> Step:
    def step(value: Any) -> Any:
        return instead if value is MISSING or (of_false and not value) else value

    return step


def _number(change: Callable[[int | float], Any] | None, *, lenient: bool) -> Step:
    def step(value: Any) -> Any:
        if value is MISSING:
            return value
        number = as_number(value)
        if number is None and isinstance(value, bool):
            number = int(value)
        if number is None or (change is not None and not math.isfinite(number)):
            if lenient:
                return MISSING
            raise CodecError(f"{as_text(value)[:_SHOWN]!r} is not a number")
        return number if change is None else change(number)

    return step


def as_text(value: Any) -> str:
    """A value as a template writes it; raises CodecError for an object or a list."""
    if type(value) is str:
        return value
    if value is None or type(value) in (bool, int, float):
        return str(value)  # None, True and False are written so
    raise CodecError("an object or a list, and not one value")
