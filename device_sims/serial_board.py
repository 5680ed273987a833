"""A simulated serial board: JSON lines on a pty behind a symlink."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from device_sims.actuations import Actuation, ActuationLog
from device_sims.background import end
from device_sims.device import SimulatedDevice
from device_sims.faults import Fault, Faults
from device_sims.kinds import kind_named
from device_sims.pace import Pace, check_load
from device_sims.pty_port import PtyPort
from device_sims.wire import command_in, decode, encode_acknowledgement, encode_reading

LONGEST_LINE = 4096  # bytes; a longer one is dropped and counted in `errors`
FAULT_TICK = 0.05  # seconds between looks at what the faults want
IDLE_TICK = 0.5  # seconds between looks at whether there are faults
OPEN_TICK = 0.01  # seconds between looks at whether the port is open: the kernel announces only the closing


class SerialBoard:
    """A board with one device, or `devices` of them on one line, each sending `rate` readings a second.

    With one device a reading is `{"temperature":21.4,…}`; with several, `n1` to `nN`, each line says which in `"node"`,
    and a command must too. `{"command":"fan","value":true,"id":17}` is answered `{"ack":17,"ok":true}`, and at once a
    reading shows the new state. A command to a node that is not there is answered by nobody. With a `rate` of 0 the
    board speaks only when spoken to, and through `report` and `send`. `stamp` adds the wall clock as `"time"`.

    While unplugged or silent it makes no readings, so `sequence` has a hole only where a reading was lost. Entering
    raises `FileExistsError` when `link` is something other than a symlink; an unknown `kind` is a `ValueError`.
    """

    def __init__(
        self,
        link: str | os.PathLike[str],
        *,
        kind: str = "climate",
        rate: float = 1.0,
        seed: int = 0,
        devices: int = 1,
        faults: Iterable[Fault] = (),
        stamp: bool = False,
    ) -> None:
        check_load(devices, rate)
        self.kind = kind_named(kind)
        self.faults = Faults(faults)
        self.sent = 0  # frames that went into the port
        self.errors = 0  # lines received that are no JSON object
        self._log = ActuationLog()
        self._rate = rate
        self._shared = devices > 1
        self.devices = [
            SimulatedDevice(
                f"n{i}" if self._shared else self.kind.name,
                self.kind,
                seed=seed,
                interval=1 / rate if rate else 1.0,
                record=self._log.add,
                stamp=stamp,
            )
            for i in range(1, devices + 1)
        ]
        self._by_name = {device.name: device for device in self.devices}
        self._port = PtyPort(Path(link), receive=self._received, forget=self._forget_incoming, pause=self.faults.pause)
        self._incoming = bytearray()
        self._overlong = False
        self._started = 0.0
        self._pulled_by_fault = False
        self._task: asyncio.Task[None] | None = None

    # The life of the board

    async def __aenter__(self) -> Self:
        self._started = asyncio.get_running_loop().time()
        self._port.plug()
        self._task = asyncio.create_task(self._run(), name=f"board:{self.link.name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._port.unplug()
        if self._task is not None:
            await end(self._task)

    async def running(self) -> None:
        """Waits as long as the board works, and raises what it failed with."""
        if self._task is not None:
            await asyncio.shield(self._task)

    @property
    def link(self) -> Path:
        """The path that whoever uses the board opens; it is there while the board is plugged."""
        return self._port.link

    @property
    def path(self) -> str | None:
        """The pty behind the link, or None while unplugged."""
        return self._port.path

    @property
    def plugged(self) -> bool:
        """Whether the board is plugged."""
        return self._port.plugged

    @property
    def is_open(self) -> bool:
        """Whether somebody has the port open."""
        return self._port.is_open

    @property
    def dropped(self) -> int:
        """Frames that were lost because nobody had the port open, or did not read."""
        return self._port.dropped

    @property
    def actuations(self) -> list[Actuation]:
        """What the actuators did, oldest first."""
        return self._log.entries()

    def unplug(self) -> None:
        """Pulls the board out: the link goes, and whoever has the port open is hung up on."""
        self._port.unplug()

    def replug(self) -> None:
        """Plugs the board in again: a new pty behind the same link. It has kept its state."""
        self._port.plug()

    # What it says

    def send(self, frame: bytes) -> bool:
        """Puts any bytes on the line, faults or none; False where they were dropped."""
        accepted = self._port.write(frame)
        self.sent += accepted
        return accepted

    def report(self, device: SimulatedDevice | None = None) -> bool:
        """Sends a reading of the device, or of the first one, now; False where it was not sent."""
        device = device or self.devices[0]
        if not self._speaks():
            return False
        node: dict[str, bool | int | float | str] = {"node": device.name} if self._shared else {}
        return self._say(encode_reading(device.reading(), **node))

    async def opened(self) -> None:
        """Waits until somebody has the port open."""
        while not self.is_open:  # the kernel has no event for it
            await asyncio.sleep(OPEN_TICK)

    async def actuated(self, count: int = 1) -> list[Actuation]:
        """Waits until `count` actuations have happened since the start, and gives them."""
        return await self._log.reached(count)

    def _speaks(self) -> bool:
        return self.plugged and not self.faults.silent(self._age())

    def _say(self, text: bytes) -> bool:
        return self.send(self.faults.noise() + text + b"\n")

    def _age(self) -> float:
        return asyncio.get_running_loop().time() - self._started

    async def _run(self) -> None:
        pace = Pace(self._rate * len(self.devices), start=0.0)
        turn = 0
        while True:
            self._follow_faults()
            for _ in range(pace.due(self._age())):
                self.report(self.devices[turn])
                turn = (turn + 1) % len(self.devices)
            await asyncio.sleep(min(pace.wait(self._age()), FAULT_TICK if self.faults else IDLE_TICK))

    def _follow_faults(self) -> None:
        """Unplugs and replugs where a fault's time has come; what a person unplugged stays so."""
        gone = self.faults.unplugged(self._age())
        if gone == self._pulled_by_fault:
            return
        self._pulled_by_fault = gone
        if gone:
            self.unplug()
        else:
            self.replug()

    # What it hears

    def _received(self, received: bytes) -> None:
        *lines, rest = received.split(b"\n")
        for line in lines:
            self._incoming += line
            if self._overlong:
                self.errors += 1
                self._overlong = False
            elif self._incoming.strip():
                self._heard(bytes(self._incoming))
            self._incoming.clear()
        self._incoming += rest
        if len(self._incoming) > LONGEST_LINE:
            self._overlong = True
            self._incoming.clear()

    def _forget_incoming(self) -> None:
        self._incoming.clear()
        self._overlong = False

    def _heard(self, line: bytes) -> None:
        try:
            message = decode(line)
        except ValueError:
            self.errors += 1
            return
        command = command_in(message)
        if command is None:
            return
        device = self._addressed(message.get("node"))
        if device is None:
            return
        error = device.obey(command, self.faults)
        if command.id is not None and not self.faults.loses_acknowledgement() and self._speaks():
            self._say(encode_acknowledgement(command, error))
        if error is None:
            self.report(device)

    def _addressed(self, node: object) -> SimulatedDevice | None:
        if not self._shared:
            return self.devices[0]
        return self._by_name.get(node) if isinstance(node, str) else None
