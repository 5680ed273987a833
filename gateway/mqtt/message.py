"""What is published, and what a broker takes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.mqtt.source import UserProperties

IN_FLIGHT = 20  # messages that are yet to be confirmed, either way
_LARGEST = 1 << 28  # bytes of a packet in MQTT


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says in our name when we are gone: `offline`."""

    topic: str
    qos: int = 1
    retain: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be published. Nothing is written after its `deadline`, in seconds of the event loop's clock."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    deadline: float | None = None
    response_topic: str | None = None
    correlation: bytes | None = None
    user: UserProperties = ()
    left: Callable[[], None] | None = None  # called once all of it is on the wire, confirmed or not

    @property
    def is_special(self) -> bool:
        """Whether it has anything beside topic and payload."""
        return (
            self.deadline is not None
            or self.response_topic is not None
            or self.correlation is not None
            or bool(self.user)
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What the broker takes (MQTT 5 §3.2.2.3); it says nothing of what it has no limit for."""

    qos: int
    retain: bool
    packet: int  # bytes
    in_flight: int

    @classmethod
    def of(cls, properties: object = None) -> Limits:
        """As the properties of its CONNACK say."""
        return cls(
            getattr(properties, "MaximumQoS", 2),
            getattr(properties, "RetainAvailable", 1) == 1,
            getattr(properties, "MaximumPacketSize", _LARGEST),
            min(getattr(properties, "ReceiveMaximum", IN_FLIGHT), IN_FLIGHT),
        )
