"""The registry of devices: normalises what adapters hear, keeps the newest values, and judges states.

Everything here runs on the event loop and waits for nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from math import inf, isfinite

import orjson

from gateway.bus.device import Device, LinkInfo
from gateway.bus.log import Log
from gateway.bus.rules import type_of
from gateway.config.models import DeviceSection
from gateway.errors import worth_saying
from gateway.model import Confirm, Description, DeviceState, Quality, Reading, Sample, Value, clean

_MAX_POINTS = 512  # of a device
_MAX_POINT_NAME = 128  # characters
_MAX_UNIT = 32  # characters
_MAX_UNIT_CHANGES = 16  # of a device; one that says another with every frame says nothing
_MEASURE_EVERY = 1.0  # seconds
_UNDECLARED = DeviceSection()

logger = logging.getLogger(__name__)

ReadingTap = Callable[[Reading], None]


class Devices:
    """All devices by id. `log` gets every reading and every change in order."""

    def __init__(
        self,
        log: Log,
        declared: Mapping[str, DeviceSection],
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._declared = declared
        self.now = now
        self._monotonic = monotonic
        self._devices: dict[str, Device] = {}
        self._measured = monotonic()
        self.links: dict[str, LinkInfo] = {}  # by adapter
        self.removed_at = 0  # sequence of the newest removal
        # Called with each reading after its values are in place; must not raise and must not wait.
        self.taps: list[ReadingTap] = []

    def get(self, device: str) -> Device | None:
        """The device of this id."""
        return self._devices.get(device)

    def __iter__(self) -> Iterator[Device]:
        return iter(self._devices.values())

    def __len__(self) -> int:
        return len(self._devices)

    @property
    def declared(self) -> Mapping[str, DeviceSection]:
        """What the configuration says of devices, by id."""
        return self._declared

    def declared_for(self, adapter: str) -> list[str]:
        """The ids that the configuration declares for an adapter."""
        return [id for id in self._declared if id.partition(".")[0] == adapter]

    def declare(self, declared: Mapping[str, DeviceSection]) -> None:
        """Takes new declarations; devices that exist keep theirs until their adapter is started anew."""
        self._declared = declared

    def counters(self) -> Iterator[tuple[str, str | None, dict[str, int]]]:
        """Adapter, device and counts: of each link, which has no device, and of each device alone.

        None goes down while its adapter runs, however often the link comes and goes.
        """
        for adapter, link in self.links.items():
            yield adapter, None, link.counters()
        for device in self:
            yield device.adapter, device.id, device.counters()

    def add(self, id: str, wire_name: str | None, link: LinkInfo, offers: Confirm) -> Device:
        """A new device; clients hear of it when it is announced."""
        declared = self._declared.get(id, _UNDECLARED)
        device = Device(id, wire_name=wire_name, declared=declared, link=link, offers=offers, since=self.now())
        device.rate.measure(0, self._monotonic())
        self._devices[id] = device
        return device

    def describe(self, device: Device, description: Description, commandable: bool) -> None:
        """Takes what a device says of itself, and tells clients where that is news."""
        if device.describe(description, commandable):
            self.announce(device)

    def remove(self, device: Device) -> None:
        """A device that went; clients are told."""
        del self._devices[device.id]
        encoded = orjson.dumps({"id": device.id, "removed": True})
        self.removed_at = self._log.append(device.id, encoded, about_device=True)

    def announce(self, device: Device) -> None:
        """Tells clients of the device as it is now."""
        device.sequence = self._log.append(device.id, orjson.dumps(device.to_json()), about_device=True)

    def receive(self, device: Device, sample: Sample, *, retained: bool = False) -> None:
        """Publishes what a device sent."""
        now = self.now()
        if retained:
            heard = -inf  # it may be of any age
        else:
            heard = self._monotonic()
            device.last_heard = now
        rules, points, latest, guessed = device.rules, device.points, device.latest, device.guessed
        values: dict[str, Value] = {}
        quality: dict[str, Quality] = {}
        learnt = False
        good = Quality.GOOD
        for point, wire in sample.values.items():
            if point not in points or (guessed and point in guessed and wire is not None):
                if not self._learn(device, point, wire):
                    continue
                learnt = True
            rule = rules.get(point)
            if rule is not None:
                value, grade = rule(wire)
            elif (kind := type(wire)) is str or kind is bool or (kind is float and isfinite(wire)):  # type: ignore[arg-type]
                value, grade = wire, good  # nothing to mend: the usual case, and the hot one
            else:
                value, grade = clean(wire)
            values[point] = value
            if grade is not good:
                quality[point] = grade
            latest[point] = (value, now, grade, heard)
        if sample.units and self._take_units(device, sample.units):
            learnt = True
        if device.paces and not retained and device.keep_pace(values, heard):
            learnt = True
        if learnt or not device.sequence:
            self.announce(device)
        if values:
            reading = Reading(device.id, now, values, quality, sample.device_time, retained)
            held = device.hold_back(reading) if device.filters else None
            if not held:
                self._publish(device, reading)
            elif len(held) < len(values):
                self._publish(device, _without(reading, held))
            for tap in self.taps:  # they see what is held back too: it is heard, and may be the proof of a command
                tap(reading)

    def _publish(self, device: Device, reading: Reading) -> None:
        device.sequence = self._log.append(device.id, orjson.dumps(reading.to_json()))

    def _learn(self, device: Device, point: str, value: Value) -> bool:
        """Adds a point that was not declared; False where it cannot be."""
        known = point in device.guessed
        if not known and (
            len(device.points) >= _MAX_POINTS or not 1 <= len(point) <= _MAX_POINT_NAME or not point.isprintable()
        ):
            device.errors += 1
            if worth_saying(device.errors):
                logger.warning("%s: the point %r cannot be added (%d errors)", device.id, point[:40], device.errors)
            return False
        kind = type_of(value, device.declared.points.get(point))
        if kind is None:
            # A null shows no type. A number is the likeliest, until a value shows another.
            device.guessed.add(point)
        else:
            device.guessed.discard(point)
        device.learn(point, kind or "number")
        return True

    def _take_units(self, device: Device, units: Mapping[str, str]) -> bool:
        """Takes what a frame said of units; returns whether a point has another one now."""
        changed = False
        for point, unit in units.items():
            known = device.units.get(point)
            if known == unit or point not in device.points:
                continue
            too_often = known is not None and device.unit_changes >= _MAX_UNIT_CHANGES
            if too_often or not 1 <= len(unit) <= _MAX_UNIT or not unit.isprintable():
                device.errors += 1
                if worth_saying(device.errors):
                    logger.warning("%s: %r cannot be the unit of %r", device.id, unit[:_MAX_UNIT], point)
                continue
            device.unit_changes += known is not None
            device.units[point] = unit
            changed |= device.show_unit(point)
        return changed

    def set_state(self, device: Device, state: DeviceState, reason: str | None) -> None:
        """Moves the device to a state, and tells clients where that is news."""
        if device.state is state and device.reason == reason:
            return
        if device.state is not state:
            device.since = self.now()
            logger.info("%s is %s%s", device.id, state.value, f": {reason}" if reason else "")
        device.state = state
        device.reason = reason
        self.announce(device)

    def tick(self) -> None:
        """Does what time alone brings; the clock of the bus calls it."""
        self.mark_stale()
        self.release()
        self.measure()

    def release(self) -> None:
        """Publishes what was held back until now."""
        now = self._monotonic()
        for device in self._devices.values():
            if device.filters:
                for reading in device.overdue(now):
                    self._publish(device, reading)

    def measure(self) -> None:
        """Takes the rate of frames of each device."""
        now = self._monotonic()
        if now - self._measured < _MEASURE_EVERY:
            return
        self._measured = now
        for device in self._devices.values():
            device.rate.measure(device.frames, now)

    def mark_stale(self) -> None:
        """Marks the values that are past their `stale_after`; the clock of the bus calls it."""
        now = self._monotonic()
        for device in self._devices.values():
            went_stale = False
            for name, limit in device.deadlines.items():
                latest = device.latest.get(name)
                if latest is None:
                    continue
                value, time_, quality, heard = latest
                if quality is not Quality.STALE and now - heard > limit:
                    device.latest[name] = (value, time_, Quality.STALE, heard)
                    if name in device.filters:
                        device.filters[name].publish(device.latest[name], now)
                    went_stale = True
            if went_stale:
                self.announce(device)


def _without(reading: Reading, held: list[str]) -> Reading:
    """The reading without the points that are held back."""
    values = {point: value for point, value in reading.values.items() if point not in held}
    quality = {point: grade for point, grade in reading.quality.items() if point not in held}
    return Reading(reading.device, reading.time, values, quality, reading.device_time, reading.retained)
