"""What components say in payloads, and what is said to them: the values of points in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.codecs.json import parse
from gateway.codecs.paths import MISSING, Missing
from gateway.errors import CodecError
from gateway.model import Value
from gateway.profiles.homeassistant.entity import Convert, Write
from gateway.profiles.homeassistant.templates import as_number, as_text

_MAX_TEXT = 4096  # characters of a value
_SHOWN = 40  # characters of a payload that an error repeats
_UNKNOWN = frozenset({"None", "unknown", "unavailable"})  # how senders say that there is no value


def text(found: Any) -> Value:
    """A text as it stands, `None` as no value."""
    said = as_text(found)
    if len(said) > _MAX_TEXT:
        raise CodecError(f"longer than {_MAX_TEXT} characters")
    return None if said == "None" else said


def number(found: Any) -> Value | Missing:
    """A number. An empty text is no news, as in Home Assistant."""
    value = as_number(found)
    if value is None:
        said = as_text(found)
        if said == "":
            return MISSING
        if said not in _UNKNOWN:
            raise CodecError(f"{said[:_SHOWN]!r} is not a number")
    return value


def words(values: Mapping[str, Value], *, passing: Iterable[str] = ()) -> Convert:
    """What each word means; `passing` ones, and an empty text, are no news."""
    meanings: dict[str, Any] = {"None": None, "": MISSING}
    meanings.update(dict.fromkeys(passing, MISSING))
    meanings.update(values)

    def convert(found: Any) -> Any:
        said = as_text(found)
        value = meanings.get(said, meanings)
        if value is meanings:
            raise CodecError(f"{said[:_SHOWN]!r} is none of {', '.join(sorted(values))[:200]}")
        return value

    return convert


def one_of(values: Iterable[str]) -> Convert:
    """One of the texts."""
    return words({value: value for value in values})


def said(value: Value) -> str:
    """A command that is a text."""
    return as_text(value)


def counted(value: Value) -> int | float:
    """A command that is a number; a whole one without a decimal point."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CodecError("not a number")
    return int(value) if value == int(value) else value


def switched(on: str, off: str) -> Write:
    """A command that is one of two words."""
    return lambda value: on if value else off


def fixed(payload: str) -> Write:
    """A command that always says the same."""
    return lambda value: payload


def state_in_json(convert: Convert) -> Convert:
    """As it stands, or the member `state` of a JSON object."""

    def inner(found: Any) -> Value | Missing:
        if type(found) is str and found.startswith("{"):
            found = parse(found.encode("utf-8")).get("state", MISSING)
        return found if found is MISSING else convert(found)

    return inner


def as_json_state(write: Write) -> Write:
    """The command as the member `state` of a JSON object."""
    return lambda value: orjson.dumps({"state": write(value)}).decode()


def as_json(**members: Any) -> Write:
    """A command as JSON; the member that is `...` holds the value."""

    def write(value: Value) -> str:
        held = counted(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        return orjson.dumps({key: held if member is ... else member for key, member in members.items()}).decode()

    return write
