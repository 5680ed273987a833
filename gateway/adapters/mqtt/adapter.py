"""The MQTT adapter: messages of a broker become readings, commands become messages."""

from __future__ import annotations

import logging
import math
import secrets
import time
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Literal, Protocol, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from gateway.adapters.base import Adapter, AdapterPlugin, LinkFactory
from gateway.adapters.mqtt.client import Broker, Receive
from gateway.adapters.mqtt.topics import Heard, Routes, Rule, TopicSection
from gateway.bus import Link
from gateway.codecs.base import named
from gateway.codecs.scalar import encode_bare
from gateway.config.strict import FilePath, PositiveDuration, secret
from gateway.errors import CodecError, LinkError, NotSentError
from gateway.model import Confirm, Outgoing
from gateway.supervise import BackOff, supervise

_MAX_PAYLOAD = 256 * 1024  # bytes
_BACK_OFF = BackOff(first=0.5, longest=30.0)

logger = logging.getLogger(__name__)


def _broker_url(given: str) -> str:
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        raise PydanticCustomError("url", "expected mqtt://HOST:PORT") from None
    if parts.scheme != "mqtt" or not parts.hostname or parts.path not in ("", "/") or parts.query or port == 0:
        raise PydanticCustomError("url", "expected mqtt://HOST:PORT")
    if parts.username is not None or parts.password is not None:
        raise PydanticCustomError("url", "credentials go into `username` and `password_file`, not into the URL")
    return given


class Conversation(Protocol):
    """One life of a connection to a broker."""

    async def subscribe(self, filters: list[tuple[str, int]]) -> None:
        """Subscribes to topic filters with their QoS; raises LinkError where the broker refuses one."""
        ...

    async def lost(self) -> None:
        """Waits until the connection ends, which raises."""
        ...

    async def publish(self, topic: str, payload: bytes, expiry: float) -> None:
        """Publishes a command; raises NotSentError or UncertainError. `expiry` is in seconds."""
        ...


class MessageSource(Protocol):
    """Where messages come from: a broker, or what was recorded of one."""

    def connect(self, receive: Receive) -> AbstractAsyncContextManager[Conversation]:
        """A connection whose messages go to `receive(topic, payload, retained)`; raises LinkError."""
        ...


class MqttOptions(AdapterPlugin):
    """A broker, and the topics on it that are devices."""

    type: str = "mqtt"
    url: Annotated[str, AfterValidator(_broker_url)]
    version: Literal[5, "5", "3.1.1"] = 5
    username: str | None = None
    password: SecretStr | None = None
    password_file: FilePath | None = None
    keepalive: Annotated[PositiveDuration, Field(ge=1, le=65535)] = 10.0
    silence: PositiveDuration | None = None
    topics: Annotated[tuple[TopicSection, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise PydanticCustomError("password", "`password` and `password_file` exclude each other")
        if self.username is None and (self.password is not None or self.password_file is not None):
            raise PydanticCustomError("password", "a password needs a `username`")
        return self

    def summary(self) -> str:
        """`mqtt mqtt://localhost:1883: sensors/{device}/telemetry`"""
        return f"mqtt {self.url}: {', '.join(section.readings for section in self.topics)}"

    def broker(self, client_id: str, status_topic: str | None = None) -> MessageSource:
        """The broker, to connect to under this client id; raises LinkError where the password cannot be read."""
        parts = urlsplit(self.url)
        try:
            password = secret(self.password, self.password_file)
        except (OSError, UnicodeDecodeError) as error:
            raise LinkError(f"the password file cannot be read: {error}") from error
        return Broker(
            host=parts.hostname or "localhost",
            port=parts.port or 1883,
            version=4 if self.version == "3.1.1" else 5,
            client_id=client_id,
            username=self.username,
            password=password,
            keepalive=math.ceil(self.keepalive),
            status_topic=status_topic,
        )

    def build(self, link: LinkFactory, gateway: str) -> Adapter:
        """The adapter, with its own client id."""
        return MqttAdapter(self, link, f"fieldgate/{gateway}/{self.id}/status", f"fieldgate-{gateway}-{self.id}")


class MqttAdapter:
    """Reads devices from one broker and writes commands to it.

    Its own status is retained on `fieldgate/<gateway>/<adapter>/status`: `online`, and `offline` as its last will.
    """

    def __init__(self, options: MqttOptions, link: LinkFactory, status_topic: str, client_id: str) -> None:
        self._options = options
        self._status_topic = status_topic
        # Two clients of one id throw each other out for ever, and two gateways may well share a name.
        self._client_id = f"{client_id}-{secrets.token_hex(3)}"
        self._routes = Routes([Rule(section) for section in options.topics])
        self._link: Link = link(single=False, silence=options.silence, offers=self._offers)
        self._connection: Conversation | None = None
        timeouts = [section.commands.timeout for section in options.topics if section.commands]
        self.answer_timeout = max(timeouts, default=5.0)

    async def run(self) -> None:
        """Connects, and connects again whenever the broker goes."""
        await supervise(self._connect, self._link.down, _BACK_OFF)

    async def _connect(self) -> None:
        """One life of the connection; raises LinkError when it ends."""
        broker = self._options.broker(self._client_id, self._status_topic)
        async with broker.connect(self._receive) as connection:
            await connection.subscribe(self._routes.subscriptions)
            self._connection = connection
            try:
                self._link.up()
                await connection.lost()
            finally:
                self._connection = None

    # ---- from the broker

    def _receive(self, topic: str, payload: bytes, retained: bool) -> None:
        """A message arrived; whatever it holds, it costs no other message."""
        heard = self._routes.match(topic)
        if heard is None:
            return
        if len(payload) > _MAX_PAYLOAD:
            self._link.fault(heard.device, f"payload of {len(payload)} bytes on {topic}")
            return
        try:
            if heard.kind == "readings":
                self._receive_reading(heard, payload, retained)
            elif heard.kind == "availability":
                self._link.available(heard.device, online=heard.rule.is_online(payload))
            elif heard.kind == "ack" and not retained:  # a retained answer is of another day
                answer = heard.rule.answer(payload)
                if answer is None:
                    self._link.fault(heard.device, f"no acknowledgement in the payload on {topic}")
                else:
                    self._link.acknowledged(answer, heard.device)
        except CodecError as error:
            self._link.fault(heard.device, f"{topic}: {error}")

    def _receive_reading(self, heard: Heard, payload: bytes, retained: bool) -> None:
        for sample in heard.rule.decode(payload):
            self._link.receive(heard.device, named(sample, heard.point), retained=retained)

    # ---- to the broker

    def _offers(self, name: str | None) -> Confirm:
        rule = self._routes.command_rule(name)
        return "acked" if rule is not None and rule.has_answers else "sent"

    async def write(self, command: Outgoing) -> None:
        """Publishes the command with QoS 1, never retained; returns once the broker has it."""
        rule = self._routes.command_rule(command.name)
        if rule is None:
            raise NotSentError("this device takes no commands: its topics have no `commands` section")
        connection = self._connection
        if connection is None:
            raise NotSentError(self._link.reason or "the broker is not connected")
        try:
            topic = rule.command_topic(command.name, command.point)
            payload = encode_bare(command.value) if rule.bare_commands else rule.encode(command)
        except (CodecError, ValueError) as error:
            raise NotSentError(str(error)) from error
        left = command.deadline - time.monotonic()
        if left <= 0:
            raise NotSentError("its time to live ran out")
        await connection.publish(topic, payload, expiry=left)
