"""The life of what is simulated on a broker: its connections, its faults, and what its actuators did."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from device_sims.actuations import Actuation, ActuationLog
from device_sims.background import end
from device_sims.broker_url import BrokerUrl
from device_sims.fault_names import check_faults
from device_sims.faults import MQTT, Fault, Faults
from device_sims.mqtt_link import LinkDownError, MqttLink

START_TIMEOUT = 10.0  # seconds


class BrokerUnreachableError(Exception):
    """The broker could not be reached in time; `str()` is one line for a person."""


class MqttSimulator:
    """Connections that live together, and begin anew by themselves whenever they break.

    `name` begins the names of its tasks. `start_timeout` is how many seconds entering waits for the broker before
    `BrokerUnreachableError`.
    """

    def __init__(self, url: str, name: str, *, faults: Iterable[Fault], start_timeout: float) -> None:
        self.url = BrokerUrl.parse(url)
        self.faults = Faults(faults)
        check_faults(self.faults, MQTT)
        self.sent = 0  # readings
        self.errors = 0  # messages that were no command
        self.ignored = 0  # commands that came retained
        self._name = name
        self._log = ActuationLog()
        self._start_timeout = start_timeout
        self._started = 0.0
        self._pulled_by_fault = False
        self._links: list[MqttLink] = []
        self._task: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._started = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._run(), name=self._name)
        try:
            async with asyncio.timeout(self._start_timeout):
                await self.connected()
        except TimeoutError:
            await end(self._task)
            reason = next((link.failure for link in self._links if link.failure), "no answer")
            raise BrokerUnreachableError(f"no connection to {self.url}: {reason}") from None
        except BaseException:
            await end(self._task)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._task is not None:
            await end(self._task)

    async def running(self) -> None:
        """Waits as long as everything works, and raises what it failed with."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def connected(self) -> None:
        """Waits until every connection is there, is subscribed and has said what it says at first."""
        for link in self._links:
            await link.up.wait()

    @property
    def connections(self) -> int:
        """Connections made since the start, repeated ones included."""
        return sum(link.connections for link in self._links)

    @property
    def actuations(self) -> list[Actuation]:
        """What all actuators did, oldest first."""
        return self._log.entries()

    async def actuated(self, count: int = 1) -> list[Actuation]:
        """Waits until `count` actuations have happened since the start, and gives them."""
        return await self._log.reached(count)

    @property
    def age(self) -> float:
        """Seconds since the start, by which the faults go."""
        return asyncio.get_running_loop().time() - self._started

    def unplug(self, name: str | None = None) -> None:
        """Breaks the named connection, or all, so that the last will is spoken."""
        for link in self._named(name):
            link.unplug()

    def replug(self, name: str | None = None) -> None:
        """Has the named connection, or all, made again."""
        for link in self._named(name):
            link.replug()

    @abstractmethod
    def _named(self, name: str | None) -> list[MqttLink]:
        """The connection of that name, or all."""
        raise NotImplementedError

    @abstractmethod
    async def _speak(self) -> None:
        """Makes readings, for ever."""
        raise NotImplementedError

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tg:
            self._tasks = tg
            for i, link in enumerate(self._links, start=1):
                tg.create_task(link.run(), name=f"{self._name}:link{i}")
            tg.create_task(self._speak(), name=f"{self._name}:readings")

    def _follow_faults(self) -> None:
        """Unplugs and replugs where a fault's time has come; what a person unplugged stays so."""
        gone = self.faults.unplugged(self.age)
        if gone == self._pulled_by_fault:
            return
        self._pulled_by_fault = gone
        if gone:
            self.unplug()
        else:
            self.replug()

    async def _answer(self, name: str, answer: Callable[[], Coroutine[None, None, None]]) -> None:
        """Answers once, twice, late or not at all, as the faults have it; `name` names the task of a late answer."""
        if self.faults.loses_acknowledgement():
            return
        times = 2 if self.faults.repeats_acknowledgement() else 1
        if delay := self.faults.acknowledgement_delay():
            assert self._tasks is not None  # noqa: S101 - whatever receives is a task of it
            self._tasks.create_task(self._answer_late(answer, times, delay), name=f"{self._name}:{name}:answer")
        else:
            await self._answer_now(answer, times)

    async def _answer_now(self, answer: Callable[[], Coroutine[None, None, None]], times: int) -> None:
        for _ in range(times):
            if not self.faults.silent(self.age):
                await answer()

    async def _answer_late(self, answer: Callable[[], Coroutine[None, None, None]], times: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        with suppress(LinkDownError):  # the link says so in its own time
            await self._answer_now(answer, times)
