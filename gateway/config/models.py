"""The configuration file as strict, frozen models. Adapters bring their own options as plug-ins."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from gateway.config.auth import AuthSection
from gateway.config.commanding import CommandRules
from gateway.config.limits import LimitsSection, Networks
from gateway.config.plugged import Plugged
from gateway.config.recording import AuditSection
from gateway.config.strict import DeviceId, Duration, Name, PositiveDuration, Strict
from gateway.config.tls import TlsSection
from gateway.model import Confirm, Point, PointType

Wrong = tuple[tuple[str | int, ...], str]  # a path in the file, and what is wrong there


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


_OF_POINT = [field.name for field in fields(Point)]


class PointSection(CommandRules):
    """What the wire does not say of a point."""

    type: PointType | None = None
    title: str | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    values: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    scale: float = 1.0
    offset: float = 0.0
    writable: bool = False
    confirm: Confirm | None = None
    stale_after: PositiveDuration | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = []
        if self.scale == 0:
            wrong.append(("scale", "must not be 0"))
        if self.min is not None and self.max is not None and self.min > self.max:
            wrong.append(("min", "is above `max`"))
        if self.type == "enum" and not self.values:
            wrong.append(("type", "a point of type enum needs `values`"))
        if self.writable and self.declared_type() is None:
            wrong.append(("writable", "a writable point needs a `type`"))
        if not self.writable:
            wrong += [(key, "means nothing where the point is not `writable`") for key in self.given_rules()]
        elif not wrong:
            point = self.to_point("number")
            values = [("safe", self.safe)] if self.safe is not None else []
            values += [("urgent", value) for value in self.urgent] if not isinstance(self.urgent, bool) else []
            wrong += [(key, f"takes {refusal}") for key, value in values if (refusal := point.refusal(value))]
        _refuse([((key,), message) for key, message in wrong])
        return self

    def declared_type(self) -> PointType | None:
        """The type as declared, or as the other keys imply; None when the first reading will tell."""
        if self.type is not None:
            return self.type
        if self.values is not None:
            return "enum"
        numeric = self.unit, self.min, self.max
        return "number" if self.scale != 1 or self.offset != 0 or any(n is not None for n in numeric) else None

    def to_point(self, learnt: PointType) -> Point:
        """The point, with the learnt type where none is declared."""
        return Point(
            type=self.declared_type() or learnt,
            **{name: getattr(self, name) for name in _OF_POINT if name != "type"},
        )


class DeviceSection(Strict):
    """What the wire does not say of a device."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _refuse(
            _inconsistencies(self.server.listen, self.auth is not None, [a.id for a in self.adapters], self.devices)
        )
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


def _refuse(wrong: Iterable[Wrong]) -> None:
    """Raises what is wrong, each at its place below the model being validated."""
    errors = [
        InitErrorDetails(
            type=PydanticCustomError("consistency", "{message}", {"message": message}), loc=loc, input=None
        )
        for loc, message in wrong
    ]
    if errors:
        raise ValidationError.from_exception_data("configuration", errors)
