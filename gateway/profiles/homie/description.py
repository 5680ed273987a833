"""The description of a device: its nodes and their properties (Homie 5, *Device attributes*)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import orjson

from gateway.errors import CodecError
from gateway.model import Description
from gateway.profiles.base import MAX_POINTS
from gateway.profiles.homie.datatypes import Property, read_property

# The convention has lower-case letters, digits and hyphens; devices of older habits have more.
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_MAX_TEXT = 128  # characters of a name or type


@dataclass(slots=True)
class Described:
    """What a description says; `wrong` is the first of what was left out of it."""

    description: Description
    root: str | None = None
    properties: dict[str, Property] = field(default_factory=dict)  # by point: `node.property`
    wrong: str | None = None


def read_description(device: str, payload: bytes) -> Described:
    """The description of a device, without the nodes and properties in which anything is illegal.

    Raises CodecError where the device itself is described illegally.
    """
    try:
        given = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise CodecError(f"the description is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise CodecError("the description is not an object")
    version, root, nodes = given.get("homie", "5.0"), given.get("root"), given.get("nodes", {})
    name, kind = given.get("name"), given.get("type")
    if type(version) is not str or version.partition(".")[0] != "5":
        raise CodecError(f"{str(version)[:40]!r} is no version of Homie 5")
    if root is not None and (type(root) is not str or not ID.fullmatch(root)):
        raise CodecError("the root is no id of a device")
    if not all(text is None or type(text) is str for text in (name, kind)) or not isinstance(nodes, dict):
        raise CodecError("the name or type is no text, or the nodes are no object")
    properties: dict[str, Property] = {}
    wrong = _read_nodes(nodes, properties)
    points = {point: found.point for point, found in properties.items()}
    description = Description(points, (name or device)[:_MAX_TEXT], kind[:_MAX_TEXT] if kind else None)
    return Described(description, root if root != device else None, properties, wrong)


def _read_nodes(nodes: dict[str, object], properties: dict[str, Property]) -> str | None:
    """Adds the properties of the nodes; returns the first of what makes no sense."""
    wrong: str | None = None
    for node, about in nodes.items():
        named = about.get("properties", {}) if isinstance(about, dict) else None
        if not ID.fullmatch(node) or not isinstance(named, dict):
            wrong = wrong or f"the node {node[:40]!r} makes no sense"
            continue
        for property, given in named.items():
            try:
                if not ID.fullmatch(property):
                    raise CodecError("it has no id")
                if len(properties) >= MAX_POINTS:
                    raise CodecError(f"more than {MAX_POINTS} properties")
                properties[f"{node}.{property}"] = read_property(given)
            except CodecError as error:
                wrong = wrong or f"{node[:40]}/{property[:40]}: {error}"
    return wrong
