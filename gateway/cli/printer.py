"""What the gateway tells of devices, for a person: readings, and what becomes of the devices."""

from __future__ import annotations

from typing import Any

from gateway.cli.console import say
from gateway.cli.lines import Lines
from gateway.cli.output import Output


class Printer:
    """Readings to standard output; what becomes of the devices and of the connection to standard error."""

    def __init__(self, wanted: list[str], output: Output, lines: Lines) -> None:
        self._missing = [device for device in wanted if "*" not in device and "?" not in device]
        self._output = output
        self._lines = lines
        self._states: dict[str, str] = {}
        self._units: dict[str, dict[str, str]] = {}

    def devices(self, devices: list[dict[str, Any]], *, whole: bool) -> None:
        if whole:
            present = {device["id"] for device in devices}
            for id in self._states.keys() - present:
                self._forget(id)
        for device in devices:
            id = device["id"]
            if device.get("removed"):
                self._forget(id)
                continue
            self._units[id] = {point: about["unit"] for point, about in device["points"].items() if "unit" in about}
            known, state = self._states.get(id, "online"), device["state"]
            self._states[id] = state
            if state != known:
                reason = device.get("reason")
                self.note(f"{id} is {state}" + (f": {reason}" if reason else ""))
        if whole:
            for id in self._missing:
                if id not in self._states:
                    self.note(f"there is no device {id} yet")
            self._missing.clear()

    def readings(self, readings: list[dict[str, Any]]) -> None:
        self._output.write(self._lines.of(readings, self._units))

    def note(self, message: str) -> None:
        say(f"fieldgate: {message}")

    def _forget(self, id: str) -> None:
        self._units.pop(id, None)
        if self._states.pop(id, None) is not None:
            self.note(f"{id} is gone")
