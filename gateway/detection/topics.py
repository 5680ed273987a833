"""Topics that no dialect explains, grouped into the templates that bring them: `sensors/{device}/{point}`.

It goes by how topics are alike: where several differ in one level only, that level is the device. Bare values have
their point in another level. A family of one is guessed by what its levels are called.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import orjson

from gateway.codecs.base import Codec
from gateway.codecs.scalar import BooleanOptions, NumberOptions, TextOptions
from gateway.codecs.senml import SenmlOptions
from gateway.errors import CodecError

_MAX_LEVELS = 12  # of a topic that is looked at
_ODD_POINTS = 8  # of a family of bare values that are of another kind than the rest, and told one by one

# Of a topic's level that says what kind of message it is, and not whose.
_MESSAGES = {
    "telemetry", "tele", "state", "states", "data", "json", "sensor", "sensors", "status", "reading", "readings",
    "value", "values", "attributes", "up", "uplink", "event", "events", "info", "result", "update", "measurement",
    "measurements", "report", "message", "payload",
}  # fmt: skip
# Of one that says what was measured.
_MEASURES = {
    "temperature", "temp", "humidity", "hum", "pressure", "power", "energy", "voltage", "current", "battery",
    "state", "level", "light", "lux", "illuminance", "co2", "motion", "contact", "rssi", "uptime", "brightness",
    "position", "speed", "frequency", "distance", "flow", "volume", "moisture", "ph", "wind", "rain", "door",
    "fan", "relay", "switch", "value", "status", "mode", "setpoint", "signal", "noise", "pm25", "pm10", "voc",
    "heating", "pump", "valve", "count", "total",
}  # fmt: skip
COMMANDS = {"set", "command", "cmd", "cmnd", "get"}
_PRESENCE = {"status", "availability", "available", "lwt", "online", "connected", "connection", "alive"}
_WORDS = (("online", "offline"), ("Online", "Offline"), ("ONLINE", "OFFLINE"), ("connected", "disconnected"),
          ("Connected", "Disconnected"), ("up", "down"), ("true", "false"), ("1", "0"))  # fmt: skip

_BARE: Mapping[str, Codec] = {
    "number": NumberOptions().build(),
    "boolean": BooleanOptions().build(),
    "text": TextOptions().build(),
}
_SENML = SenmlOptions().build()

Levels = tuple[str, ...]

_NONE = -1


@dataclass(frozen=True, slots=True)
class Presence:
    """Where the devices of a family say whether they are there."""

    topic: str
    online: str
    offline: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A family of topics: the template that brings them, their codec, the devices, and one of them with its payload."""

    readings: str
    codec: str
    devices: tuple[str, ...]
    topics: tuple[str, ...]
    example: tuple[str, bytes]
    presence: Presence | None = None
    presences: tuple[str, ...] = ()  # the topics on which its devices say so
    point: str | None = None  # the one that the topics are about, where the template has no `{point}` for it


class _Shape(NamedTuple):
    """Which level of a topic is the device, and which is the point; the others are as they stand. `_NONE` is none."""

    device: int
    point: int

    def template(self, levels: Levels) -> Levels:
        return tuple(
            "{device}" if place == self.device else "{point}" if place == self.point else level
            for place, level in enumerate(levels)
        )


def kind_of(payloads: Iterable[bytes]) -> str | None:
    """The codec that reads all of these payloads of one topic; None where there is none, or nothing to read."""
    kinds = {kind for payload in payloads if payload.strip() for kind in [_kind(payload)]}
    if len(kinds) == 1:
        return kinds.pop()
    return "text" if kinds and kinds <= _BARE.keys() else None


def _kind(payload: bytes) -> str | None:
    first = payload.lstrip()[:1]
    if first in (b"{", b"["):
        try:
            parsed = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return None
        if isinstance(parsed, dict):
            return "json"
        return "senml" if _reads(_SENML, payload) else None
    return next((kind for kind, codec in _BARE.items() if _reads(codec, payload)), None)


