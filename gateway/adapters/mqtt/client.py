"""A connection to a broker: the one file that meets aiomqtt and paho, and mends what they leave open."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, MQTTMessage, MQTTv5
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.errors import LinkError, NotSentError, UncertainError

_TIMEOUT = 3.0  # seconds for the broker to answer; short, so that shutting down is
_STATUS_TIMEOUT = 1.0
_PUBLISH_TIMEOUT = 3.0
_READ = 65536  # bytes at once
_REST = 0.008  # seconds that the socket is left alone where much comes: where a piece held as many messages
_MUCH = 4
_SOON = 0.002  # or came so soon after the one before, in seconds
_MAX_MESSAGE = 1 << 20  # bytes; a larger one is left to paho
_TYPE_AND_QOS = 0xF6  # of a packet's first byte: its type, and the QoS of a PUBLISH
_PUBLISH_QOS_0 = 0x30
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux

Receive = Callable[[str, bytes, bool], None]

logger = logging.getLogger(__name__)

# What matters of what the libraries say comes as an exception too, and is said once, by us.
_LIBRARY_LOG = logging.getLogger("gateway.adapters.mqtt.client.library")
_LIBRARY_LOG.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and who we are to it; `version` is the protocol level: 4 is MQTT 3.1.1, 5 is MQTT 5."""

    host: str
    port: int
    version: int
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    keepalive: int = 10  # seconds
    status_topic: str | None = None

    @asynccontextmanager
    async def connect(self, receive: Receive) -> AsyncIterator[BrokerConnection]:
        """A connection whose messages go to `receive(topic, payload, retained)`; raises LinkError.

        `receive` must not wait. A new client each time, because aiomqtt's cannot be trusted after a failure.
        """
        status = self.status_topic
        client = _Client(
            receive,
            hostname=self.host,
            port=self.port,
            identifier=self.client_id,
            username=self.username,
            password=self.password,
            protocol=aiomqtt.ProtocolVersion(self.version),
            will=aiomqtt.Will(status, "offline", qos=1, retain=True) if status else None,
            timeout=_TIMEOUT,
            keepalive=self.keepalive,
            logger=_LIBRARY_LOG,
            **({"clean_start": MQTT_CLEAN_START_FIRST_ONLY} if self.version == 5 else {"clean_session": True}),
        )
        try:
            await client.__aenter__()
        except BaseException as error:
            client.drop()  # the library would leave the socket of a failed attempt open
            if not isinstance(error, aiomqtt.MqttError | OSError | ValueError):
                raise
            raise LinkError(f"cannot connect to the broker at {self.host}:{self.port}: {_plainly(error)}") from error
        connection = BrokerConnection(client, self)
        try:
            if status:
                await connection.publish_status(status, "online")
            yield connection
        except aiomqtt.MqttError as error:
            cause = error.__cause__ if isinstance(error.__cause__, aiomqtt.MqttError) else error
            raise LinkError(f"lost the broker at {self.host}:{self.port}: {_plainly(cause)}") from error
        finally:
            try:
                with suppress(aiomqtt.MqttError, OSError):
                    if status:
                        await connection.publish_status(status, "offline")
                    await client.__aexit__(None, None, None)
            finally:
                client.drop()


