"""A stream: a subscription as such, shared by every client that asked for the same.

No I/O and no event loop. It selects entries of the log, narrows them to the wanted points, folds them where only
the newest values are wanted, and joins them into the frames that all its clients get.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from gateway.bus import Device, Devices, Entry, Log
from gateway.model import matches
from gateway.server.frames import text_frame

Mode = Literal["all", "latest"]

_MAX_FRAME = 64 * 1024  # bytes of entries that are joined into one frame
_FOLD_AT = 4096  # waiting entries that a `latest` stream folds early


@dataclass(frozen=True, slots=True)
class Selection:
    """What a stream carries: globs of devices and points, narrowed to what its identity may read.

    `max_rate` is in frames a second; 0 is not limited.
    """

    devices: tuple[str, ...]
    points: tuple[str, ...]
    readable: tuple[str, ...]
    mode: Mode = "all"
    max_rate: float = 0.0

    def wants(self, device: str) -> bool:
        """Whether the stream carries this device."""
        return any(matches(glob, device) for glob in self.devices) and any(
            matches(glob, device) for glob in self.readable
        )

    def wants_point(self, point: str) -> bool:
        """Whether the stream carries this point."""
        return any(matches(glob, point) for glob in self.points)

    @property
    def all_points(self) -> bool:
        """Whether points are not narrowed, so that readings pass as they were encoded."""
        return "*" in self.points


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame ready to write, how far in the log it reaches, and how many readings it carries or folds away."""

    data: bytes
    position: int
    readings: int
    conflated: int


