"""A client of a broker: the one file that meets aiomqtt and paho, and mends what they leave open."""

from __future__ import annotations

import asyncio
import logging
import ssl
import struct
import threading
from contextlib import suppress
from typing import Any, cast

import aiomqtt
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.errors import LinkError, NotSentError, UncertainError, worth_saying
from gateway.model import NOT_IN_TOPICS
from gateway.mqtt.message import IN_FLIGHT, Limits, Message, Will
from gateway.mqtt.outbox import Outbox
from gateway.mqtt.packets import MAX_MESSAGE, PacketReader
from gateway.mqtt.properties import MessageProperties, parse
from gateway.mqtt.reasons import lost, plainly, told
from gateway.mqtt.source import Receivers
from gateway.mqtt.stream import Address

_TIMEOUT = 3.0  # seconds for the broker to answer; short, so that shutting down is
_REST = 0.008  # seconds that the socket is left alone where much comes: where a piece held as many messages
_MUCH = 4
_SOON = 0.002  # or came so soon after the one before, in seconds
_MAX_ANSWERS = 10_000  # acknowledgements that it has not taken; none waits while it reads
_REFUSED = 0x80  # reason codes from here on are refusals

logger = logging.getLogger(__name__)

# What matters of what the libraries say comes as an exception too, and is said once, by us.
_LIBRARY_LOG = logging.getLogger("gateway.mqtt.client.library")
_LIBRARY_LOG.setLevel(logging.CRITICAL)


