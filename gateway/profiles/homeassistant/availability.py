"""Whether an entity is there: by one topic or several, of which all, any or the latest decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.codecs.paths import MISSING
from gateway.errors import CodecError
from gateway.profiles.homeassistant.abbreviations import KEYS, spelt_out
from gateway.profiles.homeassistant.entity import Entity
from gateway.profiles.homeassistant.templates import ValueTemplate, as_text

_MAX_TOPICS = 16  # of an entity


@dataclass(frozen=True, slots=True)
class Source:
    """A topic that says whether somebody is there, and in which words.

    Of one whose template is not understood there is no topic, and nothing is ever known.
    """

    topic: str | None
    online: str
    offline: str
    template_text: str = ""
    template: ValueTemplate | None = field(default=None, compare=False)

    def says(self, text: str, document: Any) -> bool | None:
        """What a message says; None where it says nothing. Raises CodecError where it says something else."""
        found = text if self.template is None else self.template.find(text, document)
        if found is MISSING:
            return None
        word = as_text(found)
        if word not in (self.online, self.offline):
            raise CodecError(f"{word[:40]!r} is neither {self.online!r} nor {self.offline!r}")
        return word == self.online


@dataclass(frozen=True, slots=True)
class Presence:
    """What decides whether an entity is there."""

    mode: str
    sources: tuple[Source, ...]

    def verdict(self, known: dict[Source, bool], latest: Source | None) -> bool | None:
        """Whether it is there, by what each source said last; None where that is not known yet."""
        said = [known.get(source) for source in self.sources]
        if self.mode == "all":
            return False if False in said else (None if None in said else True)
        if self.mode == "any":
            return True if True in said else (None if None in said else False)
        if latest is not None and latest in self.sources:
            return known.get(latest)
        heard = [one for one in said if one is not None]
        return heard[-1] if heard else None


def presence_of(entity: Entity) -> Presence | None:
    """What decides whether the entity is there; None where it does not say. Raises CodecError."""
    given = entity.config.get("availability")
    items = given if type(given) is list else [] if given is None else [given]
    if len(items) > _MAX_TOPICS or not all(isinstance(item, dict) for item in items):
        raise CodecError(f"availability: not a list of at most {_MAX_TOPICS} topics")
    parts = [Entity(entity.component, spelt_out(item, KEYS)) for item in items]
    sources = [_source(entity, part, "topic", "value_template") for part in parts]
    if not sources:
        sources = [_source(entity, entity, "availability_topic", "availability_template")]
    told = tuple(source for source in sources if source is not None)
    mode = entity.text("availability_mode", "latest")
    return Presence(mode if mode in ("all", "any") else "latest", told) if told else None


def _source(entity: Entity, part: Entity, topic_key: str, template_key: str) -> Source | None:
    topic = part.topic(topic_key)
    if topic is None:
        return None
    online, offline = part.text("payload_available", "online"), part.text("payload_not_available", "offline")
    text = part.config.get(template_key)
    if not text:
        return Source(topic, online, offline)
    try:
        return Source(topic, online, offline, as_text(text), ValueTemplate.parse(as_text(text)))
    except CodecError as error:
        entity.problems.append(str(error))
        return Source(None, online, offline, as_text(text)[:512])
