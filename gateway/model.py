"""What travels through the gateway: readings, devices and their points, acknowledgements, identities.

Frozen, slotted dataclasses on the way of a reading. Times are seconds since the Unix epoch unless a name
says `monotonic`.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

Value = bool | int | float | str | None
PointType = Literal["number", "integer", "boolean", "string", "enum", "action"]
Confirm = Literal["sent", "acked", "verified"]

# `<adapter>` or `<adapter>.<name>`; both halves match this.
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAME_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
# Whose a signed token is, and its own id: both stand in logs, and the first is `by` in commands.
SUBJECT = re.compile(r"[A-Za-z0-9_.@:+|-]{1,64}")
TOKEN_ID = re.compile(r"[!-~]{1,128}")
# For what brokers take a topic to be malformed, and end the connection: controls, surrogates and non-characters
# (MQTT 5 §1.5.4).
NOT_IN_TOPICS = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufdd0-\\ufdef"
    + "".join(f"\\U{plane << 16 | last:08x}" for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)

MAX_TEXT = 1024  # characters of a text value in a command

_INT64 = 1 << 63


class Quality(StrEnum):
    """How far a value can be trusted."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"
    STALE = "stale"


class DeviceState(StrEnum):
    """Whether a device is there: `degraded` is linked, but silent past its deadline or mostly bad frames."""

    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


NO_QUALITY: Mapping[str, Quality] = {}
NO_UNITS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Sample:
    """What a codec read from one frame: point → value, and the device's own stamp where it sends one.

    Values are as the wire gave them: not yet scaled, and possibly NaN or infinite. `units` holds the UCUM codes of
    those points whose unit the frame itself tells.
    """

    values: dict[str, Value]
    device_time: float | None = None
    units: Mapping[str, str] = field(default_factory=lambda: NO_UNITS)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A device's answer to the command with this id; `error` says why where `ok` is false.

    Without an id it answers the command that was written last on its line.
    """

    id: int | None
    ok: bool
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Values that one device gave at one time, ready for clients: strict JSON values only.

    `quality` holds only the points whose value is not good.
    """

    device: str
    time: float
    values: dict[str, Value]
    quality: Mapping[str, Quality] = field(default_factory=dict)
    device_time: float | None = None
    retained: bool = False

    def to_json(self) -> dict[str, Any]:
        """The reading as it travels."""
        members: dict[str, Any] = {"device": self.device, "time": self.time, "values": self.values}
        if self.quality:
            members["quality"] = self.quality
        if self.device_time is not None:
            members["device_time"] = self.device_time
        if self.retained:
            members["retained"] = True
        return members


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a device: what it is, in which unit, and whether it can be commanded.

    `unit` is a UCUM code; `stale_after` is in seconds; `confirm` is the best proof of execution it offers. `codes` has
    what the wire says for each of `values`, where that is not the value itself.
    """

    type: PointType
    title: str | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] | None = None
    codes: tuple[tuple[int | str, str], ...] | None = None
    scale: float = 1.0
    offset: float = 0.0
    writable: bool = False
    confirm: Confirm | None = None
    stale_after: float | None = None

    @property
    def converts(self) -> bool:
        """Whether wire and point values differ: point = wire x scale + offset."""
        return self.scale != 1.0 or self.offset != 0.0

    def refusal(self, value: Value) -> str | None:
        """What a command takes instead of this value; None where it takes it."""
        if self.type == "action":
            return None if value is None else "no value: it is an action"
        if self.type == "boolean":
            return None if isinstance(value, bool) else "true or false"
        if self.type == "enum":
            return None if value in (self.values or ()) else f"one of {', '.join(self.values or ())}"
        if self.type == "string":
            taken = isinstance(value, str) and len(value) <= MAX_TEXT
            return None if taken else f"text of at most {MAX_TEXT} characters"
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            return "a number"
        if self.type == "integer" and value != int(value):
            return "a whole number"
        if (self.min is not None and value < self.min) or (self.max is not None and value > self.max):
            low = "-∞" if self.min is None else f"{self.min:g}"
            high = "∞" if self.max is None else f"{self.max:g}"
            return f"numbers from {low} to {high}"
        return None

    def to_json(self) -> dict[str, Any]:
        """The point as it travels: only what is known; scale, offset and codes are the gateway's own business."""
        members: dict[str, Any] = {"type": self.type}
        for name in ("title", "unit", "min", "max", "stale_after"):
            value = getattr(self, name)
            if value is not None:
                members[name] = value
        if self.values is not None:
            members["values"] = list(self.values)
        if self.writable:
            members["writable"] = True
            members["confirm"] = self.confirm or "sent"
        return members


