"""Shelly's second generation and all that follow: JSON-RPC below a prefix of the device's own.

shellyplus1pm-a8032abe54dc/online       true, false
shellyplus1pm-a8032abe54dc/events/rpc   {"src":…,"dst":…,"method":"NotifyStatus","params":{"ts":…,"switch:0":{…}}}
shellyplus1pm-a8032abe54dc/status/…     the status of one component, where the device is set to tell it
shellyplus1pm-a8032abe54dc/rpc          {"id":17,"src":"fieldgate/…","method":"Switch.Set","params":{…}}
fieldgate/…/rpc                         {"id":17,"src":…,"dst":"fieldgate/…","result":{…}}

Each device is given a `src` of its own, so that the topic of an answer tells whose it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Point, Value
from gateway.profiles.base import (
    Answered,
    Available,
    Event,
    Listen,
    Publication,
    Send,
    Unreadable,
)
from gateway.profiles.learnt import (
    LearntDevice,
    leaves,
    mac_identity,
    members_of,
    plain_topic,
)
from gateway.profiles.shelly.components import ERRORS, component, errors_in, moves, point_of, request

_ID = re.compile(r"[A-Za-z0-9]{1,48}-([0-9A-Fa-f]{12})", re.ASCII)  # what a device calls itself: model and MAC address
_GONE = "its connection broke"
# Those whose connection always ends so: they sleep, and wake for seconds.
_SLEEPERS = re.compile(r"shelly(plus)?(ht|smoke|flood)(g\d)?-", re.ASCII | re.IGNORECASE)
_MAX_EVENTS = 32  # of one message
_EVENT = Point("string", title="Event")
_BORN = 1e9  # seconds: a smaller stamp is of a clock that was not set yet


class Gen2Device(LearntDevice):
    """What is known of a device; `id` is what it calls itself, once that is known."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.vendor = "Shelly"
        self.topics = frozenset({prefix})
        self.id: str | None = None
        self.sleeps = False  # then an end of its connection says nothing

    def call(self, src: object) -> None:
        """Takes what the device calls itself; raises CodecError where it is called otherwise already."""
        found = _ID.fullmatch(src) if isinstance(src, str) and len(src) <= 64 else None
        if found is None or (self.id is not None and found[0].lower() != self.id):
            raise CodecError("it is from another device than its topic")
        if self.id is None:
            self.id = found[0].lower()
            self.sleeps = _SLEEPERS.match(self.id) is not None
            self.identified(mac_identity(found[1]))


