"""The serial adapter: bytes of a port become readings, commands become bytes."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.adapters.base import Adapter, AdapterPlugin, LinkFactory
from gateway.adapters.serial_port import Connection, Opener, PortSettings
from gateway.bus import Link
from gateway.codecs import Codec, CodecOptions, CommandCodec, CommandOptions
from gateway.codecs.base import named
from gateway.codecs.json import JsonCommandOptions, JsonOptions
from gateway.config.plugged import Plugged
from gateway.config.strict import PositiveDuration, Strict
from gateway.errors import CodecError, NotSentError, worth_saying
from gateway.framing import Framing, FramingOptions
from gateway.framing.lines import LinesOptions
from gateway.model import Outgoing
from gateway.supervise import BackOff, supervise

# A look at a missing path costs next to nothing, and a person who plugs a board in is watching.
_BACK_OFF = BackOff(first=0.25, longest=1.0)

logger = logging.getLogger(__name__)


def _stop_bits(given: float) -> float:
    if given not in (1, 1.5, 2):
        raise PydanticCustomError("choice", "expected 1, 1.5 or 2 stop bits")
    return given


class DevicesSection(Strict):
    """Several devices on one line: the member of the frame that says which one sent it."""

    field: Annotated[str, Field(min_length=1, max_length=64)]


class CommandsSection(Strict):
    """How commands are written, and how long their acknowledgement may take."""

    codec: Annotated[CommandOptions, Plugged("commands")] = JsonCommandOptions()
    timeout: PositiveDuration = 5.0


class SerialOptions(AdapterPlugin):
    """A serial port, by path or by a link such as /dev/serial/by-id/…"""

    type: str = "serial"
    port: Annotated[str, Field(min_length=1)]
    baudrate: Annotated[int, Field(ge=50, le=20_000_000)] = 115200
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["none", "even", "odd", "mark", "space"] = "none"
    stopbits: Annotated[float, AfterValidator(_stop_bits)] = 1
    framing: Annotated[FramingOptions, Plugged("framings")] = LinesOptions()
    codec: Annotated[CodecOptions, Plugged("codecs")] = JsonOptions()
    silence: PositiveDuration | None = None
    devices: DevicesSection | None = None
    commands: CommandsSection | None = None

    def summary(self) -> str:
        """`serial /dev/ttyACM0 at 115200 baud, lines of json`"""
        return f"serial {self.port} at {self.baudrate} baud, {self.framing.type} of {self.codec.type}"

    def build(self, link: LinkFactory, gateway: str) -> Adapter:
        """The adapter, with its own framing and codecs."""
        commands = self.commands
        return SerialAdapter(
            self,
            link(
                single=self.devices is None,
                silence=self.silence,
                offers=lambda name: "acked" if commands else "sent",
            ),
            self.framing.build(),
            self.codec.build(),
            commands.codec.build() if commands else None,
        )


class SerialAdapter:
    """Reads frames from one port and writes commands to it."""

    def __init__(
        self, options: SerialOptions, link: Link, framing: Framing, codec: Codec, commands: CommandCodec | None
    ) -> None:
        self._options = options
        self._link = link
        self._framing = framing
        self._codec = codec
        self._commands = commands
        self._field = options.devices.field if options.devices else None
        self._opener = Opener(
            PortSettings(options.port, options.baudrate, options.bytesize, options.parity[0].upper(), options.stopbits)
        )
        self._connection: Connection | None = None
        self._bugs = 0
        self.answer_timeout = options.commands.timeout if options.commands else 5.0

    async def run(self) -> None:
        """Opens the port, and opens it again whenever it goes."""
        try:
            await supervise(self._connect, self._link.down, _BACK_OFF)
        finally:
            self._opener.give_up()

    async def _connect(self) -> None:
        """One life of the port; raises LinkError when it ends."""
        connection = await self._opener.open(self.receive_data)
        try:
            self._framing.reset()
            self._connection = connection
            self._link.up()
            await connection.lost
        finally:
            self._connection = None
            connection.close()

    # ---- from the wire

    def receive_data(self, data: bytes) -> None:
        """Bytes arrived."""
        framing = self._framing
        before = framing.errors
        for frame in framing.receive_data(data):
            try:
                self._receive_frame(frame)
            except Exception:  # bulkhead: one frame must not cost the others, nor the port
                self._bugs += 1
                if worth_saying(self._bugs):
                    logger.exception("frame %r (%d such errors so far)", frame[:200], self._bugs)
                self._link.fault(None, "internal error, see the log")
        if framing.errors != before:
            self._link.fault(None, "damaged or overlong frame", frames=framing.errors - before)

    def _receive_frame(self, frame: bytes) -> None:
        if self._commands is not None:
            answer = self._commands.match(frame)
            if answer is not None:
                self._link.acknowledged(answer)
                return
        try:
            samples = self._codec.decode(frame)
        except CodecError as error:
            self._link.fault(None, str(error))
            return
        for read in samples:
            sample = named(read)
            if self._field is None:
                self._link.receive(None, sample)
                continue
            name = sample.values.pop(self._field, None)
            if isinstance(name, bool | float) or name in (None, ""):
                self._link.fault(None, f"the frame does not say in {self._field!r} which device sent it")
            else:
                self._link.receive(str(name), sample)

    # ---- to the wire

    async def write(self, command: Outgoing) -> None:
        """Writes the command as one frame, and returns once the port took the whole of it."""
        if self._commands is None:
            raise NotSentError("this adapter takes no commands: it has no `commands` section")
        try:
            data = self._framing.encode(self._commands.encode(command, self._field))
        except CodecError as error:
            raise NotSentError(str(error)) from error
        connection = self._connection
        if connection is None:
            raise NotSentError(self._link.reason or "the port is not open")
        await connection.write(data, command.deadline)
