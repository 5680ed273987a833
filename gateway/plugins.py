"""Plug-ins: framings, codecs, command forms, profiles and adapters, found by name among the installed entry points.

A plug-in is a strict pydantic model of its options with `build()`; the entry point names that model. The
built-in ones are declared the same way, in pyproject.toml, so that an added one has no lesser place.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Literal

from pydantic import BaseModel

Group = Literal["adapters", "profiles", "framings", "codecs", "commands"]


@cache
def _entries(group: Group) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"fieldgate.{group}")}


def names(group: Group) -> list[str]:
    """The names known in a group, sorted."""
    return sorted(_entries(group))


@cache
def find(group: Group, name: str) -> type[BaseModel] | None:
    """The options model of a plug-in, imported on first use; None where no such name is installed.

    Raises TypeError where the entry point names something else, and whatever importing it raises.
    """
    entry = _entries(group).get(name)
    if entry is None:
        return None
    found = entry.load()
    if not isinstance(found, type) or not issubclass(found, BaseModel):
        raise TypeError(f"entry point fieldgate.{group}:{name} is not an options model")
    return found
