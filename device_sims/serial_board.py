"""A simulated serial board: a device, or several, on a pty behind a symlink."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from device_sims.actuations import Actuation, ActuationLog
from device_sims.background import end
from device_sims.device import Command, Poll, SimulatedDevice
from device_sims.fault_names import check_faults
from device_sims.faults import SERIAL, Fault, Faults
from device_sims.kinds import kind_named
from device_sims.outgoing import Later, Outgoing
from device_sims.pace import Pace, check_load
from device_sims.pty_port import PtyPort
from device_sims.signals import derive
from device_sims.wire import wire_of

OPEN_TICK = 0.01  # seconds between looks at whether the port is open: the kernel announces only the closing
BANNER = b"\r\nboot: %b 1.0\r\nready\r\n"  # what a board prints when it starts, whatever its frames look like


class SerialBoard:
    """A board with one device, or `devices` of them on one line, each sending `rate` readings a second.

    It speaks `codec` in frames of `framing` with `checksum` (see wire/). Several devices, `n1` to `nN`, are named in
    each frame, and a command must name one too. A command is obeyed and answered, and at once a reading shows the new
    state. A command to a node that is not there, or is `dead`, is answered by nobody. With a `rate` of 0 the board
    speaks only when spoken to, and through `report` and `send`; with `poll`, it gives a reading only when it is asked
    for one: `READ n1`. `header` is the row of names of a table. `stamp` adds the wall clock as `time`.

    While unplugged or silent it makes no readings, so `sequence` has a hole only where a reading was lost. Entering
    raises `FileExistsError` when `link` is something other than a symlink; bad settings are a `ValueError`.
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
        framing: str = "lines",
        checksum: str = "none",
        codec: str | None = None,
        header: bool = True,
        poll: bool = False,
        dead: Iterable[str] = (),
    ) -> None:
        check_load(devices, rate)
        self.kind = kind_named(kind)
        self.faults = Faults(faults)
        check_faults(self.faults, SERIAL)
        self._framing, self._codec = wire_of(
            self.kind, framing=framing, checksum=checksum, codec=codec, devices=devices, header=header, stamp=stamp
        )
        self._log = ActuationLog()
        self._rate = 0.0 if poll else rate
        self._poll = poll
        self._shared = devices > 1
        names = [f"n{i}" for i in range(1, devices + 1)] if self._shared else [self.kind.name]
        self.devices, self._twins = (
            [
                SimulatedDevice(
                    name, self.kind, seed=own, interval=1 / rate if rate else 1.0, record=self._log.add, stamp=stamp
                )
                for name in names
            ]
            for own in (seed, derive(seed, "twin"))
        )
        self._by_name = {device.name: device for device in self.devices}
        self._twin_of = dict(zip(names, self._twins, strict=True))
        self._dead = frozenset(dead)
        if unknown := self._dead - self._by_name.keys():
            raise ValueError(f"no device is named {min(unknown)!r}: there are {', '.join(names)}")
        self._port = PtyPort(
            Path(link),
            receive=self._received,
            forget=self._forget,
            pause=self.faults.pause,
            piece=self.faults.piece,
        )
        self._out = Outgoing(self._port, self._framing, self.faults)
        self._later = Later()
        self._greeted = False  # whether whoever has the port open has heard the board's first words
        self._not_understood = 0
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
        self.unplug()
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
    def sent(self) -> int:
        """Frames that went into the port."""
        return self._out.sent

    @property
    def dropped(self) -> int:
        """Frames that were lost because nobody had the port open, or did not read."""
        return self._port.dropped + self._out.lost

    @property
    def errors(self) -> int:
        """Frames received that were damaged, or that the board does not understand."""
        return self._framing.errors + self._not_understood

    @property
    def age(self) -> float:
        """Seconds since the board was started, by which its faults go."""
        return asyncio.get_running_loop().time() - self._started

    @property
    def actuations(self) -> list[Actuation]:
        """What the actuators did, oldest first."""
        return self._log.entries()

    def unplug(self) -> None:
        """Pulls the board out: the link goes, and whoever has the port open is hung up on."""
        self._later.forget()
        self._port.unplug()

    def replug(self) -> None:
        """Plugs the board in again: a new pty behind the same link. It has kept its state."""
        self._port.plug()

    def reboot(self) -> None:
        """Starts anew in the middle of a frame: prints a banner, forgets its state, and counts readings from 1."""
        self._later.forget()
        if self._speaks():
            cut = self._framing.wrap(self._codec.reading(self.devices[0].reading(), self._node(self.devices[0]))[0])
            self._out.write(cut[: len(cut) // 2] + BANNER % self.kind.name.encode(), frames=0)
        for device in (*self.devices, *self._twins):
            device.restart()
        self._forget()

    # What it says

    def send(self, frame: bytes) -> bool:
        """Puts any bytes on the line, faults or none; False where they were dropped."""
        return self._out.write(frame)

    def report(self, device: SimulatedDevice | None = None) -> bool:
        """Sends a reading of the device, or of the first one, now; False where it was not sent."""
        device = device or self.devices[0]
        if not self._speaks() or device.name in self._dead:
            return False
        twins = [self._twin_of[device.name]] if self.faults.doubled() else []
        self._greet()
        said = [
            self._out.say(payload)
            for each in (device, *twins)
            for payload in self._codec.reading(each.reading(), self._node(device))
        ]
        return all(said)

    async def opened(self) -> None:
        """Waits until somebody has the port open."""
        while not self.is_open:  # the kernel has no event for it
            await asyncio.sleep(OPEN_TICK)

    async def actuated(self, count: int = 1) -> list[Actuation]:
        """Waits until `count` actuations have happened since the start, and gives them."""
        return await self._log.reached(count)

    def _node(self, device: SimulatedDevice) -> str | None:
        return device.name if self._shared else None

    def _speaks(self) -> bool:
        return self.plugged and not self.faults.silent(self.age)

    def _greet(self) -> None:
        """The first words, to whoever has just opened the port."""
        if not self._greeted and self.is_open:
            self._greeted = True
            for payload in self._codec.hello():
                self._out.say(payload)

    async def _run(self) -> None:
        pace = Pace(self._rate * len(self.devices), start=0.0)
        turn = 0
        while True:
            self._follow_faults()
            for _ in range(pace.due(self.age)):
                self.report(self.devices[turn])
                turn = (turn + 1) % len(self.devices)
            await asyncio.sleep(min(pace.wait(self.age), self.faults.tick))

    def _follow_faults(self) -> None:
        """Does what a fault's time has come for; what a person unplugged stays so."""
        if self.faults.reboots(self.age):
            self.reboot()
        gone = self.faults.unplugged(self.age)
        if gone == self._pulled_by_fault:
            return
        self._pulled_by_fault = gone
        if gone:
            self.unplug()
        else:
            self.replug()

    # What it hears

    def _received(self, received: bytes) -> None:
        for payload in self._framing.receive(received):
            try:
                heard = self._codec.heard(payload)
            except ValueError:
                self._not_understood += 1
                continue
            device = self._addressed(heard.node) if heard is not None else None
            if device is None:
                continue
            if isinstance(heard, Poll):
                self.report(device)
            elif isinstance(heard, Command):
                self._obey(device, heard)

    def _obey(self, device: SimulatedDevice, command: Command) -> None:
        obeying = [device, *([self._twin_of[device.name]] if self.faults.doubled() else [])]
        errors = [each.obey(command, self.faults) for each in obeying]
        for error in errors:
            answer = self._codec.answer(command, error)
            if answer is not None and not self.faults.loses_acknowledgement():
                self._answer([answer, answer] if self.faults.repeats_acknowledgement() else [answer])
        if errors[0] is None and not self._poll:
            self.report(device)

    def _answer(self, answers: list[bytes]) -> None:
        def say() -> None:
            if self._speaks():
                self._greet()
                for answer in answers:
                    self._out.say(answer, urgent=True)

        delay = self.faults.acknowledgement_delay()
        if delay:
            self._later.call(delay, say)
        else:
            say()

    def _addressed(self, node: object) -> SimulatedDevice | None:
        if not self._shared:
            device = self.devices[0]
        elif not isinstance(node, str) or node not in self._by_name:
            return None
        else:
            device = self._by_name[node]
        return None if device.name in self._dead else device

    def _forget(self) -> None:
        """Whoever had the port open is gone: what he half wrote is, too, and the next one hears the first words."""
        self._framing.forget()
        self._out.forget()
        self._greeted = False