def _reads(codec: Codec, payload: bytes) -> bool:
    try:
        return bool(codec.decode(payload)) and (codec is not _BARE["text"] or payload.decode().isprintable())
    except (CodecError, UnicodeDecodeError):
        return False


def propose(heard: Mapping[str, Sequence[bytes]]) -> list[Proposal]:
    """The families that the topics make, the largest first; each topic is in one of them at most.

    `heard` has some payloads of each topic. Commands, and what no codec reads, are in none.
    """
    presence = {topic: words for topic, payloads in heard.items() if (words := _presence(topic, payloads))}
    families: dict[tuple[str, int], dict[Levels, str]] = defaultdict(dict)
    for topic, payloads in heard.items():
        levels = tuple(topic.split("/"))
        if topic in presence or is_command(topic) or len(levels) > _MAX_LEVELS or not _is_sayable(topic):
            continue
        kind = kind_of(payloads)
        if kind is not None:
            families[kind if kind not in _BARE else "bare", len(levels)][levels] = kind
    proposals: list[Proposal] = []
    for (kind, _), topics in families.items():
        for shape, members in _groups(topics, bare=kind == "bare"):
            proposals += _proposals(shape, members, topics, heard, presence)
    # The most particular ones first: `{device}/{point}` would take what is meant for `{device}/state`.
    return sorted(proposals, key=lambda each: (each.readings.count("{"), -len(each.topics), each.readings))


def is_command(topic: str) -> bool:
    """Whether a topic is one on which devices are told what to do, by what it is called."""
    return topic.rpartition("/")[2].lower() in COMMANDS or topic.partition("/")[0].lower() in COMMANDS


def _is_sayable(topic: str) -> bool:
    """Whether the topic can stand in a template."""
    return topic.isprintable() and not any(c in topic for c in "{}+#") and bool(topic) and "${" not in topic


def _presence(topic: str, payloads: Sequence[bytes]) -> tuple[str, str] | None:
    """The words for there and not there, where a topic tells that."""
    _, slash, last = topic.rpartition("/")
    if not slash or last.lower() not in _PRESENCE:
        return None
    said = {payload.decode("utf-8", "replace").strip() for payload in payloads if payload}
    return next((words for words in _WORDS if said and said <= set(words)), None)


def _groups(topics: Mapping[Levels, str], *, bare: bool) -> Iterator[tuple[_Shape, list[Levels]]]:
    """Shapes with the topics that share all other levels, the best first, until every topic is in one."""
    count = len(next(iter(topics)))
    shapes = list(_shapes(count, bare=bare))
    found: dict[tuple[_Shape, Levels], set[Levels]] = defaultdict(set)
    for levels in topics:
        for shape in shapes:
            found[shape, shape.template(levels)].add(levels)
    # A heap whose entries may be out of date: they are weighed anew when they come up.
    heap = [(-_worth(shape, members), template, shape) for (shape, template), members in found.items()]
    heapify(heap)
    while heap:
        said, template, shape = heappop(heap)
        members = found[shape, template]
        if not members:
            continue
        worth = -_worth(shape, members)
        if worth > said:
            heappush(heap, (worth, template, shape))
            continue
        yield shape, sorted(members)
        for levels in list(members):
            for other in shapes:
                found[other, other.template(levels)].discard(levels)


def _shapes(count: int, *, bare: bool) -> Iterator[_Shape]:
    places = range(count)
    if not bare:
        yield _Shape(_NONE, _NONE)
        yield from (_Shape(device, _NONE) for device in places)
        return
    yield from (_Shape(_NONE, point) for point in places)
    yield from (_Shape(device, point) for device in places for point in places if device != point)


