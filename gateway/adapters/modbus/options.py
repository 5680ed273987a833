"""The Modbus adapter: registers of devices become readings, commands are written to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.adapters.base import Adapter, AdapterPlugin, LinkFactory
from gateway.adapters.modbus.address import parse_url
from gateway.adapters.modbus.blocks import Place
from gateway.adapters.modbus.frames import Frames, RtuFrames, TcpFrames
from gateway.adapters.modbus.line import Line, Timing
from gateway.adapters.modbus.map import Period, Points, UnitNumber, UnitSection
from gateway.adapters.modbus.poller import Poller
from gateway.adapters.modbus.unit import Unit
from gateway.adapters.modbus.values import Order
from gateway.adapters.modbus.writes import job_of
from gateway.adapters.serial.sections import UsbSection, wrong
from gateway.adapters.wire import Wire
from gateway.adapters.wire.port import Opener, PortSettings, UsbBoard
from gateway.adapters.wire.socket import SocketWire
from gateway.bus import Link
from gateway.config.strict import Duration, Name, PositiveDuration
from gateway.errors import NotSentError
from gateway.model import Outgoing
from gateway.supervise import BackOff, supervise

_OF_PORTS = ("baudrate", "parity", "stopbits")
_RTU_UNITS = range(1, 248)  # 0 is for all at once, which none answers, and those above are reserved
_BITS_OF_BYTE = 11  # on a line: start, eight, parity or a second stop, stop
_QUIET = 3.5  # bytes that a line must be quiet between two messages
_LEAST_QUIET = 0.00175  # seconds, at whatever speed
_DEAF_AFTER = 600.0  # seconds without a byte, after which a TCP connection is made anew
_PORT_BACK_OFF = BackOff(first=0.25, longest=4.0)
_TCP_BACK_OFF = BackOff(first=0.5, longest=30.0)


def _modbus_url(given: str) -> str:
    if parse_url(given) is None:
        raise PydanticCustomError("url", "expected tcp://HOST:PORT, or rtu+tcp://HOST:PORT")
    return given


class ModbusOptions(AdapterPlugin):
    """A Modbus device, or several on one line: by TCP, on a serial port, or on one behind a TCP server."""

    type: str = "modbus"
    url: Annotated[str, AfterValidator(_modbus_url)] | None = None
    port: Annotated[str, Field(min_length=1)] | None = None
    usb: UsbSection | None = None
    baudrate: Annotated[int, Field(ge=300, le=20_000_000)] = 9600
    parity: Literal["none", "even", "odd"] = "none"
    stopbits: Literal[1, 2] = 1
    timeout: Annotated[PositiveDuration, Field(ge=0.01, le=60)] = 1.0
    pause: Annotated[Duration, Field(le=10)] | None = None
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    bridge: Annotated[int, Field(ge=0, le=124)] = 8
    every: Period = 1.0
    order: Order = "big"
    unit: UnitNumber = 1
    points: Points | None = None
    devices: Annotated[Mapping[Name, UnitSection], Field(min_length=1, max_length=1024)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sum(way is not None for way in (self.url, self.port, self.usb)) != 1:
            raise wrong("needs one of `url`, `port` and `usb`")
        if self.url is not None:
            for key in _OF_PORTS:
                if key in self.model_fields_set:
                    raise wrong("means nothing with a `url`", key)
        if (self.points is None) == (self.devices is None):
            raise wrong("needs either `points` of one device, or `devices`")
        if self.devices is not None and "unit" in self.model_fields_set:
            raise wrong("each of the `devices` has its own", "unit")
        if not self._is_tcp:
            for loc, unit in self._unit_numbers():
                if unit not in _RTU_UNITS:
                    raise wrong(f"expected a unit from {_RTU_UNITS[0]} to {_RTU_UNITS[-1]}, found {unit}", *loc)
        return self

    @property
    def _is_tcp(self) -> bool:
        address = parse_url(self.url or "")
        return address is not None and not address.is_rtu

    def _unit_numbers(self) -> list[tuple[tuple[str, ...], int]]:
        if self.devices is None:
            return [(("unit",), self.unit)]
        return [(("devices", name, "unit"), section.unit) for name, section in self.devices.items()]

    def summary(self) -> str:
        """`modbus tcp://192.168.1.20: heatpump, meter`"""
        where = self.url or f"{self._port_name()} at {self.baudrate} baud"
        what = ", ".join(self.devices) if self.devices is not None else f"unit {self.unit}"
        return f"modbus {where}: {what}"

    def build(self, link: LinkFactory, gateway: str) -> Adapter:
        """The adapter, with its own connection."""
        return ModbusAdapter(self, link(single=self.devices is None, offers=lambda name: "verified"))

    def wire(self) -> Wire:
        """The way to the far end, not opened yet."""
        address = parse_url(self.url or "")
        if address is not None:
            return SocketWire(address)
        return Opener(PortSettings(self._port_name(), self.baudrate, 8, self.parity[0].upper(), self.stopbits))

    def frames(self) -> Callable[[], Frames]:
        """What makes the frames of a connection."""
        return TcpFrames if self._is_tcp else RtuFrames

    def timing(self) -> Timing:
        """How long things take."""
        byte = 0.0 if self.url is not None else _BITS_OF_BYTE / self.baudrate
        pause = self.pause
        if pause is None:
            pause = 0.0 if self._is_tcp else max(_QUIET * byte, _LEAST_QUIET)
        return Timing(self.timeout, pause, byte)

    def units(self) -> list[Unit]:
        """The devices, with what is to be read of them."""
        sections = self.devices
        if sections is None:
            return [Unit(None, self.unit, self.every, self._places(self.points or {}, self.order), self.bridge)]
        return [
            Unit(
                name,
                section.unit,
                section.every or self.every,
                self._places(section.points, section.order or self.order),
                self.bridge,
            )
            for name, section in sections.items()
        ]

    @staticmethod
    def _places(points: Points, order: Order) -> list[Place]:
        return [section.place(name, order) for name, section in points.items()]

    def _port_name(self) -> str | UsbBoard:
        usb = self.usb
        return UsbBoard(int(usb.vid, 16), int(usb.pid, 16), usb.serial) if usb is not None else str(self.port)


class ModbusAdapter:
    """Reads units and writes to them over one connection."""

    # Seconds that a point may take to show a commanded value; the device has answered before they begin.
    answer_timeout = 5.0

    def __init__(self, options: ModbusOptions, link: Link) -> None:
        self._options = options
        self._link = link
        self._wire = options.wire()
        self._units = {unit.name: unit for unit in options.units()}
        self._poller: Poller | None = None

    async def run(self) -> None:
        """Connects, and connects again whenever the connection goes."""
        back_off = _PORT_BACK_OFF if self._options.url is None else _TCP_BACK_OFF
        try:
            await supervise(self._connect, self._link.down, back_off, wait=self._wire.wait)
        finally:
            self._wire.give_up()

    async def _connect(self) -> None:
        """One life of the connection; raises LinkError when it ends."""
        options = self._options
        line = Line(options.frames()(), options.timing(), self._link)
        await line.open(self._wire)
        try:
            deaf_after = None if options.url is None else _DEAF_AFTER
            poller = Poller(line, list(self._units.values()), self._link, options.retries, deaf_after)
            self._link.up()
            self._poller = poller
            await poller.run()
        finally:
            self._poller = None
            line.close()

    async def write(self, command: Outgoing) -> None:
        """Writes the command, and returns once the device has answered it."""
        unit = self._units.get(command.name)
        place = unit.places.get(command.point) if unit is not None else None
        if unit is None or place is None:
            raise NotSentError(f"the adapter knows no coil and no register of {command.point}")
        job = job_of(command, unit, place)
        poller = self._poller
        if poller is None:
            raise NotSentError(self._link.reason or "not connected")
        await poller.carry_out(job)
