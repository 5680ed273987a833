"""Modbus devices by pymodbus's own server, and what they were told: on TCP, and on a cable of two ptys."""

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.parts.ports import free_port

READS = (1, 2, 3, 4)


@dataclass
class Site:
    """Devices on one connection, by unit. Each has 64 coils and inputs, and registers 0 to 99 and 110 to 399.

    An input register holds 1000 more than its address; holding registers hold 0, and the gap between is refused.
    """

    units: tuple[int, ...] = (1,)
    silent: set[int] = field(default_factory=set)  # units that do not answer
    refuse: dict[int, ExcCodes] = field(default_factory=dict)  # by function
    most: int = 125  # registers that a device gives at once
    ignores_writes: bool = False
    delay: float = 0.0  # seconds until a request is answered
    requests: list[tuple[int, int, int, int]] = field(default_factory=list)  # unit, function, address, count
    server: Any = None
    port: int = field(default_factory=free_port)
    framer: FramerType = FramerType.SOCKET

    def asked(self, unit: int = 1, *functions: int) -> list[tuple[int, int, int]]:
        """What a device was asked, by these functions: function, address, count."""
        return [(f, a, c) for u, f, a, c in self.requests if u == unit and (not functions or f in functions)]

    def writes(self, unit: int = 1) -> list[tuple[int, int]]:
        """What a device was asked to write: function and address."""
        return [(f, a) for u, f, a, _ in self.requests if u == unit and f not in READS]

    async def start(self, path: str | None = None) -> None:
        """Serves, on the port or on a serial line."""
        devices = [
            SimDevice(
                id=unit,
                simdata=(
                    [SimData(0, values=[False] * 64, datatype=DataType.BITS)],
                    [SimData(0, values=[True, False] * 32, datatype=DataType.BITS)],
                    [SimData(start, values=[0] * count, datatype=DataType.REGISTERS) for start, count in _RANGES],
                    [
                        SimData(start, values=[1000 + start + n for n in range(count)], datatype=DataType.REGISTERS)
                        for start, count in _RANGES
                    ],
                ),
                action=partial(self._act, unit),
            )
            for unit in self.units
        ]
        traces: dict[str, Any] = {"trace_pdu": self._note, "trace_packet": self._pass}
        if path is None:
            self.server = ModbusTcpServer(devices, framer=self.framer, address=("127.0.0.1", self.port), **traces)
        else:
            self.server = ModbusSerialServer(devices, port=path, baudrate=115200, reconnect_delay=0, **traces)
        await self.server.serve_forever(background=True)

    async def stop(self) -> None:
        """Closes what is open."""
        if self.server is not None:
            await self.server.shutdown()
            self.server = None

    def set(self, address: int, values: list[int], unit: int = 1) -> None:
        """Puts values into holding registers, as the device itself would."""
        start, _, registers, _ = self.server.context.devices[unit].block["h"]
        registers[address - start : address - start + len(values)] = values

    def holds(self, address: int, count: int = 1, unit: int = 1) -> list[int]:
        """What is in holding registers."""
        start, _, registers, _ = self.server.context.devices[unit].block["h"]
        return list(registers[address - start : address - start + count])

    def _note(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            self.requests.append((pdu.dev_id, pdu.function_code, pdu.address, pdu.count))
        return pdu

    def _pass(self, sending: bool, packet: bytes) -> bytes:
        place = 6 if self.framer is FramerType.SOCKET and not isinstance(self.server, ModbusSerialServer) else 0
        return b"" if sending and packet[place] in self.silent else packet

    async def _act(
        self, unit: int, function: int, start: int, address: int, count: int, registers: list[int], values: Any
    ) -> ExcCodes | None:
        if self.delay:
            await asyncio.sleep(self.delay)
        if function in self.refuse:
            return self.refuse[function]
        if function in (3, 4) and count > self.most:
            return ExcCodes.ILLEGAL_VALUE
        if values and self.ignores_writes:
            if function in (5, 15):
                values[:] = [False] * len(values)
            else:
                values[:] = registers[address - start : address - start + len(values)]
        return None


_RANGES = ((0, 100), (110, 290))


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Site]:
    """Devices on a TCP port of this machine."""
    site = Site(**options)
    await site.start()
    try:
        yield site
    finally:
        await site.stop()


Alter = Callable[[bytes], bytes]


class Cable:
    """Two ptys whose masters are joined: what goes into one end comes out of the other, altered by what a test says.

    An end that `echoes` hears what it says, as some adapters of two-wire lines do.
    """

    def __init__(self, to_near: Alter) -> None:
        (near, self._near_end), (far, self._far_end) = os.openpty(), os.openpty()
        for end in (self._near_end, self._far_end):
            tty.setraw(end)
        self.near, self.far = os.ttyname(self._near_end), os.ttyname(self._far_end)
        self.masters = (near, far)
        self.to_near = to_near
        self.to_far: Alter = bytes
        self.echoes = False
        loop = asyncio.get_running_loop()
        for master in self.masters:
            os.set_blocking(master, False)
        loop.add_reader(near, self._from_near)
        loop.add_reader(far, self._from_far)
        os.close(self._near_end)

    def _from_near(self) -> None:
        with suppress(BlockingIOError, OSError):
            data = os.read(self.masters[0], 4096)
            if self.echoes:
                os.write(self.masters[0], data)
            os.write(self.masters[1], self.to_far(data))

    def _from_far(self) -> None:
        with suppress(BlockingIOError, OSError):
            data = os.read(self.masters[1], 4096)
            os.write(self.masters[0], self.to_near(data))

    def cut(self) -> None:
        """Hangs up on both ends."""
        if self.masters != (-1, -1):
            for master in self.masters:
                asyncio.get_running_loop().remove_reader(master)
                os.close(master)
            os.close(self._far_end)
            self.masters = (-1, -1)


@contextmanager
def cable(link: Path, to_near: Alter = bytes) -> Iterator[Cable]:
    """A serial cable whose near end is behind a link."""
    made = Cable(to_near)
    link.symlink_to(made.near)
    try:
        yield made
    finally:
        made.cut()
        link.unlink(missing_ok=True)
