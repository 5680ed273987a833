"""`fieldgate ports`"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from gateway.adapters.serial_port import SerialPort, list_ports
from gateway.cli import table
from gateway.cli.console import plain, say

_HEADINGS = ("port", "by-id", "vid:pid", "serial", "maker", "product", "in use by")


def ports() -> None:
    """List the serial ports, and which programs hold them.

    The columns are path, by-id link, vid:pid, serial number, maker, product, and who has it open.
    """
    found = list_ports()
    if not found:
        say("fieldgate: no serial ports: nothing is plugged in, or no driver knows it")
        return
    held = holders({port.path for port in found})
    rows = [row(port, held.get(port.path, [])) for port in found]
    table.write(_HEADINGS, rows)


def row(port: SerialPort, holders: Iterable[str]) -> list[str]:
    """The cells of a port, `-` where nothing is known."""
    usb = f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None and port.pid is not None else None
    cells = (port.path, port.link, usb, port.serial_number, port.maker, port.product, ", ".join(holders))
    return [plain(cell) if cell else "-" for cell in cells]


def holders(paths: set[str], processes: Path = Path("/proc")) -> dict[str, list[str]]:
    """Who has each of the device files open, as `name (pid)`; processes of other users are seen by root only."""
    found: dict[str, list[str]] = {}
    for process in sorted(processes.glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            targets = {_target(descriptor) for descriptor in (process / "fd").iterdir()}
            name = (process / "comm").read_text(errors="replace").strip()
        except OSError:  # another user's, or it has ended
            continue
        for path in targets & paths:
            found.setdefault(path, []).append(f"{name} ({process.name})")
    return found


def _target(descriptor: Path) -> str:
    """The path behind an open descriptor; nothing where it was closed while we looked."""
    try:
        return os.readlink(descriptor)
    except OSError:
        return ""
