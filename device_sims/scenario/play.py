"""Plays a scenario: its devices, and what its script has befall them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from device_sims.background import end
from device_sims.faults import Fault
from device_sims.scenario.sections import Scenario, Simulator, script_fault

log = logging.getLogger(__name__)


class Play:
    """The devices of a scenario, by name, and its script, from the moment that all devices are there."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.rounds = 0  # how often the script has been played to its end
        self._stack = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None
        self._on: dict[int, Fault] = {}  # by the place of the step in the script

    @property
    def devices(self) -> Mapping[str, Simulator]:
        """The devices by name."""
        return self.scenario.devices

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for simulator in self.devices.values():
                simulator.faults.scripted = True
                await stack.enter_async_context(simulator)
            self._stack = stack.pop_all()
        self._task = asyncio.create_task(self._run(), name=f"scenario:{self.scenario.source}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        async with self._stack:
            if self._task is not None:
                await end(self._task)

    async def running(self) -> None:
        """Waits as long as the devices work, and raises what one of them failed with."""
        try:
            async with asyncio.TaskGroup() as tg:
                tg.create_task(self.finished(), name="scenario:script")
                for name, simulator in self.devices.items():
                    tg.create_task(simulator.running(), name=f"scenario:{name}")
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def finished(self) -> None:
        """Waits until the script has been played to its end, for ever where it repeats."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            for at, on, number in _moments(self.scenario):
                await asyncio.sleep(began + at - loop.time())
                self._switch(number, on=on)
            if self.scenario.repeat is None:
                self.rounds += 1
                return
            await asyncio.sleep(began + self.scenario.repeat - loop.time())
            for number in list(self._on):
                self._switch(number, on=False)
            self.rounds += 1
            began += self.scenario.repeat

    def _switch(self, number: int, *, on: bool) -> None:
        step = self.scenario.script[number]
        simulator = self.devices[step.device]
        if on:
            fault = script_fault(step.fault, simulator)
            fault.since = simulator.age
            simulator.faults.append(fault)
            self._on[number] = fault
        else:
            simulator.faults.end(self._on.pop(number))
        log.info("%s: %s %s", step.device, step.fault, "begins" if on else "ends")


def _moments(scenario: Scenario) -> list[tuple[float, bool, int]]:
    """When which step of the script begins (True) and ends, in order; those that end with the script do not end."""
    end = math.inf if scenario.repeat is None else scenario.repeat
    moments = []
    for number, step in enumerate(scenario.script):
        moments.append((step.at, True, number))
        if step.seconds is not None and step.at + step.seconds < end:
            moments.append((step.at + step.seconds, False, number))
    return sorted(moments)  # at one moment, what ends before what begins
