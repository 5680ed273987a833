"""A real Mosquitto on free loopback ports."""

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.parts.certificates import Pair
from tests.parts.ports import free_port
from tests.parts.process import Process
from tests.parts.waiting import wait_for

MISSING = "Mosquitto is not installed: `make test` installs it, or `apt-get install mosquitto`"
_RUNNING = " running\n"  # its log, once all listeners are open
_IN_USE = "Address already in use"


def find_mosquitto() -> str | None:
    """Its path. Debian keeps it in /usr/sbin, which is not on everyone's PATH."""
    return shutil.which("mosquitto", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Tls:
    """What a broker shows to its clients, and whose certificates it asks of them, if any."""

    pair: Pair
    clients: Path | None = None

    def lines(self) -> list[str]:
        """As Mosquitto's configuration has it, for one listener."""
        asked = [f"cafile {self.clients}", "require_certificate true"] if self.clients else []
        return [f"certfile {self.pair.certificate}", f"keyfile {self.pair.key}", *asked]


class Mosquitto:
    """A broker without passwords and without persistence, always on the same ports however often it restarts.

    With `tls` it listens on `tls_port` too, and with both on `wss_port`.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        directory: Path,
        *,
        websockets: bool = False,
        nodelay: bool = False,
        tls: Tls | None = None,
        lines: tuple[str, ...] = (),
    ) -> None:
        program = find_mosquitto()
        if program is None:
            raise FileNotFoundError(MISSING)
        self._program = program
        self._configuration = directory / "mosquitto.conf"
        self._process = Process("mosquitto", directory)
        self._websockets = websockets
        self._nodelay = nodelay
        self._tls = tls
        self._lines = lines  # of its configuration, for all listeners
        self.port = 0
        self.ws_port: int | None = None
        self.tls_port: int | None = None
        self.wss_port: int | None = None

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def log_text(self) -> str:
        return self._process.stderr_text()

    def start(self) -> None:
        """Returns once it accepts connections; RuntimeError with its log when it does not."""
        if self.port:
            self._start()
            return
        for _ in range(5):  # another program may take the port between the look and the start
            self.port = free_port()
            self.ws_port = free_port() if self._websockets else None
            self.tls_port = free_port() if self._tls else None
            self.wss_port = free_port() if self._tls and self._websockets else None
            if self._start(retry=True):
                return
        raise RuntimeError(f"Mosquitto finds no free port:\n{self.log_text()}")

    def _start(self, *, retry: bool = False) -> bool:
        lines = ["allow_anonymous true", "persistence false"]
        lines += ["set_tcp_nodelay true"] if self._nodelay else []
        lines += ["user root"] if self._tls and os.geteuid() == 0 else []  # else it could not read the key
        lines += self._lines
        lines += [f"listener {self.port} {self.host}"]
        if self.ws_port is not None:
            lines += [f"listener {self.ws_port} {self.host}", "protocol websockets"]
        if self._tls is not None:
            lines += [f"listener {self.tls_port} {self.host}", *self._tls.lines()]
            if self.wss_port is not None:
                lines += [f"listener {self.wss_port} {self.host}", "protocol websockets", *self._tls.lines()]
        self._configuration.write_text("\n".join(lines) + "\n")
        before = len(self.log_text())
        self._process.start([self._program, "-c", str(self._configuration)])
        # A connection would not prove it: another program's listener may answer on that port.
        wait_for(lambda: _RUNNING in self.log_text()[before:] or not self.running, 10, "Mosquitto's start")
        log = self.log_text()[before:]
        if _RUNNING in log:
            return True
        if retry and _IN_USE in log:
            return False
        raise RuntimeError(f"Mosquitto ended with {self._process.exit_code} at its start:\n{log}")

    def stop(self) -> int:
        """Ends it politely (SIGTERM) and gives its exit code; its clients see the connection close."""
        self._process.signal(signal.SIGTERM)
        self.thaw()  # a frozen process would never see the signal
        return self._process.wait(10)

    def kill(self) -> None:
        """Ends it at once (SIGKILL)."""
        self._process.kill()

    def freeze(self) -> None:
        """Holds it (SIGSTOP): connections stay open and nothing is answered."""
        self._process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on (SIGCONT)."""
        self._process.signal(signal.SIGCONT)
