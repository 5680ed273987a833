"""Which of the devices that profiles tell of are one device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.profiles import Described


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one profile tells of a device; the lower the rank, the better it knows."""

    rank: int
    described: Described

    @property
    def key(self) -> tuple[int, str]:
        """Its profile, and what that calls the device."""
        return self.rank, self.described.device


_Ranks = dict[int, set[Told]]


class Kinship:
    """What was told of devices, by hardware address and by topic."""

    def __init__(self) -> None:
        self._told: dict[tuple[int, str], Told] = {}
        # By rank in the end: thousands of one profile may well share what another has once.
        self._by_name: dict[str, _Ranks] = {}
        self._by_identity: dict[str, _Ranks] = {}
        self._by_topic: dict[str, _Ranks] = {}
        self._by_parent: dict[str, _Ranks] = {}  # each topic, and every level above it

    def get(self, rank: int, device: str) -> Told | None:
        """What the profile of this rank tells of its device."""
        return self._told.get((rank, device))

    def put(self, told: Told) -> set[Told]:
        """Keeps what is told in place of what that profile told before; returns all that either has to do with."""
        before = self._told.get(told.key)
        concerned = self.drop(before) if before is not None else set()
        self._told[told.key] = told
        for index, key in self._keys(told):
            index.setdefault(key, {}).setdefault(told.rank, set()).add(told)
        return concerned | self._concerned(told)

    def drop(self, told: Told) -> set[Told]:
        """Forgets what is told; returns all that it has to do with."""
        concerned = self._concerned(told)
        del self._told[told.key]
        for index, key in self._keys(told):
            ranks = index[key]
            ranks[told.rank].discard(told)
            if not ranks[told.rank]:
                del ranks[told.rank]
            if not ranks:
                del index[key]
        return concerned

    def speaks(self, topic: str) -> bool:
        """Whether a device speaks on this topic, or on one above it."""
        return any(level in self._by_topic for level in _levels(topic))

    def are_kin(self, one: Told, other: Told) -> bool:
        """Whether both tell of the same device."""
        return other.rank != one.rank and any(other in ranks.get(other.rank, ()) for ranks in self._related(one))

    def _concerned(self, told: Told) -> set[Told]:
        """Whose name may depend on this one: its kin, and those of its name."""
        found: set[Told] = set()
        for ranks in (self._by_name.get(told.described.device, {}), *self._related(told)):
            for rank, others in ranks.items():
                if rank != told.rank:
                    found |= others
        return found

    def has_better(self, told: Told) -> bool:
        """Whether another profile knows the device better."""
        return any(rank < told.rank for ranks in self._related(told) for rank in ranks)

    def _related(self, told: Told) -> Iterator[_Ranks]:
        """Those that tell of the same device, itself and others of its profile among them."""
        for identity in told.described.identities:
            yield self._by_identity.get(identity, {})
        for topic in told.described.topics:
            yield self._by_parent.get(topic, {})
            for level in _levels(topic):
                yield self._by_topic.get(level, {})

    def _keys(self, told: Told) -> Iterator[tuple[dict[str, _Ranks], str]]:
        yield self._by_name, told.described.device
        for identity in told.described.identities:
            yield self._by_identity, identity
        for topic in told.described.topics:
            yield self._by_topic, topic
        for level in {level for topic in told.described.topics for level in _levels(topic)}:
            yield self._by_parent, level


def _levels(topic: str) -> Iterator[str]:
    """The topic, and each one above it: a/b/c, a/b, a."""
    while topic:
        yield topic
        topic, _, _ = topic.rpartition("/")
