"""What every simulated fleet is: the devices of one MQTT dialect, as topics and payloads. It knows no connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from device_sims.kinds import Value

Record = Callable[[str, str, Value], None]  # takes the device, the point and the value of an actuation


@dataclass(frozen=True, slots=True)
class Publication:
    """A message to publish."""

    topic: str
    payload: bytes
    retain: bool = False
    qos: int = 0


class Dialect(Protocol):
    """A fleet that speaks one dialect. Everything it does is decided by its seed and by what it is told.

    Each is made with `(devices: int, seed: int, record: Record)`.
    """

    @property
    def devices(self) -> Sequence[str]:
        """The names of the devices, as the dialect knows them."""

    @property
    def subscriptions(self) -> Sequence[str]:
        """The topic filters on which the fleet hears commands and questions."""

    @property
    def will(self) -> Publication:
        """What the broker says in the fleet's name when its connection dies; asked before each connection."""

    def hello(self) -> list[Publication]:
        """What the fleet says when it is connected: discovery, availability, states."""

    def goodbye(self) -> list[Publication]:
        """What it says before it parts politely."""

    def report(self, device: str, age: float) -> list[Publication]:
        """New readings of one device, `age` seconds after the start."""

    def receive(self, topic: str, payload: bytes) -> list[Publication]:
        """How the fleet answers a message; ValueError where a real device would not understand it."""
