"""SenML (RFC 8428) as JSON: a pack of records is a sample for each time in it; a command is a pack of one record.

[{"bn": "urn:dev:ow:10e2073a01080063:", "n": "voltage", "u": "V", "v": 120.1}, {"n": "current", "u": "A", "v": 1.2}]
[{"n": "fan", "vb": true}]                                            the gateway's command, which has no answer
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from gateway.codecs.base import Codec, CodecOptions, CommandCodec, CommandOptions
from gateway.codecs.claims import another
from gateway.codecs.json import parse
from gateway.codecs.senml_units import UCUM, integrated
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Sample, Value

_VERSION = 10  # of the format, as RFC 8428 defines it
_ABSOLUTE = 1 << 28  # a time below it is relative to now (§4.5.3)
_MAX_TIME = 1e11  # seconds: the year 5138
_MAX_RECORDS = 4096
_MAX_VALUES = 512  # in one sample
_DEVICE = "device"  # the value that holds the device's name

# A whole device in the device URNs of RFC 9039, and what stands between it and its part.
_DEVICE_URN = re.compile(r"(urn:dev:[^:]+:[^:_;/]+)[:_;/]?(.*)", re.DOTALL)
_OPEN_URN = re.compile(r"urn:dev:([^:]+:)?")  # a base name that leaves the device's own id to the names
_SEPARATORS = ":/;_.-"  # that a base name ends with
_PARTS = re.compile(r"[:/;]")
_ADDRESS = re.compile(r"[0-9a-f]{12,}")  # of hardware, in lower case and without separators
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]{0,255}")  # §4.5.1
# What a record without a name of its own measures, where its unit tells that it is not the one measurement.
_QUANTITIES = {"lat": "latitude", "lon": "longitude", "%EL": "battery", "EL": "battery"}

_TEXT, _NUMBER = (str,), (int, float)
_KINDS: dict[str, tuple[type, ...]] = {
    "bn": _TEXT, "bt": _NUMBER, "bu": _TEXT, "bv": _NUMBER, "bs": _NUMBER, "bver": (int,),
    "n": _TEXT, "u": _TEXT, "v": (int, float, type(None)), "vs": _TEXT, "vb": (bool,), "vd": _TEXT,
    "s": _NUMBER, "t": _NUMBER, "ut": _NUMBER,
}  # fmt: skip
_VALUES = ("v", "vs", "vb", "vd")

Measured = tuple[float, str, str, str | None, Value]  # time, device, point, unit, value


class SenmlOptions(CodecOptions):
    """`senml`, or `{type: senml, names: full}`"""

    type: str = "senml"
    names: Literal["short", "full"] = "short"
    device: bool = False

    def build(self) -> Codec:
        """The SenML codec."""
        return SenmlCodec(full=self.names == "full", device=self.device)


class SenmlCodec:
    """Reads packs. `full` keeps the device's part of the names in the points; `device` gives it as a value."""

    def __init__(self, *, full: bool, device: bool) -> None:
        self._full = full
        self._device = device

    def decode(self, frame: bytes) -> list[Sample]:
        """The samples in the pack, oldest first. A time that is relative to now is none of the device's own."""
        return self._samples(self._resolved(frame))

    def decode_of(self, frame: bytes, device: str, claims: frozenset[str]) -> list[Sample]:
        """As `decode`; raises CodecError where a base name, or a whole device URN, is of another device.

        `claims` mean nothing here: SenML has its own place for names.
        """
        measured = list(self._resolved(frame))
        for named in dict.fromkeys(name for _, name, *_ in measured):
            if not _is_of(named, device):
                raise another("the pack", named, device)
        return self._samples(measured)

    def _samples(self, measured: Iterable[Measured]) -> list[Sample]:
        groups: dict[tuple[float, str], list[tuple[dict[str, Value], dict[str, str]]]] = {}
        devices = set()
        for time, device, point, unit, value in sorted(measured, key=_age):
            devices.add(device)
            group = groups.setdefault((time, device if self._device else ""), [])
            if not group or point in group[-1][0]:  # the same once more: it is a sample of its own
                group.append(({}, {}))
            values, units = group[-1]
            if len(values) >= _MAX_VALUES - 1:
                raise CodecError(f"more than {_MAX_VALUES - 1} values of one time")
            values[point] = value
            if unit is not None:
                units[point] = unit
        if self._device:
            for (_, device), group in groups.items():
                for values, _ in group:
                    if _DEVICE in values:
                        raise CodecError(f"a record is called {_DEVICE!r}, as the device's name is")
                    if device:
                        values[_DEVICE] = device.rstrip(_SEPARATORS)
        elif len(devices) > 1 and not self._full:
            raise CodecError("several devices in one pack: set `device: true`, or `names: full`")
        return [
            Sample(values, float(time) if time >= _ABSOLUTE else None, units)
            for (time, _), group in groups.items()
            for values, units in group
        ]

    def _resolved(self, frame: bytes) -> Iterator[Measured]:
        """The measurements of a pack, with its base values applied (§4.6)."""
        records = parse(frame)
        if type(records) is not list:
            raise CodecError("not a SenML pack: no array")
        if len(records) > _MAX_RECORDS:
            raise CodecError(f"more than {_MAX_RECORDS} records in one pack")
        base: dict[str, Any] = {"bn": "", "bt": 0, "bu": None, "bv": None, "bs": None, "bver": _VERSION}
        for record in records:
            if not _take(record, base):
                continue
            time = base["bt"] + record.get("t", 0)
            if not -_MAX_TIME < time < _MAX_TIME:
                raise CodecError("a time that is out of all range")
            unit = record.get("u", base["bu"])
            ucum = UCUM.get(unit)
            device, point = self._named(base["bn"], record.get("n", ""), unit)
            has_value, value = _value(record, base["bv"])
            if has_value:
                yield time, device, point, ucum, value
            if "s" in record or (base["bs"] is not None and not isinstance(value, str | bool)):
                total = (base["bs"] or 0) + record.get("s", 0)
                yield time, device, f"{point}.sum" if point else "sum", integrated(ucum) if ucum else None, total
            elif not has_value:
                raise CodecError("a record without a value")

    def _named(self, base: str, name: str, unit: str | None) -> tuple[str, str]:
        """The device's part of a name, which is the base name or a whole device URN, and the name of the point."""
        device, point = base, name
        if not name or not base or _OPEN_URN.fullmatch(base):
            urn = _DEVICE_URN.fullmatch(base + name)
            if urn is not None:
                device, point = urn[1], urn[2]
        measured = ""
        if unit in _QUANTITIES and (not point or (unit in ("lat", "lon") and unit not in point.lower())):
            measured = _QUANTITIES[unit]
        if self._full:
            point = base + name
        return device, f"{point}.{measured}" if point and measured else point or measured


