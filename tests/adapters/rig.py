"""One adapter at work: the real bus and command router behind it, and no server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from gateway.adapters import Adapter, AdapterPlugin
from gateway.audit.audit import NoAudit
from gateway.bus import Device, Devices, Link, Log
from gateway.commands import Asked, Command, Commands, Ledger, Sender
from gateway.config import Config, parse
from gateway.model import DeviceState, Identity, Reading, Value
from tests.parts.waiting import eventually

WITHIN = 10.0  # seconds for anything that should happen soon
OPERATOR = Identity("operator", read=("*",), command=("*",))


class Rig:
    """The first adapter of a configuration, running. `readings` are all that it published, oldest first."""

    def __init__(self, config: Config) -> None:
        (options,) = config.adapters
        assert isinstance(options, AdapterPlugin)
        self.id = options.id
        self.devices = Devices(Log(100_000, 600.0), config.devices)
        self.commands = Commands(self.devices, Ledger(NoAudit()), NoAudit())
        self.readings: list[Reading] = []
        self.links: list[Link] = []
        self.devices.taps.append(self.readings.append)
        self.adapter: Adapter = options.build(self._link, "test")
        self.commands.writers[self.id] = self.adapter

    def _link(self, **given: Any) -> Link:
        make: Callable[..., Link] = partial(
            Link, self.id, self.devices, acknowledge=self.commands.acknowledged, lost=self.commands.link_lost
        )
        self.links.append(make(**given))
        return self.links[-1]

    @property
    def link(self) -> Link:
        return self.links[0]

    def device(self, name: str | None = None) -> Device:
        """The device of this name, or the adapter as its one device."""
        device = self.devices.get(f"{self.id}.{name}" if name else self.id)
        assert device is not None, f"{name} among {[d.id for d in self.devices]}"
        return device

    def values(self, point: str, name: str | None = None) -> list[Value]:
        """What one point of a device was, in order."""
        id = f"{self.id}.{name}" if name else self.id
        return [reading.values[point] for reading in self.readings if reading.device == id and point in reading.values]

    def errors(self) -> int:
        """Frames that could not be read, of all devices and of none."""
        return self.link.info.errors + sum(device.errors for device in self.devices)

    async def up(self) -> None:
        await eventually(lambda: self.link.is_up, WITHIN, "the link")

    async def down(self) -> str:
        """Why the link is down, once it is."""
        await eventually(lambda: not self.link.is_up and self.link.reason, WITHIN, "the link's end")
        return str(self.link.reason)

    async def reading(self, predicate: Callable[[Reading], bool] = lambda reading: True) -> Reading:
        """The first reading, from the beginning, for which the predicate holds."""
        found: Reading | None = await eventually(
            lambda: next((reading for reading in self.readings if predicate(reading)), None), WITHIN, "the reading"
        )
        assert found is not None
        return found

    async def state(self, state: DeviceState, name: str | None = None) -> Device:
        """The device, once it is in the state."""
        id = f"{self.id}.{name}" if name else self.id
        await eventually(
            lambda: (device := self.devices.get(id)) is not None and device.state is state, WITHIN, f"{id} {state}"
        )
        return self.device(name)

    def submit(self, point: str, value: Value, name: str | None = None, **options: Any) -> Command:
        """A command of someone who may do everything, as accepted."""
        return self.commands.submit(OPERATOR, Asked(self.device(name).id, point, value, **options), Sender())

    async def command(self, point: str, value: Value, name: str | None = None, **options: Any) -> Command:
        """A command, once it has ended."""
        command = self.submit(point, value, name, **options)
        async with asyncio.timeout(3 * WITHIN):
            await self.commands.finished(command)
        return command


@asynccontextmanager
async def running(configuration: str) -> AsyncIterator[Rig]:
    """The adapter of the configuration, from its start to its end within five seconds."""
    rig = Rig(parse(configuration, "fieldgate.yaml", Path()))

    async def clock() -> None:
        while True:
            await asyncio.sleep(0.05)
            rig.link.judge_silence()

    # No group of tasks: it would wrap a test's failure in another.
    tasks = [
        asyncio.create_task(rig.commands.run(), name="commands"),
        asyncio.create_task(clock(), name="clock"),
        asyncio.create_task(rig.adapter.run(), name=f"adapter:{rig.id}"),
    ]
    try:
        await asyncio.sleep(0)  # commands are taken from here on
        yield rig
        assert not any(task.done() for task in tasks), "what runs for ever has ended"
    finally:
        for task in tasks:
            task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait(tasks)
