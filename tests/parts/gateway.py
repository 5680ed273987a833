"""`fieldgate run` as its user starts it: a process of its own with a configuration file."""

import io
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.parts.process import Process
from tests.parts.waiting import DeadlineError, eventually

_READY = re.compile(r"^Fieldgate is ready at (https?://\S+):(\d+)$", re.MULTILINE)
START_WITHIN = 15.0  # seconds
STOP_WITHIN = 10.0  # seconds; the promise is 5


class GatewayProcess:
    """A running gateway. `server.listen` is put in where the configuration has none: a free loopback port."""

    def __init__(self, config: str, directory: Path) -> None:
        self.config_path = directory / "fieldgate.yaml"
        self.config_path.write_text(config, encoding="utf-8")
        self._directory = directory
        self._process = Process("fieldgate", directory)
        self.url = ""
        # Set by a test that provokes one; any other traceback in the log fails the test that started the gateway.
        self.expects_traceback = False

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def exit_code(self) -> int | None:
        return self._process.exit_code

    def stdout_text(self) -> str:
        """Standard output of the current run."""
        return self._process.stdout_text()

    def stderr_text(self) -> str:
        """Standard error of all runs."""
        return self._process.stderr_text()

    async def start(self) -> None:
        """Returns once it serves; RuntimeError with its standard error when it ends or stays silent instead."""
        self._fill_in_listen()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FIELDGATE_")}
        environment["STATE_DIRECTORY"] = str(self._directory)
        command = [sys.executable, "-m", "gateway.cli", "run", str(self.config_path)]
        self._process.start(command, environment, self._directory)
        try:
            await eventually(lambda: self._ready() or not self.running, START_WITHIN, "the gateway's start")
        except DeadlineError as error:
            self.kill()
            raise RuntimeError(f"{error}:\n{self.stderr_text()}") from error
        if not (found := self._ready()):
            raise RuntimeError(f"the gateway ended with {self.exit_code} at its start:\n{self.stderr_text()}")
        self.url = f"{found[1]}:{found[2]}"

    def _ready(self) -> re.Match[str] | None:
        return _READY.search(self.stdout_text())

    def _fill_in_listen(self) -> None:
        """A port that was free for the first run is named for the runs after it."""
        yaml = YAML()
        tree: Any = yaml.load(self.config_path.read_text(encoding="utf-8"))
        if not isinstance(tree, dict):
            return  # the gateway shall say what it thinks of that
        server = tree.setdefault("server", {})
        listen = server.get("listen", "127.0.0.1:0")
        if self.url and listen.endswith(":0"):
            listen = listen.removesuffix("0") + self.url.rpartition(":")[2]
        server["listen"] = listen
        text = io.StringIO()
        yaml.dump(tree, text)
        self.config_path.write_text(text.getvalue(), encoding="utf-8")

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, such as SIGHUP or SIGSTOP."""
        self._process.signal(number)

    async def stop(self) -> int:
        """Ends it politely (SIGTERM) and gives its exit code; DeadlineError, and SIGKILL, when it does not end."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # a frozen process would never see the first
        try:
            await eventually(lambda: not self.running, STOP_WITHIN, "the gateway's end")
        finally:
            self.kill()
        code = self.exit_code
        assert code is not None, "the gateway was never started"
        return code

    def kill(self) -> None:
        """Ends it at once (SIGKILL)."""
        self._process.kill()

    async def restart(self) -> None:
        """Stops it where it runs, and starts it on the port that it had."""
        if self.running:
            await self.stop()
        await self.start()

    def hidden_errors(self) -> str:
        """What its log shows of errors that no client saw; empty where all is well."""
        text = self.stderr_text()
        signs = ("Traceback (most recent call last)", "was never retrieved", "was never awaited", "ResourceWarning")
        return text if any(sign in text for sign in signs) and not self.expects_traceback else ""


StartGateway = Callable[[str], Awaitable[GatewayProcess]]
