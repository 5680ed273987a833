"""One device as the gateway knows it: points, newest values, state, link counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gateway.config.models import DeviceSection, PointSection
from gateway.model import Confirm, DeviceState, Point, PointType, Quality, Value, clean

_HISTORY = 20  # frames over which "mostly bad" is judged
_HISTORY_MASK = (1 << _HISTORY) - 1
_INT64 = 1 << 63

Rule = Callable[[Value], tuple[Value, Quality]]
PointMatch = Callable[[str], bool]

_WORDS = {"true": True, "on": True, "1": True, "yes": True, "false": False, "off": False, "0": False, "no": False}


# The newest value of a point: value, time, quality, and when it was heard in monotonic seconds. A bare tuple, because
# one is made for every value of every reading.
Latest = tuple[Value, float, Quality, float]


class LinkInfo:
    """What is true of an adapter's link, and so of every device on it."""

    __slots__ = ("errors", "reconnects")

    def __init__(self) -> None:
        self.errors = 0  # frames that no device could be blamed for
        self.reconnects = 0


class Device:
    """A device: what is declared of it, what was learnt, and how it is now."""

    __slots__ = (
        "adapter", "available", "declared", "errors", "frames", "guessed", "heard", "history", "id", "latest", "link",
        "name", "offers", "points", "reason", "rules", "sequence", "since", "state", "wire_name",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        *,
        wire_name: str | None,
        declared: DeviceSection,
        link: LinkInfo,
        offers: Confirm,
        since: float,
    ) -> None:
        self.id = id
        self.adapter = id.partition(".")[0]
        self.offers: Confirm = offers  # the best proof of a command that its link gives
        self.wire_name = wire_name  # what the wire calls it; None where the adapter is the device
        self.declared = declared
        self.name = declared.name or wire_name or id
        self.link = link
        self.state = DeviceState.UNKNOWN
        self.reason: str | None = None
        self.since = since
        self.points: dict[str, Point] = {}
        self.guessed: set[str] = set()  # points of which only nulls were heard, which show no type
        self.rules: dict[str, Rule] = {}
        self.latest: dict[str, Latest] = {}
        self.frames = 0
        self.errors = 0
        self.history = 0  # one bit for each of the last frames, 1 is bad
        self.heard: float | None = None  # monotonic, since the link came up
        self.available: bool | None = None  # what the device, or its broker, says of itself
        self.sequence = 0  # of its newest entry in the log
        for point, section in declared.points.items():
            if section.declared_type() is not None:
                self.learn(point, "number")

    def call(self, wire_name: str) -> None:
        """Takes the name by which the wire knows it: commands go to that one."""
        self.wire_name = wire_name
        self.name = self.declared.name or wire_name

    def learn(self, point: str, learnt: PointType) -> None:
        """Adds a point, as declared or as its first value shows it."""
        section = self.declared.points.get(point)
        described = section.to_point(learnt) if section else Point(learnt)
        if described.writable and described.confirm is None:
            described = replace(described, confirm=self.offers)
        self.points[point] = described
        rule = make_rule(described) if section else None
        if rule is not None:
            self.rules[point] = rule

    def note_frame(self, *, bad: bool) -> bool:
        """Counts a frame; returns whether the judgement "mostly bad" may have changed."""
        before = self.history
        if not bad and not before:  # the usual case
            return False
        self.history = ((before << 1) | bad) & _HISTORY_MASK
        return (before.bit_count() > _HISTORY // 2) != self.mostly_bad

    @property
    def mostly_bad(self) -> bool:
        """Whether more than half of the last frames were bad."""
        return self.history.bit_count() > _HISTORY // 2

    def to_json(self, wanted: PointMatch | None = None) -> dict[str, Any]:
        """The device as it travels; `wanted` narrows it to some points."""
        return {
            "id": self.id,
            "name": self.name,
            "adapter": self.adapter,
            "state": self.state,
            "since": self.since,
            "reason": self.reason,
            "link": {
                "frames": self.frames,
                "errors": self.errors + self.link.errors,
                "reconnects": self.link.reconnects,
            },
            "points": {p: point.to_json() for p, point in self.points.items() if wanted is None or wanted(p)},
            "values": {
                p: {"value": value, "time": time, "quality": quality}
                for p, (value, time, quality, _) in self.latest.items()
                if wanted is None or wanted(p)
            },
        }


def type_of(value: Value, section: PointSection | None) -> PointType | None:
    """The type that a first value shows; None where it shows none (null)."""
    declared = section.declared_type() if section else None
    if declared is not None:
        return declared
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else None


def make_rule(point: Point) -> Rule | None:
    """How a wire value becomes this point's value: typed, scaled, and checked against its range.

    A value outside the range is kept with quality bad; one of another type is null with quality bad.
    """
    if point.type in ("number", "integer"):
        return lambda value: _as_number(point, value)
    if point.type == "boolean":
        return _as_boolean
    if point.type == "enum":
        return lambda value: _as_one_of(point.values or (), value)
    if point.type == "string":
        return _as_text
    return None


def _as_number(point: Point, value: Value) -> tuple[Value, Quality]:
    if isinstance(value, bool) or value is None:
        return None, Quality.BAD
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None, Quality.BAD
    number, quality = clean(value)
    if isinstance(number, int | float) and point.converts:
        # Decimal scales make 0.1 * 3 a 0.30000000000000004; twelve digits are more than any sensor has.
        number, quality = clean(float(f"{number * point.scale + point.offset:.12g}"))
    if not isinstance(number, int | float):
        return number, quality
    if point.type == "integer" and isinstance(number, float):
        if not number.is_integer():
            return number, Quality.BAD
        if abs(number) < _INT64:  # a larger one would be no JSON number of ours
            number = int(number)
    if (point.min is not None and number < point.min) or (point.max is not None and number > point.max):
        quality = Quality.BAD
    return number, quality


def _as_one_of(allowed: tuple[str, ...], value: Value) -> tuple[Value, Quality]:
    kept, quality = clean(value)
    return kept, quality if value in allowed else Quality.BAD


def _as_text(value: Value) -> tuple[Value, Quality]:
    kept, quality = clean(value)
    if isinstance(kept, bool):
        return "true" if kept else "false", quality
    return kept if kept is None else str(kept), quality


def _as_boolean(value: Value) -> tuple[Value, Quality]:
    if isinstance(value, bool):
        return value, Quality.GOOD
    if isinstance(value, str):
        word = _WORDS.get(value.strip().lower())
        return (word, Quality.GOOD) if word is not None else (None, Quality.BAD)
    if value in (0, 1):
        return bool(value), Quality.GOOD
    return None, Quality.BAD
