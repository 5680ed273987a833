"""Where a Modbus server listens: `tcp://HOST`, or `rtu+tcp://HOST:PORT` for RTU over TCP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gateway.adapters.wire.socket import SCHEME, SocketAddress, parse_socket

_TCP = "tcp://"
_RTU = "rtu+tcp://"
_PORT = 502


@dataclass(frozen=True, slots=True)
class ModbusAddress(SocketAddress):
    """Host and port, and which frames are spoken there."""

    server: ClassVar[str] = "a Modbus server"
    is_rtu: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{_RTU if self.is_rtu else _TCP}{host}:{self.port}"


def parse_url(url: str) -> ModbusAddress | None:
    """The address in the URL; None where it is something else. For `tcp://` the port is 502 where it is missing."""
    is_rtu = url.startswith(_RTU)
    if not is_rtu and not url.startswith(_TCP):
        return None
    where = url.removeprefix(_RTU if is_rtu else _TCP)
    found = parse_socket(f"{SCHEME}{where}") or (None if is_rtu else parse_socket(f"{SCHEME}{where}:{_PORT}"))
    return ModbusAddress(found.host, found.port, is_rtu) if found is not None else None
