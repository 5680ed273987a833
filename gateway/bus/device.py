"""One device as the gateway knows it: points, newest values, state, link counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from typing import Any

from gateway.bus.filter import Filter, Latest
from gateway.bus.pace import Pace, Rate
from gateway.bus.rules import Rule, make_rule
from gateway.config.models import DeviceSection
from gateway.model import Confirm, Description, DeviceState, Point, PointType, Quality, Reading, Value

_HISTORY = 20  # frames over which "mostly bad" is judged
_HISTORY_MASK = (1 << _HISTORY) - 1
_LEAST_LIMIT = 2.0  # seconds after which a point is stale at the earliest, where that is learnt

NOTHING_SAID = Description({})

PointMatch = Callable[[str], bool]


class LinkInfo:
    """What is true of an adapter's link, and so of every device on it."""

    __slots__ = ("bytes", "checksum_errors", "errors", "reconnects", "resyncs")

    def __init__(self) -> None:
        self.bytes = 0  # that came in from the wire
        self.errors = 0  # frames that no device could be blamed for
        self.checksum_errors = 0  # those of them whose checksum was wrong
        self.resyncs = 0  # times that the framing looked for where the next frame begins
        self.reconnects = 0

    def counters(self) -> dict[str, int]:
        """What it has counted so far; none of it ever goes down."""
        return {name: getattr(self, name) for name in self.__slots__}