@dataclass(frozen=True, slots=True)
class Description:
    """What a device says of itself: its points by name, and what people read of it.

    A point is `writable` where the device takes commands for it, whether or not the configuration allows them.
    """

    points: Mapping[str, Point]
    name: str | None = None
    model: str | None = None
    vendor: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A command on its way to the wire: the adapter's own name of the device, and the id that its answer carries.

    `deadline` is monotonic seconds: not one byte is written after it. `value` is the wire's value. `refusal` says what
    forbids it at this moment, such as an interlock: a wire on which it had to wait for its turn asks right before it
    writes. Where that is known before the write has come to its end, `left` is called once all of it is on the wire:
    what the device shows from then on may be its effect.
    """

    device: str
    name: str | None
    point: str
    value: Value
    id: int
    deadline: float
    time: float | None = None  # when it was handed to the adapter, for forms that carry it
    urgent: bool = False  # it goes ahead of what waits, also for its turn on the line
    refusal: Callable[[], str | None] = field(default=lambda: None, compare=False, repr=False)
    left: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection is, and the globs of device ids that it may read and command.

    `expires` is in seconds since the Unix epoch. What follows it never travels: the id of a signed token, by which it
    can be revoked, and the fingerprint of the key that it was signed with; the SHA-256 of a static one.
    """

    name: str
    read: tuple[str, ...]
    command: tuple[str, ...]
    expires: float | None = None
    jti: str | None = field(default=None, repr=False)
    signed_by: str | None = field(default=None, repr=False)
    sha256: str | None = field(default=None, repr=False, compare=False)

    def may_read(self, device: str) -> bool:
        """Whether it may see this device."""
        return any(matches(glob, device) for glob in self.read)

    def may_command(self, device: str) -> bool:
        """Whether it may command this device."""
        return any(matches(glob, device) for glob in self.command)

    def to_json(self) -> dict[str, Any]:
        """The identity as it travels."""
        return {"name": self.name, "read": list(self.read), "command": list(self.command), "expires": self.expires}


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of more digits than a float can tell
        return False


def is_glob(pattern: str) -> bool:
    """Whether the pattern holds a wildcard."""
    return "*" in pattern or "?" in pattern


@lru_cache(maxsize=4096)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """The regular expression of a glob: `*` any run, `?` one character, everything else itself.

    Each piece after a `*` is an atomic group at its first place, so that a hostile glob cannot make matching
    backtrack.
    """
    first, *rest = (
        "".join("." if c == "?" else re.escape(c) for c in piece) for piece in re.sub(r"\*+", "*", pattern).split("*")
    )
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    return re.compile(first + middle + (f".*{rest[-1]}" if rest else ""), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Whether the glob matches the whole text."""
    if pattern == "*":
        return True
    if not is_glob(pattern):
        return pattern == text
    return compile_glob(pattern).fullmatch(text) is not None


def safe_name(raw: str) -> str:
    """A device name for whatever the wire calls it: itself where allowed, else a readable form with a stable hash.

    The hash keeps `a/b` and `a b` apart, and the same over restarts.
    """
    if NAME.fullmatch(raw):
        return raw
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", raw).strip("_")[:48]
    digest = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else digest


def clean(value: Value) -> tuple[Value, Quality]:
    """The value as strict JSON can carry it: NaN, infinities and null are `(None, bad)`, huge integers floats."""
    if value is None:
        return None, Quality.BAD
    if isinstance(value, float):
        if math.isfinite(value):
            return value, Quality.GOOD
        return None, Quality.BAD
    if type(value) is int and not -_INT64 <= value < _INT64:
        try:
            return float(value), Quality.GOOD
        except OverflowError:
            return None, Quality.BAD
    return value, Quality.GOOD
