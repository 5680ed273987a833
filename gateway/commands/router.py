"""The router: queues commands for each device, one at a time in order, and finds out what became of them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol
from uuid import uuid4

import orjson

from gateway.bus import Device, Devices
from gateway.commands.check import checked_confirm, checked_value, shows, wire_value
from gateway.commands.ledger import Command, Ledger, State
from gateway.errors import NotSentError, RequestError, UncertainError
from gateway.model import Acknowledgement, Confirm, DeviceState, Identity, Outgoing, Reading, Value

_QUEUE = 8  # commands waiting for one device
_IDS = 1 << 30  # ids on the wire fit a signed 32-bit integer of a small board

logger = logging.getLogger(__name__)


class Writer(Protocol):
    """An adapter as commands see it."""

    @property
    def answer_timeout(self) -> float:
        """Seconds that a device may take to acknowledge, or to show the value."""
        ...

    async def write(self, command: Outgoing) -> None:
        """Writes the command to the wire, never after its deadline.

        Raises NotSentError where nothing of it left, UncertainError where something may have.
        """
        ...


class _LinkLostError(Exception):
    """The link broke while an answer was awaited."""


class _Flight:
    """A command on its way, and the two answers it may get."""

    def __init__(self, command: Command, device: Device) -> None:
        loop = asyncio.get_running_loop()
        self.command = command
        self.point = device.points[command.point]
        self.answer: asyncio.Future[Acknowledgement] = loop.create_future()
        self.shown: asyncio.Future[None] = loop.create_future()
        self.other: Value = None  # another value that the device reported meanwhile
        self.saw_other = False

    def lose(self) -> None:
        for future in (self.answer, self.shown):
            if not future.done():
                future.set_exception(_LinkLostError())
                future.exception()  # looked at: it may have no waiter


class Commands:
    """Takes commands from clients and brings them to adapters. `run()` must be running to carry them out."""

    def __init__(self, devices: Devices, ledger: Ledger, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.ledger = ledger
        self.writers: dict[str, Writer] = {}  # by adapter id
        self._devices = devices
        self._monotonic = monotonic
        self._lanes: dict[str, deque[Command]] = {}  # by device id, while it has commands
        self._flights: dict[tuple[str, int], _Flight] = {}  # by adapter id and wire id
        self._by_device: dict[str, _Flight] = {}
        self._next_id = secrets.randbelow(_IDS >> 1) + 1
        self._group: asyncio.TaskGroup | None = None
        devices.taps.append(self._reading)

    async def run(self) -> None:
        """Owns the tasks that carry commands out; when cancelled, says of each what is known."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                try:
                    await asyncio.get_running_loop().create_future()  # until cancelled
                finally:
                    self._group = None  # what comes from here on would find nobody to carry it out
        finally:
            for lane in self._lanes.values():
                for command in lane:
                    if not command.final:
                        self.ledger.move(command, State.REJECTED, "the gateway is stopping")
            self._lanes.clear()

    # ---- from clients

    def submit(
        self,
        identity: Identity,
        *,
        device: str,
        point: str,
        value: Value,
        key: str | None = None,
        ttl: float = 5.0,
        confirm: Confirm | None = None,
    ) -> Command:
        """Accepts a command, or returns the one it repeats; raises RequestError."""
        if not identity.may_command(device):
            raise RequestError("forbidden", f"{identity.name} may not command {device}")
        body = orjson.dumps([device, point, value, ttl, confirm])
        known = self.ledger.repeated(identity.name, key, body) if key is not None else None
        if known is not None:
            return known
        target = self._devices.get(device)
        if target is None:
            raise RequestError("not_found", f"there is no device {device}")
        described = target.points.get(point)
        name = f"{device}.{point}"
        if described is None:
            raise RequestError("not_found", f"{device} has no point {point}")
        value = checked_value(name, described, value)
        proof = checked_confirm(name, described.confirm or "sent", confirm)
        if self._group is None:
            raise RequestError("unavailable", "the gateway is stopping")
        lane = self._lanes.get(device)
        if lane is not None and sum(not waiting.final for waiting in lane) >= _QUEUE:
            raise RequestError("rate_limited", f"{_QUEUE} commands are waiting for {device}")
        command = Command(
            key=key or str(uuid4()),
            by=identity.name,
            device=device,
            point=point,
            value=value,
            confirm=proof,
            deadline=self._monotonic() + ttl,
            body=body,
            time=time.time(),
        )
        self.ledger.accept(command)
        if lane is None:
            lane = self._lanes[device] = deque()
            self._group.create_task(self._carry_out_all(device, lane), name=f"commands:{device}")
        lane.append(command)
        return command

    def cancel(self, identity: Identity, key: str) -> Command:
        """Cancels a command of this identity that was not sent yet; raises RequestError."""
        command = self.ledger.find(identity.name, key)
        if command is None:
            raise RequestError("not_found", f"there is no command {key!r}")
        flight = self._by_device.get(command.device)
        if command.state is not State.ACCEPTED:
            raise RequestError("conflict", f"the command is {command.state.value} already")
        if flight is not None and flight.command is command:
            raise RequestError("conflict", "the command is being sent already")
        self.ledger.move(command, State.CANCELLED)
        return command

    @staticmethod
    async def finished(command: Command) -> None:
        """Returns once the command is final."""
        if command.final:
            return
        done = asyncio.get_running_loop().create_future()

        def watch(changed: Command) -> None:
            if changed.final and not done.done():
                done.set_result(None)

        command.watchers.append(watch)
        try:
            await done
        finally:
            command.watchers.remove(watch)

    # ---- from adapters and the bus

    def acknowledged(self, adapter: str, answer: Acknowledgement) -> None:
        """A device answered; an answer that nobody waits for (late, or twice) changes nothing."""
        flight = self._flights.get((adapter, answer.id))
        if flight is None or flight.answer.done():
            logger.info("%s: an answer to command %d came late or twice", adapter, answer.id)
            return
        flight.answer.set_result(answer)

    def link_lost(self, adapter: str) -> None:
        """The link broke: what was sent on it has an unknown fate."""
        for (route, _), flight in self._flights.items():
            if route == adapter:
                flight.lose()

    def _reading(self, reading: Reading) -> None:
        flight = self._by_device.get(reading.device)
        if flight is None or reading.retained or flight.command.point not in reading.values:
            return
        if flight.command.state is State.ACCEPTED:  # a reading from before it was written proves nothing
            return
        if flight.command.point in reading.quality:  # a value that cannot be trusted proves nothing either
            return
        value = reading.values[flight.command.point]
        if shows(flight.point, value, flight.command.value):
            if not flight.shown.done():
                flight.shown.set_result(None)
        else:
            flight.other, flight.saw_other = value, True

    # ---- carrying out

    async def _carry_out_all(self, device: str, lane: deque[Command]) -> None:
        """One at a time, in order; ends when the device has no more commands."""
        try:
            while lane:
                command = lane[0]
                if not command.final:
                    await self._carry_out(command)
                lane.popleft()
        except Exception:  # bulkhead: a bug while commanding one device must not end the gateway
            logger.exception("commands of %s", device)
            for place, command in enumerate(lane):
                if not command.final:
                    # The first was being sent: nobody knows how far it came.
                    self.ledger.move(command, State.REJECTED if place else State.LOST, "internal error, see the log")
            lane.clear()
        finally:
            if not lane:
                del self._lanes[device]

    async def _carry_out(self, command: Command) -> None:
        if self._monotonic() >= command.deadline:
            self.ledger.move(command, State.EXPIRED)
            return
        device = self._devices.get(command.device)
        adapter = command.device.partition(".")[0]
        writer = self.writers.get(adapter)
        if device is None or writer is None or command.point not in device.points:
            self.ledger.move(command, State.REJECTED, "the device is gone")
            return
        if device.state is DeviceState.OFFLINE:
            self.ledger.move(command, State.REJECTED, f"the device is offline: {device.reason}")
            return
        flight = _Flight(command, device)
        self._next_id = wire_id = self._next_id % _IDS + 1
        self._flights[adapter, wire_id] = flight
        self._by_device[command.device] = flight
        try:
            outgoing = Outgoing(
                device=command.device,
                name=device.wire_name,
                point=command.point,
                value=wire_value(flight.point, command.value),
                id=wire_id,
                deadline=command.deadline,
            )
            await self._send(flight, writer, outgoing)
        except asyncio.CancelledError:
            if command.state is State.ACCEPTED:
                # The write may have been cut in two by the cancellation: nothing certain can be said.
                self.ledger.move(command, State.LOST, "the gateway stopped while it was being sent")
            elif not command.final:
                self.ledger.move(command, State.LOST, "the gateway stopped before the answer came")
            raise
        finally:
            del self._flights[adapter, wire_id]
            del self._by_device[command.device]

    async def _send(self, flight: _Flight, writer: Writer, outgoing: Outgoing) -> None:
        command = flight.command
        try:
            await writer.write(outgoing)
        except NotSentError as error:
            expired = self._monotonic() >= command.deadline
            self.ledger.move(command, State.EXPIRED if expired else State.REJECTED, str(error))
            return
        except UncertainError as error:
            self.ledger.move(command, State.LOST, str(error))
            return
        self.ledger.move(command, State.SENT)
        if command.final:
            return
        try:
            async with asyncio.timeout(writer.answer_timeout):
                await self._proof(flight)
        except TimeoutError:
            if flight.saw_other and command.confirm == "verified":
                self.ledger.move(command, State.MISMATCH, f"the device reports {flight.other!r}"[:200])
            else:
                self.ledger.move(command, State.TIMEOUT, f"no answer within {writer.answer_timeout:g} s")
        except _LinkLostError:
            self.ledger.move(command, State.LOST, "the link broke before the answer came")

    async def _proof(self, flight: _Flight) -> None:
        """Waits for what the command asked for: the device's word, or its own reading."""
        command = flight.command
        if command.confirm == "verified":
            await asyncio.wait((flight.answer, flight.shown), return_when=asyncio.FIRST_COMPLETED)
            if not flight.answer.done():
                flight.shown.result()
                self.ledger.move(command, State.VERIFIED)
                return
        answer = await flight.answer
        if not answer.ok:
            self.ledger.move(command, State.FAILED, answer.error or "the device refused")
            return
        self.ledger.move(command, State.ACKED)
        if not command.final:
            await flight.shown
            self.ledger.move(command, State.VERIFIED)
