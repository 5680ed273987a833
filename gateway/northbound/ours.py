"""Which devices are published, and which topics are therefore ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.config.publish import PublishSection
from gateway.model import NOT_IN_TOPICS, matches
from gateway.northbound.topics import Topics


class Ours:
    """What belongs to this gateway. `adapters` tells the type of each adapter that there is now, by its id."""

    def __init__(self, section: PublishSection, topics: Topics, adapters: Callable[[], Mapping[str, str]]) -> None:
        self._globs = section.devices
        self._answered = section.answers
        self._topics = topics
        self._adapters = adapters

    def wants(self, device: str) -> bool:
        """Whether the device is published. Those that came over a broker are seen there already."""
        if self._globs is not None:
            return any(matches(glob, device) for glob in self._globs)
        return self._adapters().get(device.partition(".")[0]) != "mqtt"

    def belongs(self, device: str) -> bool:
        """Whether a device that may not be there yet, or any more, is one that would be published."""
        return device.partition(".")[0] in self._adapters() and self.wants(device)

    def has(self, topic: str) -> bool:
        """Whether this gateway publishes on the topic, or takes commands on it, or would if such a device came."""
        if topic == self._topics.status or self._topics.is_home(topic):
            return True
        device = self._topics.device_of(topic)
        return device is not None and self.belongs(device)

    def may_answer(self, topic: str) -> bool:
        """Whether an answer may go to a topic that somebody asked for.

        Who may command could else have anything said anywhere by it, to devices that trust the gateway.
        """
        if not any(matches(glob, topic) for glob in self._answered):
            return False
        if not topic or topic.startswith("$") or "+" in topic or "#" in topic or NOT_IN_TOPICS.search(topic):
            return False
        return not self.has(topic) and not self._topics.is_discovery(topic)
