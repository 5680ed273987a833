"""A recording as a file: a header line, then what came, one JSON object a line, and back.

{"fieldgate":"recording","version":1,"source":"serial","started":1795338820.1,"port":"/dev/ttyACM0","baudrate":115200}
{"t":0.512,"data":"{\\"temperature\\":21.4}\\r\\n"}
{"t":1.013,"hex":"02a1ff03"}

`t` is in seconds since `started`, by a clock that never jumps. `data` is text as it stands, `hex` whatever is none.
Messages of a broker have a `topic`, and `"retained":true` where they are old.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeGuard, get_args

import orjson

from gateway.errors import FieldgateError

VERSION = 1
LONGEST_LINE = 4 << 20  # bytes; a reader takes no longer ones
LONGEST_DATA = 1 << 20  # bytes of one entry, as hexadecimal digits well below that

Source = Literal["serial", "mqtt"]
Setting = str | int | float | list[str]

_SPACE = dict.fromkeys(map(ord, "\t\r\n"))
_OF_HEADER = {"fieldgate", "version", "source", "started"}


class RecordingError(FieldgateError):
    """A file that is no recording, or not a whole one; the message begins with file and line."""


@dataclass(frozen=True, slots=True)
class Header:
    """What was recorded, since when (seconds since the epoch), and with which settings."""

    source: Source
    started: float
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def to_line(self) -> bytes:
        """The first line of the file."""
        fixed = {"fieldgate": "recording", "version": VERSION, "source": self.source, "started": self.started}
        return orjson.dumps(fixed | dict(self.settings), option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """Bytes that came `time` seconds after the start; `topic` is None where they came from a serial port."""

    time: float
    data: bytes
    topic: str | None = None
    retained: bool = False

    def to_line(self) -> bytes:
        """The entry as a line of the file. Only what an editor shows as it is stands there as text."""
        members: dict[str, Any] = {"t": round(self.time, 6)}
        if self.topic is not None:
            members["topic"] = self.topic
        if self.retained:
            members["retained"] = True
        try:
            text = self.data.decode("utf-8")
        except UnicodeDecodeError:
            text = None
        if text is not None and text.translate(_SPACE).isprintable():
            members["data"] = text
        else:
            members["hex"] = self.data.hex()
        return orjson.dumps(members, option=orjson.OPT_APPEND_NEWLINE)


class Recording:
    """Reads a recording line by line. `torn` tells, at the end, that its last line was cut off."""

    def __init__(self, lines: Iterable[bytes], file: str) -> None:
        """Reads the header. `lines` have their line ends; raises RecordingError, `file` names it in the message."""
        self._lines = enumerate(lines, start=1)
        self._file = file
        self.torn = False
        _, line = next(self._lines, (1, b""))
        self.header = self._header(line)

    def __iter__(self) -> Iterator[Entry]:
        """The entries, each once; raises RecordingError at one that cannot be read."""
        before = 0.0
        for number, line in self._lines:
            try:
                members = orjson.loads(line)
            except orjson.JSONDecodeError:
                if line.endswith(b"\n") or len(line) > LONGEST_LINE:
                    raise self._error(number, "not a JSON object") from None
                self.torn = True  # a crash while it was written: only the last line has no end
                return
            entry = self._entry(number, members)
            if entry.time < before:
                raise self._error(number, f"`t` goes back, from {before:g} to {entry.time:g}")
            before = entry.time
            yield entry

    def _header(self, line: bytes) -> Header:
        try:
            members = orjson.loads(line)
        except orjson.JSONDecodeError:
            members = None
        if not isinstance(members, dict) or members.get("fieldgate") != "recording":
            raise self._error(1, "not a recording of `fieldgate record`")
        if members.get("version") != VERSION:
            raise self._error(1, f"version {members.get('version')!r} is not one that this Fieldgate reads: {VERSION}")
        source: Any = members.get("source")
        started = members.get("started")
        if source not in get_args(Source):
            raise self._error(1, f"`source` is {source!r}, which is not one of {', '.join(get_args(Source))}")
        if not _is_time(started):
            raise self._error(1, f"`started` is {started!r}, which is no time")
        return Header(source, started, {key: value for key, value in members.items() if key not in _OF_HEADER})

    def _entry(self, number: int, members: object) -> Entry:
        if not isinstance(members, dict):
            raise self._error(number, "not a JSON object")
        time, topic, retained = members.pop("t", None), members.pop("topic", None), members.pop("retained", False)
        if not _is_time(time):
            raise self._error(number, f"`t` is {time!r}, which is no time")
        if self.header.source == "serial":
            if topic is not None or retained is not False:
                raise self._error(number, "a serial port has no `topic` and no `retained`")
        elif not isinstance(topic, str):
            raise self._error(number, f"`topic` is {topic!r}, which is no topic")
        if not isinstance(retained, bool):
            raise self._error(number, f"`retained` is {retained!r}, which is not true or false")
        match members:
            case {"data": str(text), **rest} if not rest:
                return Entry(time, text.encode("utf-8"), topic, retained)
            case {"hex": str(digits), **rest} if not rest:
                try:
                    return Entry(time, bytes.fromhex(digits), topic, retained)
                except ValueError:
                    raise self._error(number, "`hex` is no string of pairs of hexadecimal digits") from None
        if unknown := members.keys() - {"data", "hex"}:
            raise self._error(number, f"{min(unknown)!r} is not one of t, topic, retained, data, hex")
        raise self._error(number, "needs either `data` or `hex`, as a string")

    def _error(self, number: int, message: str) -> RecordingError:
        return RecordingError(f"{self._file}:{number}: {message}")


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
