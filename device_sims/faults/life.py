"""Faults of a device's life: silent, gone, there twice, or starting anew."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import ClassVar

from device_sims.faults.base import SERIAL, Fault


@dataclasses.dataclass(slots=True)
class Silence(Fault):
    """Speaks for `after` seconds, is silent for `seconds`, and so on; by default silent from the start and for ever.

    A silent device still obeys commands, and makes no readings.
    """

    after: float = 0.0
    seconds: float = math.inf

    def __post_init__(self) -> None:
        _check_window(self.after, self.seconds)

    def silent(self, t: float) -> bool:
        """Whether `t` lies in a silent part."""
        return _in_bad_part(t, self.after, self.seconds)


@dataclasses.dataclass(slots=True)
class Unplug(Fault):
    """Is there for `after` seconds, gone for `seconds`, and so on."""

    at_once: ClassVar[Mapping[str, object]] = {"after": 0.0, "seconds": math.inf}
    after: float = 10.0
    seconds: float = 3.0

    def __post_init__(self) -> None:
        _check_window(self.after, self.seconds)

    def unplugged(self, t: float) -> bool:
        """Whether `t` lies in a part in which the device is gone."""
        return _in_bad_part(t, self.after, self.seconds)


@dataclasses.dataclass(slots=True)
class Duplicate(Fault):
    """A second device with the same name speaks, obeys and answers too."""

    where: ClassVar[tuple[str, ...]] = (SERIAL,)

    def doubled(self) -> bool:
        """True."""
        return True


@dataclasses.dataclass(slots=True)
class Reboot(Fault):
    """Starts anew after `after` seconds, then every `every`: breaks off a frame, prints a banner, counts from 1."""

    where: ClassVar[tuple[str, ...]] = (SERIAL,)
    at_once: ClassVar[Mapping[str, object]] = {"after": 0.0, "every": math.inf}
    after: float = 20.0
    every: float = 20.0
    _done: int = dataclasses.field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        if not (0 <= self.after < math.inf and self.every > 0):
            raise ValueError("after must be 0 or more, and every more than 0")

    def reboots(self, t: float) -> bool:
        """Whether it was time for it; several times that were missed are one."""
        before, self._done = self._done, 0 if t < self.after else 1 + int((t - self.after) / self.every)
        return self._done > before


def _in_bad_part(t: float, after: float, seconds: float) -> bool:
    if math.isinf(seconds):
        return t >= after
    return t % (after + seconds) >= after


def _check_window(after: float, seconds: float) -> None:
    if not (0 <= after < math.inf and seconds > 0):
        raise ValueError("after must be 0 or more, and seconds more than 0")