def _is_of(named: str, device: str) -> bool:
    """Whether a device's part of SenML's names may be that of the device that a topic names.

    It has the name between its separators. A URN is a name of another kind, and only compared with an address.
    """
    if named[:4].lower() == "urn:":
        address, urn = _bare(device), _bare(named)
        # An address of 48 bits stands there as one of 64 (RFC 9039 §4.1).
        return not _ADDRESS.fullmatch(address) or address in urn or f"{address[:6]}fffe{address[6:]}" in urn
    return not named or device in _PARTS.split(named.rstrip(_SEPARATORS)) or device == named


def _bare(text: str) -> str:
    return text.lower().replace(":", "").replace("-", "")


def _age(measured: Measured) -> tuple[bool, float]:
    return measured[0] < _ABSOLUTE, measured[0]  # relative times are about now, later than absolute ones


def _take(record: object, base: dict[str, Any]) -> bool:
    """Takes the base fields of a record; whether it has others. Raises CodecError for one that is none."""
    if not isinstance(record, dict):
        raise CodecError("a record is not an object")
    regular = False
    for label, value in record.items():
        kinds = _KINDS.get(label)
        if kinds is None:
            if label.endswith("_"):
                raise CodecError(f"the field {label[:40]!r} must be understood, and is not")  # §4.4
        elif type(value) not in kinds:
            raise CodecError(f"the field {label!r} has a value of another kind than it must")
        elif label in base:
            base[label] = value
        else:
            regular = True
    if not 1 <= base["bver"] <= _VERSION:
        raise CodecError(f"version {base['bver']} of SenML is not known")
    return regular


def _value(record: dict[str, Any], base: float | None) -> tuple[bool, Value]:
    """Whether the record has a value, and the value; the base value counts for numbers (§4.5.4)."""
    given = [label for label in _VALUES if label in record]
    if len(given) > 1:
        raise CodecError("a record with several values")
    if not given:
        return base is not None and "s" not in record, base
    value: Value = record[given[0]]
    if given[0] == "v" and base is not None and isinstance(value, int | float):
        value += base
    return True, value


class SenmlCommandOptions(CommandOptions):
    """`senml`"""

    type: str = "senml"
    separator: Annotated[str, Field(max_length=4)] = ":"

    def build(self) -> CommandCodec:
        """The SenML command codec."""
        return SenmlCommands(self.separator)


class SenmlCommands:
    """Writes commands as packs of one record (RFC 8428 §5.1.7). SenML knows no acknowledgements."""

    answers = False
    answers_by_id = True

    def __init__(self, separator: str) -> None:
        self._separator = separator

    def encode(self, command: Outgoing, field: str | None) -> bytes:
        """The pack; with `field`, the device's name is its base name. An action is the value true."""
        record: dict[str, Value] = {}
        if field is not None:
            record["bn"] = f"{command.name or ''}{self._separator}"
        record["n"] = command.point
        if not _NAME.fullmatch(f"{record.get('bn', '')}{command.point}"):
            raise CodecError("the name of the point has characters that SenML has not in names")
        value = command.value
        if isinstance(value, float) and not math.isfinite(value):
            raise CodecError(f"{value} cannot be written as JSON")
        if value is None or isinstance(value, bool):
            record["vb"] = value is None or value
        else:
            record["vs" if isinstance(value, str) else "v"] = value
        try:
            return orjson.dumps([record])
        except orjson.JSONEncodeError as error:
            raise CodecError(f"the value cannot be written as JSON: {error}") from error

    def match(self, frame: bytes) -> Acknowledgement | None:
        """None."""
        return None
