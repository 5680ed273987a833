"""The simulators as their user starts them: processes of their own."""

import re
import signal
import sys
from pathlib import Path

from tests.parts.process import Process
from tests.parts.waiting import eventually

START_WITHIN = 20.0  # seconds
_READY = re.compile(r"^(board \w+|\d+ nodes?) on ", re.MULTILINE)


class Simulator:
    """`python -m device_sims …`, from when it says that it works until it is ended."""

    def __init__(self, directory: Path, name: str, *arguments: object) -> None:
        self._process = Process(name, directory)
        self._command = [sys.executable, "-m", "device_sims", *map(str, arguments)]

    async def start(self) -> None:
        self._process.start(self._command)
        ready = lambda: _READY.search(self._process.stdout_text()) or not self._process.running  # noqa: E731
        await eventually(ready, START_WITHIN, "the simulator's start")
        assert self._process.running, self._process.stderr_text()

    def toggle(self) -> None:
        """Pulls a plugged board, and plugs a pulled one."""
        self._process.signal(signal.SIGUSR1)

    def freeze(self) -> None:
        """Holds it: a board that reads and says nothing, with its port open."""
        self._process.signal(signal.SIGSTOP)

    def end(self) -> None:
        """Ends it politely, frozen or not, and at once where it does not."""
        self._process.signal(signal.SIGTERM)
        self._process.signal(signal.SIGCONT)
        try:
            self._process.wait(10)
        finally:
            self._process.kill()


class Simulators:
    """Starts simulators and ends them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[Simulator] = []

    async def serial(self, link: Path, *arguments: object) -> Simulator:
        """`device_sims serial --link LINK …`"""
        return await self._start("serial", "--link", link, *arguments)

    async def mqtt(self, url: str, *arguments: object) -> Simulator:
        """`device_sims mqtt --url URL …`"""
        return await self._start("mqtt", "--url", url, *arguments)

    async def _start(self, *arguments: object) -> Simulator:
        simulator = Simulator(self._directory, f"simulator{len(self._started)}", *arguments)
        self._started.append(simulator)
        await simulator.start()
        return simulator

    def end(self) -> None:
        for simulator in self._started:
            simulator.end()