class BrokerConnection:
    """One life of a connection."""

    def __init__(self, client: _Client, broker: Broker) -> None:
        self._client = client
        self._broker = broker

    async def subscribe(self, filters: list[tuple[str, int]]) -> None:
        """Subscribes to topic filters with their QoS; raises LinkError where the broker refuses one."""
        for topic, qos in filters:
            if self._broker.version == 5:
                # Our own commands need not come back; retained states are wanted at every connect.
                options = SubscribeOptions(qos=qos, noLocal=True)
                granted = await self._client.subscribe(topic, options=options)
            else:
                granted = await self._client.subscribe(topic, qos=qos)
            if any((code if isinstance(code, int) else code.value) >= 0x80 for code in granted):
                raise LinkError(f"the broker refuses the subscription to {topic}")

    async def lost(self) -> None:
        """Waits until the connection ends, which raises LinkError or MqttError."""
        async for _ in self._client.messages:
            pass  # every message has gone to `receive` already

    async def publish(self, topic: str, payload: bytes, expiry: float) -> None:
        """Publishes a command with QoS 1, not retained; `expiry` is in seconds.

        Raises NotSentError where nothing was written, UncertainError where the broker did not confirm it.
        """
        properties = None
        if self._broker.version == 5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            # Whole seconds: rounded down, for a late command does harm and a dropped one says so.
            properties.MessageExpiryInterval = max(1, math.floor(expiry))
        try:
            # It is written at once. A short time to live must not make a slow broker look like a dead one.
            await self._client.publish(
                topic, payload, qos=1, retain=False, properties=properties, timeout=_PUBLISH_TIMEOUT
            )
        except aiomqtt.MqttCodeError as error:
            raise NotSentError(f"the broker is not connected: {_plainly(error)}") from error
        except (aiomqtt.MqttError, OSError) as error:
            # A broker that does not answer is not one: what else would be written to it would pile up unseen.
            self._client.fail("it does not confirm messages")
            raise UncertainError("the broker did not confirm the message") from error
        except ValueError as error:  # paho's own check of topic and size
            raise NotSentError(str(error)) from error

    async def publish_status(self, topic: str, status: str) -> None:
        """Publishes our own status, retained."""
        await self._client.publish(topic, status, qos=1, retain=True, timeout=_STATUS_TIMEOUT)


class _Client(aiomqtt.Client):
    """aiomqtt's client, reading many packets a wake-up and handing each message on at once.

    Its own way takes a wake-up, three system calls, a queue and a task for each message.
    """

    def __init__(self, receive: Receive, **options: Any) -> None:
        super().__init__(**options)
        self._receive = receive
        self._client.connect_timeout = _TIMEOUT  # it blocks a thread that the process waits for when it ends
        self._resting: asyncio.TimerHandle | None = None
        self._dropped = False
        self._read_at = 0.0
        self._taken = 0  # messages of this wake-up

    def deliver(self, topic: bytes, payload: bytes, retained: bool) -> None:
        """Hands a message on."""
        self._taken += 1
        try:
            self._receive(topic.decode("utf-8"), payload, retained)
        except UnicodeDecodeError:
            pass  # no topic of ours; a broker that keeps to the standard never sends it
        except Exception:  # bulkhead: one message must not end the connection
            logger.exception("message on %r", topic)

    def fail(self, reason: str) -> None:
        """Ends the connection as if it had broken."""
        if not self._disconnected.done():
            self._disconnected.set_exception(aiomqtt.MqttError(reason))
            self._disconnected.exception()  # looked at: it may have no waiter

    def drop(self) -> None:
        """Lets go of the socket, whatever state the library believes it to be in."""
        self._dropped = True
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # looked at
        with suppress(OSError, ValueError):
            # As paho does it itself, so that reader, writer and its own view of the socket end together.
            self._client._sock_close()

    # ---- in place of the library's own

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:
        """What went through paho: QoS 1 and 2, and packets that were cut in two."""
        self.deliver(message._topic, bytes(message.payload), message.retain)

    def _on_socket_open(self, client: Any, userdata: Any, sock: Any) -> None:
        with suppress(OSError):
            # A command must not wait until the broker has acknowledged what was sent before it: that may take 40 ms.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # paho reads from `_sock`, which has no public way in.
        client._sock = reader = _PacketReader(sock, client.protocol == MQTTv5, self.deliver)

        def attach() -> None:
            if self._dropped:  # given up while the thread was still connecting
                self.drop()
                return
            self._loop.add_reader(sock.fileno(), self._readable, reader)
            self._misc_task = self._loop.create_task(self._misc_loop(), name=f"mqtt:{self.identifier}")

        # paho connects in a thread.
        self._loop.call_soon_threadsafe(attach)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        def attach() -> None:
            if client.socket() is sock:  # else given up meanwhile, and its descriptor may be another's by now
                self._loop.add_writer(sock.fileno(), self._writable)

        self._loop.call_soon_threadsafe(attach)

    def _on_socket_close(self, client: Any, userdata: Any, sock: Any) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        super()._on_socket_close(client, userdata, sock)

    def _readable(self, reader: _PacketReader) -> None:
        """The socket has something: a large piece of it is read, and then nothing for a moment where much comes.

        A wake-up costs as much as many messages, so at a thousand a second they are better taken ten at a time.
        """
        try:
            self._read(reader)
        except Exception as error:  # noqa: BLE001  as in the library: whatever broke, the connection is over
            self.fail(_plainly(error))
            return
        now = self._loop.time()
        much = self._taken >= _MUCH or now - self._read_at < _SOON
        self._taken = 0
        self._read_at = now
        if much and self._client.socket() is reader:
            self._loop.remove_reader(reader.fileno())
            self._resting = self._loop.call_later(_REST, self._rested, reader)

    def _writable(self) -> None:
        """The socket takes more of what waits."""
        try:
            self._client.loop_write()
        except Exception as error:  # noqa: BLE001  as above
            self.fail(_plainly(error))

    def _read(self, reader: _PacketReader) -> None:
        client = self._client
        reader.fill()
        while client._in_packet["command"] or reader.take_messages():
            client.loop_read()
            if client.socket() is not reader or not reader.left:  # closed, or a packet that is still to come
                return

    def _rested(self, reader: _PacketReader) -> None:
        self._resting = None
        if self._client.socket() is reader:
            self._loop.add_reader(reader.fileno(), self._readable, reader)


