"""A bus with clocks that the tests move."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.bus import Device, Devices, Link, Log
from gateway.config.models import DeviceSection
from gateway.model import Acknowledgement, Confirm, Sample


class Clock:
    """Monotonic seconds, and a wall clock that started elsewhere."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.jump = 1_795_338_820.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> float:
        return self.seconds + self.jump


class Bus:
    """Log, devices and links of one test, and everything that clients would be told."""

    def __init__(self, declared: Mapping[str, Any] | None = None, keep_readings: int = 10_000) -> None:
        self.clock = Clock()
        self.log = Log(keep_readings, 600.0, self.clock.monotonic)
        sections = {id: DeviceSection.model_validate(section) for id, section in (declared or {}).items()}
        self.devices = Devices(self.log, sections, self.clock.now, self.clock.monotonic)
        self.answers: list[tuple[str, Acknowledgement, str | None]] = []
        self.lost: list[str] = []
        self._seen = 0

    def link(
        self,
        *,
        single: bool = True,
        silence: float | None = None,
        adapter: str = "a",
        offers: Callable[[str | None], Confirm] = lambda name: "sent",
    ) -> Link:
        return Link(
            adapter,
            self.devices,
            single=single,
            silence=silence,
            offers=offers,
            acknowledge=lambda adapter, answer, device: self.answers.append((adapter, answer, device)),
            lost=self.lost.append,
            monotonic=self.clock.monotonic,
        )

    def device(self, id: str = "a") -> Device:
        device = self.devices.get(id)
        assert device is not None
        return device

    def state(self, id: str = "a") -> tuple[str, str | None]:
        device = self.device(id)
        return device.state.value, device.reason

    def told(self) -> list[dict[str, Any]]:
        """What clients were told since the last call."""
        entries = list(self.log.after(self._seen, self.log.head))
        self._seen = self.log.head
        return [orjson.loads(entry.encoded) for entry in entries]


def sample(**values: bool | int | float | str | None) -> Sample:
    return Sample(dict(values))