class Client(aiomqtt.Client):
    """aiomqtt's client, reading many packets a wake-up and handing each message on at once, and writing at once.

    Its own way takes a wake-up, three system calls, a queue and a task for each message that comes, and two wake-ups
    for each that goes; and it forgets what the broker answers to those.
    """

    def __init__(
        self,
        address: Address,
        version: int,
        client_id: str,
        to: Receivers,
        *,
        username: str | None,
        password: str | None,
        keepalive: int,
        will: Will | None,
    ) -> None:
        options: dict[str, Any] = {"clean_session": True}
        if version == 5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.ReceiveMaximum = IN_FLIGHT
            options = {"clean_start": paho.MQTT_CLEAN_START_FIRST_ONLY, "properties": properties}
        super().__init__(
            hostname=address.host,
            port=address.port,
            identifier=client_id,
            username=username,
            password=password,
            protocol=aiomqtt.ProtocolVersion(paho.MQTTv5 if version == 5 else paho.MQTTv311),
            will=aiomqtt.Will(will.topic, "offline", will.qos, will.retain) if will else None,
            timeout=_TIMEOUT,
            keepalive=keepalive,
            logger=_LIBRARY_LOG,
            **options,
        )
        self.reason: str | None = None  # why the connection is over
        self.refusal = 0  # the code with which the broker refused it
        self._over: asyncio.Future[None] = self._loop.create_future()  # aiomqtt begins its own anew at times
        self._address = address
        self._is_5 = version == 5
        self._to = to
        self._receive = to.receive
        self.outbox = Outbox(self, has_properties=self._is_5)
        self._thread = threading.get_ident()
        self._writes_now = self._reads_now = self._dropped = False
        self._client._create_socket = self._open  # type: ignore[method-assign, assignment]
        self._resting: asyncio.TimerHandle | None = None
        self._read_at = 0.0
        self._taken = self._too_large = 0  # messages of this wake-up, and of all

    # ---- life

    async def enter(self) -> None:
        """Connects; raises LinkError."""
        try:
            await self.__aenter__()
        except BaseException as error:
            self.drop()  # the library would leave the socket of a failed attempt open
            if not isinstance(error, aiomqtt.MqttError | OSError | ValueError):
                raise
            raise LinkError(plainly(error)) from error

    async def over(self) -> None:
        """Returns when the connection is over; `reason` says why."""
        await asyncio.wait((self._over,))

    async def leave(self) -> None:
        """Says goodbye."""
        with suppress(aiomqtt.MqttError, OSError):
            await self.__aexit__(None, None, None)

    def fail(self, reason: str) -> None:
        """Ends the connection as if it had broken."""
        if self.reason is not None:
            return
        self.reason = reason
        error = aiomqtt.MqttError(reason)
        ends: list[asyncio.Future[Any]] = [self._connected, self._disconnected, self._over]
        for future in (*ends, *self._pending_subscribes.values()):
            if not future.done():
                future.set_exception(error)
                future.exception()  # looked at: it may have no waiter
        self.outbox.end(reason)

    def drop(self) -> None:
        """Lets go of the socket, whatever state the library believes it to be in."""
        self._dropped = True
        self.fail("given up")
        with suppress(OSError, ValueError):
            # As paho does it itself, so that reader, writer and its own view of the socket end together.
            self._client._sock_close()

    # ---- topics

    async def ask_for(self, topic: str, qos: int) -> bool:
        """Subscribes; returns whether the broker grants it. Raises LinkError."""
        if NOT_IN_TOPICS.search(topic):
            return False  # it would end the connection for it
        options = None
        if self._is_5:
            # Our own commands need not come back; retained states are wanted at every connect. A subscription that
            # is shared must not ask for the first (MQTT 5 §3.8.3.1).
            options = SubscribeOptions(qos=qos, noLocal=not topic.startswith("$share/"))
        try:
            granted = await self.subscribe(topic, 0 if options is not None else qos, options)
        except (aiomqtt.MqttError, ValueError) as error:
            raise self._lost(error) from error
        return all((code if isinstance(code, int) else code.value) < _REFUSED for code in granted)

    async def ask_no_more_for(self, topic: str) -> None:
        """Ends a subscription; raises LinkError."""
        try:
            await self.unsubscribe(topic)
        except (aiomqtt.MqttError, ValueError) as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> LinkError:
        return LinkError(f"lost the broker at {self._address.place}: {self.reason or plainly(error)}")

    # ---- messages that come

    def deliver(self, topic: bytes, payload: bytes, retained: bool, properties: bytes) -> None:
        """Hands on a message of QoS 0; its properties were not looked into yet."""
        if properties and self._to.with_properties is not None:
            try:
                found = parse(properties)
            except ValueError as error:
                self.fail(f"it sends what is no MQTT: {error}")
                return
            self._hand_on(topic, payload, retained, found)
            return
        self._taken += 1
        try:
            self._receive(topic.decode("utf-8"), payload, retained)
        except UnicodeDecodeError:
            pass  # no topic of ours; a broker that keeps to the standard never sends it
        except Exception:  # bulkhead: one message must not end the connection
            logger.exception("message on %r", topic)

    def _hand_on(self, topic: bytes, payload: bytes, retained: bool, properties: MessageProperties) -> None:
        if not properties or self._to.with_properties is None:
            self.deliver(topic, payload, retained, b"")
            return
        self._taken += 1
        try:
            self._to.with_properties(topic.decode("utf-8"), payload, retained, properties)
        except UnicodeDecodeError:
            pass  # as above
        except Exception:  # bulkhead, as above
            logger.exception("message on %r", topic)

    def _pass_over(self, topic: bytes, qos: int, packet: int) -> None:
        """A message is too large to be taken. It is acknowledged all the same, or it would come again for ever."""
        if qos:
            (self._client._send_puback if qos == 1 else self._client._send_pubrec)(packet)
        self._too_large += 1
        name = topic.decode("utf-8", "replace")
        if self._to.too_large is not None:
            self._to.too_large(name)
        elif worth_saying(self._too_large):
            logger.warning("a message on %r is larger than %d bytes, and passed over", name, MAX_MESSAGE)

    # ---- messages that go

    async def send(self, message: Message, patience: float, wait: float) -> None:
        """As `Outbox.send`, without TimeoutError."""
        try:
            await self.outbox.send(message, patience, wait)
        except TimeoutError as error:
            # A broker that does not answer is not one: what else would be written to it would pile up unseen.
            self.fail("it does not confirm messages")
            raise UncertainError("the broker did not confirm the message") from error

    def write_soon(self, message: Message, qos: int, retain: bool, most: int) -> int:
        """As `Pen.write_soon`."""
        topic, payload = message.topic, message.payload
        try:
            properties = _packed(message, self._loop.time()) if self._is_5 else None
            beside = len(properties.pack()) if properties is not None else 1  # type: ignore[no-untyped-call]
            size = 9 + len(topic.encode("utf-8")) + len(payload) + beside
            if size > most:
                raise NotSentError(f"the message has {size} bytes, and the broker takes {most} at most")
            self._writes_now = True
            info = self._client.publish(topic, payload, qos, retain, properties)
        except (ValueError, struct.error) as error:
            raise NotSentError(f"no topic or property that can be sent: {plainly(error)}") from error
        finally:
            self._writes_now = False
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise NotSentError("the broker is not connected")
        return info.mid

    def queue(self, packets: bytes) -> None:
        """As `Pen.queue`. paho takes much longer to write than the socket, and is only asked where that is full."""
        sock = self._client.socket()
        if sock is not None and not self.is_stuck:
            try:
                packets = packets[sock.send(packets) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass  # the same bytes again, once it takes them
            except OSError as error:
                self.fail(plainly(error))
                return
            if not packets:
                return
        self._writes_now = True
        try:
            self._client._packet_queue(paho.PUBLISH, packets, 0, 0, paho.MQTTMessageInfo(0))
        finally:
            self._writes_now = False

    def write(self) -> None:
        """As `Pen.write`."""
        if not self.is_stuck:
            return
        if self._reads_now:  # paho is in the middle of something, and its locks are no loop's
            self._loop.call_soon(self.write)
            return
        self._writable()
        sock = self._client.socket()
        if sock is not None and self.is_stuck:
            self._loop.add_writer(sock.fileno(), self._writable)

    @property
    def is_stuck(self) -> bool:
        """As `Pen.is_stuck`."""
        return self._client.want_write()

    # ---- in place of the library's own

    def _open(self) -> PacketReader:
        """In a thread, as paho connects."""
        try:
            stream = self._address.open(_TIMEOUT)
        except (OSError, ValueError) as error:
            raise ConnectionError(plainly(error)) from error
        return PacketReader(stream, self._is_5, self.deliver, self._pass_over)

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        if reason_code.value:
            self.refusal = reason_code.value
            self.fail(f"it refuses us: {told(reason_code, properties)}")
            return
        self.outbox.limits = Limits.of(properties)
        # The broker may ask for more pings than we wanted, but not have us wait longer for a dead one to be noticed.
        client._keepalive = min(client._keepalive or self._keepalive, self._keepalive)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        if flags.is_disconnect_packet_from_server:
            self.fail(told(reason_code, properties))
        elif reason_code.is_failure:
            self.fail(lost(reason_code, stood=self._connected.done()))
        else:  # as we asked
            super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        self.outbox.confirmed(mid, told(reason_code, properties) if reason_code.value >= _REFUSED else None)

    def _on_message(self, client: Any, userdata: Any, message: paho.MQTTMessage) -> None:
        """What went through paho: QoS 1 and 2, and packets that were cut in two."""
        self._hand_on(message._topic, bytes(message.payload), message.retain, MessageProperties.of(message.properties))

    def _on_socket_open(self, client: Any, userdata: Any, sock: Any) -> None:
        def attach() -> None:
            if self._dropped:  # given up while the thread was still connecting
                self.drop()
                return
            self._loop.add_reader(sock.fileno(), self._readable, sock)
            self._misc_task = self._loop.create_task(self._misc_loop(), name=f"mqtt:{self.identifier}")
            if sock.holds:
                self._readable(sock)

        # paho connects in a thread.
        self._loop.call_soon_threadsafe(attach)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        def attach() -> None:
            if client.socket() is sock:  # else given up meanwhile, and its descriptor may be another's by now
                self._loop.add_writer(sock.fileno(), self._writable)

        if threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(attach)
        elif not self._writes_now:
            attach()

    def _on_socket_close(self, client: Any, userdata: Any, sock: Any) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        super()._on_socket_close(client, userdata, sock)

    def _readable(self, reader: PacketReader) -> None:
        """The socket has something: a large piece of it is read, and then nothing for a moment where much comes.

        A wake-up costs as much as many messages, so at a thousand a second they are better taken ten at a time.
        """
        self._reads_now = True
        try:
            self._read(reader)
            if len(self._client._out_packet) > _MAX_ANSWERS:
                raise ConnectionError("it takes none of our answers")
        except Exception as error:  # noqa: BLE001  as in the library: whatever broke, the connection is over
            self.fail(plainly(error))
            return
        finally:
            self._reads_now = False
        now = self._loop.time()
        much = self._taken >= _MUCH or now - self._read_at < _SOON or reader.holds
        self._taken = 0
        self._read_at = now
        if much and self._socket() is reader:
            self._loop.remove_reader(reader.fileno())
            self._resting = self._loop.call_later(_REST, self._rested, reader)

    def _writable(self) -> None:
        """The socket takes more of what waits."""
        try:
            self._client.loop_write()
        except Exception as error:  # noqa: BLE001  as above
            self.fail(plainly(error))
        self.outbox.written()

    def _read(self, reader: PacketReader) -> None:
        came = reader.fill()
        if came and self._to.traffic is not None:
            self._to.traffic(came)
        client = self._client
        while client._in_packet["command"] or reader.take_messages():
            client.loop_read()
            if self._socket() is not reader or not reader.left:  # closed, or a packet that is still to come
                return

    def _rested(self, reader: PacketReader) -> None:
        self._resting = None
        if self._socket() is reader:
            self._loop.add_reader(reader.fileno(), self._readable, reader)
            if reader.holds:
                self._readable(reader)

    def _socket(self) -> PacketReader | None:
        return cast("PacketReader | None", self._client.socket())


def _packed(message: Message, now: float) -> Properties | None:
    """The properties of a message that is written now."""
    if not message.is_special:
        return None
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if message.deadline is not None:
        # Whole seconds: rounded down, for a late command does harm and a dropped one says so.
        made.MessageExpiryInterval = max(1, int(message.deadline - now))
    if message.response_topic is not None:
        made.ResponseTopic = message.response_topic
    if message.correlation is not None:
        made.CorrelationData = message.correlation
    if message.user:
        made.UserProperty = list(message.user)
    return made
