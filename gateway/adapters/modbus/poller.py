"""What is asked on a Modbus connection, one thing at a time: commands first, then the devices that are due."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.adapters.modbus.blocks import Block, cover, split
from gateway.adapters.modbus.frames import (
    ACKNOWLEDGED,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    NO_PATH,
    NO_TARGET,
    Answer,
    DamagedError,
    ExchangeError,
    RefusedError,
    Request,
    SilentError,
    UnreachableError,
    read,
)
from gateway.adapters.modbus.line import Line
from gateway.adapters.modbus.unit import MISSES, Look, Part, Unit
from gateway.adapters.modbus.writes import Job
from gateway.bus import Link
from gateway.errors import DeliveryError, LinkError, NotSentError, UncertainError
from gateway.model import Acknowledgement, Sample, Value

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Cycle:
    """What one look at a device gave: values, and what went wrong."""

    values: dict[str, Value] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    damaged: int = 0
    answered: bool = False


class Poller:
    """The life of one connection. Where it is deaf for `deaf_after` seconds, it ends."""

    def __init__(self, line: Line, units: list[Unit], link: Link, retries: int, deaf_after: float | None) -> None:
        self._line = line
        self._units = units
        self._link = link
        self._retries = retries
        self._deaf_after = deaf_after
        self._jobs: deque[Job] = deque()
        self._woken = asyncio.Event()
        line.ended.add_done_callback(lambda _: self._woken.set())

    async def carry_out(self, job: Job) -> None:
        """Returns once the device has answered the command; raises DeliveryError."""
        (self._jobs.appendleft if job.urgent else self._jobs.append)(job)
        self._woken.set()
        await job.done

    async def run(self) -> None:
        """Asks until the connection ends; raises its LinkError."""
        for unit in self._units:
            unit.begin()
        try:
            while True:
                self._line.check()
                await self._step()
        finally:
            for job in self._jobs:
                if not job.done.done():
                    job.done.set_exception(NotSentError("the link broke before it was sent"))
            self._jobs.clear()

    async def _step(self) -> None:
        await self._carry_out_all()
        now = time.monotonic()
        unit = min(self._units, key=lambda unit: unit.next)
        if unit.next > now:
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(unit.next - now):
                    await self._woken.wait()
        elif (look := unit.due_look(now)) is not None:
            await self._look(unit, look)
        else:
            await self._poll(unit)

    # ---- readings

    async def _poll(self, unit: Unit) -> None:
        began = time.monotonic()
        cycle = _Cycle()
        silent = 0
        for part in unit.due_parts(began):
            if self._jobs:
                # What was read before a command must not be told after it.
                self._tell(unit, cycle)
                cycle = _Cycle(answered=cycle.answered)
                await self._carry_out_all()
            try:
                await self._read_part(unit, part, cycle)
            except SilentError as silence:
                self._missed(unit, part, cycle, silence)
                silent += 1
                # Some devices say nothing to what they do not know. But two of a kind, and it is rather gone.
                if silent == 2 or not cycle.answered:
                    break
        self._tell(unit, cycle)
        unit.polled(began, time.monotonic())

    async def _read_part(self, unit: Unit, part: Part, cycle: _Cycle) -> None:
        try:
            blocks = await self._read(unit, part.block, cycle)
        except (RefusedError, DamagedError) as error:
            cycle.faults.append(f"{error}: {part.block}")
            unit.failed(part, time.monotonic())
        else:
            if len(blocks) > 1:
                device = f"{self._link.adapter}.{unit.name}" if unit.name else self._link.adapter
                logger.info("%s: %s are read in %d parts from now on", device, part.block, len(blocks))
            unit.read(part, blocks)

    async def _read(self, unit: Unit, block: Block, cycle: _Cycle) -> list[Block]:
        """Reads the block, or what the device gives of it; returns the blocks to ask for it the next time.

        Raises ExchangeError where it gives nothing.
        """
        try:
            cycle.values |= block.decode(await self._ask(unit, block, cycle))
            return [block]
        except RefusedError as refusal:
            pieces = split(block) if refusal.code in (ILLEGAL_ADDRESS, ILLEGAL_VALUE) else []
            if not pieces:
                raise
            refused = refusal
        before = len(cycle.values)
        blocks: list[Block] = []
        faults = []
        for piece in pieces:
            try:
                blocks += await self._read(unit, piece, cycle)
            except RefusedError as refusal:
                blocks.append(piece)
                faults.append(f"{refusal}: {piece}")
        if len(cycle.values) == before:  # it gives nothing at all for now: that says nothing of its registers
            raise refused
        cycle.faults += faults
        return blocks

    async def _ask(self, unit: Unit, block: Block, cycle: _Cycle) -> Answer:
        """The answer, asked for again where none came and the device did answer before; raises ExchangeError."""
        tries = 1 if unit.misses else 1 + self._retries
        while True:
            tries -= 1
            try:
                answer = await self._line.ask(read(unit.number, block))
            except RefusedError as refusal:
                if refusal.code in (NO_PATH, NO_TARGET):
                    raise UnreachableError(str(refusal)) from refusal
                self._answered(unit)
                cycle.answered = True
                raise
            except DamagedError:
                cycle.damaged += 1
                if not tries:
                    raise
            except SilentError:
                if not tries:
                    raise
            except DeliveryError as error:
                self._line.check()
                raise SilentError(str(error)) from error
            else:
                self._answered(unit)
                cycle.answered = True
                return answer

    def _answered(self, unit: Unit) -> None:
        if unit.answered():
            self._link.available(unit.name, online=True)

    def _missed(self, unit: Unit, part: Part, cycle: _Cycle, silence: SilentError) -> None:
        unit.failed(part, time.monotonic())
        if not unit.is_offline:  # else it is known
            cycle.faults.append(f"{silence}: {part.block}")
        if not cycle.answered:
            unit.misses += 1
            if unit.misses == MISSES:
                said = f": {silence}" if isinstance(silence, UnreachableError) else ""
                self._link.available(unit.name, online=False, reason=f"does not answer{said}")
        deaf = self._deaf_after
        if deaf is not None and time.monotonic() - self._line.heard > deaf:
            raise LinkError(f"nothing came for {deaf:g} s: connecting anew")

    def _tell(self, unit: Unit, cycle: _Cycle) -> None:
        """Publishes a cycle: its faults as one, so that they do not outweigh its one reading."""
        faults = max(len(cycle.faults), cycle.damaged)
        if faults and not unit.known and not cycle.damaged:
            if not cycle.answered and not unit.is_offline:
                unit.unsaid += faults
                return
            if cycle.answered:
                self._link.available(unit.name, online=True)
            unit.known = True
            faults += unit.unsaid
        if faults:
            message = cycle.faults[0] if cycle.faults else "a damaged answer, asked for again"
            self._link.fault(unit.name, message, frames=faults, checksum_errors=cycle.damaged)
        if cycle.values:
            # In the order of the configuration, which the device shows its points in.
            values = {name: cycle.values[name] for name in unit.places if name in cycle.values}
            self._link.receive(unit.name, Sample(values))
            unit.known = True

    async def _look(self, unit: Unit, look: Look) -> None:
        """Reads a commanded point, and shows what it is now."""
        cycle = _Cycle()
        block = cover([look.place])
        try:
            await self._read(unit, block, cycle)
        except ExchangeError as error:
            cycle.faults.append(f"{error}: {block}")
        self._tell(unit, cycle)
        unit.looked(look, cycle.values.get(look.place.name), time.monotonic())

    # ---- commands

    async def _carry_out_all(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            if not job.done.done():  # else its sender is gone
                await self._carry_out(job)

    async def _carry_out(self, job: Job) -> None:
        unit = job.unit
        try:
            refusal = await self._write(job)
            self._link.acknowledged(Acknowledgement(job.id, ok=refusal is None, error=refusal), unit.name)
        except DeliveryError as error:
            if not job.done.done():
                job.done.set_exception(error)
            self._line.check()
            return
        except BaseException:
            if not job.done.done():
                job.done.set_exception(UncertainError("the adapter ended while it was being sent"))
            raise
        if not job.done.done():
            job.done.set_result(None)
        # The sender is awake before the read-back can be: a reading from before it knows of the write proves nothing.
        if refusal is None and job.place.polled:
            unit.look_for(job.place, job.shown, time.monotonic())
            await self._look(unit, unit.looks[job.place.name])

    async def _write(self, job: Job) -> str | None:
        """Writes it, once; returns why the device refuses it, None where it does not. Raises DeliveryError."""
        requests = job.requests[1:] if job.unit.writes_several and len(job.requests) > 1 else job.requests
        for request in requests:
            try:
                await self._line.ask(request, job.deadline, job.refusal)
            except RefusedError as refusal:
                if refusal.code not in (NO_PATH, NO_TARGET):
                    self._answered(job.unit)
                if refusal.code == ILLEGAL_FUNCTION and request is not requests[-1]:
                    job.unit.writes_several = True  # and nothing was done
                    continue
                if refusal.code == NO_TARGET:
                    raise UncertainError(str(refusal)) from refusal
                return None if refusal.code == ACKNOWLEDGED else _told(refusal, request)
            except ExchangeError as error:
                self._line.drop_undelivered()
                raise UncertainError(str(error)) from error
            except LinkError as error:
                raise UncertainError(f"the link broke before the answer came: {error}") from error
            self._answered(job.unit)
            return None
        return None


def _told(refusal: RefusedError, request: Request) -> str:
    if refusal.code == ILLEGAL_FUNCTION and request.function == 22:
        return f"{refusal}: the device cannot set a single bit (function 22)"
    return str(refusal)
