"""What those who talk with a broker see of the connection to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from gateway.mqtt.properties import MessageProperties

Receive = Callable[[str, bytes, bool], None]  # topic, payload, and whether it is a retained one
ReceiveWithProperties = Callable[[str, bytes, bool, MessageProperties], None]
TooLarge = Callable[[str], None]  # the topic of a message that is passed over
Traffic = Callable[[int], None]  # bytes that came, told once a wake-up
UserProperties = tuple[tuple[str, str], ...]


class Conversation(Protocol):
    """One life of a connection to a broker."""

    async def subscribe(self, filters: list[tuple[str, int]]) -> None:
        """Subscribes to topic filters with their QoS; raises RefusedError where the broker refuses some."""
        ...

    async def unsubscribe(self, filters: list[str]) -> None:
        """Ends subscriptions."""
        ...

    async def lost(self) -> None:
        """Waits until the connection ends, which raises LinkError."""
        ...

    async def publish(
        self,
        topic: str,
        payload: bytes,
        expiry: float | None = None,
        *,
        qos: int = 1,
        retain: bool = False,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        user_properties: UserProperties = (),
        left: Callable[[], None] | None = None,
    ) -> None:
        """Publishes a message, and returns once the broker confirmed it, or with QoS 0 once it is written.

        `expiry` is a command's time to live in seconds: it is not written later, and with MQTT 5 not delivered later.
        Response topic, correlation data and user properties are for MQTT 5, and left out before. Raises NotSentError
        where nothing was written or the broker refuses the message, UncertainError where it did not confirm it.
        `left` is called once all of it is written, before the broker confirmed it.
        """
        ...


class MessageSource(Protocol):
    """Where messages come from: a broker, or what was recorded of one."""

    def connect(
        self,
        receive: Receive,
        *,
        with_properties: ReceiveWithProperties | None = None,
        too_large: TooLarge | None = None,
        traffic: Traffic | None = None,
    ) -> AbstractAsyncContextManager[Conversation]:
        """A connection whose messages go to `receive(topic, payload, retained)`; raises LinkError.

        A message with a property that `MessageProperties` has goes to `with_properties` instead, where that is given.
        None of them must wait.
        """
        ...


@dataclass(frozen=True, slots=True)
class Receivers:
    """Where what comes goes, as `MessageSource.connect` has it."""

    receive: Receive
    with_properties: ReceiveWithProperties | None = None
    too_large: TooLarge | None = None
    traffic: Traffic | None = None
