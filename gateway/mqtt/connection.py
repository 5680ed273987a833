"""A broker, and one life of the connection to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.errors import DeliveryError, LinkError, RefusedError
from gateway.mqtt.client import Client
from gateway.mqtt.message import Message, Will
from gateway.mqtt.source import Receive, Receivers, ReceiveWithProperties, TooLarge, Traffic, UserProperties
from gateway.mqtt.stream import Address

_PATIENCE = 3.0  # seconds that a message may wait for those before it
_CONFIRM_TIMEOUT = 3.0
_STATUS_TIMEOUT = 1.0
_RETAIN_NOT_SUPPORTED, _QOS_NOT_SUPPORTED = 0x9A, 0x9B

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and who we are to it; `version` is the protocol level: 4 is MQTT 3.1.1, 5 is MQTT 5."""

    address: Address
    version: int
    client_id: str
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    keepalive: int = 10  # seconds
    status_topic: str | None = None

    @asynccontextmanager
    async def connect(
        self,
        receive: Receive,
        *,
        with_properties: ReceiveWithProperties | None = None,
        too_large: TooLarge | None = None,
        traffic: Traffic | None = None,
    ) -> AsyncIterator[BrokerConnection]:
        """As `MessageSource.connect`."""
        to = Receivers(receive, with_properties, too_large, traffic)
        client = await self._opened(to, Will(self.status_topic) if self.status_topic else None)
        try:
            await self._publish_status(client, b"online")
            yield BrokerConnection(client, self)
        finally:
            try:
                if client.reason is None:
                    await self._publish_status(client, b"offline")
                    await client.leave()
            finally:
                client.drop()

    async def _opened(self, to: Receivers, will: Will | None) -> Client:
        """A new client each time, because aiomqtt's cannot be trusted after a failure."""
        client = Client(
            self.address,
            self.version,
            self.client_id,
            to,
            username=self.username,
            password=self.password,
            keepalive=self.keepalive,
            will=will,
        )
        try:
            await client.enter()
        except LinkError as error:
            if will is not None and will.retain and client.refusal == _RETAIN_NOT_SUPPORTED:
                return await self._opened(to, Will(will.topic, will.qos, retain=False))
            if will is not None and will.qos and client.refusal == _QOS_NOT_SUPPORTED:
                return await self._opened(to, Will(will.topic, 0, will.retain))
            raise LinkError(f"cannot connect to the broker at {self.address.place}: {error}") from error
        return client

    async def _publish_status(self, client: Client, status: bytes) -> None:
        """Publishes our own status, retained. A broker that will not have it is a broker all the same."""
        if self.status_topic is None:
            return
        try:
            await client.send(Message(self.status_topic, status, 1, True), _STATUS_TIMEOUT, _STATUS_TIMEOUT)
        except DeliveryError as error:
            if client.reason is None:  # else that it is lost is said anyway
                logger.warning("the status on %s is not published: %s", self.status_topic, error)


class BrokerConnection:
    """One life of a connection."""

    def __init__(self, client: Client, broker: Broker) -> None:
        self._client = client
        self._broker = broker

    async def subscribe(self, filters: list[tuple[str, int]]) -> None:
        """As `Conversation.subscribe`."""
        refused = [topic for topic, qos in filters if not await self._client.ask_for(topic, qos)]
        if refused:
            raise RefusedError(refused)

    async def unsubscribe(self, filters: list[str]) -> None:
        """As `Conversation.unsubscribe`."""
        for topic in filters:
            await self._client.ask_no_more_for(topic)

    async def lost(self) -> None:
        """As `Conversation.lost`."""
        await self._client.over()
        raise LinkError(f"lost the broker at {self._broker.address.place}: {self._client.reason}")

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
        """As `Conversation.publish`."""
        patience, deadline = _PATIENCE, None
        if expiry is not None:
            patience, deadline = min(expiry, _PATIENCE), asyncio.get_running_loop().time() + expiry
        message = Message(topic, payload, qos, retain, deadline, response_topic, correlation, user_properties, left)
        await self._client.send(message, patience, _CONFIRM_TIMEOUT)

    def post(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 0,
        retain: bool = False,
        correlation: bytes | None = None,
        user_properties: UserProperties = (),
    ) -> bool:
        """Publishes without waiting; that the broker refuses it is logged.

        False: it is lost, because too much waits already or the connection is over.
        """
        message = Message(topic, payload, qos, retain, correlation=correlation, user=user_properties)
        return self._client.outbox.post(message)

    @property
    def takes_more(self) -> bool:
        """Whether what is posted now is written now."""
        return self._client.outbox.has_room()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be written or confirmed."""
        return self._client.outbox.is_idle

    def on_drained(self, call: Callable[[], None]) -> None:
        """Has this called, from the event loop, whenever the connection takes more again."""
        self._client.outbox.on_room.append(call)
