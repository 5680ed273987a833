"""A Mosquitto that asks for a password and lets each user do little."""

import os
import subprocess
from pathlib import Path

from tests.parts.mosquitto import find_mosquitto
from tests.parts.ports import free_port
from tests.parts.process import Process
from tests.parts.waiting import wait_for

USER, PASSWORD = "gateway", "pass word: #ä"


class GuardedMosquitto:
    """Knows one user, who may do what `rights` says in the words of Mosquitto's access lists."""

    def __init__(self, directory: Path, rights: str = "topic readwrite #") -> None:
        self.port = free_port()
        self._process = Process("guarded", directory)
        passwords, access = directory / "passwords", directory / "access"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True)
        access.write_text(f"user {USER}\n{rights}\n")
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", "allow_anonymous false"]
        lines += [f"password_file {passwords}", f"acl_file {access}"]
        if os.geteuid() == 0:
            lines.append("user root")  # else it could not read the files
        self._configuration = directory / "guarded.conf"
        self._configuration.write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        program = find_mosquitto()
        assert program is not None
        self._process.start([program, "-c", str(self._configuration)])
        wait_for(lambda: " running\n" in self._process.stderr_text(), 10, "Mosquitto's start")

    def kill(self) -> None:
        self._process.kill()

    def log_text(self) -> str:
        return self._process.stderr_text()
