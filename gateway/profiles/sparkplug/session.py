"""What is known of an edge node and its devices between a birth and a death."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.profiles.base import Described, Publication
from gateway.profiles.sparkplug.metrics import REBIRTH, Definitions
from gateway.profiles.sparkplug.payload import Payload
from gateway.profiles.sparkplug.values import BOOLEAN

_LAST = 255  # of the sequence numbers, 0 follows it
# A node that needs a birth again before so many of its messages came in order, so many times in a row, does not keep
# its own rules: asking it on would only make it send births for ever.
_SOON = 256
_PATIENCE = 3


@dataclass(slots=True)
class Source:
    """A node, or a device of it. `doubtful` while a birth may have been missed: then aliases mean nothing."""

    key: str
    topics: frozenset[str]
    definitions: Definitions = field(default_factory=Definitions)
    described: Described | None = None
    born: bool = False
    doubtful: bool = False
    live: set[str] = field(default_factory=set)  # the points that have a value since the birth


class Node:
    """An edge node: its session, its sequence numbers, and its devices."""

    def __init__(self, group: str, name: str) -> None:
        self.group = group
        self.name = name
        self.own = Source(f"{group}/{name}", frozenset({f"spBv1.0/{group}/NDATA/{name}"}))
        self.devices: dict[str, Source] = {}
        self.bd_seq: int | None = None
        self._sequence: int | None = None
        self._in_order = 0  # messages since the birth
        self._in_vain = 0  # births that were asked for, and did not help for long
        self._asked = False

    @property
    def sources(self) -> list[Source]:
        """The node and its devices."""
        return [self.own, *self.devices.values()]

    def device(self, name: str) -> Source:
        """A device of the node, new where it was not known."""
        source = self.devices.get(name)
        if source is None:
            topics = frozenset({f"spBv1.0/{self.group}/DDATA/{self.name}/{name}"})
            source = self.devices[name] = Source(f"{self.own.key}/{name}", topics)
        return source

    def begin(self, message: Any, bd_seq: int | None, retained: bool) -> bool:
        """A birth of the node; whether it is a new session, and not the same one told again.

        Of a retained one, which may be of any age, the sequence number says nothing.
        """
        is_new = bd_seq is None or bd_seq != self.bd_seq
        self.bd_seq = bd_seq
        self._sequence = message.seq if message.HasField("seq") and not retained else None
        self._asked = False
        self._in_order = 0
        return is_new

    def lost(self, message: Any) -> int | None:
        """How many messages are missing before this one; None where nothing tells. Takes its number as the last."""
        if not message.HasField("seq") or message.seq > _LAST:
            return None
        before, self._sequence = self._sequence, message.seq
        if before is None or message.seq == before:  # the same once more, as a redelivery is
            return None
        missing: int = (message.seq - before - 1) % (_LAST + 1)
        self._in_order = 0 if missing else self._in_order + 1
        return missing or None

    def doubt(self) -> None:
        """Something was missed, which may have been a birth."""
        for source in self.sources:
            source.doubtful = True

    def ask(self) -> Publication | None:
        """The question for a new birth; None while one is on its way, or where births do not help."""
        if self._asked:
            return None
        if self.own.born:
            self._in_vain = self._in_vain + 1 if self._in_order < _SOON else 1
            if self._in_vain > _PATIENCE:
                return None
        self._asked = True
        return self._question()

    def ask_anew(self) -> Publication:
        """The question that a connection begins with."""
        self._asked, self._in_vain = True, 0
        return self._question()

    def _question(self) -> Publication:
        message = Payload()
        # By its name, whether or not the node has aliases: so the specification wants it.
        message.metrics.add(name=REBIRTH, datatype=BOOLEAN, boolean_value=True)
        return Publication(f"spBv1.0/{self.group}/NCMD/{self.name}", message.SerializeToString())
