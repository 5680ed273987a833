"""The metrics that a birth defines: their names, aliases and types, and the points that they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from gateway.codecs.units import unit_code
from gateway.errors import CodecError
from gateway.model import Point, Value, matches
from gateway.profiles.base import MAX_POINTS
from gateway.profiles.sparkplug.values import BOOLEAN, DATE_TIME, decoded, point_type, usual_field

BD_SEQ = "bdSeq"  # the number of the session, which the will repeats
REBIRTH = "Node Control/Rebirth"
_ACTIONS = frozenset(
    f"{place} control/{action}" for place in ("node", "device") for action in ("rebirth", "reboot", "next server")
)
MAX_METRICS = 4096  # of one message
_MAX_PROPERTIES = 64
_MAX_NAME = 128  # characters
_MAX_TITLE = 256
_GOOD = 192  # what the property `Quality` says of a value that can be trusted; 0 is bad, 500 stale
_UNITS = ("engunit", "engineeringunit", "engineeringunits", "unit", "units")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as its birth defined it. `point` is None where it has no values to be shown; `field` holds its value."""

    name: str
    alias: int | None
    datatype: int
    field: str
    point: str | None = None


@dataclass(slots=True)
class Definitions:
    """All metrics of a node or device. `problems` are those that cannot be used, in words."""

    by_name: dict[str, Metric] = field(default_factory=dict)
    by_alias: dict[int, Metric] = field(default_factory=dict)
    by_point: dict[str, Metric] = field(default_factory=dict)
    points: dict[str, Point] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def find(self, metric: Any, *, by_alias: bool = True) -> Metric | None:
        """The definition of a metric in a message."""
        if metric.name:
            return self.by_name.get(metric.name)
        return self.by_alias.get(metric.alias) if by_alias and metric.HasField("alias") else None


def define(metrics: list[Any], writable: tuple[str, ...]) -> Definitions:
    """The definitions in a birth; `writable` are globs of the names of metrics that take commands."""
    found = Definitions()
    beyond = 0
    for metric in metrics:
        name = metric.name
        if type(name) is not str or not 0 < len(name) <= _MAX_NAME or not name.isprintable():
            found.problems.append(f"a metric has no name of 1 to {_MAX_NAME} characters that can be printed")
            continue
        if name in found.by_name:
            found.problems.append(f"the metric {name!r} is there twice")
            continue
        alias = metric.alias if metric.HasField("alias") else None
        if alias is not None and alias in found.by_alias:
            found.problems.append(f"the metrics {found.by_alias[alias].name!r} and {name!r} share an alias")
            continue
        datatype, properties = metric.datatype, dict(_properties(metric))
        point = None if name == BD_SEQ else _point(name, datatype, metric, properties, writable)
        label = name.replace("/", ".").strip(".") or name
        if point is not None and label in found.points:
            found.problems.append(f"the metrics {found.by_point[label].name!r} and {name!r} would be the same point")
            point = None
        elif point is not None and len(found.points) >= MAX_POINTS:
            beyond += 1
            point = None
        held = metric.WhichOneof("value")
        usual = usual_field(datatype)
        is_number = {"int_value", "long_value"} >= {held, usual} or {"float_value", "double_value"} >= {held, usual}
        shown = label if point is not None and point.type != "action" else None
        defined = Metric(name, alias, datatype, held if is_number else usual, shown)
        found.by_name[name] = defined
        if alias is not None:
            found.by_alias[alias] = defined
        if point is not None:
            found.by_point[label] = defined
            found.points[label] = point
    if beyond:
        found.problems.append(f"{beyond} metrics beyond the {MAX_POINTS} points of one device")
    return found


def _point(
    name: str, datatype: int, metric: Any, properties: dict[str, Value], commanded: tuple[str, ...]
) -> Point | None:
    """The point of a metric. Births do not say which ones take commands, unless one is marked as read only."""
    kind = point_type(datatype)
    if kind is None:
        return None
    description = metric.metadata.description if metric.HasField("metadata") else ""
    title = description.strip()[:_MAX_TITLE] if type(description) is str and description.isprintable() else ""
    if datatype == BOOLEAN and name.lower() in _ACTIONS:
        return Point("action", title=title or None, writable=True, confirm="sent")
    unit, low, high = None, None, None
    if kind in ("integer", "number"):
        units = [properties[key] for key in _UNITS if isinstance(properties.get(key), str)]
        unit = "ms" if datatype == DATE_TIME else unit_code(str(units[0]).strip()) if units else None
        low, high = _limit(properties.get("englow")), _limit(properties.get("enghigh"))
        if low is not None and high is not None and low >= high:
            low = high = None
    writable = properties.get("readonly") is not True and any(matches(glob, name) for glob in commanded)
    return Point(
        kind, title=title or None, unit=unit, min=low, max=high, writable=writable,
        confirm="verified" if writable else None,
    )  # fmt: skip


def _limit(value: Value) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return value if is_number else None  # type: ignore[return-value]


def _properties(metric: Any) -> Iterator[tuple[str, Value]]:
    """The properties of a metric by their names in lower case, as far as they are single values."""
    if not metric.HasField("properties"):
        return
    keys, values = metric.properties.keys, metric.properties.values
    for key, value in zip(keys[:_MAX_PROPERTIES], values[:_MAX_PROPERTIES], strict=False):
        if type(key) is not str:
            continue
        try:
            yield key.lower().replace(" ", ""), decoded(value, value.type)
        except CodecError:
            continue


def value_of(metric: Any, defined: Metric) -> Value:
    """The value of a metric in a message: none where its quality is not good. Raises CodecError."""
    if metric.HasField("properties") and dict(_properties(metric)).get("quality", _GOOD) != _GOOD:
        return None
    return decoded(metric, metric.datatype or defined.datatype)
