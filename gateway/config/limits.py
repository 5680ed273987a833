"""How much of the gateway one client may take."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.config.strict import PositiveDuration, Strict

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_network(given: object) -> Network:
    """An IP address or network: `192.168.1.2`, `10.0.0.0/8`, `fd00::/8`."""
    if isinstance(given, Network):
        return given
    if isinstance(given, str):
        try:
            return ipaddress.ip_network(given)
        except ValueError:
            pass
    raise PydanticCustomError("network", "expected an IP address or network, such as 192.168.1.2 or 10.0.0.0/8")


Networks = Annotated[
    tuple[Annotated[Network, BeforeValidator(parse_network), WithJsonSchema({"type": "string"})], ...],
    Field(strict=False),
]


class LimitsSection(Strict):
    """What one connection may ask, and how long it may take to ask it."""

    head_time: Annotated[PositiveDuration, Field(le=3600)] = 10.0
    message_time: Annotated[PositiveDuration, Field(le=3600)] = 10.0
    message: Annotated[int, Field(ge=1024, le=1 << 24)] = 65536
    requests: Annotated[float, Field(ge=1, le=1_000_000)] = 50.0
    subscriptions: Annotated[int, Field(ge=1, le=10_000)] = 64
    commands: Annotated[int, Field(ge=1, le=10_000)] = 8

    @property
    def times(self) -> tuple[float, float]:
        """The deadlines, in seconds."""
        return self.head_time, self.message_time
