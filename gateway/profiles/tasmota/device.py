"""One Tasmota device: where its topics are, and what its messages say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeGuard

from gateway.errors import CodecError
from gateway.model import Outgoing, Point, Value
from gateway.profiles.base import Event, Publication
from gateway.profiles.learnt import (
    LearntDevice,
    label,
    leaves,
    mac_identity,
    members_of,
    number_in,
    plain_topic,
    text_in,
)
from gateway.profiles.tasmota.points import SETTINGS, Known, known, of_configuration, sensor, settings_in

PREFIXES = ("cmnd", "stat", "tele")
_MAX_ROUTES = 256
_LONGEST_ROUTE = 64  # characters
_LONGEST_WORD = 64  # characters of what stands for on or off, online or offline
_COLOR_DIGITS = (4, 6, 8, 10)  # white in two tones; red, green, blue, and white in none, one or two


@dataclass(frozen=True, slots=True)
class Roots:
    """What the topics of a device begin with: commands to it, its answers, what it tells by itself."""

    key: str  # what is left without the prefix: `kitchen/plug`
    command: str
    answers: str
    tells: str

    @classmethod
    def of(cls, full: str, prefixes: tuple[str, ...], words: dict[str, str]) -> Roots:
        """The roots that a full topic such as `%prefix%/%topic%/` gives; raises CodecError where it gives none."""
        for token, word in words.items():
            full = full.replace(token, word)
        key = "/".join(level for level in full.replace("%prefix%", "").split("/") if level)
        command, answers, tells = (full.replace("%prefix%", prefix).strip("/") for prefix in prefixes)
        if "%prefix%" not in full:
            command += f"/{prefixes[0]}"  # the firmware tells commands apart so
        if not key or not all(map(plain_topic, (command, answers, tells))):
            raise CodecError(f"{full[:80]!r} is no full topic")
        return cls(key, command, answers, tells)


class TasmotaDevice(LearntDevice):
    """What is known of a device: by its discovery messages, or only by what it tells."""

    def __init__(self, roots: Roots) -> None:
        super().__init__(roots.key)
        self.roots = roots
        self.topics = frozenset((roots.command, roots.answers, roots.tells))
        self.discovered = False
        self.sleeps = False  # between its messages: then it says that it is offline each time
        self.words = {"Online": True, "Offline": False}  # of its last will
        self.vendor = "Tasmota"
        self._states = {"OFF": False, "ON": True}
        self._commands: dict[str, str] = {}
        self._settings: dict[str, str] = {}
        self._routes: dict[str, str | None] = {}  # of paths in `STATE`

    def configure(self, config: dict[str, Any]) -> None:
        """Takes the discovery message."""
        self.discovered = True
        self.sleeps = config.get("dslp") in (1, True)
        self._routes.clear()
        self.called(config.get("dn"), config.get("md"), "Tasmota")
        self.identified(mac_identity(config.get("mac")))
        online, offline = config.get("onln"), config.get("ofln")
        if _is_word(online) and _is_word(offline):
            self.words = {online: True, offline: False}
        words = config.get("state")
        if isinstance(words, list) and len(words) > 1 and _is_word(words[0]) and _is_word(words[1]):
            self._states = {words[0]: False, words[1]: True}
        promised = of_configuration(config)
        for name in [name for name in self.points if name.startswith("POWER") and name not in promised]:
            del self.points[name]
            self.changed = True
        for name, found in promised.items():
            self._take(name, found)

    def sensors(self, members: dict[str, Any]) -> None:
        """Takes the names and units that the sensors' discovery message lists; its values are of that hour."""
        self._set(members)
        for path, name, value in leaves(members):
            point = None if path in self.points else sensor(path, name, value, self._settings)
            if point is not None:
                self._take(path, known(path) or Known(point))

    def state(self, members: dict[str, Any], retained: bool) -> list[Event]:
        """The events of `STATE`, `RESULT` and the like: relays, lights, shutters, buttons, the radio."""
        values: dict[str, Value] = {}
        routes, points = self._routes, self.points
        self.sleeps = self.sleeps or "DeepSleep" in members
        for path, _, value in leaves(members):
            name = routes[path] if path in routes else self._route(path)
            if name is not None:
                values[name] = self._value(points[name], value) if type(value) is str else value
                # What a detached switch did is what it shows among the sensors, minutes later.
                if type(value) is str and value in self._states and name.endswith(".Action") and name[:-7] in points:
                    values[name[:-7]] = self._states[value]
        return self.heard(values, retained, _stamp(members))

    def measured(self, members: dict[str, Any], retained: bool) -> list[Event]:
        """The events of `SENSOR`."""
        if any(member in members for member in SETTINGS):
            self._set(members)
        values: dict[str, Value] = {}
        points = self.points
        for path, name, value in leaves(members):
            point = points.get(path)
            if point is None:
                point = None if value is None else sensor(path, name, value, self._settings)
                if point is None or not self._take(path, known(path) or Known(point)):
                    continue
            values[path] = self._value(point, value) if type(value) is str else value
        return self.heard(values, retained, _stamp(members))

    def word(self, name: str, payload: bytes, retained: bool) -> list[Event]:
        """The events of `stat/…/POWER`: the bare word."""
        text = text_in(payload)
        if text not in self._states:
            raise CodecError(f"{text[:40]!r} is neither {' nor '.join(self._states)}")
        return self.state({name: text}, retained)

    def online(self, payload: bytes) -> bool:
        """What its last will says."""
        found = self.words.get(text_in(payload))
        if found is None:
            raise CodecError(f"{payload[:40]!r} is neither {' nor '.join(self.words)}")
        return found

    def questions(self) -> list[Publication]:
        """What it is asked for its values now: it tells them by itself every five minutes only."""
        status = f"{self.roots.command}/STATUS"
        return [Publication(status, b"11"), Publication(status, b"10")]

    def encode(self, command: Outgoing) -> Publication:
        """The command as a message."""
        value = self.commanded(command)
        topic = f"{self.roots.command}/{self._commands[command.point]}"  # every writable point has one
        if isinstance(value, bool):
            return Publication(topic, b"ON" if value else b"OFF")
        if isinstance(value, str):
            return Publication(topic, _colour(value))
        return Publication(topic, b"" if value is None else str(value).encode())

    def _route(self, path: str) -> str | None:
        """The name of the point that a value of `STATE` is of, remembered; None where it is of none."""
        name = self._name(path)
        if len(self._routes) < _MAX_ROUTES and len(path) <= _LONGEST_ROUTE:
            self._routes[path] = name
        return name

    def _name(self, path: str) -> str | None:
        """The same, learnt where it is new."""
        points = self.points
        if path in points:
            return None if points[path].type == "action" else path
        if path == "POWER1" and "POWER" in points:  # SetOption26: the number also where there is one relay only
            return "POWER"
        if self.discovered and path.startswith("POWER"):
            return None  # it belongs to a shutter, or to nothing
        found = known(path)
        return path if found is not None and self._take(path, found) else None

    def _take(self, name: str, found: Known) -> bool:
        if not self.learn(name, found.point):
            return False
        if found.command is not None:
            self._commands[name] = found.command
        return True

    def _set(self, members: dict[str, Any]) -> None:
        """Takes the units that the device is set to; points whose unit changes by that are described anew."""
        settings = {**self._settings, **settings_in(members)}
        if settings != self._settings:
            self._settings = settings
            for path, point in list(self.points.items()):
                now = sensor(path, path.rpartition(".")[2], None, settings) if point.type == "number" else None
                if now is not None and now.unit is not None:
                    self.learn(path, now)

    def _value(self, point: Point, text: str) -> Value:
        if point.type == "boolean":
            return self._states.get(text)
        return number_in(text) if point.type in ("number", "integer") else text  # old drivers print numbers as texts


