"""A device of a dialect that tells of its points while it speaks, and the values in the JSON that it sends."""

from __future__ import annotations

from typing import Any

from gateway.codecs.json import parse
from gateway.codecs.points import MAX_NAME
from gateway.codecs.text import text_of
from gateway.errors import CodecError
from gateway.model import Description, Outgoing, Point, Sample, Value
from gateway.profiles.base import MAX_POINTS, Described, Event, Heard, Unreadable
from gateway.profiles.commanded import commanded

MAX_TEXT = 4096  # characters of a text value
_MAX_LABEL = 128  # characters of a device's name, model and vendor
_MAX_DEPTH = 8
_MAX_LEAVES = 512  # values in one message


class LearntDevice:
    """What is known of one device; `changed` until its newest description is told.

    `refused` says why a point that a message brought was not taken: what else it brought is not lost by that.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.name: str | None = None
        self.model: str | None = None
        self.vendor: str | None = None
        self.identities: frozenset[str] = frozenset()
        self.topics: frozenset[str] = frozenset()
        self.points: dict[str, Point] = {}
        self.changed = True
        self.refused: str | None = None

    def learn(self, name: str, point: Point) -> bool:
        """Takes a point, or what is now known of one; whether it could."""
        known = self.points.get(name)
        if known is None:
            if len(self.points) >= MAX_POINTS:
                self.refused = f"it has more than {MAX_POINTS} points"
                return False
            if not name or len(name) > MAX_NAME or not name.isprintable():
                self.refused = f"{name[:40]!r} cannot be the name of a point"
                return False
        if known != point:
            self.points[name] = point
            self.changed = True
        return True

    def heard(self, values: dict[str, Value], retained: bool, device_time: float | None = None) -> list[Event]:
        """The events of a message: the description where it changed, its values, and what of it was refused."""
        events: list[Event] = []
        if self.changed:
            events.append(self.described())
        if values:
            events.append(Heard(self.key, Sample(values, device_time), retained))
        if self.refused is not None:
            events.append(Unreadable(self.key, self.refused))
            self.refused = None
        return events

    def called(self, name: object, model: object, vendor: str | None) -> None:
        """Takes what people read of it; what is no text is not known."""
        before = (self.name, self.model, self.vendor)
        self.name, self.model, self.vendor = label(name), label(model), label(vendor)
        self.changed = self.changed or before != (self.name, self.model, self.vendor)

    def identified(self, identity: str | None) -> None:
        """Takes its hardware address, `mac:…`."""
        identities = frozenset() if identity is None else frozenset({identity})
        self.changed = self.changed or identities != self.identities
        self.identities = identities

    def commanded(self, command: Outgoing) -> Value:
        """The value of a command that a point of it takes; raises CodecError where none does."""
        point = self.points.get(command.point)
        if point is None:
            raise CodecError(f"it has no point {command.point[:40]!r}")
        return commanded(command.point, point, command.value)

    def described(self) -> Described:
        """What is known of it now."""
        self.changed = False
        description = Description(dict(self.points), self.name, self.model, self.vendor)
        return Described(self.key, description, self.identities, self.topics)


def label(given: object) -> str | None:
    """A name that a device gives, fit to be shown; None where it gives none."""
    if not isinstance(given, str):
        return None
    shown = "".join(c if c.isprintable() else " " for c in given[:_MAX_LABEL]).strip()
    return shown or None


def mac_identity(given: object) -> str | None:
    """`mac:` and the 12 digits of a MAC address, with colons or without; None where it is none."""
    if not isinstance(given, str):
        return None
    digits = given.replace(":", "").lower()
    return f"mac:{digits}" if len(digits) == 12 and all(c in "0123456789abcdef" for c in digits) else None


def plain_topic(topic: str) -> bool:
    """Whether messages can be published below this topic: whole levels, no wildcards, nothing of the broker's own."""
    return (
        0 < len(topic) <= 256
        and topic.isprintable()
        and not topic.startswith(("$", "/"))
        and not topic.endswith("/")
        and not any(c in topic for c in "+#\0")
    )


def members_of(payload: bytes) -> dict[str, Any]:
    """The members of the JSON object in the payload; raises CodecError where there is none."""
    parsed = parse(payload)
    if type(parsed) is not dict:
        raise CodecError("not a JSON object")
    return parsed


def text_in(payload: bytes) -> str:
    """The payload as text; raises CodecError where it is none, or too long for a value."""
    text = text_of(payload)
    if len(text) > MAX_TEXT:
        raise CodecError(f"longer than {MAX_TEXT} characters")
    return text


def number_in(text: str) -> int | float | None:
    """The decimal number in the text, NaN and infinities included; None where it is none."""
    text = text.strip()
    if len(text) > 64 or "_" in text or not text.isascii():
        return None
    try:
        return int(text) if text.lstrip("+-").isdigit() and len(text) < 20 else float(text)
    except ValueError:
        return None


def leaves(members: dict[str, Any], prefix: str = "") -> list[tuple[str, str, Value]]:
    """The values in the object and what it holds: their names joined with dots, the last of them alone, the value.

    Of an item of a list the last name is the list's. Raises CodecError where it is nested too deep or holds too many.
    """
    found: list[tuple[str, str, Value]] = []
    _gather(members, prefix, found, 0)
    return found


def _gather(members: dict[str, Any], prefix: str, found: list[tuple[str, str, Value]], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise CodecError(f"nested deeper than {_MAX_DEPTH}")
    for key, value in members.items():
        kind = type(value)
        if kind is dict:
            _gather(value, f"{prefix}{key}.", found, depth + 1)
        elif kind is list:
            _gather_items(value, f"{prefix}{key}.", key, found, depth + 1)
        elif kind is str and len(value) > MAX_TEXT:
            raise CodecError(f"a text longer than {MAX_TEXT} characters")
        else:
            found.append((prefix + key, key, value))
    if len(found) > _MAX_LEAVES:
        raise CodecError(f"more than {_MAX_LEAVES} values in one message")


def _gather_items(items: list[Any], prefix: str, key: str, found: list[tuple[str, str, Value]], depth: int) -> None:
    if depth > _MAX_DEPTH or len(items) > _MAX_LEAVES:
        raise CodecError(f"nested deeper than {_MAX_DEPTH}, or a list of more than {_MAX_LEAVES}")
    for place, item in enumerate(items):
        if type(item) is dict:
            _gather(item, f"{prefix}{place}.", found, depth + 1)
        elif type(item) is list:
            _gather_items(item, f"{prefix}{place}.", key, found, depth + 1)
        elif type(item) is str and len(item) > MAX_TEXT:
            raise CodecError(f"a text longer than {MAX_TEXT} characters")
        else:
            found.append((f"{prefix}{place}", key, item))
    if len(found) > _MAX_LEAVES:
        raise CodecError(f"more than {_MAX_LEAVES} values in one message")
