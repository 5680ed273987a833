"""What every fault may spoil, and the faults of one device together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

FAULT_TICK = 0.05  # seconds
IDLE_TICK = 0.5  # seconds, where there are none
SERIAL, MQTT, MODBUS, RTU = "serial boards", "MQTT nodes", "Modbus meters", "Modbus meters on a line"


class Fault:
    """The base of all faults: spoils nothing.

    `where` are the simulators that can have it. `at_once` are its settings when a script switches it on without any, so
    that it spoils from that moment until it is switched off. `since` is that moment.
    """

    where: ClassVar[tuple[str, ...]] = (SERIAL, MQTT, MODBUS)
    at_once: ClassVar[Mapping[str, object]] = {}
    since: float = 0.0

    def silent(self, t: float) -> bool:
        """Whether the device says nothing `t` seconds after its start."""
        return False

    def unplugged(self, t: float) -> bool:
        """Whether the device is gone `t` seconds after its start."""
        return False

    def noise(self) -> bytes:
        """What to put on the wire before the next frame; asked once a frame."""
        return b""

    def refuses(self) -> str | None:
        """The error to answer the command at hand with, instead of obeying it; asked once a command."""
        return None

    def loses_acknowledgement(self) -> bool:
        """Whether the acknowledgement at hand is not sent; asked once an acknowledgement."""
        return False

    def acknowledgement_delay(self) -> float:
        """Seconds by which the acknowledgement at hand is late; asked once an acknowledgement."""
        return 0.0

    def repeats_acknowledgement(self) -> bool:
        """Whether the acknowledgement at hand is sent twice; asked once an acknowledgement."""
        return False

    def doubled(self) -> bool:
        """Whether a second device speaks and obeys under the same name."""
        return False

    def reboots(self, t: float) -> bool:
        """Whether the device has started anew since it was asked last."""
        return False

    def pause(self) -> float | None:
        """Seconds between pieces of what is written, or None to write whole frames."""
        return None

    def piece(self) -> int:
        """The most bytes in such a piece."""
        return 1

    def held(self) -> int:
        """How many frames are written at once."""
        return 1

    def spoils_checksum(self) -> bool:
        """Whether the checksum of the frame at hand is wrong; asked once a frame."""
        return False

    def cut(self) -> int:
        """How many bytes are missing at the end of the frame at hand; asked once a frame."""
        return 0

    def exception(self) -> int | None:
        """The Modbus exception code to answer the request at hand with; asked once a request."""
        return None


class Every:
    """Counts; every `every`-th time it is the turn."""

    def __init__(self, every: int) -> None:
        if every < 1:
            raise ValueError("every must be at least 1")
        self._every = every
        self._count = 0

    def turn(self) -> bool:
        self._count += 1
        return self._count % self._every == 0


def check_seconds(seconds: float) -> None:
    """Raises `ValueError` for what is no time to wait."""
    if not 0 <= seconds < math.inf:
        raise ValueError("seconds must be 0 or more")


class Faults(list[Fault]):
    """The faults of one device, asked together. `scripted`, more of them may come at any moment."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        super().__init__(faults)
        self.scripted = False

    @property
    def tick(self) -> float:
        """Seconds between looks at what the faults want."""
        return FAULT_TICK if self or self.scripted else IDLE_TICK

    @contextmanager
    def during(self, fault: Fault) -> Iterator[Fault]:
        """Has the fault inside the `with` block."""
        self.append(fault)
        try:
            yield fault
        finally:
            self.end(fault)

    def end(self, fault: Fault) -> None:
        """Switches the fault off; does nothing where it is off."""
        # By identity: two faults with the same settings are equal.
        self[:] = [other for other in self if other is not fault]

    def silent(self, t: float) -> bool:
        """Whether any of them silences the device `t` seconds after its start."""
        return any(fault.silent(t - fault.since) for fault in self)

    def unplugged(self, t: float) -> bool:
        """Whether any of them has the device gone `t` seconds after its start."""
        return any(fault.unplugged(t - fault.since) for fault in self)

    def noise(self) -> bytes:
        """All noise that comes before the next frame."""
        return b"".join(fault.noise() for fault in self)

    def refuses(self) -> str | None:
        """The first error that one of them refuses the command at hand with."""
        return next((error for fault in self if (error := fault.refuses()) is not None), None)

    def exception(self) -> int | None:
        """The first exception that one of them answers the request at hand with."""
        return next((code for fault in self if (code := fault.exception()) is not None), None)

    # Not any(): each of them counts.

    def loses_acknowledgement(self) -> bool:
        """Whether any of them loses the acknowledgement at hand."""
        return sum(fault.loses_acknowledgement() for fault in self) > 0

    def reboots(self, t: float) -> bool:
        """Whether any of them has had the device start anew since it was asked last."""
        return sum(fault.reboots(t - fault.since) for fault in self) > 0

    def repeats_acknowledgement(self) -> bool:
        """Whether any of them repeats the acknowledgement at hand."""
        return sum(fault.repeats_acknowledgement() for fault in self) > 0

    def acknowledgement_delay(self) -> float:
        """The longest time by which the acknowledgement at hand is late, in seconds."""
        return max((fault.acknowledgement_delay() for fault in self), default=0.0)

    def spoils_checksum(self) -> bool:
        """Whether any of them spoils the checksum of the frame at hand."""
        return sum(fault.spoils_checksum() for fault in self) > 0

    def cut(self) -> int:
        """The most bytes that are missing at the end of the frame at hand."""
        return max((fault.cut() for fault in self), default=0)

    def doubled(self) -> bool:
        """Whether there is a second device with the same name."""
        return any(fault.doubled() for fault in self)

    def held(self) -> int:
        """The largest number of frames that are written at once."""
        return max((fault.held() for fault in self), default=1)

    def pause(self) -> float | None:
        """The longest pause between pieces of what is written, or None."""
        return max((pause for fault in self if (pause := fault.pause()) is not None), default=None)

    def piece(self) -> int:
        """The bytes in the smallest piece."""
        return min((fault.piece() for fault in self if fault.pause() is not None), default=1)
