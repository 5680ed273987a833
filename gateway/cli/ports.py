"""`fieldgate ports`"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.adapters.wire.holders import holders
from gateway.adapters.wire.port import SerialPort, list_ports
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
