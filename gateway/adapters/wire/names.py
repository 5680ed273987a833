"""How a serial port is named: by the path of its device file, or by what its board says of itself on USB."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import LinkError

_DEVICES = Path("/dev")
_CONSOLE = re.compile(r"tty\d*")


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial port of this machine. `link` is its name that stays the same when it is plugged in elsewhere."""

    path: str
    link: str | None
    vid: int | None
    pid: int | None
    serial_number: str | None
    maker: str | None
    product: str | None


@dataclass(frozen=True, slots=True)
class UsbBoard:
    """A board by vendor and product, and by its serial number where several are alike."""

    vid: int
    pid: int
    serial: str | None = None

    def __str__(self) -> str:
        serial = f" {self.serial}" if self.serial is not None else ""
        return f"usb {self.vid:04x}:{self.pid:04x}{serial}"

    def among(self, ports: Iterable[SerialPort]) -> str:
        """The path of the one port that is this board's; raises LinkError where none is, or several are."""
        found = [
            port
            for port in ports
            if (port.vid, port.pid) == (self.vid, self.pid) and self.serial in (None, port.serial_number)
        ]
        if not found:
            raise LinkError(f"{self} is not there: unplugged?")
        if len(found) > 1:
            boards = ", ".join(f"{port.path} (serial {port.serial_number or 'none'})" for port in found)
            raise LinkError(f"{self} is {len(found)} ports: {boards}; say which by `serial`, or by `port`")
        return found[0].path


def sight(name: str | UsbBoard) -> object:
    """What shows that the port came, went, or may be opened by others: equal as long as nothing of it changed."""
    if isinstance(name, str):
        return _status(name)
    # Which node will be the board's is not known before it is there.
    try:
        nodes = [entry.path for entry in os.scandir(_DEVICES) if _is_port(entry.name)]
    except OSError:
        return None
    return {node: _status(node) for node in nodes}


def folders(name: str | UsbBoard) -> set[Path]:
    """The folders in whose entries a change of what `sight` sees would show."""
    if not isinstance(name, str):
        return {_DEVICES}
    path = Path(os.path.abspath(name))
    return {_nearest(path.parent), _nearest(Path(os.path.realpath(path)).parent)}


def _is_port(name: str) -> bool:
    return name.startswith(("tty", "rfcomm")) and not _CONSOLE.fullmatch(name)


def _nearest(folder: Path) -> Path:
    """The folder, or what exists of the way to it: /dev/serial comes and goes with the boards."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _status(path: str) -> tuple[int, ...] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    # Not the times of reading and writing, which use changes. That of the last change tells a new pty of the same name.
    return (
        status.st_dev, status.st_ino, status.st_rdev, status.st_mode, status.st_uid, status.st_gid, status.st_ctime_ns
    )  # fmt: skip
