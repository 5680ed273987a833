"""Safe values: sent when a client's lease on a point runs out, when the gateway starts, and when it stops."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.bus import Device, Devices
from gateway.commands.ledger import Command, Outcome
from gateway.config.commanding import SafeOn
from gateway.model import DeviceState, Value

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds between tries at a device that does not do it

_DONE = frozenset({Outcome.EXECUTED, Outcome.UNCONFIRMED})
_IS_THERE = frozenset({DeviceState.ONLINE, DeviceState.DEGRADED})
# A device that only obeys is never heard of, and is `unknown` for ever. Where it is away, the write will say so.
_MAY_BE_THERE = _IS_THERE | {DeviceState.UNKNOWN}

logger = logging.getLogger(__name__)

Where = tuple[str, str]  # device and point


@dataclass(slots=True)
class _Due:
    """A safe value that is to be sent, until it is done or a client commands the point."""

    why: str
    there: frozenset[DeviceState]  # in which the device is worth a try
    attempt: Command | None = None
    pause: float = _FIRST_PAUSE
    not_before: float = 0.0  # monotonic

    def put_off(self, now: float) -> None:
        """The try was in vain: another one later."""
        self.attempt = None
        self.not_before = now + self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)


class Safety:
    """Which safe values are due. `send` submits one; None where that cannot be now."""

    def __init__(self, devices: Devices, send: Callable[[Device, str, Value, str], Command | None]) -> None:
        self._devices = devices
        self._send = send
        self._leases: dict[Where, float] = {}  # when they end, monotonic
        self._due: dict[Where, _Due] = {}

    def begin(self) -> None:
        """The gateway starts: what it left behind is not known."""
        for where in self._points("start"):
            self._due[where] = _Due("the gateway started", there=_IS_THERE)

    def written(self, command: Command, now: float) -> None:
        """A client's command reached the wire, or may have: its lease begins."""
        if command.lease is not None:
            self._leases[command.device, command.point] = now + command.lease

    def ended(self, command: Command) -> None:
        """A command ended: where the device did what a client asked, the client's word counts from now on."""
        if command.is_safe_value or command.outcome not in _DONE:
            return
        where = command.device, command.point
        self._due.pop(where, None)
        if command.lease is None:
            self._leases.pop(where, None)

    def tick(self, now: float) -> None:
        """Sends what is due; the clock of the bus calls it."""
        for where, ends in list(self._leases.items()):
            if now >= ends:
                del self._leases[where]
                logger.warning("%s.%s: its lease was not renewed", *where)
                self._due[where] = _Due("its lease was not renewed", there=_MAY_BE_THERE)
        for where, due in list(self._due.items()):
            if self._is_done(due, now):
                del self._due[where]
            elif due.attempt is None and now >= due.not_before:
                self._try(where, due, now)

    def at_stop(self) -> Iterator[tuple[Device, str, Value]]:
        """The safe values to send when the gateway stops, of devices that can be reached."""
        for id, point in dict.fromkeys((*self._points("stop"), *self._leases)):
            device = self._devices.get(id)
            if device is None or device.state not in _MAY_BE_THERE:
                continue
            rules = device.declared.points.get(point)
            if rules is not None and rules.safe is not None:
                yield device, point, rules.safe

    def _is_done(self, due: _Due, now: float) -> bool:
        attempt = due.attempt
        if attempt is None or not attempt.final:
            return False
        if attempt.outcome in _DONE:
            return True
        due.put_off(now)
        return False

    def _try(self, where: Where, due: _Due, now: float) -> None:
        id, point = where
        device = self._devices.get(id)
        if device is None or device.state not in due.there:
            return  # as soon as it is there
        rules = device.declared.points.get(point)
        if rules is None or rules.safe is None:  # taken out of the configuration
            del self._due[where]
            return
        due.attempt = self._send(device, point, rules.safe, due.why)
        if due.attempt is None:
            due.put_off(now)

    def _points(self, on: SafeOn) -> Iterator[Where]:
        for id, section in self._devices.declared.items():
            for point, rules in section.points.items():
                if rules.safe is not None and on in rules.safe_on:
                    yield id, point
