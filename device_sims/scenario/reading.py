"""Reads mappings strictly: known keys only, values of the right type, and all that is wrong at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from device_sims.scenario.errors import ScenarioError, not_one_of
from device_sims.scenario.yaml_file import place_of, place_of_key

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

Result = TypeVar("Result")
Take = Callable[[object], Any]  # the value that is meant, or ValueError


class Reading:
    """Collects what is wrong; `source` is the file's name, or what stands for one."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.errors: list[tuple[list[int], str]] = []  # where, and what

    def wrong(self, place: str, path: str, message: str) -> None:
        """Notes something wrong at a place (`:3:5`) and a path (`devices.0.board`)."""
        where = [int(number) for number in place.split(":") if number]
        self.errors.append((where, f"{self.source}{place}: {path + ': ' if path else ''}{message}"))

    def done(self) -> None:
        """Raises `ScenarioError` where anything was wrong."""
        if self.errors:
            raise ScenarioError(line for _, line in sorted(self.errors, key=lambda error: error[0]))

    def mapping(
        self, tree: object, path: str, keys: Mapping[str, Take], required: Iterable[str] = (), place: str = ""
    ) -> dict[str, Any]:
        """The values that could be read, by key; what could not is noted."""
        if not isinstance(tree, Mapping):
            self.wrong(place, path, f"expected a mapping with {', '.join(keys)}")
            return {}
        taken: dict[str, Any] = {}
        for key, value in tree.items():
            own = f"{path}.{key}" if path else str(key)
            if key not in keys:
                self.wrong(place_of_key(tree, key), own, f"unknown key: {not_one_of(key, keys)}")
                continue
            try:
                taken[key] = keys[key](value)
            except ValueError as error:
                self.wrong(place_of(tree, key), own, str(error))
        for key in required:
            if key not in tree:
                self.wrong(place_of(tree, None) or place, path, f"{key!r} is missing")
        return taken

    def sequence(self, tree: object, path: str, place: str = "") -> list[tuple[str, str, object]]:
        """Path, place and value of each item."""
        if not isinstance(tree, list | tuple):
            self.wrong(place, path, "expected a list")
            return []
        return [(f"{path}.{i}", place_of(tree, i), item) for i, item in enumerate(tree)]


def duration(value: object) -> float:
    """Seconds in `5s`, `500ms`, `2m`, `1h`, or a number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no duration, such as 5s, 500ms or 2m")
    return float(found[1]) * _SECONDS[found[2]]


def text(value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected a text, not {value!r}")
    return value


def number(value: object) -> float:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, not {value!r}")
    return float(value)


def whole(value: object) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, not {value!r}")
    return int(value)


def switch(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, not {value!r}")
    return value


def texts(value: object) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a list, not {value!r}")
    return [text(item) for item in value]


def one_of(known: Iterable[str]) -> Take:
    """One of these texts."""
    names = list(known)

    def take(value: object) -> str:
        if value not in names:
            raise ValueError(not_one_of(value, names))
        return str(value)

    return take


def anything(value: object) -> object:
    """Whatever it is."""
    return value
