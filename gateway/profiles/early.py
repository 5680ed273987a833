"""Retained messages that a broker sends before the one that explains them."""

from __future__ import annotations

_MOST = 1024  # messages
_LONGEST = 4096  # bytes of one


class Early:
    """Keeps the newest retained messages of topics that are not known yet; of too many, the oldest go."""

    def __init__(self) -> None:
        self._payloads: dict[str, bytes] = {}

    def keep(self, topic: str, payload: bytes) -> None:
        """Keeps a message until it is taken; what is too large for a value or a state is not kept."""
        self._payloads.pop(topic, None)
        if len(topic) + len(payload) > _LONGEST:
            return
        if len(self._payloads) >= _MOST:
            del self._payloads[next(iter(self._payloads))]
        self._payloads[topic] = payload

    def take(self, above: str = "") -> dict[str, bytes]:
        """What is kept of the topics that begin with `above`; it is kept no longer."""
        taken = {topic: payload for topic, payload in self._payloads.items() if topic.startswith(above)}
        for topic in taken:
            del self._payloads[topic]
        return taken
