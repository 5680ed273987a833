"""Commands that come over MQTT: the same ledger, rights and interlocks as any other, under an identity of their own."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from typing import Protocol

import orjson

from gateway.bus import Devices
from gateway.commands import Asked, Command, Sender
from gateway.errors import CodecError, RequestError, worth_saying
from gateway.model import Identity, Point, Value
from gateway.mqtt import MessageProperties
from gateway.northbound.topics import RESULT, SET

# Who they are by. No client's name has parentheses.
PUBLISHED = "(publish)"

_MAX_PAYLOAD = 4096  # bytes; a text may have 1,024 characters
_MAX_KEY = 64  # characters
_MAX_CORRELATION = 1024  # bytes
_TTL = 5.0  # seconds
_MAX_TTL = 60.0
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MAX_NUMBER = 64  # characters
_BOOLEANS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_PRESSES = ("", "press", "null")

NO_PROPERTIES = MessageProperties()

Answer = Callable[[str, bytes, bytes | None], None]  # topic, payload, correlation data

logger = logging.getLogger(__name__)


class Submit(Protocol):
    """Who takes commands."""

    def submit(self, identity: Identity, asked: Asked, sender: Sender) -> Command:
        """Accepts a command, or returns the one it repeats; raises RequestError."""
        ...


class Orders:
    """Reads the messages on the topics of commands, has them carried out, and answers.

    `target` finds the device and point of a topic, `may_answer` tells whether an answer may go to one.
    """

    def __init__(
        self,
        commands: Submit,
        devices: Devices,
        globs: tuple[str, ...],
        broker: str,
        *,
        target: Callable[[str], tuple[str, str] | None],
        answer: Answer,
        may_answer: Callable[[str], bool],
    ) -> None:
        self._commands = commands
        self._devices = devices
        self._identity = Identity(PUBLISHED, read=(), command=globs)
        self._sender = Sender(broker)
        self._target = target
        self._answer = answer
        self._may_answer = may_answer
        self.taken = 0  # commands
        self.refused = 0  # messages that became none

    def may_command(self, device: str) -> bool:
        """Whether commands are taken for the device."""
        return self._identity.may_command(device)

    def receive(self, topic: str, payload: bytes, retained: bool, properties: MessageProperties) -> None:
        """A message on a topic of commands."""
        if retained:
            # It is of another day, and would come again at every connect.
            self._refuse(topic, "a retained command is never carried out")
            return
        target = self._target(topic)
        if target is None:
            self._refuse(topic, "there is no point that would be commanded there")
            return
        reply, correlation = self._reply(topic, properties)
        told = {"device": target[0], "point": target[1], "key": dict(properties.user).get("key")}
        try:
            command = self._submit(target, payload, properties)
        except RequestError as error:
            self._refuse(topic, str(error))
            refusal = {"code": error.code, "message": error.message, "retry": error.retry}
            self._answer(reply, orjson.dumps({"error": refusal} | told), correlation)
            return
        self.taken += 1
        final_only = reply != f"{topic.removesuffix(SET)}{RESULT}"

        def changed(command: Command) -> None:
            if command.final or not final_only:
                self._answer(reply, orjson.dumps(command.to_json()), correlation)

        changed(command)
        if not command.final:
            command.watchers.append(changed)

    def _submit(self, target: tuple[str, str], payload: bytes, properties: MessageProperties) -> Command:
        device, point = target
        known = self._devices.get(device)
        described = known.points.get(point) if known is not None else None
        key = dict(properties.user).get("key")
        if key is not None and not 1 <= len(key) <= _MAX_KEY:
            raise RequestError("bad_request", f"a key has 1 to {_MAX_KEY} characters")
        ttl = _TTL if properties.expiry is None else min(_MAX_TTL, properties.expiry)
        if ttl <= 0:
            raise RequestError("bad_request", "its time to live ran out")
        # Before the value: whoever may not command a point learns nothing of what it takes.
        value = read_value(described, payload) if described is not None and self.may_command(device) else None
        return self._commands.submit(self._identity, Asked(device, point, value, key, ttl, ttl_runs=True), self._sender)

    def _reply(self, topic: str, properties: MessageProperties) -> tuple[str, bytes | None]:
        """Where the answer goes, and what stands beside it."""
        wanted, correlation = properties.response_topic, properties.correlation
        if correlation is not None and len(correlation) > _MAX_CORRELATION:
            correlation = None
        if wanted is not None and not self._may_answer(wanted):
            self._refuse(topic, f"no answer is sent to {wanted[:80]!r}, which `publish.answers` does not allow")
            wanted = None
        return wanted or f"{topic.removesuffix(SET)}{RESULT}", correlation

    def _refuse(self, topic: str, why: str) -> None:
        self.refused += 1
        if worth_saying(self.refused):
            logger.warning("publish: message on %r refused: %s (%d so far)", topic[:200], why, self.refused)


def read_value(point: Point, payload: bytes) -> Value:
    """The value of a bare payload, as the point takes it; raises `bad_request` where it is none."""
    try:
        return _value(point, payload)
    except CodecError as error:
        raise RequestError("bad_request", str(error)) from error


def _value(point: Point, payload: bytes) -> Value:
    if len(payload) > _MAX_PAYLOAD:
        raise CodecError(f"a payload of {len(payload)} bytes")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CodecError("the payload is not UTF-8 text") from error
    if point.type in ("string", "enum"):
        return text
    word = text.strip()
    if point.type == "boolean":
        if word.lower() not in _BOOLEANS:
            raise CodecError(f"{word[:40]!r} is neither true nor false")
        return _BOOLEANS[word.lower()]
    if point.type == "action":
        if word.lower() not in _PRESSES:
            raise CodecError(f"{word[:40]!r} is not PRESS: an action takes no value")
        return None
    if len(word) > _MAX_NUMBER or not _NUMBER.fullmatch(word):
        raise CodecError(f"{word[:40]!r} is not a number")
    number = float(word)
    if not math.isfinite(number):
        raise CodecError(f"{word[:40]!r} is too large")
    return int(word) if word.lstrip("+-").isdigit() else number
