"""Carries one command to its device, and finds out what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.bus import Devices
from gateway.commands.check import wire_value
from gateway.commands.flights import Flight, Flights, LinkLostError
from gateway.commands.interlocks import judge
from gateway.commands.ledger import Command, Journal, Ledger, State
from gateway.config.commanding import CommandRules, RequireSection
from gateway.errors import AuditError, NotSentError, UncertainError
from gateway.model import DeviceState, Outgoing

_NO_RULES = CommandRules()
_SAFE_PATIENCE = 1.0  # seconds that a safe value waits for the disk

logger = logging.getLogger(__name__)


class Writer(Protocol):
    """An adapter as commands see it."""

    @property
    def answer_timeout(self) -> float:
        """Seconds that a device may take to acknowledge, or to show the value."""
        ...

    async def write(self, command: Outgoing) -> None:
        """Writes the command to the wire, never after its deadline.

        Where answers have no ids, it holds the command back until the one before it on the line is answered, or
        twice `answer_timeout` has passed since that one was written.
        Raises NotSentError where nothing of it left, UncertainError where something may have.
        """
        ...


class Claims(Journal, Protocol):
    """The audit as commands see it."""

    async def claim(self, command: Command, inputs: Mapping[str, object]) -> None:
        """Returns once it is durable that the command is about to be written; raises AuditError where it cannot be.

        `inputs` are the values that its interlocks saw.
        """
        ...


class Carrier:
    """Sends commands. `written` is called with each that reached the wire, or may have."""

    def __init__(
        self,
        devices: Devices,
        ledger: Ledger,
        audit: Claims,
        written: Callable[[Command], None],
        monotonic: Callable[[], float],
    ) -> None:
        self.writers: dict[str, Writer] = {}  # by adapter id
        self.flights = Flights(monotonic)
        self._devices = devices
        self._ledger = ledger
        self._audit = audit
        self._tell_written = written
        self._monotonic = monotonic
        self._written_at: dict[tuple[str, str], float] = {}  # points with a `min_interval`; monotonic

    def rules(self, command: Command) -> CommandRules:
        """What the configuration says of commands to its point."""
        device = self._devices.get(command.device)
        return device.declared.points.get(command.point, _NO_RULES) if device else _NO_RULES

    def pause(self, command: Command) -> float:
        """Seconds until its point takes another command."""
        interval = self.rules(command).min_interval
        written = self._written_at.get((command.device, command.point))
        if interval is None or written is None or command.urgent:
            return 0.0
        return written + interval - self._monotonic()

    def refusal(self, command: Command) -> str | None:
        """Why it could not be sent if it were its turn now."""
        device = self._devices.get(command.device)
        if device is None or device.adapter not in self.writers or command.point not in device.points:
            return "the device is gone"
        point = device.points[command.point]
        if not command.is_safe_value:  # which device has this id, and what it takes, may have changed meanwhile
            if device is not command.target:
                return "the device is gone, and another has its id"
            if not point.writable:
                return "the point takes no commands any more"
            if taken := point.refusal(command.value):
                return f"the point takes {taken} now"
        if device.state is DeviceState.OFFLINE:
            return f"the device is offline: {device.reason}"
        return judge(self._conditions(command), self._devices, self._monotonic()).refusal

    def expire(self, command: Command) -> None:
        """Ends a command whose time to live ran out before it was sent."""
        interval = self.rules(command).min_interval
        written = self._written_at.get((command.device, command.point))
        waited = interval is not None and written is not None and written + interval > command.deadline
        detail = f"the point takes one command in {interval:g} s" if waited else None
        self._ledger.move(command, State.EXPIRED, detail)

    async def carry_out(self, command: Command) -> None:
        """From `accepted` to its end."""
        if self._monotonic() >= command.deadline:
            self.expire(command)
            return
        refusal = self.refusal(command)
        device = self._devices.get(command.device)
        if refusal is not None or device is None:
            self._ledger.move(command, State.REJECTED, refusal)
            return
        writer = self.writers[device.adapter]
        window = writer.answer_timeout
        verify_within = self.rules(command).verify_within
        if command.confirm == "verified" and verify_within is not None:
            window = verify_within
        with self.flights.begin(command, device, window, writer.answer_timeout) as flight:
            try:
                if await self._claim(command):
                    await self._send(flight, writer)
            except asyncio.CancelledError:
                self._cut_short(flight)
                raise

    async def _claim(self, command: Command) -> bool:
        """Whether it may be written now, which is recorded before it is."""
        verdict = judge(self._conditions(command), self._devices, self._monotonic())
        patience = command.deadline - self._monotonic()
        if command.is_safe_value:
            patience = min(patience, _SAFE_PATIENCE)
        out_of_time = False
        try:
            async with asyncio.timeout(patience):  # a disk that hangs says nothing
                await self._audit.claim(command, verdict.inputs)
        except (AuditError, TimeoutError) as error:
            if command.is_safe_value:  # a full disk must not keep a heater on
                logger.error("%s.%s: its safe value goes unrecorded", command.device, command.point)
            elif isinstance(error, AuditError):
                self._ledger.move(command, State.REJECTED, f"it cannot be recorded: {error}")
                return False
            else:
                out_of_time = True
        # That took a moment: this is the look that counts.
        refusal = self.refusal(command)
        if refusal is not None:
            self._ledger.move(command, State.REJECTED, refusal)
        elif self._monotonic() >= command.deadline or out_of_time:
            self.expire(command)
        return not command.final

    def _conditions(self, command: Command) -> tuple[RequireSection, ...]:
        # What is safe is sent whatever other points show: they are what it is safe from.
        return () if command.is_safe_value else self.rules(command).require

    async def _send(self, flight: Flight, writer: Writer) -> None:
        command = flight.command
        outgoing = Outgoing(
            device=command.device,
            name=flight.device.wire_name,
            point=command.point,
            value=wire_value(flight.point, command.value),
            id=flight.id,
            deadline=command.deadline,
            time=self._devices.now(),
            urgent=command.urgent,
            refusal=lambda: self.refusal(command),
            left=flight.leave,
        )
        flight.given_at = self._monotonic()
        try:
            await writer.write(outgoing)
        except NotSentError as error:
            expired = self._monotonic() >= command.deadline
            self._ledger.move(command, State.EXPIRED if expired else State.REJECTED, str(error))
            return
        except UncertainError as error:
            self._written(command)
            self._ledger.move(command, State.LOST, str(error))
            return
        flight.sent_at = self._written(command)
        self._ledger.move(command, State.SENT)
        if command.final:
            return
        try:
            async with asyncio.timeout(flight.window):
                await self._proof(flight)
        except TimeoutError:
            if flight.moves and command.confirm == "verified":
                # A blind that is half way up was not disobedient.
                self._ledger.move(
                    command, State.TIMEOUT, f"the device reports {flight.other!r}, and may not be done"[:200]
                )
            elif flight.saw_other and command.confirm == "verified":
                self._ledger.move(command, State.MISMATCH, f"the device reports {flight.other!r}"[:200])
            else:
                self._ledger.move(command, State.TIMEOUT, f"no answer within {flight.window:g} s")
        except LinkLostError:
            self._ledger.move(command, State.LOST, "the link broke before the answer came")

    async def _proof(self, flight: Flight) -> None:
        """Waits for what the command asked for: the device's word, or its own reading."""
        command = flight.command
        if command.confirm == "verified":
            await asyncio.wait((flight.answer, flight.shown), return_when=asyncio.FIRST_COMPLETED)
            if not flight.answer.done():
                flight.shown.result()
                self._ledger.move(command, State.VERIFIED)
                return
        answer = await flight.answer
        if not answer.ok:
            self._ledger.move(command, State.FAILED, answer.error or "the device refused")
            return
        self._ledger.move(command, State.ACKED)
        if not command.final:
            await flight.shown
            self._ledger.move(command, State.VERIFIED)

    def _written(self, command: Command) -> float:
        """Notes that it reached the wire, or may have; returns now."""
        now = self._monotonic()
        if self.rules(command).min_interval is not None:
            self._written_at[command.device, command.point] = now
        self._tell_written(command)
        return now

    def _cut_short(self, flight: Flight) -> None:
        """The gateway stops while the command is on its way."""
        command = flight.command
        if command.final:
            return
        if flight.given_at is None:
            self._ledger.move(command, State.REJECTED, "the gateway is stopping")
        elif command.state is State.ACCEPTED:
            # The write may have been cut in two: nothing certain can be said.
            self._written(command)
            self._ledger.move(command, State.LOST, "the gateway stopped while it was being sent")
        else:
            self._ledger.move(command, State.LOST, "the gateway stopped before the answer came")
