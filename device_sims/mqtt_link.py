"""One connection to a broker, made again whenever it breaks; the only file that knows aiomqtt."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiomqtt

from device_sims.broker_url import BrokerUrl
from device_sims.dialects.base import Publication

FIRST_PAUSE = 0.2  # seconds; doubled with each attempt that fails
# A device that stays away for long after its broker came back would hide how quickly the gateway heals.
LONGEST_PAUSE = 2.0  # seconds
HEALTHY_AFTER = 60.0  # seconds of connection after which the next failure starts from FIRST_PAUSE
KEEPALIVE = 10  # seconds
ANSWER_TIMEOUT = 5.0  # seconds for whatever the broker must answer
FAREWELL_TIMEOUT = 1.0  # seconds for the last messages of a link that is ended
INCOMING_LIMIT = 1000  # messages

log = logging.getLogger(__name__)


class LinkDownError(Exception):
    """There is no connection at the moment, or it broke; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from the broker."""

    topic: str
    payload: bytes
    retained: bool


class MqttLink:
    """A connection that keeps itself alive while `run` runs, pausing 0.2 to 2 s between attempts, half of it by chance.

    `subscriptions` are made anew on each connection, then `greet` is awaited and the link is `up`; `receive` is awaited
    for each message, and `part` before a polite end. `will` is asked before each connection for
    what the broker says when it dies.
    """

    def __init__(
        self,
        url: BrokerUrl,
        name: str,
        *,
        will: Callable[[], Publication | None],
        subscriptions: Iterable[str],
        greet: Callable[[], Awaitable[None]],
        part: Callable[[], Awaitable[None]],
        receive: Callable[[Incoming], Awaitable[None]],
        seed: int,
    ) -> None:
        self.up = asyncio.Event()
        self.connections = 0
        self.failure: str | None = None  # why the last attempt or connection ended
        self._url = url
        self._name = name
        self._will = will
        self._subscriptions = list(subscriptions)
        self._greet = greet
        self._part = part
        self._receive = receive
        self._chance = random.Random(seed)
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._client: aiomqtt.Client | None = None

    @property
    def plugged(self) -> bool:
        """Whether the link wants to be connected."""
        return self._wanted.is_set()

    def unplug(self) -> None:
        """Breaks the connection without a word, so that the broker speaks the last will; stays away until `replug`."""
        self._wanted.clear()
        if self._client is not None:
            _cut(self._client)

    def replug(self) -> None:
        """Connects again."""
        self._wanted.set()

    async def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Publishes one message; returns when it is written (QoS 0) or acknowledged (1). Raises `LinkDownError`."""
        client = self._client
        if client is None:
            raise LinkDownError(self.failure or "not connected")
        async with _in_time():
            await client.publish(topic, payload, qos=qos, retain=retain)

    async def publish_all(self, publications: Sequence[Publication]) -> None:
        """Publishes in order; returns when all are written, and the last as `publish` does. Raises `LinkDownError`."""
        # aiomqtt waits for each message. They are written in order, so that waiting for the last one of those that are
        # acknowledged, and for the last of all, is enough, at half the cost.
        awaited = {len(publications) - 1, max((i for i, each in enumerate(publications) if each.qos), default=-1)}
        for i, each in enumerate(publications):
            client = self._client
            if i in awaited or client is None:
                await self.publish(each.topic, each.payload, qos=each.qos, retain=each.retain)
            else:
                client._client.publish(each.topic, each.payload, each.qos, each.retain)

    async def run(self) -> None:
        """Connects, again and again, until it is cancelled; then parts politely."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            await self._wanted.wait()
            began = loop.time()
            try:
                await self._connection()
            except LinkDownError as error:
                # The same failure again is no news.
                level = logging.WARNING if self.plugged and str(error) != self.failure else logging.DEBUG
                log.log(level, "%s on %s: %s; trying again", self._name, self._url, error)
                self.failure = str(error)
            if loop.time() - began >= HEALTHY_AFTER:
                pause = FIRST_PAUSE
            if self.plugged:
                await asyncio.sleep(pause * self._chance.uniform(0.5, 1))
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _connection(self) -> None:
        """One connection, from the first to the last byte; ends with `LinkDownError` or by being cancelled."""
        will = self._will()
        client = aiomqtt.Client(
            self._url.host,
            self._url.port,
            username=self._url.username,
            password=self._url.password,
            # Two simulators with the same settings must not throw each other out.
            identifier=f"{self._name}-{secrets.token_hex(4)}",
            protocol=aiomqtt.ProtocolVersion.V311,
            will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None,
            keepalive=KEEPALIVE,
            # Its own timeouts are made with wait_for, which in Python 3.11 may swallow a cancellation.
            timeout=math.inf,
            max_queued_incoming_messages=INCOMING_LIMIT,
            # An answer goes out at once, as a microcontroller's does: Nagle would hold it back until the broker has
            # acknowledged what went before, and that may take 40 ms.
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            tls_context=ssl.create_default_context() if self._url.tls else None,
        )
        try:
            async with _in_time():
                await client.__aenter__()
        except BaseException:
            _abandon(client)
            raise
        self._client = client
        self.connections += 1
        try:
            await self._serve(client)
        finally:
            self.up.clear()
            self._client = None
            with suppress(LinkDownError):
                async with _in_time(FAREWELL_TIMEOUT):
                    await client.__aexit__(None, None, None)
            _cut(client)

    async def _serve(self, client: aiomqtt.Client) -> None:
        try:
            for topic in self._subscriptions:
                async with _in_time():
                    await client.subscribe(topic, qos=1)
            await self._greet()
            self.failure = None
            self.up.set()
            try:
                async for message in client.messages:
                    payload = message.payload if isinstance(message.payload, bytes) else b""
                    await self._receive(Incoming(str(message.topic), payload, message.retain))
            except aiomqtt.MqttError as error:
                raise LinkDownError(str(error)) from error
        except asyncio.CancelledError:
            with suppress(LinkDownError):
                async with _in_time(FAREWELL_TIMEOUT):
                    await self._part()
            raise


@asynccontextmanager
async def _in_time(seconds: float = ANSWER_TIMEOUT) -> AsyncIterator[None]:
    """Makes `LinkDownError` of what aiomqtt raises, and of an answer that takes too long."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except aiomqtt.MqttError as error:
        raise LinkDownError(str(error)) from error
    except TimeoutError as error:
        raise LinkDownError("no answer from the broker") from error


def _abandon(client: aiomqtt.Client) -> None:
    """Ends an attempt to connect, of which aiomqtt would leave the socket behind."""
    # Its callbacks look into a future that may have been cancelled, and would raise.
    client._client.on_connect = None
    client._client.on_disconnect = None
    _cut(client)


def _cut(client: aiomqtt.Client) -> None:
    """Ends the connection below MQTT. aiomqtt knows only the polite way, after which no last will is spoken."""
    connection = client._client.socket()
    if isinstance(connection, socket.socket):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