class _PacketReader:
    """A socket as paho reads it, without the messages of QoS 0: these need no answer, and are taken out before.

    It is read in large pieces, one a wake-up, so that a flood cannot hold the loop. Whatever is not a PUBLISH of QoS 0
    passes through to paho as it came (MQTT 5 §3.3, MQTT 3.1.1 §3.3).
    """

    def __init__(self, sock: Any, has_properties: bool, deliver: Callable[[bytes, bytes, bool], None]) -> None:
        self._sock = sock
        self._has_properties = has_properties
        self._deliver = deliver
        self._buffer = b""
        self._place = 0
        self._ended = False

    def fill(self) -> None:
        """Reads what is there."""
        data = self._receive()
        if data and _QUICK_ACK is not None:
            # A broker with Nagle's algorithm on (Mosquitto, as it comes) holds back what follows its first small
            # segment until that is acknowledged, and the kernel delays the acknowledgement by up to 40 ms. This sends
            # it, and what was held back is there at once.
            with suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            data += self._receive() or b""
        if data is not None:
            self._ended = not data
            self._buffer = self._buffer[self._place :] + data
            self._place = 0

    def _receive(self) -> bytes | None:
        """The bytes that have come; none at the connection's end, None where there is nothing just now."""
        try:
            return bytes(self._sock.recv(_READ))
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
            return None
        except OSError:
            return b""  # paho will find the same, and end the connection

    def recv(self, size: int) -> bytes:
        """As `socket.recv`, of what was read."""
        taken = self._buffer[self._place : self._place + size]
        if not taken and not self._ended:
            raise BlockingIOError
        self._place += len(taken)
        return taken

    @property
    def left(self) -> int:
        """Bytes that were read and not taken."""
        return len(self._buffer) - self._place

    def take_messages(self) -> bool:
        """Delivers the messages of QoS 0 at a packet's beginning; returns whether what follows is for paho."""
        buffer, place, end = self._buffer, self._place, len(self._buffer)
        try:
            while place < end:
                if buffer[place] & _TYPE_AND_QOS != _PUBLISH_QOS_0:
                    return True
                # The remaining length: seven bits a byte, the least first (MQTT 5 §1.5.5).
                length = shift = 0
                start = place + 1
                while True:
                    if start >= end:
                        return self._ended
                    part = buffer[start]
                    start += 1
                    length |= (part & 0x7F) << shift
                    if part < 0x80:
                        break
                    shift += 7
                    if shift > 21:
                        return True
                stop = start + length
                if length > _MAX_MESSAGE:
                    return True
                if stop > end:
                    return self._ended
                body = start + 2 + (buffer[start] << 8 | buffer[start + 1]) if length > 2 else stop + 1
                topic_end = body
                if self._has_properties and body < stop:
                    body += 1 + buffer[body] if buffer[body] < 0x80 else stop
                if body > stop or (self._has_properties and topic_end == stop):
                    return True  # malformed, or with more properties than anyone sends: paho knows what to do
                retained = bool(buffer[place] & 1)
                place = self._place = stop
                self._deliver(buffer[start + 2 : topic_end], buffer[body:stop], retained)
            return self._ended
        finally:
            self._place = place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def _plainly(error: Exception) -> str:
    """The error as a person reads it."""
    return (str(error) or type(error).__name__).splitlines()[0]
