"""The command `fieldgate` as its user starts it."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.parts.process import Process
from tests.parts.waiting import eventually

ENDS_WITHIN = 20.0  # seconds


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str


class Fieldgate:
    """Runs commands of `fieldgate` in a folder of their own, without the variables of whoever runs the tests."""

    command = (sys.executable, "-m", "gateway.cli")

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started: list[Process] = []

    def start(self, *arguments: str, **environment: str) -> Process:
        """The command, running."""
        return self.start_program(*self.command, *arguments, **environment)

    def start_program(self, *program: str, **environment: str) -> Process:
        """Another program, such as a shell with the command in it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIELDGATE_")}
        inherited["STATE_DIRECTORY"] = str(self.directory)
        process = Process(f"command{len(self._started)}", self.directory)
        self._started.append(process)
        process.start(program, inherited | environment, self.directory)
        return process

    async def run(self, *arguments: str, **environment: str) -> Ended:
        """The command, ended."""
        return await self.ended(self.start(*arguments, **environment))

    async def ended(self, process: Process, timeout: float = ENDS_WITHIN) -> Ended:  # noqa: ASYNC109
        """What became of a running one; DeadlineError after `timeout` seconds."""
        await eventually(lambda: not process.running, timeout, "the command's end")
        assert process.exit_code is not None
        ended = Ended(process.exit_code, process.stdout_text(), process.stderr_text())
        assert "Traceback" not in ended.err, ended.err
        return ended

    def kill(self) -> None:
        for process in self._started:
            process.kill()