class Device:
    """A device: what is declared of it, what was learnt, and how it is now."""

    __slots__ = (
        "absence", "adapter", "available", "checksum_errors", "commandable", "deadlines", "declared", "described",
        "errors", "filtered", "filters", "frames", "guessed", "heard", "history", "id", "last_heard", "latest",
        "link", "name", "offers", "paces", "points", "rate", "reason", "rules", "sequence", "since", "state",
        "unit_changes", "units", "wire_name",
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
        self.described = NOTHING_SAID  # what it says of itself
        self.commandable = False  # whether what it says that it takes, it is given
        self.name = declared.name or wire_name or id
        self.link = link
        self.state = DeviceState.UNKNOWN
        self.reason: str | None = None
        self.since = since
        self.points: dict[str, Point] = {}
        self.guessed: set[str] = set()  # points of which only nulls were heard, which show no type
        self.rules: dict[str, Rule] = {}
        self.filters: dict[str, Filter] = {}  # of the points that are not published with every value
        self.paces: dict[str, Pace] = {}  # of the points whose `stale_after` is learnt
        self.deadlines: dict[str, float] = {}  # the `stale_after` of points that have one
        self.units: dict[str, str] = {}  # what frames said of points
        self.unit_changes = 0
        self.latest: dict[str, Latest] = {}
        self.frames = 0
        self.errors = 0
        self.checksum_errors = 0
        self.filtered = 0  # values that were held back, and never published because a newer one came
        self.rate = Rate()
        self.last_heard: float | None = None  # wall clock, of its newest frame
        self.history = 0  # one bit for each of the last frames, 1 is bad
        self.heard: float | None = None  # monotonic, since the link came up
        self.available: bool | None = None  # what the device, or its broker, says of itself
        self.absence: str | None = None  # why it is not there, in words, where that was said too
        self.sequence = 0  # of its newest entry in the log
        for point, section in declared.points.items():
            if section.declared_type() is not None:
                self.learn(point, "number")

    def call(self, wire_name: str) -> None:
        """Takes the name by which the wire knows it: commands go to that one."""
        self.wire_name = wire_name
        self.name = self.declared.name or self.described.name or wire_name

    def describe(self, description: Description, commandable: bool) -> bool:
        """Takes what it says of itself; returns whether that was news.

        What is declared of it stands above that, and a point is writable where both the device and `commandable`, or
        its declaration, say so.
        """
        if self.declared.commands is not None:
            commandable = self.declared.commands
        if (description, commandable) == (self.described, self.commandable):
            return False
        gone = [point for point in self.described.points if point not in description.points]
        self.described, self.commandable = description, commandable
        self.name = self.declared.name or description.name or self.wire_name or self.id
        for point in gone:
            if point not in self.declared.points:
                self._forget(point)
        for point in description.points:
            self.guessed.discard(point)
            self.learn(point, "number")
        for point in gone:
            if point in self.points:  # declared; what else is known of it is a value, whose kind is kept
                kind = self.points[point].type
                self.learn(point, "string" if kind == "enum" else kind)
        return True

    def _forget(self, point: str) -> None:
        for known in (self.points, self.rules, self.deadlines, self.latest, self.units):
            known.pop(point, None)

    def learn(self, point: str, learnt: PointType) -> None:
        """Adds a point, as declared, as the device describes it, or as its first value shows it."""
        section, said = self.declared.points.get(point), self.described.points.get(point)
        known = said or Point(learnt)
        if known.writable and not self.commandable:
            known = replace(known, writable=False, confirm=None)
        if section is not None:
            described = section.laid_over(known) if said else section.to_point(learnt)
        else:
            described = known
        if described.writable and described.confirm is None:
            # An action has no value that a reading could show.
            best = "acked" if described.type == "action" and self.offers == "verified" else self.offers
            described = replace(described, confirm=best)
        self.points[point] = described
        self.show_unit(point)
        if section is None and said is None:
            return
        rule = make_rule(described)
        if rule is not None:
            self.rules[point] = rule
        if section is None:
            if described.stale_after is not None:
                self.expect(point, described.stale_after)
            return
        if section.deadband is not None or section.interval is not None:
            self.filters.setdefault(point, Filter(section.deadband, section.interval or 0.0))
        if described.stale_after is not None:
            self.expect(point, described.stale_after)
        elif point in self.deadlines:  # learnt before
            self.expect(point, self.deadlines[point])
        elif section.stale_after is not None:
            self.paces.setdefault(point, Pace(max(_LEAST_LIMIT, 2 * (section.interval or 0.0))))

    def expect(self, point: str, stale_after: float) -> None:
        """Values of the point are stale after so many seconds."""
        self.deadlines[point] = stale_after
        self.points[point] = replace(self.points[point], stale_after=stale_after)
        if point in self.filters:
            self.filters[point].expect(stale_after)

    def keep_pace(self, values: Mapping[str, Value], heard: float) -> bool:
        """Learns from when values came; returns whether a point changed by it."""
        changed = False
        for point, pace in self.paces.items():
            if point in values and pace.hear(heard) and pace.limit is not None:
                self.expect(point, pace.limit)
                changed = True
        return changed

    def show_unit(self, name: str) -> bool:
        """Gives the point the unit that frames told, where none is declared; returns whether that is another."""
        point, section = self.points[name], self.declared.points.get(name)
        unit = self.units.get(name)
        # What is scaled is in another unit than the frame's.
        if unit is None or (section is not None and section.unit is not None) or point.converts or point.unit == unit:
            return False
        self.points[name] = replace(point, unit=unit)
        return True

    def hold_back(self, reading: Reading) -> list[str]:
        """The points of a reading whose values are not to be published now."""
        held = []
        for point, filter in self.filters.items():
            if point not in reading.values:
                continue
            if filter.due is not None:
                self.filtered += 1  # the one held back before: nobody will be told of it
            if reading.retained:
                filter.publish(self.latest[point], -inf)  # it may be of any age: the next value passes
            elif not filter.passes(self.latest[point]):
                filter.device_time = reading.device_time
                held.append(point)
        return held

    def overdue(self, now: float) -> list[Reading]:
        """The readings that were held back until now (monotonic seconds), each with the time at which it was heard."""
        found: dict[tuple[float, float | None], tuple[dict[str, Value], dict[str, Quality]]] = {}
        for point, filter in self.filters.items():
            if filter.due is None or now < filter.due:
                continue
            value, time, quality, _ = self.latest[point]
            values, grades = found.setdefault((time, filter.device_time), ({}, {}))
            values[point] = value
            if quality is not Quality.GOOD:
                grades[point] = quality
            filter.publish(self.latest[point], now)
        return [
            Reading(self.id, time, *found[time, device_time], device_time)
            for time, device_time in sorted(found, key=lambda of: of[0])
        ]

    def told(self) -> Mapping[str, Latest]:
        """The newest values as they were published, so that all clients know the same."""
        if not self.filters:
            return self.latest
        return self.latest | {point: filter.told for point, filter in self.filters.items() if filter.told is not None}

    def begin_anew(self) -> None:
        """The link is up again: what was heard before it went says nothing of now."""
        self.heard = None
        self.history = 0
        for pace in self.paces.values():
            pace.interrupt()

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
            **self._make_to_json(),
            "adapter": self.adapter,
            "state": self.state,
            "since": self.since,
            "reason": self.reason,
            "link": self._link_to_json(),
            "points": {p: point.to_json() for p, point in self.points.items() if wanted is None or wanted(p)},
            "values": {
                p: {"value": value, "time": time, "quality": quality}
                for p, (value, time, quality, _) in self.told().items()
                if wanted is None or wanted(p)
            },
        }

    def _make_to_json(self) -> dict[str, str]:
        """Who made it, where it says so."""
        known = {"vendor": self.described.vendor, "model": self.described.model}
        return {member: text for member, text in known.items() if text}

    def _link_to_json(self) -> dict[str, Any]:
        """How its link fares, as of now: what no device can be blamed for, and bytes, are the whole link's."""
        link = self.link
        return {
            "frames": self.frames,
            "errors": self.errors + link.errors,
            "reconnects": link.reconnects,
            "bytes": link.bytes,
            "checksum_errors": self.checksum_errors + link.checksum_errors,
            "resyncs": link.resyncs,
            "filtered": self.filtered,
            "last_heard": self.last_heard,
            "rate": self.rate.value,
        }

    def counters(self) -> dict[str, int]:
        """What was counted of this device alone so far; none of it ever goes down."""
        return {
            "frames": self.frames,
            "errors": self.errors,
            "checksum_errors": self.checksum_errors,
            "filtered": self.filtered,
        }
