"""What a broker's messages show: devices of known dialects, and topics of none."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.adapters.mqtt import Fleet
from gateway.adapters.mqtt.takers import Takers
from gateway.bus import Device, Devices, Link, Log
from gateway.detection.topics import Proposal, is_command, propose
from gateway.profiles import MAX_MESSAGE, ProfileOptions

_ADAPTER = "broker"  # of a gateway that serves nobody
_MOST_TOPICS = 20_000
_KEPT = 4  # payloads of a topic
_LARGEST = 4096  # bytes of one that is kept
_GATEWAYS = "fieldgate/"  # where gateways speak, this one's or others'


@dataclass(frozen=True, slots=True)
class Found:
    """A device, and the profile that has it."""

    profile: str
    device: Device


class Survey:
    """Takes in messages; what it found so far can be asked at any time.

    Profiles hear as they do in a gateway, so that what is found is what a gateway will have. `fleet` has what they
    want of the broker.
    """

    def __init__(self, profiles: Sequence[ProfileOptions]) -> None:
        self._devices = Devices(Log(100, math.inf), {})
        link = Link(_ADAPTER, self._devices, single=False)
        link.up()
        self.wants_more = False  # whether the fleet wants something of the broker
        self.fleet = Fleet(profiles, link, self._want)
        self._introductions = Takers()  # topics on which devices of a dialect say who they are, and nothing else
        self._introductions.add(0, (topic for topic, _ in self.fleet.connected() if _introduces(topic)))
        self.messages = 0
        self.passed_over = 0  # messages on topics that were too many, or too large to be looked at
        self._heard: dict[str, deque[bytes]] = {}
        self._explained: set[str] = set()

    def _want(self) -> None:
        self.wants_more = True

    def receive(self, topic: str, payload: bytes, retained: bool) -> None:
        """A message of the broker."""
        self.messages += 1
        if len(payload) > MAX_MESSAGE or (topic not in self._heard and len(self._heard) >= _MOST_TOPICS):
            self.passed_over += 1
            return
        kept = self._heard.setdefault(topic, deque(maxlen=_KEPT))
        if self.fleet.receive(topic, payload, retained):
            self._explained.add(topic)
        elif len(payload) <= _LARGEST:
            kept.append(payload)

    @property
    def topics(self) -> int:
        """How many topics were heard."""
        return len(self._heard)

    def found(self) -> list[Found]:
        """The devices of known dialects, by profile and name."""
        ids = {device.wire_name: device for device in self._devices}
        found = [Found(profile, ids[name]) for name, profile in self.fleet.held if name in ids]
        best = {name: place for place, name in enumerate(self.fleet.profiles)}
        return sorted(found, key=lambda one: (best[one.profile], one.device.name.lower(), one.device.id))

    def proposals(self) -> list[Proposal]:
        """Templates for the topics that no profile made anything of."""
        return propose({topic: list(self._heard[topic]) for topic in self._unexplained()})

    def left_out(self, proposals: Sequence[Proposal]) -> list[str]:
        """The topics that no profile made anything of, and no proposal brings: commands, and what cannot be read."""
        brought = {topic for proposal in proposals for topic in (*proposal.topics, *proposal.presences)}
        return [topic for topic in self._unexplained() if topic not in brought and not is_command(topic)]

    def _unexplained(self) -> list[str]:
        fleet = self.fleet
        unknown = [topic for topic in self._heard if topic not in self._explained and not topic.startswith(_GATEWAYS)]
        silent = [
            topic
            for topic in unknown
            if not fleet.speaks(topic) and not fleet.awaits(topic) and not self._introductions.of(topic)
        ]
        # Where everything else below a first level is a dialect's, the rest there is too: its bridge's log, say.
        roots = Counter(topic.partition("/")[0] for topic in self._explained)
        others = Counter(topic.partition("/")[0] for topic in silent)
        return [topic for topic in silent if others[root := topic.partition("/")[0]] > roots[root]]


def _introduces(filter: str) -> bool:
    """Whether nobody but one dialect uses the topics of this filter: `esphome/discover/+`, and not `tele/+/+`."""
    first, *rest = filter.split("/")
    return bool(rest) and not {"+", "#"} & {first, rest[0]} and rest.count("+") <= 1 and "#" not in rest
