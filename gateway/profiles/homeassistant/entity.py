"""An entity: one configuration of Home Assistant's discovery, and the points that come of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gateway.codecs.paths import MISSING, Missing, Path
from gateway.errors import CodecError
from gateway.model import NOT_IN_TOPICS, Point, Value
from gateway.profiles.homeassistant.templates import CommandTemplate, ValueTemplate, as_number, as_text

MAX_TOPIC = 512  # characters
MAX_TEXT = 256  # characters of anything else that a configuration says
MAX_OPTIONS = 256  # in a closed set

Convert = Callable[[Any], Value | Missing]  # of what the template gave; raises CodecError
Write = Callable[[Value], str | int | float]  # what a command says, before its template


@dataclass(frozen=True, slots=True)
class Keys:
    """Under which keys a part of an entity has its topics and templates."""

    state: str = ""
    template: str = ""
    command: str = ""
    command_template: str = ""
    optimistic: str = "optimistic"


MAIN = Keys("state_topic", "value_template", "command_topic", "command_template")


def of(prefix: str, template: str = "value_template") -> Keys:
    """`mode_state_topic`, `mode_value_template`, `mode_command_topic`, `mode_command_template`"""
    return Keys(
        f"{prefix}_state_topic", f"{prefix}_{template}", f"{prefix}_command_topic", f"{prefix}_command_template"
    )


@dataclass(frozen=True, slots=True)
class Channel:
    """A point of an entity: where its value comes from, and how it is commanded.

    `suffix` is what its name has behind the entity's. Retained messages are none of a `momentary` one.
    """

    suffix: str
    point: Point
    state: str | None = None
    template: ValueTemplate | None = None
    convert: Convert | None = None
    command: str | None = None
    write: Write | None = None
    command_template: CommandTemplate | None = None
    momentary: bool = False

    def read(self, text: str, document: Any) -> Value | Missing:
        """The value in a message on its topic; MISSING where the message has none. Raises CodecError."""
        found = text if self.template is None else self.template.find(text, document)
        if found is MISSING or self.convert is None:
            return MISSING
        return self.convert(found)

    def payload(self, value: Value) -> bytes:
        """The command; raises CodecError."""
        if self.write is None:
            raise CodecError("it takes no commands")
        try:
            said = self.write(value)
            text = str(said) if self.command_template is None else self.command_template.render(said)
            return text.encode("utf-8")
        except (ValueError, TypeError) as error:  # half a surrogate pair, or a number that JSON has not
            raise CodecError("the value cannot be written") from error


class Entity:
    """Reads a configuration, whose keys are spelt out, and collects the points.

    Its methods raise CodecError where a key has a value of another kind. `problems` are the parts that are not
    understood, in words.
    """

    def __init__(self, component: str, config: dict[str, Any]) -> None:
        self.component = component
        self.config = config
        self.channels: list[Channel] = []
        self.problems: list[str] = []
        encoding = self.text("encoding", "utf-8")
        self._readable = encoding.lower() in ("utf-8", "utf8", "ascii")
        if not self._readable:
            self.problems.append(f"the encoding {encoding!r} is not understood")

    # ---- what the configuration says

    def text(self, key: str, default: str = "") -> str:
        """A text, or what a number or a truth value is as one."""
        value = self.config.get(key)
        if value is None:
            return default
        text = as_text(value)
        if len(text) > MAX_TEXT:
            raise CodecError(f"{key}: longer than {MAX_TEXT} characters")
        return text

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts, each once."""
        value = self.config.get(key)
        if value is None:
            return default
        if type(value) is not list or len(value) > MAX_OPTIONS:
            raise CodecError(f"{key}: not a list of at most {MAX_OPTIONS} texts")
        texts = tuple(dict.fromkeys(as_text(item) for item in value))
        if any(len(text) > MAX_TEXT for text in texts):
            raise CodecError(f"{key}: a text is longer than {MAX_TEXT} characters")
        return texts

    def number(self, key: str, default: float | None = None) -> float | None:
        """A number."""
        value = self.config.get(key)
        if value is None:
            return default
        number = as_number(value)
        if number is None or not math.isfinite(number):
            raise CodecError(f"{key}: not a number")
        return number

    def flag(self, key: str) -> bool:
        """Whether a key is true."""
        return self.config.get(key) is True

    def topic(self, key: str, *, filter: bool = False) -> str | None:
        """A topic; a filter may have levels that are `+`, but not the last one."""
        value = self.config.get(key)
        if value is None or value == "":
            return None
        if type(value) is not str or len(value) > MAX_TOPIC or "#" in value or NOT_IN_TOPICS.search(value):
            raise CodecError(f"{key}: not a topic")
        if value.startswith("$") and not value.startswith("$SYS/"):
            raise CodecError(f"{key}: not a topic")
        levels = value.split("/")
        if "+" in value and (not filter or "+" in levels[-1] or any("+" in level and level != "+" for level in levels)):
            raise CodecError(f"{key}: not a topic")
        return value

    # ---- its points

    def add(
        self,
        suffix: str,
        point: Point,
        keys: Keys,
        convert: Convert | None = None,
        write: Write | None = None,
        *,
        place: str | None = None,
        momentary: bool = False,
    ) -> None:
        """A point, where the configuration has a topic for it. `place` is where its value stands in a JSON state.

        Where a template is not understood, it is there without values and takes no commands.
        """
        if point.min is not None and point.max is not None and point.min > point.max:
            raise CodecError(f"its least is {point.min:g}, and its most {point.max:g}")
        state = self.topic(keys.state, filter=True) if convert else None
        command = self.topic(keys.command) if write else None
        template = None if place is None else ValueTemplate(Path.parse(place), is_json=True)
        command_template = None
        try:
            if state and place is None and (given := self.config.get(keys.template)):
                template = ValueTemplate.parse(as_text(given))
        except CodecError as error:
            self.problems.append(str(error))
            self.channels.append(Channel(suffix, self._titled(point, suffix)))
            return
        try:
            if command and (given := self.config.get(keys.command_template)):
                command_template = CommandTemplate.parse(as_text(given))
        except CodecError as error:
            self.problems.append(str(error))
            command = None
        if state is None and command is None:
            return
        if not self._readable:
            state = command = None
        # What a device says on the very topic that it is commanded on proves nothing: it may be the command itself.
        seen = state is not None and state != command and not self.flag(keys.optimistic)
        if command is not None:
            point = replace(point, writable=True, confirm=point.confirm or ("verified" if seen else "sent"))
        self.channels.append(
            Channel(
                suffix,
                self._titled(point, suffix),
                state,
                template,
                convert if state else None,
                command,
                write if command else None,
                command_template,
                momentary,
            )
        )

    def _titled(self, point: Point, suffix: str) -> Point:
        name = self.config.get("name")
        title = name.strip() if type(name) is str else ""
        words = suffix.replace("_", " ")
        title = f"{title} {words}".strip() if title else words.capitalize()
        return replace(point, title=title[:MAX_TEXT]) if title else point