class Stream:
    """One selection, its name, and the entries that wait for its next flush."""

    def __init__(self, sub: str, selection: Selection, log: Log) -> None:
        self.sub = sub
        self.selection = selection
        self.position = log.head  # how far in the log its clients at the head are
        self.carried = 0  # readings that its frames carried or folded away so far
        self.waiting: list[Entry] = []
        self._log = log
        self._points: dict[str, bool] = {}
        self._head = b'{"type":"update","sub":%b,' % orjson.dumps(sub)
        self._folded: list[int] = []  # sequences of the readings that early folding took out of `waiting`
        self._fold_at = _FOLD_AT

    def add(self, entry: Entry) -> bool:
        """Takes an entry of a device that the stream carries; False where it holds none of the wanted points."""
        narrowed = entry if self.selection.all_points else self._narrow(entry)
        if narrowed is None:
            return False
        self.waiting.append(narrowed)
        if self.selection.mode == "latest" and len(self.waiting) >= self._fold_at:
            self.waiting, folded = self._fold(self.waiting)
            self._folded += folded
            # Where there are that many points, each further reading must not fold them all again.
            self._fold_at = max(_FOLD_AT, 2 * len(self.waiting))
        return True

    @property
    def waiting_readings(self) -> int:
        """How many readings wait for the next flush."""
        return len(self._folded) + sum(not entry.about_device for entry in self.waiting)

    @property
    def waits_after(self) -> int:
        """The position before the oldest entry that waits; there must be one."""
        return min(self.waiting[0].sequence, *self._folded) - 1 if self._folded else self.waiting[0].sequence - 1

    def take(self) -> list[Frame]:
        """The frames of what has waited; the stream is then at the newest of it."""
        waiting, self.waiting = self.waiting, []
        if not waiting:
            return []
        folded, self._folded, self._fold_at = self._folded, [], _FOLD_AT
        frames = list(self.frames(waiting, self.position, waiting[-1].sequence, folded))
        self.carried += sum(frame.readings for frame in frames)
        self.position = waiting[-1].sequence
        return frames

    def frames(
        self, entries: Iterable[Entry], position: int, until: int, folded: Iterable[int] = ()
    ) -> Iterator[Frame]:
        """The frames that bring a client from one position to another; one empty frame where nothing is to tell.

        In a frame `devices` come before `readings`: a frame ends before a device that changed after one of its
        readings. `folded` has the sequences of readings between the two that were folded away already; each counts
        as conflated in the frame that passes it, so that the counts add up for who resumes after any of them.
        """
        gone: list[int] = []
        if self.selection.mode == "latest":
            entries, gone = self._fold(list(entries))
            gone = sorted((*folded, *gone))
        readings: list[bytes] = []
        devices: dict[str, bytes] = {}
        touched: set[str] = set()
        size = 0
        reached = position

        def flush(reach: int) -> Frame:
            nonlocal position, size
            conflated = bisect_right(gone, reach)
            frame = self._frame(position, reach, readings, list(devices.values()), conflated)
            position, size = reach, 0
            del gone[:conflated]
            readings.clear()
            devices.clear()
            touched.clear()
            return frame

        for entry in entries:
            if (size > _MAX_FRAME or (entry.about_device and entry.device in touched)) and reached > position:
                yield flush(reached)
            if entry.about_device:
                devices[entry.device] = entry.encoded
            else:
                readings.append(entry.encoded)
                touched.add(entry.device)
            size += len(entry.encoded)
            reached = entry.sequence
        if readings or devices or position != until:
            yield flush(until)

    def select(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Those of the log's entries that the stream carries, narrowed to the wanted points."""
        wants: dict[str, bool] = {}
        for entry in entries:
            wanted = wants.get(entry.device)
            if wanted is None:
                wanted = wants[entry.device] = self.selection.wants(entry.device)
            if wanted:
                narrowed = entry if self.selection.all_points else self._narrow(entry)
                if narrowed is not None:
                    yield narrowed

    def snapshot(self, devices: Devices, position: int) -> Iterator[bytes]:
        """The frames of a snapshot; all but the last are marked `more`."""
        head = b'{"type":"snapshot","sub":%b,"cursor":%b,' % (
            orjson.dumps(self.sub),
            orjson.dumps(self._log.cursor(position)),
        )
        wanted = None if self.selection.all_points else self.wants_point
        part: list[bytes] = []
        size = 0
        for device in devices:
            if self.selection.wants(device.id):
                encoded = orjson.dumps(device.to_json(wanted))
                if size + len(encoded) > _MAX_FRAME and part:
                    yield text_frame(head + b'"more":true,"devices":[' + b",".join(part) + b"]}")
                    part, size = [], 0
                part.append(encoded)
                size += len(encoded)
        yield text_frame(head + b'"devices":[' + b",".join(part) + b"]}")

    def missed_nothing(self, devices: Devices, position: int) -> bool:
        """Whether no device of the stream said anything after the position, though the log has moved on."""
        return devices.removed_at <= position and not any(
            device.sequence > position for device in self._carried_devices(devices)
        )

    def wants_point(self, point: str) -> bool:
        """Whether the stream carries this point; remembered, for points are few."""
        wanted = self._points.get(point)
        if wanted is None:
            if len(self._points) >= 4096:
                self._points.clear()
            wanted = self._points[point] = self.selection.wants_point(point)
        return wanted

    # ---- inside

    def _carried_devices(self, devices: Devices) -> Iterator[Device]:
        return (device for device in devices if self.selection.wants(device.id))

    def _narrow(self, entry: Entry) -> Entry | None:
        """The entry with the wanted points only; None where it holds none of them."""
        members: dict[str, Any] = orjson.loads(entry.encoded)
        for name in ("values", "quality", "points"):
            if name in members:
                members[name] = {point: v for point, v in members[name].items() if self.wants_point(point)}
        if not entry.about_device and not members["values"]:
            return None
        return entry._replace(encoded=orjson.dumps(members))

    def _fold(self, entries: list[Entry]) -> tuple[list[Entry], list[int]]:
        """The newest value of each point only: readings lose what a later one carries, and go when all is lost.

        Gives what is left, and the sequences of those that went.
        """
        seen: set[tuple[str, str]] = set()
        kept: list[Entry] = []
        gone: list[int] = []
        for entry in reversed(entries):
            if entry.about_device:
                kept.append(entry)
                continue
            members: dict[str, Any] = orjson.loads(entry.encoded)
            values = members["values"]
            fresh = {point: v for point, v in values.items() if (entry.device, point) not in seen}
            if not fresh:
                gone.append(entry.sequence)
                continue
            seen.update((entry.device, point) for point in fresh)
            if len(fresh) < len(values):
                members["values"] = fresh
                if "quality" in members:
                    members["quality"] = {point: q for point, q in members["quality"].items() if point in fresh}
                kept.append(entry._replace(encoded=orjson.dumps(members)))
            else:
                kept.append(entry)
        kept.reverse()
        return kept, gone

    def _frame(self, position: int, reach: int, readings: list[bytes], devices: list[bytes], conflated: int) -> Frame:
        cursor = self._log.cursor
        parts = [self._head, b'"prev":"%b","cursor":"%b"' % (cursor(position).encode(), cursor(reach).encode())]
        if conflated:
            parts.append(b',"conflated":%d' % conflated)
        if devices:
            parts.append(b',"devices":[' + b",".join(devices) + b"]")
        parts.append(b',"readings":[' + b",".join(readings) + b"]}")
        return Frame(text_frame(b"".join(parts)), reach, len(readings) + conflated, conflated)
