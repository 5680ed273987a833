"""What the topics of a broker mean: readings, availability, commands or acknowledgements, and of which device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import orjson
from pydantic import Field

from gateway.adapters.mqtt.templates import PublishText, Template, TopicText
from gateway.codecs import CodecOptions, CommandOptions
from gateway.codecs.json import JsonCommandOptions, JsonOptions
from gateway.config.plugged import Plugged
from gateway.config.strict import PositiveDuration, Strict
from gateway.errors import CodecError
from gateway.model import Acknowledgement, Outgoing

_CACHE = 16384  # topics whose meaning is remembered
_LONGEST = 512  # characters of a topic that is

Kind = Literal["readings", "availability", "ack", "command"]


class TopicCommands(Strict):
    """Where commands go, and where their acknowledgements come back.

    On a topic with `{point}` the payload is the bare value, and the command codec is not used for writing.
    """

    topic: PublishText
    ack: TopicText | None = None
    codec: Annotated[CommandOptions, Plugged("commands")] = JsonCommandOptions()
    timeout: PositiveDuration = 5.0


class TopicAvailability(Strict):
    """Where a device, or the broker in its name, says whether it is there."""

    topic: TopicText
    online: str = "online"
    offline: str = "offline"


class TopicSection(Strict):
    """A family of topics that devices send their readings on."""

    readings: TopicText
    codec: Annotated[CodecOptions, Plugged("codecs")] = JsonOptions()
    qos: Annotated[int, Field(ge=0, le=2)] = 0
    commands: TopicCommands | None = None
    availability: TopicAvailability | None = None


class Rule:
    """One section of `topics`, ready to read and write."""

    def __init__(self, section: TopicSection) -> None:
        commands, availability = section.commands, section.availability
        self.qos = section.qos
        self.readings = Template(section.readings)
        self.availability = Template(availability.topic) if availability else None
        self.command = Template(commands.topic) if commands else None
        self.ack = Template(commands.ack) if commands and commands.ack else None
        self.decode = section.codec.build().decode
        self._words = (availability.online, availability.offline) if availability else ("", "")
        self._codec = commands.codec.build() if commands else None

    @property
    def has_answers(self) -> bool:
        """Whether devices acknowledge commands."""
        return self.ack is not None

    @property
    def bare_commands(self) -> bool:
        """Whether a command's payload is the bare value, its point being in the topic."""
        return self.command is not None and self.command.has_point

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

    def command_topic(self, device: str | None, point: str) -> str:
        """Where a command is published; raises ValueError where a name cannot stand in a topic."""
        if self.command is None:
            raise ValueError("these topics have no `commands` section")
        return self.command.topic(device, point)

    def encode(self, command: Outgoing) -> bytes:
        """A command's payload; raises CodecError."""
        if self._codec is None:
            raise CodecError("these topics have no `commands` section")
        return self._codec.encode(command, None)

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


class Routes:
    """Finds the meaning of each topic, once; later messages of the topic are looked up."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._meanings: dict[str, Heard | None] = {}
        self._commanded_by: dict[str | None, Rule] = {}
        self._answers_by: dict[str | None, Rule] = {}  # whose availability or answers were heard
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
        """Topic filters with their QoS. Answers and availability come with QoS 1: losing one would mislead."""
        filters: dict[str, int] = {}
        for rule, kind, template in self._templates:
            if kind != "command":
                qos = rule.qos if kind == "readings" else 1
                filters[template.subscription] = max(qos, filters.get(template.subscription, 0))
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

    def _find(self, topic: str) -> Heard | None:
        for rule, kind, template in self._templates:
            names = template.match(topic)
            if names is not None:
                if kind == "command":
                    return None
                known = self._commanded_by if kind == "readings" else self._answers_by
                if rule.command is not None and len(topic) <= _LONGEST and len(known) < _CACHE:
                    known.setdefault(names[0], rule)
                return Heard(rule, kind, *names)
        return None
