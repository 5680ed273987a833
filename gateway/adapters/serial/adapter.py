"""The serial adapter at work: bytes of a line become readings, commands and requests become bytes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.adapters.serial.poller import Poller
from gateway.adapters.serial.schedule import Request, Schedule
from gateway.adapters.serial.turns import Speaker, Turns
from gateway.adapters.wire import Connection, Wire
from gateway.bus import Link
from gateway.codecs import Codec, CommandCodec
from gateway.codecs.base import named
from gateway.errors import CodecError, NotSentError, UncertainError, worth_saying
from gateway.framing import Framing
from gateway.model import Outgoing, Sample
from gateway.supervise import BackOff, supervise

# A person who plugs a board in is watching. A wire that notices it by itself waits for less than that.
_BACK_OFF = BackOff(first=0.25, longest=4.0)
_DEVICE = "device"  # the member of a command that names its device, where frames have no such field
_LATE = 2  # times its time to answer: after that, no answer to a command is expected any more

logger = logging.getLogger(__name__)


class SerialAdapter:
    """Reads frames from one line and writes commands, and requests where it polls, to it."""

    def __init__(
        self,
        link: Link,
        wire: Wire,
        framing: Framing,
        codec: Codec,
        commands: CommandCodec | None,
        *,
        answer_timeout: float,
        single: bool,
        field: str | None,
        names: Mapping[str, str],
        requests: Sequence[Request],
        pause: float,
    ) -> None:
        self.answer_timeout = answer_timeout
        self._link = link
        self._wire = wire
        self._framing = framing
        self._codec = codec
        self._commands = commands
        self._single = single
        self._field = field
        self._names = names
        self._wire_names = {name: wire_name for wire_name, name in names.items()}
        answers = commands is not None and commands.answers
        by_id = commands is None or commands.answers_by_id
        # Where nothing is polled and answers say what they answer, nobody has to wait for anybody.
        self._turns: Turns | None = None
        self._poller: Poller | None = None
        if requests or (answers and not by_id):
            patience = answer_timeout * (1 if by_id else _LATE) if answers else 0.0
            self._turns = Turns(pause=pause, patience=patience, by_id=by_id)
            if requests:
                self._poller = Poller(Schedule(requests), self._turns, link, named=field is not None)
        self._alone = single and not requests  # the usual case
        self._connection: Connection | None = None
        self._came = 0.0  # the last bytes; monotonic, kept where the framing has a `gap`
        self._told = (0, 0, 0)  # the framing's counts, as the link knows them
        self._bugs = 0

    async def run(self) -> None:
        """Opens the line, and opens it again whenever it goes."""
        try:
            await supervise(self._connect, self._link.down, _BACK_OFF, wait=self._wire.wait)
        finally:
            self._wire.give_up()

    async def _connect(self) -> None:
        """One life of the line; raises LinkError when it ends."""
        connection = await self._wire.open(self.receive_data)
        try:
            self._framing.reset()
            self._came = time.monotonic()
            self._connection = connection
            self._link.up()
            if self._poller is None:
                await connection.lost
            else:
                await self._poll(self._poller, connection)
        finally:
            self._connection = None
            connection.close()
            if self._turns is not None:
                self._turns.broken()

    async def _poll(self, poller: Poller, connection: Connection) -> None:
        polling = asyncio.create_task(poller.run(connection), name=f"poll:{self._link.adapter}")
        try:
            await asyncio.wait((polling, connection.lost), return_when=asyncio.FIRST_COMPLETED)
            if polling.done():
                polling.result()
            await connection.lost
        finally:
            polling.cancel()
            await asyncio.wait((polling,))

    # ---- from the wire

    def receive_data(self, data: bytes) -> None:
        """Bytes arrived."""
        framing = self._framing
        self._link.traffic(len(data))
        if framing.gap is not None:
            now = time.monotonic()
            if now - self._came > framing.gap:
                framing.break_off()
            self._came = now
        for frame in framing.receive_data(data):
            try:
                self._receive_frame(frame)
            except Exception:  # bulkhead: one frame must not cost the others, nor the port
                self._bugs += 1
                if worth_saying(self._bugs):
                    logger.exception("frame %r (%d such errors so far)", frame[:200], self._bugs)
                self._link.fault(None, "internal error, see the log")
        if self._told != (framing.errors, framing.checksum_errors, framing.resyncs):
            self._tell_damage()

    def _tell_damage(self) -> None:
        framing = self._framing
        errors, checksum_errors, resyncs = self._told
        self._told = (framing.errors, framing.checksum_errors, framing.resyncs)
        if framing.resyncs != resyncs:
            self._link.resynced(framing.resyncs - resyncs)
        if framing.errors != errors:
            wrong_sums = framing.checksum_errors - checksum_errors
            message = "wrong checksum" if wrong_sums == framing.errors - errors else "damaged or overlong frame"
            self._unreadable(message, framing.errors - errors, wrong_sums)

    def _receive_frame(self, frame: bytes) -> None:
        if self._commands is not None:
            answer = self._commands.match(frame)
            if answer is not None:
                self._link.acknowledged(self._turns.answered(answer) if self._turns is not None else answer)
                return
        if self._poller is not None and self._poller.is_echo(frame):
            return
        try:
            samples = self._codec.decode(frame)
        except CodecError as error:
            self._unreadable(str(error), 1, 0)
            return
        for read in samples:
            sample = named(read)
            if self._alone:
                self._link.receive(None, sample)
            else:
                self._receive_from_one_of_many(sample)

    def _receive_from_one_of_many(self, sample: Sample) -> None:
        """A reading, of the device that it names or that was spoken to."""
        said = sample.values.pop(self._field, None) if self._field is not None else None
        speaker = self._turns.speaker if self._turns is not None else None
        name: str | None
        if said not in (None, "") and not isinstance(said, bool | float):
            name = self._names.get(str(said), str(said))
        elif speaker is not None and (speaker.name is not None or self._single):
            name = speaker.name
        elif self._single:
            name = None
        elif self._field is not None:
            self._link.fault(None, f"the frame does not say in {self._field!r} which device sent it")
            return
        else:
            self._link.fault(None, "nobody was asked, and the frame does not say which device sent it")
            return
        self._link.receive(name, sample)
        if self._poller is not None:
            self._poller.heard(name)

    def _unreadable(self, message: str, frames: int, checksum_errors: int) -> None:
        speaker = self._turns.speaker if self._turns is not None else None
        name = speaker.name if speaker is not None else None
        self._link.fault(name, message, frames=frames, checksum_errors=checksum_errors)
        if self._poller is not None:
            self._poller.unreadable()

    # ---- to the wire

    async def write(self, command: Outgoing) -> None:
        """Writes the command as one frame, and returns once the line took the whole of it."""
        if self._commands is None:
            raise NotSentError("this adapter takes no commands: it has no `commands` section")
        field, worded = self._field, command
        if command.name is not None:
            # Polled devices need no field in their readings, but a command must say whose it is.
            field = field or _DEVICE
            worded = replace(command, name=self._wire_names.get(command.name, command.name))
        try:
            data = self._framing.encode(self._commands.encode(worded, field))
        except CodecError as error:
            raise NotSentError(str(error)) from error
        if self._turns is None:
            await self._write(data, command)
        else:
            await self._write_in_turn(self._turns, data, command)

    async def _write(self, data: bytes, command: Outgoing) -> None:
        connection = self._connection
        if connection is None:
            raise NotSentError(self._link.reason or "the port is not open")
        await connection.write(data, command.deadline, command.refusal)

    async def _write_in_turn(self, turns: Turns, data: bytes, command: Outgoing) -> None:
        try:
            async with asyncio.timeout(command.deadline - time.monotonic()):
                await turns.take_command(Speaker(command.name), command.id, urgent=command.urgent)
        except TimeoutError:
            raise NotSentError("the line was waiting for another answer") from None
        try:
            await self._write(data, command)
        except UncertainError:
            turns.torn()
            raise
        except asyncio.CancelledError:  # it may have been written
            turns.written()
            raise
        except BaseException:
            turns.release()
            raise
        turns.written()