def _worth(shape: _Shape, members: Collection[Levels]) -> float:
    """How good a shape is: it should take in many topics, and its levels be what their names say."""
    last = len(next(iter(members))) - 1
    devices = _names(shape.device, members)
    points = _names(shape.point, members)
    worth = float(len(members))
    if shape.device != _NONE:
        several = len(devices) > 1
        if not several and shape.device == 0:
            worth -= 2.0  # a family of one whose only fixed level would be taken away
        # A level that says what a message is, or what was measured, is no device.
        worth *= 1 - 0.8 * _share(devices, _MESSAGES | (_MEASURES if shape.point != _NONE else set()))
        worth += 0.3 if several else 0.1
        worth += 0.1 * shape.device / (last + 1)
    if shape.point != _NONE:
        measured = _share(points, _MEASURES)
        worth *= 0.6 + 0.4 * max(measured, 0.5 if shape.point == last else 0.0)
        others = (_share(_names(place, members), _MEASURES) for place in range(last + 1) if place != shape.point)
        if max(others, default=0.0) > measured:
            worth *= 0.5  # another level is what was measured
        worth += 0.2 * (len(points) > 1)
    if _NONE not in (shape.device, shape.point):
        worth += 0.2 if shape.device == shape.point - 1 else 0.0
    return worth


def _names(place: int, members: Collection[Levels]) -> set[str]:
    return set() if place == _NONE else {levels[place] for levels in members}


def _share(names: set[str], words: set[str]) -> float:
    return sum(name.lower().rstrip("0123456789_-") in words for name in names) / len(names) if names else 0.0


def _proposals(
    shape: _Shape,
    members: Sequence[Levels],
    kinds: Mapping[Levels, str],
    heard: Mapping[str, Sequence[bytes]],
    presence: Mapping[str, tuple[str, str]],
) -> Iterator[Proposal]:
    """A group as one template; points of bare values that are of another kind than the others have their own."""
    usual = Counter(kinds[levels] for levels in members).most_common(1)[0][0]
    odd: dict[str, list[Levels]] = defaultdict(list)
    if shape.point != _NONE:
        for point in _names(shape.point, members):
            of_point = [levels for levels in members if levels[shape.point] == point]
            if any(kinds[levels] != usual for levels in of_point):
                odd[point] = of_point
    if len(odd) > _ODD_POINTS:
        usual, odd = "text", {}
    rest = [levels for levels in members if shape.point == _NONE or levels[shape.point] not in odd]
    if len(rest) == 1 and len(rest[0]) == 1:
        odd, rest = odd | {rest[0][0]: rest}, []  # `{point}` alone would take in every topic of one level
    for group, is_odd in [*((group, True) for group in odd.values()), (rest, False)]:
        if not group:
            continue
        found = {kinds[levels] for levels in group}
        template = shape.template(group[0])
        if is_odd:
            template = _Shape(shape.device, _NONE).template(group[0])
        topics = tuple("/".join(levels) for levels in group)
        yield Proposal(
            "/".join(template),
            (found.pop() if len(found) == 1 else "text") if is_odd else usual,
            tuple(sorted(_names(shape.device, group))),
            topics,
            (topics[0], next(payload for payload in heard[topics[0]] if payload.strip())),
            *_presence_of(shape, group, presence),
            point=group[0][shape.point] if is_odd else None,
        )


def _presence_of(
    shape: _Shape, members: Sequence[Levels], presence: Mapping[str, tuple[str, str]]
) -> tuple[Presence | None, tuple[str, ...]]:
    """Where the devices of a group say whether they are there, most often, and the topics of it."""
    place = shape.device
    if place == _NONE:
        return None, ()
    heads = {levels[: place + 1] for levels in members}
    found: dict[Presence, list[str]] = defaultdict(list)
    for topic, (online, offline) in presence.items():
        levels = tuple(topic.split("/"))
        if levels[: place + 1] in heads:
            found[Presence("/".join(_Shape(place, _NONE).template(levels)), online, offline)].append(topic)
    if not found:
        return None, ()
    best = max(found, key=lambda each: len(found[each]))
    return best, tuple(found[best])
