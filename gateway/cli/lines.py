"""Readings as lines: JSON for programs, plain text for pipes, aligned and coloured for a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from rich.console import Console
from rich.text import Text

from gateway.cli.console import JSON_ESCAPES, plain

_BARE = re.compile(r"[^\s=\"'()]+")  # texts that need no quotes
# How people write the commonest units that UCUM writes otherwise.
_SYMBOLS = {"Cel": "°C", "[degF]": "°F", "deg": "°", "Ohm": "Ω", "m2": "m²", "m3": "m³", "m3/h": "m³/h", "m/s2": "m/s²"}
_STYLES = {"bad": "red", "stale": "yellow", "uncertain": "yellow"}

Units = Mapping[str, Mapping[str, str]]  # device → point → UCUM code


class Lines(Protocol):
    """A way to write readings; `units` are known as far as devices told them."""

    def of(self, readings: Iterable[dict[str, Any]], units: Units) -> list[str]:
        """The lines, one for each reading."""
        ...


class JsonLines:
    """Each reading as it came."""

    def of(self, readings: Iterable[dict[str, Any]], units: Units) -> list[str]:
        """One JSON object a line."""
        return [json_line(reading) for reading in readings]


class PlainLines:
    """`2026-11-22T11:20:20.123+01:00 greenhouse temperature=21.4 Cel fan=false humidity=null (bad)`"""

    def of(self, readings: Iterable[dict[str, Any]], units: Units) -> list[str]:
        """Time, device, and each point with its value, unit, and quality where that is not good."""
        return [self._line(reading, units.get(reading["device"], {})) for reading in readings]

    @staticmethod
    def _line(reading: dict[str, Any], units: Mapping[str, str]) -> str:
        quality = reading.get("quality", {})
        parts = [_moment(reading["time"]).isoformat(timespec="milliseconds"), plain(reading["device"])]
        for point, value in reading["values"].items():
            unit = f" {plain(units[point])}" if point in units and value is not None else ""
            grade = f" ({plain(str(quality[point]))})" if point in quality else ""
            parts.append(f"{plain(point)}={_shown(value)}{unit}{grade}")
        return " ".join(parts)


class TerminalLines:
    """The same with colours, the values of a device in columns that only ever grow."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._device_width = 0
        self._widths: dict[tuple[str, str], int] = {}

    def of(self, readings: Iterable[dict[str, Any]], units: Units) -> list[str]:
        """Lines with the terminal's own colour codes."""
        with self._console.capture() as capture:
            for reading in readings:
                self._console.print(self._line(reading, units.get(reading["device"], {})))
        return capture.get().splitlines()

    def _line(self, reading: dict[str, Any], units: Mapping[str, str]) -> Text:
        device = plain(reading["device"])
        quality = reading.get("quality", {})
        self._device_width = max(self._device_width, len(device))
        line = Text(f"{_moment(reading['time']):%H:%M:%S.%f}"[:-3], style="dim")
        line = Text.assemble(line, "  ", (device.ljust(self._device_width), "cyan"))
        for point, value in reading["values"].items():
            unit = units.get(point, "")
            tail = f" {plain(_SYMBOLS.get(unit, unit))}" if unit and value is not None else ""
            grade = plain(str(quality[point])) if point in quality else ""
            shown = _shown(value)
            width = len(shown) + len(tail) + (len(grade) + 3 if grade else 0)
            known = self._widths.get((device, point), 0)
            if width > known and len(self._widths) < 10_000:
                self._widths[device, point] = width
            style = _STYLES.get(grade, "green" if value is True else "bold")
            line.append("  ").append(plain(point), "dim").append(" ").append(shown, style).append(tail, "dim")
            if grade:
                line.append(f" ({grade})", style)
            line.append(" " * (known - width))
        line.rstrip()
        return line


def json_line(members: dict[str, Any]) -> str:
    """The object as strict JSON in one line that cannot steer a terminal."""
    return orjson.dumps(members).decode().translate(JSON_ESCAPES)


def _shown(value: object) -> str:
    """A value in one word, or in quotes."""
    if isinstance(value, str) and _BARE.fullmatch(value):
        return plain(value)
    return plain(json.dumps(value, ensure_ascii=False))


def _moment(seconds: float) -> datetime:
    """The time in the zone of this machine."""
    return datetime.fromtimestamp(seconds, UTC).astimezone()
