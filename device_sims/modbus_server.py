"""Modbus requests answered, over TCP and on a line; the only file that knows pymodbus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.simulator.simdevice import SimAction

from device_sims.modbus_registers import COMMANDED, MEASURED, OVERLOAD, RELAY, Register, fill, written

COILS, INPUTS = (1, 5, 15), (2,)  # function codes that read or write coils, and that read discrete inputs
NOBODY = int(ExcCodes.GATEWAY_NO_RESPONSE)


class Unit(Protocol):
    """A meter as a server needs it."""

    def values(self) -> dict[str, bool | int | float | str]:
        """What it measures and is set to now."""

    def command(self, point: str, value: bool | float) -> bool:
        """Obeys; False where it refuses."""


class Answerer:
    """Answers the requests to `units` by number.

    `exception` gives the code to refuse the request at hand with, or None. `send` gets each answer with what writes it,
    and may write it later, spoilt, or not at all.
    """

    def __init__(
        self,
        units: Mapping[int, Unit],
        *,
        serial: bool,
        exception: Callable[[], int | None],
        send: Callable[[bytes, Callable[[bytes], None]], None],
    ) -> None:
        self.requests = 0
        self._units = units
        self._serial = serial
        self._exception = exception
        self._send = send
        self._server = _Server(
            [SimDevice(number, _blocks(), action=_action(unit)) for number, unit in units.items()],
            framer=FramerType.RTU if serial else FramerType.SOCKET,
        )
        self._handlers: set[ServerRequestHandler] = set()

    def connection(self) -> ServerRequestHandler:
        """What answers on one connection."""
        handler: ServerRequestHandler = self._server.callback_new_connection()  # type: ignore[no-untyped-call]
        handler.trace_pdu = self._heard
        handler.trace_packet = partial(self._sending, handler)
        self._handlers = {other for other in self._handlers if other.transport} | {handler}
        return handler

    def hang_up(self) -> None:
        """Ends all connections."""
        for handler in self._handlers:
            if isinstance(handler.transport, asyncio.Transport):
                handler.transport.abort()
            handler.close()
        self._handlers.clear()

    def forget(self) -> None:
        """Forgets half-received requests."""
        for handler in self._handlers:
            handler.recv_buffer = b""

    def _heard(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        """The request, or in its place one that is refused."""
        if sending:
            return pdu
        self.requests += 1
        code = self._exception() if pdu.dev_id in self._units else NOBODY
        return pdu if code is None else _Refused(pdu, code)

    def _sending(self, handler: ServerRequestHandler, sending: bool, packet: bytes) -> bytes:
        """Takes the answer over, so that nothing is left to send."""
        if not sending:
            return packet
        if not self._serial or packet[0] in self._units:  # on a line, nobody answers for a unit that is not there

            def write(answer: bytes) -> None:
                if handler.transport is not None and answer:
                    handler.transport.write(answer)  # type: ignore[attr-defined]

            self._send(packet, write)
        return b""


class _Server(ModbusTcpServer):
    """What pymodbus shares between connections. It does not listen: whoever makes the connections does."""

    def __init__(self, devices: list[SimDevice], framer: FramerType) -> None:
        super().__init__(devices, framer=framer, address=("", 0))
        type(self).active_server = None  # pymodbus would keep the last one for good


class _Refused(ModbusPDU):
    """A request that is answered with an exception, and not carried out."""

    def __init__(self, request: ModbusPDU, code: int) -> None:
        super().__init__(request.dev_id, request.transaction_id)
        self.function_code = request.function_code
        self.exception_code = code

    async def datastore_update(self, context: object, device_id: int) -> ModbusPDU:
        """The exception."""
        return ExceptionResponse(self.function_code, self.exception_code)


def _blocks() -> tuple[list[SimData], list[SimData], list[SimData], list[SimData]]:
    """Coils, discrete inputs, holding registers and input registers, all zero until they are asked for."""

    def registers(given: Sequence[Register], *, readonly: bool) -> list[SimData]:
        return [
            SimData(register.address, values=[0] * register.count, datatype=DataType.REGISTERS, readonly=readonly)
            for register in given
        ]

    bit = [SimData(RELAY, values=[False] * 16, datatype=DataType.BITS)]
    other_bit = [SimData(OVERLOAD, values=[False] * 16, datatype=DataType.BITS)]
    holding = registers(MEASURED, readonly=True) + registers(COMMANDED, readonly=False)
    return bit, other_bit, holding, registers(MEASURED, readonly=True)


def _action(unit: Unit) -> SimAction:
    """What pymodbus calls before it reads or writes registers of the unit."""

    async def action(
        function: int, start: int, address: int, count: int, registers: list[int], new: list[int] | list[bool] | None
    ) -> ExcCodes | None:
        if function in (*COILS, *INPUTS):
            if address != RELAY or (new is not None and len(new) > 1):
                return ExcCodes.ILLEGAL_ADDRESS
            if new is not None and not unit.command("relay", bool(new[0])):
                return ExcCodes.ILLEGAL_VALUE
            values = unit.values()
            if function in COILS:
                registers[0] = int(values["relay"])
            else:
                registers[0] = int(float(values["power"]) > float(values["setpoint"]))
        else:
            for point, value in written(address, [int(word) for word in new or []], registers, start):
                if not unit.command(point, value):
                    return ExcCodes.ILLEGAL_VALUE
            fill(unit.values(), MEASURED + COMMANDED, start, registers)
        return None

    return action
