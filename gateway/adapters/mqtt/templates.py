"""Topic templates: `sensors/{device}/telemetry` as a subscription, as a matcher, and as a topic to publish on.

`{device}` and `{point}` stand for a level or a part of one; `+` and `#` are MQTT's own wildcards (MQTT 5 §4.7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

_FIELD = re.compile(r"\{(\w*)\}")
_KNOWN = {"device", "point"}
# Brokers throw out who sends control characters in a topic (MQTT 5 §1.5.4).
_FORBIDDEN_IN_NAME = re.compile(r"[/+#\x00-\x1f\x7f-\x9f]")
# What no wildcard at the beginning stands for: the broker's own topics (MQTT 5 §4.7.2), and those of gateways, which
# would read what they say themselves.
_SPELT_OUT = r"(?!\$|fieldgate/)"


def _checked(template: str) -> str:
    fields = _FIELD.findall(template)
    for field in fields:
        if field not in _KNOWN:
            raise PydanticCustomError("topic", "{field} is not one of {device}, {point}", {"field": f"{{{field}}}"})
    if len(fields) != len(set(fields)):
        raise PydanticCustomError("topic", "{device} and {point} may each stand once")
    if "}{" in template:
        raise PydanticCustomError("topic", "{device} and {point} need something between them")
    if "{" in _FIELD.sub("", template) or "}" in _FIELD.sub("", template):
        raise PydanticCustomError("topic", "a brace has no partner")
    levels = template.split("/")
    if any(("+" in level and level != "+") or ("#" in level and level != "#") for level in levels):
        raise PydanticCustomError("topic", "+ and # must be a whole level")
    if "#" in levels[:-1]:
        raise PydanticCustomError("topic", "# must be the last level")
    if levels[0] == "$share":
        raise PydanticCustomError("topic", "a shared subscription is asked for by `share`, not by $share/ in the topic")
    if levels[0].startswith("$") and "{" in levels[0]:
        raise PydanticCustomError("topic", "what begins with $ is in no wildcard's reach: its first level is spelt out")
    return template


def _publishable(template: str) -> str:
    if "+" in template or "#" in template:
        raise PydanticCustomError("topic", "a topic to publish on has no wildcards")
    return template


_text = StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00]+$")
TopicText = Annotated[str, _text, AfterValidator(_checked)]
PublishText = Annotated[str, _text, AfterValidator(_checked), AfterValidator(_publishable)]


def _level(level: str) -> str:
    """The pattern of one level; of two fields, the first is as long as can be."""
    if level == "+":
        return "[^/]*+"
    if "{" not in level:
        return re.escape(level)
    *head, tail = [
        f"(?P<{piece[1:-1]}>[^/]+)" if piece in ("{device}", "{point}") else re.escape(piece)
        for piece in re.split(r"(\{\w*\})", level)
    ]
    # Whether the level ends as it should is seen first, and once: not again for each place where a field might end.
    ends = rf"(?=[^/]*+(?<={tail}))" if tail else ""
    return rf"(?>{ends}{''.join(head)}{tail}(?![^/]))"


@dataclass(frozen=True)
class Template:
    """A checked topic template."""

    text: str

    @cached_property
    def subscription(self) -> str:
        """The topic filter that brings every topic of the template."""
        return "/".join("+" if _FIELD.search(level) else level for level in self.text.split("/"))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the template's topics, with the groups `device` and `point` where it has them.

        In time that grows as the topic does: a level once read is not read in another way.
        """
        levels = self.text.split("/")
        text = "/".join(_level(level) for level in levels if level != "#")
        if levels[-1] == "#":  # also matches the level above (MQTT 5 §4.7.1.2)
            text += "(?:/.*)?" if len(levels) > 1 else ".*"
        wild = levels[0] in ("+", "#") or "{" in levels[0]
        return re.compile((_SPELT_OUT if wild else "") + text, re.DOTALL)

    @property
    def has_point(self) -> bool:
        """Whether the topic names the point."""
        return "{point}" in self.text

    def match(self, topic: str) -> tuple[str | None, str | None] | None:
        """The device and point that the topic names; None where it is not of this template."""
        found = self.pattern.fullmatch(topic)
        if found is None:
            return None
        groups = found.groupdict()
        return groups.get("device"), groups.get("point")

    def topic(self, device: str | None, point: str) -> str:
        """The topic for a device and point; raises ValueError where a name would change the topic's shape."""

        def name(found: re.Match[str]) -> str:
            given = device if found[1] == "device" else point
            if given is None:
                raise ValueError("the device has no name of its own")
            if not given or _FORBIDDEN_IN_NAME.search(given):
                raise ValueError(f"{given!r} cannot be a part of a topic")
            return given

        # In one pass: a device may well call itself {point}.
        return _FIELD.sub(name, self.text)
