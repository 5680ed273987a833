"""The router: takes commands from clients, and queues them for each device, one at a time and in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from gateway.bus import Device, Devices
from gateway.commands.asked import Asked
from gateway.commands.carrier import Carrier, Claims, Writer
from gateway.commands.check import checked_confirm, checked_value
from gateway.commands.lane import Lane
from gateway.commands.ledger import SAFE, Command, Ledger, Outcome, Sender, State
from gateway.commands.safety import Safety
from gateway.errors import RequestError
from gateway.model import Acknowledgement, Identity, Reading, Value

_STOP_TIME = 1.5  # seconds that sending safe values may hold up the gateway's end
_SAFE_TTL = 5.0  # seconds
_STOPPING = "the gateway is stopping"

logger = logging.getLogger(__name__)


class Commands:
    """Takes commands from clients and brings them to adapters. `run()` must be running to carry them out."""

    def __init__(
        self, devices: Devices, ledger: Ledger, audit: Claims, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.ledger = ledger
        self._devices = devices
        self._monotonic = monotonic
        self._carrier = Carrier(devices, ledger, audit, self._written, monotonic)
        self._safety = Safety(devices, self._send_safe)
        self._lanes: dict[str, Lane] = {}  # by device id, while it has commands
        self._group: asyncio.TaskGroup | None = None
        self._stopping = False
        devices.taps.append(self._reading)

    @property
    def writers(self) -> dict[str, Writer]:
        """The adapters by id."""
        return self._carrier.writers

    async def run(self) -> None:
        """Owns the tasks that carry commands out; when cancelled, says of each what is known."""
        self._safety.begin()
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.get_running_loop().create_future()  # until cancelled
            finally:
                self._group = None  # what comes from here on would find nobody to carry it out
                self._abandon()

    async def stop(self) -> None:
        """Takes no more commands, says of those on the way what is known, and sends the safe values.

        Bounded in time: a device that does not answer does not hold up the gateway's end.
        """
        self._stopping = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        for task in tasks:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_TIME):
                await asyncio.gather(*tasks, return_exceptions=True)
                self._abandon()
                due = [self._send_safe(*where, "the gateway stops") for where in self._safety.at_stop()]
                await asyncio.gather(*(self.finished(command) for command in due if command is not None))

    def tick(self) -> None:
        """Ends what waited too long, and sends the safe values that are due; the clock of the bus calls it."""
        now = self._monotonic()
        for lane in list(self._lanes.values()):
            for command in lane:
                if now >= command.deadline:
                    lane.remove(command)
                    self._carrier.expire(command)
        if self._group is not None and not self._stopping:
            self._safety.tick(now)

    # ---- from clients

    def submit(self, identity: Identity, asked: Asked, sender: Sender) -> Command:
        """Accepts a command, or returns the one it repeats; raises RequestError."""
        known = self._known(identity, asked)
        return known or self._accept(self._checked(identity, asked, sender))

    def rehearse(self, identity: Identity, asked: Asked) -> dict[str, Any]:
        """What would become of this command now; nothing is sent, and nothing recorded. Raises RequestError."""
        known = self._known(identity, asked)
        if known is not None:
            return known.to_json()  # a repetition, which does nothing anyway
        command = self._checked(identity, asked, Sender())
        lane = self._lanes.get(command.device)
        if lane is not None:
            lane.check_room(command, self._superseded(lane, command))
        refusal = self._carrier.refusal(command)
        if refusal is not None:
            command.state = State.REJECTED
        command.outcome = Outcome.NOT_EXECUTED
        command.detail = refusal or "dry run: nothing was sent"
        return command.to_json() | {"dry_run": True}

    def cancel(self, identity: Identity, key: str) -> Command:
        """Cancels a command of this identity that was not sent yet; raises RequestError."""
        command = self.ledger.find(identity.name, key)
        if command is None:
            raise RequestError("not_found", f"there is no command {key!r}")
        if command.state is not State.ACCEPTED:
            raise RequestError("conflict", f"the command is {command.state.value} already")
        if self._carrier.flights.carries(command):
            raise RequestError("conflict", "the command is being sent already")
        self._lanes[command.device].remove(command)
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

    def _known(self, identity: Identity, asked: Asked) -> Command | None:
        """The command that this one repeats; raises RequestError."""
        if not identity.may_command(asked.device):
            raise RequestError("forbidden", f"{identity.name} may not command {asked.device}")
        return self.ledger.repeated(identity.name, asked.key, asked.body) if asked.key is not None else None

    def _checked(self, identity: Identity, asked: Asked, sender: Sender) -> Command:
        """A new command, as far as device and point take it; raises RequestError."""
        target = self._devices.get(asked.device)
        if target is None:
            raise RequestError("not_found", f"there is no device {asked.device}")
        point = target.points.get(asked.point)
        name = f"{asked.device}.{asked.point}"
        if point is None:
            raise RequestError("not_found", f"{asked.device} has no point {asked.point}")
        said = target.described.points.get(asked.point)
        if said is not None and said.writable and not point.writable and not target.commandable:
            allow = "the configuration must say `commands: true` for the device or its profile"
            raise RequestError("unsupported", f"{name} is read-only: {allow}")
        value = checked_value(name, point, asked.value)
        proof = checked_confirm(name, point.confirm or "sent", asked.confirm)
        if self._group is None or self._stopping:
            raise RequestError("unavailable", _STOPPING)
        command = Command(
            key=asked.key or str(uuid4()),
            by=identity.name,
            device=asked.device,
            point=asked.point,
            value=value,
            confirm=proof,
            deadline=self._monotonic() + asked.ttl,
            body=asked.body,
            time=time.time(),
            sender=sender,
            lease=asked.lease,
            target=target,
        )
        rules = self._carrier.rules(command)
        command.urgent = rules.is_urgent(value)
        if asked.lease is not None and (rules.safe is None or "lease" not in rules.safe_on):
            raise RequestError("unsupported", f"{name} has no safe value, and so nothing to lease")
        return command

    def _accept(self, command: Command) -> Command:
        group = self._group
        if group is None:
            raise RequestError("unavailable", _STOPPING)
        lane = self._lanes.get(command.device)
        if lane is None:
            lane = Lane()
        superseded = self._superseded(lane, command)
        lane.check_room(command, superseded)
        self.ledger.accept(command)
        for older in superseded:
            lane.remove(older)
            self.ledger.move(older, State.REJECTED, "superseded by a newer command")
        lane.add(command)
        if lane.task is None:
            self._lanes[command.device] = lane
            lane.task = group.create_task(self._carry_out_all(command.device, lane), name=f"commands:{command.device}")
        return command

    def _superseded(self, lane: Lane, command: Command) -> list[Command]:
        device = self._devices.get(command.device)
        point = device.points.get(command.point) if device else None
        return lane.superseded_by(command, is_action=point is not None and point.type == "action")

    # ---- safe values

    def _send_safe(self, device: Device, point: str, value: Value, why: str) -> Command | None:
        """A safe value on its way; None where that cannot be now."""
        described = device.points.get(point)
        if described is None or self._group is None:
            return None
        logger.warning("%s.%s: its safe value is sent, for %s", device.id, point, why)
        command = Command(
            key=str(uuid4()),
            by=SAFE,
            device=device.id,
            point=point,
            value=value,
            confirm=described.confirm or "sent",
            deadline=self._monotonic() + _SAFE_TTL,
            body=b"",
            time=time.time(),
            detail=why,
            urgent=True,
        )
        try:
            return self._accept(command)
        except RequestError as error:
            logger.error("%s.%s: its safe value cannot be sent: %s", device.id, point, error)
            return None

    def _written(self, command: Command) -> None:
        if not command.is_safe_value:
            self._safety.written(command, self._monotonic())

    # ---- from adapters and the bus

    def acknowledged(self, adapter: str, answer: Acknowledgement, device: str | None = None) -> None:
        """A device answered; `device` is None where the wire does not say which."""
        self._carrier.flights.acknowledged(adapter, answer, device)

    def link_lost(self, adapter: str) -> None:
        """The link broke: what was sent on it has an unknown fate."""
        self._carrier.flights.link_lost(adapter)

    def _reading(self, reading: Reading) -> None:
        self._carrier.flights.read(reading, self._monotonic())

    def _abandon(self) -> None:
        """Ends what waits while the gateway stops."""
        for lane in self._lanes.values():
            for command in lane:
                lane.remove(command)
                self.ledger.move(command, State.REJECTED, _STOPPING)
        self._lanes.clear()

    # ---- carrying out

    async def _carry_out_all(self, device: str, lane: Lane) -> None:
        """One at a time, in order; ends when the device has no more commands."""
        current: Command | None = None
        reason = _STOPPING
        try:
            while (current := lane.first()) is not None:
                pause = self._carrier.pause(current)
                if pause > 0:
                    await lane.wait(pause)
                    continue
                lane.remove(current)
                await self._carrier.carry_out(current)
                self._safety.ended(current)
        except Exception:  # bulkhead: a bug while commanding one device must not end the gateway
            logger.exception("commands of %s", device)
            reason = "internal error, see the log"
            if current is not None and not current.final:
                # It was being sent: nobody knows how far it came.
                self.ledger.move(current, State.LOST, reason)
        finally:
            for command in lane:  # none, but where it was cut short
                lane.remove(command)
                self.ledger.move(command, State.REJECTED, reason)
            self._lanes.pop(device, None)
