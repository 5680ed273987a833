"""What the topics of a broker mean: readings, availability, commands or acknowledgements, and of which device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

import orjson
from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from gateway.adapters.mqtt.templates import PublishText, Template, TopicText
from gateway.codecs import CodecOptions, CommandOptions
from gateway.codecs.base import named
from gateway.codecs.claims import CLAIMS, ReadsClaims, refuse_others
from gateway.codecs.json import JsonCommandOptions, JsonOptions, outcome
from gateway.codecs.points import PointName
from gateway.codecs.scalar import BooleanCodec, encode_bare
from gateway.config.plugged import Plugged
from gateway.config.strict import PositiveDuration, Strict
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing, Sample

_CACHE = 16384  # topics whose meaning is remembered
_LONGEST = 512  # characters of a topic that is
_LONGEST_WORD = 64  # bytes of a payload that is
_ASKED = 1024  # commands whose response can still come

Kind = Literal["readings", "availability", "ack", "response", "command"]


def _shown(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("property", "expected printable characters only")
    return text


PropertyText = Annotated[str, StringConstraints(max_length=256), AfterValidator(_shown)]
Group = Annotated[str, StringConstraints(pattern=r"^[^/+#\x00-\x20\x7f]+$", max_length=64)]
Member = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class TopicCommands(Strict):
    """Where commands go, and where their acknowledgements come back.

    On a topic with `{point}` the payload is the bare value, and the command codec is not used for writing.
    """

    topic: PublishText
    ack: TopicText | None = None
    response: bool = False
    codec: Annotated[CommandOptions, Plugged("commands")] = JsonCommandOptions()
    properties: Annotated[Mapping[PropertyText, PropertyText], Field(max_length=16)] = Field(default_factory=dict)
    timeout: PositiveDuration = 5.0

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if self.response and self.ack is not None:
            raise PydanticCustomError("ack", "`ack` and `response` exclude each other: an answer comes one way")
        return self


class TopicAvailability(Strict):
    """Where a device, or the broker in its name, says whether it is there."""

    topic: TopicText
    online: str = "online"
    offline: str = "offline"


class TopicSection(Strict):
    """A family of topics that devices send their readings on."""

    readings: TopicText
    point: PointName | None = None
    codec: Annotated[CodecOptions, Plugged("codecs")] = JsonOptions()
    qos: Annotated[int, Field(ge=0, le=2)] = 0
    share: Group | None = None
    claims: Annotated[tuple[Member, ...], Field(strict=False, max_length=16)] = CLAIMS
    commands: TopicCommands | None = None
    availability: TopicAvailability | None = None

    @model_validator(mode="after")
    def _one_point(self) -> Self:
        if self.point is not None and Template(self.readings).has_point:
            raise PydanticCustomError("point", "`readings` has {{point}} already, so `point` would name it twice")
        return self

    def keys_of_version_5(self) -> list[tuple[str, ...]]:
        """The keys that mean nothing to a broker of MQTT 3.1.1."""
        given = [("commands", "response"), ("commands", "properties")]
        return [(section, key) for section, key in given if getattr(getattr(self, section), key, None)]


@dataclass(frozen=True, slots=True)
class Message:
    """A command as it is published. With MQTT 5, the answer comes on `response_topic` with the same `correlation`."""

    topic: str
    payload: bytes
    response_topic: str | None = None
    correlation: bytes | None = None
    properties: tuple[tuple[str, str], ...] = ()


class Rule:
    """One section of `topics`, ready to read and write."""

    def __init__(self, section: TopicSection) -> None:
        commands, availability = section.commands, section.availability
        codec = section.codec.build()
        self.point = section.point  # what the topics of readings are about; None where they name it, or the payload
        self.qos = section.qos
        self.share = section.share
        self.readings = Template(section.readings)
        self.availability = Template(availability.topic) if availability else None
        self.command = Template(commands.topic) if commands else None
        self.ack = Template(commands.ack) if commands and commands.ack else None
        self.response = commands is not None and commands.response
        self.decode = codec.decode
        self._claims = frozenset(section.claims)
        self._decode_of = codec.decode_of if isinstance(codec, ReadsClaims) else None
        self._boolean = codec if isinstance(codec, BooleanCodec) else None
        self._said: dict[tuple[str | None, str | None], bytes] = {}  # the newest word for true or false, by point
        self._words = (availability.online, availability.offline) if availability else ("", "")
        self._codec = commands.codec.build() if commands else None
        self._properties = tuple(commands.properties.items()) if commands else ()

    @property
    def has_answers(self) -> bool:
        """Whether devices acknowledge commands."""
        return self.ack is not None or self.response

    @property
    def bare_commands(self) -> bool:
        """Whether a command's payload is the bare value, its point being in the topic."""
        return self.command is not None and self.command.has_point

    def read(self, payload: bytes, device: str | None, point: str | None) -> list[Sample]:
        """The samples in a payload, for the device and the point that its topic names.

        Raises CodecError where it cannot be read, or claims another device than the topic.
        """
        if device is None or not self._claims:
            samples = self.decode(payload)
        elif self._decode_of is not None:
            samples = self._decode_of(payload, device, self._claims)
        else:
            samples = self.decode(payload)
            for sample in samples:
                refuse_others(sample.values, device, self._claims)
        if self._boolean is not None and len(payload) <= _LONGEST_WORD:
            if len(self._said) >= _CACHE:
                self._said.clear()
            self._said[device, point] = payload
        return [named(sample, point) for sample in samples]

    def is_online(self, payload: bytes) -> bool:
        """What an availability payload says, bare or as `{"state": …}`; raises CodecError where it says neither."""
        text = payload.decode("utf-8", "replace").strip()
        if text.startswith("{"):
            try:
                text = str(orjson.loads(payload).get("state"))
            except orjson.JSONDecodeError:
                text = ""
        online, offline = self._words
        if text not in (online, offline):
            raise CodecError(f"{text[:40]!r} is neither {online!r} nor {offline!r}")
        return text == online

    def answer(self, payload: bytes) -> Acknowledgement | None:
        """The acknowledgement in a payload."""
        return self._codec.match(payload) if self._codec else None

    def correlated(self, payload: bytes, id: int) -> Acknowledgement | None:
        """The acknowledgement in a response to this command: with its id or without, or empty where it is done.

        None where the payload is no answer, or one to another command.
        """
        if not payload.strip():
            return Acknowledgement(id, ok=True)
        answer = self.answer(payload) or outcome(payload)
        if answer is None or answer.id not in (None, id):
            return None
        return replace(answer, id=id)

    def command_topic(self, device: str | None, point: str) -> str:
        """Where a command is published; raises ValueError where a name cannot stand in a topic."""
        if self.command is None:
            raise ValueError("these topics have no `commands` section")
        return self.command.topic(device, point)

    def message(self, command: Outgoing, response_topic: str | None) -> Message:
        """The command as it is published; raises CodecError."""
        try:
            topic = self.command_topic(command.name, command.point)
        except ValueError as error:
            raise CodecError(str(error)) from error
        payload = self.encode(command)
        if not self.response or response_topic is None:
            return Message(topic, payload, properties=self._properties)
        return Message(topic, payload, response_topic, b"%d" % command.id, self._properties)

    def encode(self, command: Outgoing) -> bytes:
        """A command's payload; raises CodecError."""
        if self._codec is None:
            raise CodecError("these topics have no `commands` section")
        if not self.bare_commands:
            return self._codec.encode(command, None)
        if self._boolean is not None and isinstance(command.value, bool):
            return self._boolean.encode(command.value, self._said.get((command.name, command.point)))
        return encode_bare(command.value)

    def templates(self) -> list[tuple[Kind, Template]]:
        """The templates, the most specific kinds first: `{device}/{point}` also matches `{device}/ack`."""
        named: list[tuple[Kind, Template | None]] = [
            ("ack", self.ack),
            ("availability", self.availability),
            ("command", self.command),
            ("readings", self.readings),
        ]
        return [(kind, template) for kind, template in named if template is not None]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a topic means."""

    rule: Rule
    kind: Kind
    device: str | None
    point: str | None

    def read(self, payload: bytes) -> list[Sample]:
        """The samples in a payload on the topic; raises CodecError."""
        return self.rule.read(payload, self.device, self.point)


class Routes:
    """Finds the meaning of each topic, once; later messages of the topic are looked up.

    `response_topic` is the gateway's own, on which devices respond with MQTT 5.
    """

    def __init__(self, rules: list[Rule], response_topic: str | None = None) -> None:
        self._rules = rules
        self._meanings: dict[str, Heard | None] = {}
        self._commanded_by: dict[str | None, Rule] = {}
        self._answers_by: dict[str | None, Rule] = {}  # whose availability or answers were heard
        self._asked: dict[bytes, tuple[Rule, str | None, int]] = {}  # by correlation data, the oldest first
        self._response_topic = response_topic if any(rule.response for rule in rules) else None
        order: list[Kind] = ["ack", "availability", "command", "readings"]
        self._templates = [
            (rule, kind, template)
            for wanted in order
            for rule in rules
            for kind, template in rule.templates()
            if kind == wanted
        ]

    @property
    def subscriptions(self) -> list[tuple[str, int]]:
        """Topic filters with their QoS. Answers and availability come with QoS 1: losing one would mislead.

        Shared are only readings: every gateway of the group needs the answers to its own commands.
        """
        filters: dict[str, int] = {} if self._response_topic is None else {self._response_topic: 1}
        for rule, kind, template in self._templates:
            if kind == "command":
                continue
            qos, wanted = 1, template.subscription
            if kind == "readings":
                qos = rule.qos
                wanted = f"$share/{rule.share}/{wanted}" if rule.share else wanted
            filters[wanted] = max(qos, filters.get(wanted, 0))
        return list(filters.items())

    def match(self, topic: str) -> Heard | None:
        """What a topic means; None where it is nobody's, or a command of our own that comes back."""
        try:
            return self._meanings[topic]
        except KeyError:
            if len(self._meanings) >= _CACHE:
                self._meanings.clear()
            meaning = self._find(topic)
            if len(topic) <= _LONGEST:
                self._meanings[topic] = meaning
            return meaning

    def command_rule(self, device: str | None) -> Rule | None:
        """How a device is commanded: by the rule it was heard on, else by the first that has commands."""
        heard_on = self._commanded_by.get(device) or self._answers_by.get(device)
        return heard_on or next((rule for rule in self._rules if rule.command is not None), None)

    def message(self, command: Outgoing) -> Message:
        """The command as it is published, its response awaited from here on; raises CodecError."""
        rule = self.command_rule(command.name)
        if rule is None:
            raise CodecError("this device takes no commands: its topics have no `commands` section")
        message = rule.message(command, self._response_topic)
        if message.correlation is not None:
            if len(self._asked) >= _ASKED:
                del self._asked[next(iter(self._asked))]
            self._asked[message.correlation] = (rule, command.name, command.id)
        return message

    def response(self, payload: bytes, correlation: bytes | None) -> tuple[Acknowledgement, str | None]:
        """The answer in a message on the response topic, and the device whose command it answers.

        Raises CodecError where it answers none that was asked, or says neither.
        """
        asked = self._asked.get(correlation or b"")
        if asked is None:
            raise CodecError("a response without the correlation data of a command")
        rule, device, id = asked
        answer = rule.correlated(payload, id)
        if answer is None:
            raise CodecError(f"no acknowledgement in the response to command {id}")
        return answer, device

    def _find(self, topic: str) -> Heard | None:
        if topic == self._response_topic:
            return Heard(self._rules[0], "response", None, None)
        for rule, kind, template in self._templates:
            names = template.match(topic)
            if names is not None:
                if kind == "command":
                    return None
                known = self._commanded_by if kind == "readings" else self._answers_by
                if rule.command is not None and len(topic) <= _LONGEST and len(known) < _CACHE:
                    known.setdefault(names[0], rule)
                return Heard(rule, kind, names[0], names[1] or rule.point)
        return None
