"""What a board's frames say, and what it understands. Nothing here knows a line or a framing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

from device_sims.device import Command, Poll
from device_sims.kinds import Kind, Value
from device_sims.wire.json_codecs import Json, Senml
from device_sims.wire.nmea import TALKERS, Nmea
from device_sims.wire.struct_codec import Struct
from device_sims.wire.text_codecs import Delimited, KeyValue, Number, Text


class Codec(Protocol):
    """How a kind of board speaks. `node` names the device where several share the line, and is None elsewhere."""

    def hello(self) -> list[bytes]:
        """What the board says first after it has started."""

    def reading(self, values: Mapping[str, Value], node: str | None) -> list[bytes]:
        """The payloads that carry a reading."""

    def heard(self, payload: bytes) -> Command | Poll | None:
        """What a payload wants, None where it wants nothing; `ValueError` where it cannot be understood."""

    def answer(self, command: Command, error: str | None) -> bytes | None:
        """The payload that answers a command, a refusal where there is an `error`; None where there is no answer."""


CODECS = ("json", "delimited", "key_value", "text", "struct", "nmea0183", "senml", "number")


def codec_named(name: str, kind: Kind, *, shared: bool, header: bool, stamp: bool) -> Codec:
    """The codec of that name, for boards of the kind; `shared`, several devices are on the line."""
    match name:
        case "json":
            return Json(shared=shared)
        case "delimited":
            return Delimited(kind, shared=shared, header=header, stamp=stamp)
        case "key_value":
            return KeyValue(kind, shared=shared)
        case "text":
            return Text(kind, shared=shared)
        case "struct":
            return Struct(kind, shared=shared, stamp=stamp)
        case "senml":
            return Senml(kind, shared=shared)
        case "number":
            return Number(kind)
        case "nmea0183":
            return Nmea(kind, clock=time.time)
    raise ValueError(f"no codec is named {name!r}: there are {', '.join(CODECS)}")


def default_codec(kind: Kind) -> str:
    """How boards of the kind speak unless they are told otherwise."""
    return "nmea0183" if kind.name in TALKERS else "json"
