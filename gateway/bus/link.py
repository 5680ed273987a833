"""An adapter's handle onto the bus: it says what it hears and how its link fares, and knows nothing more."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from gateway.bus.device import Device, LinkInfo
from gateway.bus.devices import Devices
from gateway.errors import worth_saying
from gateway.model import Acknowledgement, Confirm, Description, DeviceState, Sample, safe_name

_MAX_DEVICES = 4096  # of one adapter
_HEALTHY_AFTER = 60.0  # seconds that it must last for its end to be news again
_MAX_WIRE_NAME = 256  # characters

logger = logging.getLogger(__name__)


class Link:
    """The link of one adapter: up or down, and the devices that were heard on it.

    A name of None is the adapter itself as its one device. `silence` is in seconds; None never judges silence.
    `offers` tells the best proof of a command that the link gives for a device. `is_ours` tells whether this gateway
    publishes on an MQTT topic itself: what it said is not to be heard again.
    """

    def __init__(
        self,
        adapter: str,
        devices: Devices,
        *,
        single: bool,
        silence: float | None = None,
        offers: Callable[[str | None], Confirm] = lambda name: "sent",
        acknowledge: Callable[[str, Acknowledgement, str | None], None] = lambda adapter, answer, device: None,
        lost: Callable[[str], None] = lambda adapter: None,
        is_ours: Callable[[str], bool] = lambda topic: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.adapter = adapter
        self.info = LinkInfo()
        self.is_ours = is_ours
        self.is_up = False
        self.reason: str | None = None  # why it is down
        self._said: str | None = None  # the reason that was logged last
        self._ever_up = False
        self._up_since = 0.0
        self._devices = devices
        self._silence = silence
        self._offers = offers
        self._acknowledge = acknowledge
        self._lost = lost
        self._monotonic = monotonic
        self._known: dict[str | None, Device] = {}
        self._names: dict[Device, set[str | None]] = {}  # and the other way round: one may be known by two
        self._refused = 0
        devices.links[adapter] = self.info
        declared = devices.declared_for(adapter)
        for id in sorted({*declared, adapter} if single else declared):
            _, _, name = id.partition(".")
            self._add(id, name or None, announce=True)

    # ---- how the link fares

    def up(self) -> None:
        """The link is open."""
        if self._ever_up:
            self.info.reconnects += 1
        self.is_up = self._ever_up = True
        self.reason = None
        self._up_since = self._monotonic()
        for device in self._known.values():
            device.begin_anew()
            self._judge(device)

    def down(self, reason: str) -> None:
        """The link is closed, or could not be opened; `reason` is what a person reads."""
        was_up, self.is_up = self.is_up, False
        if was_up and self._monotonic() - self._up_since >= _HEALTHY_AFTER:
            self._said = None
        if self._said != reason:  # a link that comes and goes for one reason says so once
            logger.warning("%s: %s", self.adapter, reason)
        self.reason = self._said = reason
        for device in self._known.values():
            device.available = None
            self._judge(device)
        if was_up:
            self._lost(self.adapter)

    def close(self) -> None:
        """The adapter was taken out: its devices go."""
        self.is_up = False
        self._lost(self.adapter)
        for device in self._names:
            self._devices.remove(device)
        self._devices.links.pop(self.adapter, None)
        self._known.clear()
        self._names.clear()

    # ---- what is heard on it

    def describe(self, name: str | None, description: Description, *, commandable: bool) -> None:
        """A device says what it is; what it says that it takes is commanded where `commandable`."""
        device = self._device(name)
        if device is not None:
            self._devices.describe(device, description, commandable)
            self._judge(device)

    def remove(self, name: str, reason: str) -> None:
        """A device is gone for good. One that is declared stays, and is offline for this reason."""
        device = self._known.get(name)
        if device is None:
            return
        if device.id in self._devices.declared:
            device.available, device.absence = False, reason
            self._judge(device)
            return
        for known in self._names.pop(device):
            del self._known[known]
        self._devices.remove(device)

    def receive(self, name: str | None, sample: Sample, *, retained: bool = False) -> None:
        """A device sent values. Retained ones are old: they say nothing of how the device is now."""
        device = self._device(name)
        if device is None:
            return
        device.frames += 1
        if not retained:
            # Before the reading, so that both share a frame: in one, devices come first.
            judged_anew = device.note_frame(bad=False)
            device.heard = self._monotonic()
            if device.available is False:  # it speaks, so it is there, whatever was said of it
                device.available = None
            if judged_anew or device.state is not DeviceState.ONLINE:
                self._judge(device)
        self._devices.receive(device, sample, retained=retained)

    def traffic(self, received: int) -> None:
        """Bytes came in from the wire."""
        self.info.bytes += received

    def resynced(self, times: int) -> None:
        """The framing passed over bytes to find where the next frame begins, so many times since this was last told."""
        self.info.resyncs += times

    def fault(self, name: str | None, message: str, *, frames: int = 1, checksum_errors: int = 0) -> None:
        """Frames could not be read: counted for the device where it is known, else for the link.

        `checksum_errors` is how many of them had a wrong checksum.
        """
        device = self._known.get(name)
        if device is None:
            self.info.errors += frames
            self.info.checksum_errors += checksum_errors
            count = self.info.errors
        else:
            device.errors += frames
            device.checksum_errors += checksum_errors
            count = device.errors
            if device.note_frame(bad=True):
                self._judge(device)
        if worth_saying(count):
            logger.warning(
                "%s: unreadable: %s (%d so far)", device.id if device else self.adapter, message[:200], count
            )

    def available(self, name: str | None, online: bool, reason: str | None = None) -> None:
        """The device, or its broker, says whether it is there; `reason` is what a person reads while it is not."""
        device = self._device(name)
        if device is not None:
            device.available = online
            device.absence = reason
            self._judge(device)

    def acknowledged(self, answer: Acknowledgement, name: str | None = None) -> None:
        """A device answered a command; a link of many devices gives the name where the wire tells it."""
        device = self._known.get(name)
        if device is not None:
            device.heard = self._monotonic()
            device.last_heard = self._devices.now()
            if device.available is False:
                device.available = None
            self._judge(device)
        self._acknowledge(self.adapter, answer, device.id if device else None)

    def judge_silence(self) -> None:
        """Judges the devices that have gone quiet; the clock of the bus calls it."""
        if self._silence is not None and self.is_up:
            for device in self._known.values():
                self._judge(device)

    # ---- inside

    def _judge(self, device: Device) -> None:
        state, reason = self._verdict(device)
        self._devices.set_state(device, state, reason)

    def _verdict(self, device: Device) -> tuple[DeviceState, str | None]:
        if not self.is_up:
            return (DeviceState.OFFLINE, self.reason) if self.reason else (DeviceState.UNKNOWN, None)
        if device.available is False:
            return DeviceState.OFFLINE, device.absence or "the device reported itself offline"
        if self._silence is not None:
            quiet = self._monotonic() - (device.heard if device.heard is not None else self._up_since)
            if quiet > self._silence:
                return DeviceState.DEGRADED, f"silent for more than {self._silence:g} s"
        if device.mostly_bad:
            return DeviceState.DEGRADED, "most frames are unreadable"
        if device.heard is None and not device.available:
            return DeviceState.UNKNOWN, "nothing heard yet"
        return DeviceState.ONLINE, None

    def _device(self, name: str | None) -> Device | None:
        """The device of this name, new where it was not known; None where there are too many."""
        device = self._known.get(name)
        if device is None:
            if len(self._known) >= _MAX_DEVICES or (name is not None and not 1 <= len(name) <= _MAX_WIRE_NAME):
                self._refused += 1
                self.info.errors += 1
                if worth_saying(self._refused):
                    logger.warning("%s: a device was refused: too many, or its name is too long", self.adapter)
                return None
            device = self._add(self.adapter if name is None else f"{self.adapter}.{safe_name(name)}", name)
        return device

    def _add(self, id: str, name: str | None, *, announce: bool = False) -> Device:
        device = self._devices.get(id)
        if device is None:
            device = self._devices.add(id, name, self.info, self._offers(name))
            if announce:
                self._devices.announce(device)
        elif name is not None and device.wire_name == id.partition(".")[2]:
            # Declared by its id, which a name such as `Living room` only resembles: now the wire says the name.
            device.call(name)
        self._known[name] = device
        self._names.setdefault(device, set()).add(name)
        return device
