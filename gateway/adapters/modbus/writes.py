"""What writes a command to a Modbus device: the requests, and what its point shows then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.adapters.modbus.blocks import Place
from gateway.adapters.modbus.frames import Request, write_coil, write_mask, write_registers
from gateway.adapters.modbus.unit import Unit
from gateway.adapters.modbus.values import BitForm, switch
from gateway.errors import CodecError, NotSentError
from gateway.model import Outgoing, Value


@dataclass(slots=True, eq=False)
class Job:
    """A command on its way. `requests` are forms of it: the second is for a device that does not know the first."""

    unit: Unit
    place: Place
    shown: Value
    requests: list[Request]
    id: int
    deadline: float  # monotonic seconds
    urgent: bool
    refusal: Callable[[], str | None]
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


def job_of(command: Outgoing, unit: Unit, place: Place) -> Job:
    """The command as requests to the unit; raises NotSentError where the place does not take it."""
    try:
        requests, shown = _requests(unit.number, place, command.value)
    except CodecError as error:
        raise NotSentError(str(error)) from error
    return Job(unit, place, shown, requests, command.id, command.deadline, command.urgent, command.refusal)


def _requests(unit: int, place: Place, value: Value) -> tuple[list[Request], Value]:
    if place.kind == "coil":
        on = value is None or switch(value)  # an action switches it on
        return [write_coil(unit, place.address, on)], on
    if place.kind != "holding" or place.form is None:
        raise CodecError(f"{place} can only be read")
    data = place.form.encode(value)
    shown = place.form.decode(data)
    if isinstance(place.form, BitForm):
        return [write_mask(unit, place.address, *place.form.masks(value))], shown
    requests = [write_registers(unit, place.address, data)]
    if place.form.count == 1:
        requests.append(write_registers(unit, place.address, data, several=True))
    return requests, shown
