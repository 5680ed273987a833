"""The MQTT adapter: messages of a broker become readings, commands become messages."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.adapters.base import Adapter, AdapterPlugin, LinkFactory
from gateway.adapters.mqtt.fleet import Fleet
from gateway.adapters.mqtt.topics import Heard, Message, Routes, Rule, TopicSection
from gateway.bus import Link
from gateway.config.plugged import Plugged
from gateway.config.strict import PositiveDuration, refuse
from gateway.errors import CodecError, LinkError, NotSentError, RefusedError, UncertainError
from gateway.model import Confirm, Outgoing
from gateway.mqtt import BrokerOptions, Conversation, MessageProperties
from gateway.profiles import MAX_MESSAGE, ProfileOptions
from gateway.supervise import BackOff, supervise

_MAX_PAYLOAD = 256 * 1024  # bytes
_BACK_OFF = BackOff(first=0.5, longest=30.0)

logger = logging.getLogger(__name__)


class MqttOptions(BrokerOptions, AdapterPlugin):
    """A broker, and the topics on it that are devices."""

    type: str = "mqtt"
    silence: PositiveDuration | None = None
    profiles: Annotated[tuple[Annotated[ProfileOptions, Plugged("profiles")], ...], Field(strict=False)] = ()
    topics: Annotated[tuple[TopicSection, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _something_to_hear(self) -> Self:
        if not self.profiles and not self.topics:
            raise PydanticCustomError("topics", "needs `profiles` or `topics`: otherwise it would hear nothing")
        names = [profile.type for profile in self.profiles]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise PydanticCustomError("profiles", "the profile {name} stands twice", {"name": twice})
        if self.version == "3.1.1":
            refuse(
                (("topics", index, *key), "needs MQTT 5, and `version` is 3.1.1")
                for index, section in enumerate(self.topics)
                for key in section.keys_of_version_5()
            )
        return self

    def summary(self) -> str:
        """`mqtt mqtt://localhost:1883: zigbee2mqtt, sensors/{device}/telemetry`"""
        heard = [profile.type for profile in self.profiles] + [section.readings for section in self.topics]
        return f"mqtt {self.url}: {', '.join(heard)}"

    def build(self, link: LinkFactory, gateway: str) -> Adapter:
        """The adapter, with its own client id."""
        return MqttAdapter(self, link, gateway)


class MqttAdapter:
    """Reads devices from one broker and writes commands to it.

    Its own status is retained on `fieldgate/<gateway>/<adapter>/status`: `online`, and `offline` as its last will.
    """

    def __init__(self, options: MqttOptions, link: LinkFactory, gateway: str) -> None:
        self._options = options
        # Two clients of one id throw each other out for ever, and two gateways may well share a name.
        own = secrets.token_hex(3)
        self._client_id = f"fieldgate-{gateway}-{options.id}-{own}"
        self._status_topic = f"fieldgate/{gateway}/{options.id}/status"
        self._routes = Routes(
            [Rule(section) for section in options.topics], f"fieldgate/{gateway}/{options.id}/response/{own}"
        )
        self._link: Link = link(single=False, silence=options.silence, offers=self._offers)
        self._news = asyncio.Event()  # the fleet has something for the broker
        self._fleet = Fleet(options.profiles, self._link, self._news.set, dict(self._routes.subscriptions))
        self._connection: Conversation | None = None
        timeouts = [section.commands.timeout for section in options.topics if section.commands]
        self.answer_timeout = max(timeouts, default=5.0)

    async def run(self) -> None:
        """Connects, and connects again whenever the broker goes."""
        async with asyncio.TaskGroup() as group:
            if self._options.profiles:
                group.create_task(self._follow(), name=f"fleet:{self._options.id}")
            await supervise(self._connect, self._link.down, _BACK_OFF)

    async def _connect(self) -> None:
        """One life of the connection; raises LinkError when it ends."""
        broker = self._options.broker(self._client_id, self._status_topic)
        async with broker.connect(
            self._receive, with_properties=self._receive_response, too_large=self._pass_over, traffic=self._link.traffic
        ) as connection:
            await connection.subscribe(self._routes.subscriptions)
            await self._subscribe(connection)
            self._connection = connection
            try:
                self._link.up()
                self._fleet.greet()
                self._news.set()  # it may have wanted more before the connection stood
                await connection.lost()
            finally:
                self._connection = None

    async def _subscribe(self, connection: Conversation) -> None:
        """Subscribes to what the profiles want. What devices say of their topics may well be refused: not all of it."""
        wanted = self._fleet.connected()
        try:
            await connection.subscribe(wanted)
        except RefusedError as error:
            if len(error.reasons) == len(wanted):
                raise
            self._count(error)

    def _count(self, refusal: RefusedError) -> None:
        for reason in refusal.reasons:
            self._link.fault(None, reason)

    async def _follow(self) -> None:
        """Listens where the devices of the dialects point to, and asks them what the dialects ask."""
        task = asyncio.current_task()
        # `asyncio.wait_for` of Python 3.11, which aiomqtt uses, can swallow a cancellation, and a group sends but one.
        while task is None or not task.cancelling():
            await self._news.wait()
            self._news.clear()
            connection = self._connection
            if connection is None:  # the next one begins with all of it
                continue
            try:
                await self._fleet.follow(connection)
            except RefusedError as error:
                self._count(error)
            except LinkError:
                pass  # the connection is over, and the next one begins with all of it
            except (NotSentError, UncertainError) as error:  # the next connection asks again
                logger.info("%s: not asked: %s", self._options.id, error)
            except Exception:  # bulkhead: the fleet goes on with what it has
                logger.exception("%s: what a profile wanted of the broker failed", self._options.id)

    # ---- from the broker

    def _receive(self, topic: str, payload: bytes, retained: bool) -> None:
        """A message arrived; whatever it holds, it costs no other message."""
        if self._link.is_ours(topic):
            return
        heard = self._routes.match(topic)
        if heard is None:
            if len(payload) > MAX_MESSAGE:
                self._refuse_size(None, topic, payload)
            else:
                self._fleet.receive(topic, payload, retained)
        elif len(payload) > _MAX_PAYLOAD:
            self._refuse_size(heard.device, topic, payload)
        else:
            try:
                self._receive_heard(heard, topic, payload, retained)
            except CodecError as error:
                self._link.fault(heard.device, f"{topic}: {error}")

    def _receive_heard(self, heard: Heard, topic: str, payload: bytes, retained: bool) -> None:
        if heard.kind == "readings":
            for sample in heard.read(payload):
                self._link.receive(heard.device, sample, retained=retained)
        elif heard.kind == "availability":
            self._link.available(heard.device, online=heard.rule.is_online(payload))
        elif heard.kind == "response":
            raise CodecError("a response without the correlation data of a command")
        elif not retained:  # a retained answer is of another day
            answer = heard.rule.answer(payload)
            if answer is None:
                raise CodecError("no acknowledgement in the payload")
            self._link.acknowledged(answer, heard.device)

    def _receive_response(self, topic: str, payload: bytes, retained: bool, properties: MessageProperties) -> None:
        """A message arrived that has properties: the answer to a command where it came on our own topic."""
        heard = self._routes.match(topic)
        if heard is None or heard.kind != "response" or len(payload) > _MAX_PAYLOAD:
            self._receive(topic, payload, retained)
        elif not retained:
            try:
                answer, device = self._routes.response(payload, properties.correlation)
            except CodecError as error:
                self._link.fault(None, f"{topic}: {error}")
            else:
                self._link.acknowledged(answer, device)

    def _refuse_size(self, device: str | None, topic: str, payload: bytes) -> None:
        self._link.fault(device, f"payload of {len(payload)} bytes on {topic}")

    def _pass_over(self, topic: str) -> None:
        heard = self._routes.match(topic)
        self._link.fault(heard.device if heard else None, f"a message on {topic} was too large to be read")

    # ---- to the broker

    def _offers(self, name: str | None) -> Confirm:
        rule = self._routes.command_rule(name)
        return "acked" if rule is not None and rule.has_answers else "sent"

    async def write(self, command: Outgoing) -> None:
        """Publishes the command with QoS 1, never retained; returns once the broker has it."""
        connection = self._connection
        if connection is None:
            raise NotSentError(self._link.reason or "the broker is not connected")
        try:
            message = self._message(command)
        except CodecError as error:
            raise NotSentError(str(error)) from error
        left = command.deadline - time.monotonic()
        if left <= 0:
            raise NotSentError("its time to live ran out")
        await connection.publish(
            message.topic,
            message.payload,
            left,
            response_topic=message.response_topic,
            correlation=message.correlation,
            user_properties=message.properties,
            left=command.left,
        )

    def _message(self, command: Outgoing) -> Message:
        if self._fleet.holds(command.name):
            publication = self._fleet.encode(command)
            return Message(publication.topic, publication.payload)
        return self._routes.message(command)
