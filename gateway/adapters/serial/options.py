"""The serial adapter, as configured: which line, what its frames say, who is on it, and how it is spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.adapters.base import Adapter, AdapterPlugin, LinkFactory
from gateway.adapters.serial.adapter import SerialAdapter
from gateway.adapters.serial.schedule import Request
from gateway.adapters.serial.sections import (
    CommandsSection,
    DevicesSection,
    PollSection,
    UsbSection,
    wrong,
)
from gateway.adapters.wire import Wire
from gateway.adapters.wire.port import Opener, PortSettings, UsbBoard
from gateway.adapters.wire.socket import SCHEME, SocketAddress, SocketWire, parse_socket
from gateway.codecs import CodecOptions
from gateway.codecs.json import JsonOptions
from gateway.config.plugged import Plugged
from gateway.config.strict import PositiveDuration
from gateway.errors import CodecError
from gateway.framing import Framing, FramingOptions
from gateway.framing.lines import LinesOptions

_OF_PORTS = ("baudrate", "bytesize", "parity", "stopbits", "exclusive")  # which a TCP server decides for itself


def _stop_bits(given: float) -> float:
    if given not in (1, 1.5, 2):
        raise PydanticCustomError("choice", "expected 1, 1.5 or 2 stop bits")
    return given


def _path_or_socket(given: str) -> str:
    if "://" in given and parse_socket(given) is None:
        raise PydanticCustomError("port", "expected a device file such as /dev/ttyACM0, or socket://HOST:PORT")
    return given


class SerialOptions(AdapterPlugin):
    """A serial port by path, by what its board says of itself on USB, or behind a TCP server."""

    # For editors, which do not know what `_consistent` does.
    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["port"]}, {"required": ["usb"]}]})

    type: str = "serial"
    port: Annotated[str, Field(min_length=1), AfterValidator(_path_or_socket)] | None = None
    usb: UsbSection | None = None
    baudrate: Annotated[int, Field(ge=50, le=20_000_000)] = 115200
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["none", "even", "odd", "mark", "space"] = "none"
    stopbits: Annotated[float, AfterValidator(_stop_bits)] = 1
    exclusive: bool = True
    framing: Annotated[FramingOptions, Plugged("framings")] = LinesOptions()
    codec: Annotated[CodecOptions, Plugged("codecs")] = JsonOptions()
    silence: PositiveDuration | None = None
    devices: DevicesSection | None = None
    commands: CommandsSection | None = None
    poll: PollSection | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.port is None) == (self.usb is None):
            raise wrong("needs either `port` or `usb`")
        if self.port is not None and self.port.startswith(SCHEME):
            for key in _OF_PORTS:
                if key in self.model_fields_set:
                    raise wrong(f"means nothing for {SCHEME}: the server there decides it", key)
        if self.devices is not None and self.devices.field is None and self.poll is None:
            raise wrong("needs a `field`: without, no frame says which device sent it", "devices")
        self._requests(self.framing.build())  # each must fit into a frame
        return self

    def summary(self) -> str:
        """`serial /dev/ttyACM0 at 115200 baud, lines of json`"""
        where = self._name()
        baud = "" if isinstance(where, SocketAddress) else f" at {self.baudrate} baud"
        asked = len(self._requests(self.framing.build()))
        polled = f", {asked} request{'s' * (asked != 1)}" if asked else ""
        return f"serial {where}{baud}, {self.framing.type} of {self.codec.type}{polled}"

    def wire(self) -> Wire:
        """The way to the far end, not opened yet."""
        name = self._name()
        if isinstance(name, SocketAddress):
            return SocketWire(name)
        parity = self.parity[0].upper()
        return Opener(PortSettings(name, self.baudrate, self.bytesize, parity, self.stopbits, self.exclusive))

    def build(self, link: LinkFactory, gateway: str) -> Adapter:
        """The adapter, with its own wire, framing and codecs."""
        commands = self.commands.codec.build() if self.commands else None
        framing = self.framing.build()
        requests = self._requests(framing)
        names_come = self.devices is not None and self.devices.field is not None
        single = not names_come and (not requests or any(request.name is None for request in requests))
        offer: Literal["acked", "sent"] = "acked" if commands is not None and commands.answers else "sent"
        return SerialAdapter(
            link(single=single, silence=self.silence, offers=lambda name: offer),
            self.wire(),
            framing,
            self.codec.build(),
            commands,
            answer_timeout=self.commands.timeout if self.commands else 5.0,
            single=single,
            field=self.devices.field if self.devices else None,
            names=self.devices.names if self.devices else {},
            requests=requests,
            pause=self.poll.pause if self.poll else 0.0,
        )

    def _name(self) -> str | UsbBoard | SocketAddress:
        if self.usb is not None:
            return UsbBoard(int(self.usb.vid, 16), int(self.usb.pid, 16), self.usb.serial)
        return parse_socket(self.port or "") or self.port or ""

    def _requests(self, framing: Framing) -> list[Request]:
        """What is asked, as it goes on the wire; raises where the framing cannot carry it."""
        poll, wire_names = self.poll, self._wire_names()
        if poll is None:
            return []
        made = []
        for index, section in enumerate(poll.requests):
            every, timeout = section.every or poll.every, section.timeout or poll.timeout
            for name, frame in section.frames(wire_names):
                try:
                    made.append(Request(name, frame, framing.encode(frame), every, timeout))
                except CodecError as error:
                    key = "send" if section.send is not None else "hex"
                    raise wrong(str(error), "poll", "requests", index, key) from error
        return made

    def _wire_names(self) -> Mapping[str, str]:
        return {name: wire for wire, name in self.devices.names.items()} if self.devices is not None else {}
