"""The configuration file as strict, frozen models. Adapters bring their own options as plug-ins."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gateway.config.auth import AuthSection
from gateway.config.limits import LimitsSection, Networks
from gateway.config.plugged import Plugged
from gateway.config.points import PointSection
from gateway.config.publish import PublishSection
from gateway.config.recording import AuditSection
from gateway.config.strict import DeviceId, Duration, Name, PositiveDuration, Strict, Wrong, refuse
from gateway.config.tls import TlsSection


@dataclass(frozen=True, slots=True)
class Listen:
    """An address and port to listen on; port 0 takes a free one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_HOST = re.compile(r"[A-Za-z0-9._:%-]*")  # a name, an IPv4 address, or an IPv6 address with or without its zone


def parse_listen(given: object) -> Listen:
    """`127.0.0.1:8080`, `[::1]:8080` or `:8080` (every interface)."""
    if isinstance(given, Listen):
        return given
    if isinstance(given, str):
        host, colon, port = given.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if (
            colon
            and _HOST.fullmatch(host)
            and port.isascii()
            and port.isdigit()
            and len(port) <= 5
            and int(port) < 1 << 16
        ):
            return Listen(host or "0.0.0.0", int(port))
    raise PydanticCustomError("listen", "expected ADDRESS:PORT, such as 127.0.0.1:8080")


def host_name() -> str:
    """The machine's name, cut to what a gateway name may hold."""
    name = "".join(c for c in socket.gethostname().split(".")[0] if c.isascii() and (c.isalnum() or c in "_-"))
    return name[:64] or "fieldgate"


class GatewaySection(Strict):
    """Who this gateway is."""

    name: Name = Field(default_factory=host_name)


class ServerSection(Strict):
    """Where dashboards connect, and how much of them at once."""

    listen: Annotated[
        Listen, BeforeValidator(parse_listen), WithJsonSchema({"type": "string", "default": "127.0.0.1:8080"})
    ] = Listen("127.0.0.1", 8080)
    heartbeat: Annotated[PositiveDuration, Field(le=3600)] = 20.0
    origins: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^https?://[^/]+$")], ...], Field(strict=False)
    ] = ()
    max_delay: Annotated[Duration, Field(le=10)] = 0.025
    max_connections: Annotated[int, Field(ge=1)] = 10_000
    max_connections_per_address: Annotated[int, Field(ge=1)] = 64
    trusted_proxies: Networks = ()
    limits: LimitsSection = Field(default_factory=LimitsSection)
    tls: TlsSection | None = None


class LogSection(Strict):
    """The in-memory log that snapshots, resumes and slow readers are served from."""

    keep_readings: Annotated[int, Field(ge=100, le=10_000_000)] = 100_000
    keep: PositiveDuration = 600.0


class LoggingSection(Strict):
    """What the process says of itself on standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"
    access: bool = False


class DeviceSection(Strict):
    """What the wire does not say of a device."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    commands: bool | None = None
    points: Mapping[str, PointSection] = Field(default_factory=dict)


class AdapterOptions(Strict):
    """What every adapter has: its id, which is also the route of its devices."""

    id: Name
    type: str

    def summary(self) -> str:
        """The line that `fieldgate check` prints for it."""
        return self.type


class Config(Strict):
    """A whole configuration file."""

    gateway: GatewaySection = Field(default_factory=GatewaySection)
    server: ServerSection = Field(default_factory=ServerSection)
    auth: AuthSection | None = None
    log: LogSection = Field(default_factory=LogSection)
    audit: AuditSection = Field(default_factory=AuditSection)
    logging: LoggingSection = Field(default_factory=LoggingSection)
    adapters: Annotated[
        tuple[Annotated[AdapterOptions, Plugged("adapters", short=False)], ...],
        Field(strict=False),
    ] = ()
    devices: Mapping[DeviceId, DeviceSection] = Field(default_factory=dict)
    publish: PublishSection | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse(_inconsistencies(self.server.listen, self.auth is not None, [a.id for a in self.adapters], self.devices))
        return self


def inconsistencies(plain: Mapping[str, Any]) -> list[Wrong]:
    """What is wrong with a configuration as a whole, as far as a file with other problems shows it."""
    server, adapters, devices = plain.get("server"), plain.get("adapters", []), plain.get("devices")
    try:
        listen = parse_listen(server["listen"]) if isinstance(server, dict) and "listen" in server else None
    except PydanticCustomError:
        listen = None
    items = adapters if isinstance(adapters, list) else [None]
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    # An adapter whose id cannot be read may well be the one that a device names.
    known = devices if isinstance(devices, dict) and all(isinstance(id, str) for id in ids) else {}
    return list(_inconsistencies(listen, plain.get("auth") is not None, ids, known))


def _inconsistencies(listen: Listen | None, auth: bool, ids: list[Any], devices: Iterable[str]) -> Iterator[Wrong]:
    if listen is not None and not listen.loopback and not auth:
        yield (
            ("server", "listen"),
            f"{listen} is reachable from other machines, which needs an `auth` section "
            "(`fieldgate token create` makes a token)",
        )
    for index, id in enumerate(ids):
        if isinstance(id, str) and id in ids[:index]:
            yield ("adapters", index, "id"), f"another adapter has the id {id!r}"
    for device in devices:
        if device.partition(".")[0] not in ids:
            allowed = ", ".join(sorted(set(ids))) or "none"
            yield ("devices", device), f"no adapter has the id of its first part (adapters: {allowed})"
