"""A simulated Modbus meter: over TCP, or as RTU on a pty behind a symlink."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from device_sims.actuations import Actuation, ActuationLog
from device_sims.background import end
from device_sims.device import Command, SimulatedDevice
from device_sims.fault_names import check_faults
from device_sims.faults import MODBUS, RTU, Fault, Faults
from device_sims.kinds import Value
from device_sims.modbus_lines import RtuLine, TcpLine
from device_sims.modbus_registers import METER
from device_sims.outgoing import Later
from device_sims.pace import check_load

if TYPE_CHECKING:
    from device_sims.modbus_server import Answerer

MOST_UNITS = 247  # MODBUS over Serial Line V1.02 §2.2


class ModbusMeter:
    """A meter, or `devices` of them as units 1 to N, that answers Modbus requests (modbus_registers.py).

    It listens on `listen` (`host:port`, port 0 takes a free one), or is RTU on a pty found at `link`. Its values change
    `rate` times a second. Bad settings are a `ValueError`; an address that cannot be had is an `OSError` on entering.
    """

    def __init__(
        self,
        listen: str | None = None,
        *,
        link: str | os.PathLike[str] | None = None,
        rate: float = 1.0,
        seed: int = 0,
        devices: int = 1,
        faults: Iterable[Fault] = (),
    ) -> None:
        check_load(devices, rate)
        if devices > MOST_UNITS:
            raise ValueError(f"devices must be at most {MOST_UNITS}")
        self.faults = Faults(faults)
        self.sent = 0  # answers
        self.line: TcpLine | RtuLine
        if listen is not None and link is None:
            self.line = TcpLine(*_parse_address(listen))
            check_faults(self.faults, MODBUS)
        elif link is not None and listen is None:
            self.line = RtuLine(link, self.faults, self._forget)
            check_faults(self.faults, MODBUS, RTU)
        else:
            raise ValueError("a meter needs either an address to listen on or a link")
        self._log = ActuationLog()
        interval = 1 / rate if rate else 1.0
        self._units = {
            number: _Unit(
                SimulatedDevice(f"u{number}", METER, seed=seed, interval=interval, record=self._log.add), self, rate
            )
            for number in range(1, devices + 1)
        }
        self.devices = [unit.device for unit in self._units.values()]
        self._later = Later()
        self._started = 0.0
        self._pulled_by_fault = False
        self._answerer: Answerer | None = None
        self._task: asyncio.Task[None] | None = None

    # The life of the meter

    async def __aenter__(self) -> Self:
        # Only now: whoever simulates something else need not wait for pymodbus.
        from device_sims.modbus_server import Answerer  # noqa: PLC0415

        self._started = asyncio.get_running_loop().time()
        self._answerer = Answerer(
            self._units, serial=isinstance(self.line, RtuLine), exception=self.faults.exception, send=self._send
        )
        await self.replug()
        self._task = asyncio.create_task(self._run(), name=f"meter:{self.line}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.unplug()
        if self._task is not None:
            await end(self._task)

    async def running(self) -> None:
        """Waits as long as the meter works, and raises what it failed with."""
        if self._task is not None:
            await asyncio.shield(self._task)

    @property
    def link(self) -> Path | None:
        """The path that whoever uses a line opens, or None over TCP."""
        return self.line.port.link if isinstance(self.line, RtuLine) else None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port, or None on a line."""
        return (self.line.host, self.line.port) if isinstance(self.line, TcpLine) else None

    @property
    def plugged(self) -> bool:
        """Whether the meter is on its line."""
        return self.line.plugged

    @property
    def requests(self) -> int:
        """Requests that were understood, for whichever unit."""
        return self._answerer.requests if self._answerer else 0

    @property
    def age(self) -> float:
        """Seconds since the meter was started, by which its faults go."""
        return asyncio.get_running_loop().time() - self._started

    @property
    def actuations(self) -> list[Actuation]:
        """What relays and setpoints did, oldest first."""
        return self._log.entries()

    async def actuated(self, count: int = 1) -> list[Actuation]:
        """Waits until `count` actuations have happened since the start, and gives them."""
        return await self._log.reached(count)

    def unplug(self) -> None:
        """Takes the meter off its line: connections end, and none can be made."""
        self._later.forget()
        self.line.unplug()
        if self._answerer is not None:
            self._answerer.hang_up()

    async def replug(self) -> None:
        """Puts the meter on its line again, with its state, under the same address or link."""
        if self._answerer is not None:
            await self.line.plug(self._answerer.connection)

    async def _run(self) -> None:
        while True:
            gone = self.faults.unplugged(self.age)
            if gone != self._pulled_by_fault:  # what a person unplugged stays so
                self._pulled_by_fault = gone
                if gone:
                    self.unplug()
                else:
                    await self.replug()
            await asyncio.sleep(self.faults.tick)

    def _forget(self) -> None:
        if self._answerer is not None:
            self._answerer.forget()

    def _send(self, answer: bytes, write: Callable[[bytes], None]) -> None:
        """Sends an answer as the faults have it."""
        if self.faults.spoils_checksum():
            answer = answer[:-1] + bytes([answer[-1] ^ 1])
        answer = answer[: max(1, len(answer) - self.faults.cut())]

        def say() -> None:
            if not self.faults.silent(self.age):
                self.sent += 1
                write(answer)

        delay = self.faults.acknowledgement_delay()
        if delay:
            self._later.call(delay, say)
        else:
            say()


class _Unit:
    """One meter on the line; what it measures is what it would by now, however often it is asked."""

    def __init__(self, device: SimulatedDevice, meter: ModbusMeter, rate: float) -> None:
        self.device = device
        self._meter = meter
        self._rate = rate

    def values(self) -> dict[str, Value]:
        """The reading of now."""
        self.device.sequence = int(self._meter.age * self._rate)
        return self.device.reading()

    def command(self, point: str, value: bool | float) -> bool:
        """Obeys; False where it refuses."""
        return self.device.obey(Command(point, value), self._meter.faults) is None


def _parse_address(text: str) -> tuple[str, int]:
    """Reads `host:port`; `ValueError` says what is wrong."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.path or parts.username is not None:
        raise ValueError(f"an address looks like 127.0.0.1:5020, not {text!r}")
    return host, port