class Gen2:
    """The devices of the second generation on one broker; their answers come below `src`.

    `room` raises CodecError where there is none for one more device of that key.
    """

    def __init__(self, prefixes: Iterable[str], src: str, room: Callable[[str], None]) -> None:
        self._src = src
        self._room = room
        self._named = frozenset(prefixes)
        self._filters = {"+/online": 1, "+/events/rpc": 0, "+/+/events/rpc": 0, f"{src}/#": 1}
        for prefix in sorted(self._named):
            self._filters.update({f"{prefix}/online": 1, f"{prefix}/events/rpc": 0, f"{prefix}/status/+": 0})
        self._devices: dict[str, Gen2Device] = {}

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        """Notifications of any prefix of one level or two, and what known devices need."""
        return list(self._filters.items())

    def greetings(self) -> Iterable[Publication]:
        """What the known devices are asked for their status."""
        return [question for device in self._devices.values() for question in self._questions(device)]

    @property
    def known(self) -> Mapping[str, Gen2Device]:
        """The devices by their keys."""
        return self._devices

    def owner(self, topic: str) -> str | None:
        """The known device that speaks on the topic."""
        prefix = self._parts(topic)[0]
        return prefix if prefix in self._devices else None

    def receive(self, topic: str, payload: bytes, retained: bool) -> list[Event] | None:
        """What a message means, None where it is not of this generation; raises CodecError where it makes no sense."""
        prefix, kind = self._parts(topic)
        device = self._devices.get(prefix)
        if topic.startswith(f"{self._src}/"):
            return [] if device is None or kind != "rpc" or retained else list(self._answered(device, payload))
        if kind == "events":
            return self._notified(prefix, device, payload, retained)
        if kind == "online":
            return self._availability(prefix, device, payload, retained)
        if device is None:
            return None
        if kind.startswith("status/"):
            status = members_of(payload) if payload else {}
            return self._status(device, {kind[7:]: status}, None, retained, full=True)
        return []

    def encode(self, command: Outgoing) -> Publication:
        """The command as a request; raises CodecError where there is none."""
        device = self._devices.get(command.name or "")
        if device is None:
            raise CodecError("there is no such device")
        found = request(command.point, device.commanded(command))
        if found is None:
            raise CodecError(f"{command.point} takes no commands")
        return self._request(device, command.id, *found)

    def _parts(self, topic: str) -> tuple[str, str]:
        """The prefix of a topic, and what stands behind it: `events`, `online`, `rpc`, `status/switch:0`, nothing."""
        if topic.startswith(f"{self._src}/"):
            topic = topic[len(self._src) + 1 :]
        head, _, last = topic.rpartition("/")
        if last == "rpc":
            return (head[:-7], "events") if head.endswith("/events") else (head, "rpc")
        if last == "online":
            return head, last
        prefix, _, middle = head.rpartition("/")
        return (prefix, f"status/{last}") if middle == "status" else (head, "")

    def _notified(self, prefix: str, device: Gen2Device | None, payload: bytes, retained: bool) -> list[Event] | None:
        try:
            frame = members_of(payload)
        except CodecError:
            if device is None and not _expected(prefix):
                return None
            raise
        method, src, params = frame.get("method"), frame.get("src"), frame.get("params")
        if device is None and not _expected(prefix) and prefix not in self._named:
            ours = isinstance(src, str) and len(src) <= 64 and _ID.fullmatch(src) is not None
            if not ours or frame.get("dst") != f"{prefix}/events" or not plain_topic(prefix):
                return None
        if not isinstance(method, str) or not method.startswith("Notify") or not isinstance(params, dict):
            raise CodecError("it is no notification")
        new = device is None
        device = device or self._made(prefix)
        device.call(src)
        if new:
            self._devices[prefix] = device
        stamp = _stamp(params.get("ts"))
        if method == "NotifyEvent":
            events = self._events(device, params, retained)
        else:
            events = self._status(device, params, stamp, retained, full=method == "NotifyFullStatus")
        return [*events, *self._newly(device)] if new else events

    def _availability(
        self, prefix: str, device: Gen2Device | None, payload: bytes, retained: bool
    ) -> list[Event] | None:
        if device is None and not _expected(prefix) and prefix not in self._named:
            return None
        if not payload:
            return []
        if payload not in (b"true", b"false"):
            raise CodecError(f"{payload[:40]!r} is neither true nor false")
        online, new = payload == b"true", device is None
        if device is None:
            device = self._devices[prefix] = self._made(prefix)
        events: list[Event] = []
        if online or not device.sleeps:
            events.append(Available(prefix, online, None if online else _GONE))
        if new:
            return [device.described(), *events, *self._newly(device, online)]
        if online and not retained:  # it may have been changed meanwhile
            events += map(Send, self._questions(device))
        return events

    def _made(self, prefix: str) -> Gen2Device:
        self._room(prefix)
        device = Gen2Device(prefix)
        if _expected(prefix):
            device.call(prefix)
        return device

    def _newly(self, device: Gen2Device, online: bool = True) -> Iterator[Event]:
        """What follows the first description: topics that the device needs beside the common ones, and questions."""
        needed = {f"{device.key}/status/+": 0, f"{device.key}/online": 1}
        if "/" not in device.key:
            del needed[f"{device.key}/online"]
        needed = {filter: qos for filter, qos in needed.items() if filter not in self._filters}
        if needed:
            self._filters.update(needed)
            yield Listen(tuple(needed.items()))
        if online:
            yield from map(Send, self._questions(device))

    def _questions(self, device: Gen2Device) -> list[Publication]:
        # Words as ids, which no command has.
        return [
            self._request(device, "info", "Shelly.GetDeviceInfo", None),
            self._request(device, "status", "Shelly.GetStatus", None),
        ]

    def _request(self, device: Gen2Device, id: int | str, method: str, params: dict[str, Any] | None) -> Publication:
        frame: dict[str, Any] = {"id": id, "src": f"{self._src}/{device.key}", "method": method}
        if params is not None:
            frame["params"] = params
        try:
            return Publication(f"{device.key}/rpc", orjson.dumps(frame))
        except orjson.JSONEncodeError as error:
            raise CodecError(f"the value cannot be written as JSON: {error}") from error

    def _answered(self, device: Gen2Device, payload: bytes) -> Iterator[Event]:
        frame = members_of(payload)
        device.call(frame.get("src"))
        id, result, error = frame.get("id"), frame.get("result"), frame.get("error")
        failed = None if error is None else _failure(error)
        if type(id) is int:
            yield Answered(device.key, Acknowledgement(id, failed is None, failed))
        elif failed is not None:
            yield Unreadable(device.key, f"it does not tell its {'status' if id == 'status' else 'name'}: {failed}")
        elif id == "status" and isinstance(result, dict):
            yield from self._status(device, result, None, False, full=True)
        elif id == "info" and isinstance(result, dict):
            device.called(result.get("name"), result.get("app") or result.get("model"), "Shelly")
            yield from device.heard({}, False)

    def _status(
        self, device: Gen2Device, params: dict[str, Any], stamp: float | None, retained: bool, *, full: bool
    ) -> list[Event]:
        """The events of components' status; one that is not `full` has only what changed."""
        values: dict[str, Value] = {}
        period = params["sys"].get("wakeup_period") if type(params.get("sys")) is dict else None
        if type(period) is int:
            device.sleeps = period > 0
        for key, status in params.items():
            found = component(key) if type(status) is dict else None
            if found is not None:
                try:
                    self._component(device, key, found[0], status, full, values)
                except CodecError as error:
                    device.refused = f"{key}: {error}"
        return device.heard(values, retained, stamp)

    def _component(
        self, device: Gen2Device, key: str, kind: str, status: dict[str, Any], full: bool, values: dict[str, Value]
    ) -> None:
        points = device.points
        for member, _, value in leaves(status):
            name = f"{key}.{member}"
            if name not in points:
                point = point_of(kind, member, value)
                if point is None or not device.learn(name, point):
                    continue
            values[name] = value
        for word, point in moves(kind).items():
            device.learn(f"{key}.{word}", point)
        errors, name = errors_in(status), f"{key}.errors"
        if (errors or name in points) and (full or errors is not None) and device.learn(name, ERRORS):
            values[name] = errors or ""

    def _events(self, device: Gen2Device, params: dict[str, Any], retained: bool) -> list[Event]:
        happened = params.get("events")
        if not isinstance(happened, list) or len(happened) > _MAX_EVENTS:
            device.refused = f"it has no events, or more than {_MAX_EVENTS}"
            happened = []
        events: list[Event] = []
        for event in happened:
            key, word = (event.get("component"), event.get("event")) if isinstance(event, dict) else (None, None)
            if not isinstance(key, str) or not isinstance(word, str):
                device.refused = "an event has no component or no name"
                continue
            found = component(key)
            if found is not None and found[0] != "sys" and device.learn(f"{key}.event", _EVENT):
                events += device.heard({f"{key}.event": word[:64]}, retained, _stamp(event.get("ts")))
        return events + device.heard({}, retained)


def _expected(prefix: str) -> bool:
    """Whether the prefix is that of a Shelly as it was bought: its model and MAC address."""
    return prefix[:6].lower() == "shelly" and _ID.fullmatch(prefix) is not None and len(prefix) <= 64


def _stamp(ts: object) -> float | None:
    if isinstance(ts, int | float) and not isinstance(ts, bool) and _BORN < ts < 1e11:
        return float(ts)
    return None


def _failure(error: object) -> str:
    """What an error says: `-103: Argument 'id', value 1 not found!`"""
    if not isinstance(error, dict):
        return "an error"
    code, message = error.get("code"), error.get("message")
    words = [str(code)] if isinstance(code, int) and abs(code) < 1 << 31 else []
    if isinstance(message, str):
        words.append(message[:200])
    return ": ".join(words) or "an error"
