"""One child process: its output in files, its end by its own process id."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.parts.waiting import wait_for


class Process:
    """A program that can be started, stopped, killed, frozen and started again.

    Output goes to files, which never block the program as an unread pipe would. Standard output is that of the
    current run, standard error that of all runs.
    """

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self._stdout = directory / f"{name}.stdout"
        self._stderr = directory / f"{name}.stderr"
        self._child: subprocess.Popen[bytes] | None = None

    def start(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, directory: Path | None = None
    ) -> None:
        if self.running:
            raise RuntimeError(f"{self.name} is running already")
        with self._stdout.open("wb") as stdout, self._stderr.open("ab") as stderr:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment, cwd=directory
            )

    @property
    def running(self) -> bool:
        return self.exit_code is None and self._child is not None

    @property
    def exit_code(self) -> int | None:
        """Of the last run; negative is the signal that ended it, None while it runs or before it ever ran."""
        return self._child.poll() if self._child is not None else None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._child.pid

    def signal(self, number: signal.Signals) -> None:
        """Sends the signal, or does nothing when the process has ended."""
        if self.running:
            os.kill(self.pid, number)

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended; DeadlineError after `timeout` seconds."""
        wait_for(lambda: not self.running, timeout, f"the end of {self.name}")
        assert self.exit_code is not None, f"{self.name} was never started"
        return self.exit_code

    def kill(self) -> None:
        """Ends it at once, frozen or not (SIGKILL)."""
        self.signal(signal.SIGKILL)
        if self._child is not None:
            self._child.wait()

    def stdout_text(self) -> str:
        return _text(self._stdout)

    def stderr_text(self) -> str:
        return _text(self._stderr)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