def _colour(text: str) -> bytes:
    """A colour as the device reads it: `#FF5500`, with the digits of white behind it; or `255,85,0`."""
    digits = text.removeprefix("#")
    parts = text.split(",")
    hexadecimal = len(digits) in _COLOR_DIGITS and all(c in "0123456789abcdefABCDEF" for c in digits)
    decimal = 3 <= len(parts) <= 5 and all(p.isascii() and p.isdigit() and int(p[:4]) < 256 for p in parts)
    if not hexadecimal and not decimal:
        raise CodecError(f"{label(text[:40])!r} is no colour such as #FF5500")
    return f"#{digits}".encode() if hexadecimal else text.encode()


def _stamp(members: dict[str, Any]) -> float | None:
    """The device's own time, where it tells its offset (SetOption52): local time alone is no time."""
    text = members.get("Time")
    if not isinstance(text, str) or not 20 <= len(text) <= 32:
        return None
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.timestamp() if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _is_word(given: object) -> TypeGuard[str]:
    return isinstance(given, str) and 0 < len(given) <= _LONGEST_WORD


def object_in(payload: bytes, member: str) -> dict[str, Any]:
    """The object that is this member of the payload; raises CodecError where there is none."""
    inner = members_of(payload).get(member)
    if not isinstance(inner, dict):
        raise CodecError(f"it has no {member}")
    return inner
