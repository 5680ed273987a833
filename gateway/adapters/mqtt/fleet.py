"""The devices that profiles tell of: one each, however many profiles tell of it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.adapters.mqtt.kinship import Kinship, Told
from gateway.adapters.mqtt.takers import Takers
from gateway.bus import Link
from gateway.errors import CodecError, NotSentError, RefusedError, worth_saying
from gateway.model import Outgoing
from gateway.mqtt import Conversation
from gateway.profiles import (
    Answered,
    Available,
    Described,
    Event,
    Heard,
    Ignore,
    Listen,
    ProfileOptions,
    Publication,
    Removed,
    Send,
    Unreadable,
)

_MAX_QUESTIONS = 1000  # that wait to be published
_QUESTION_EXPIRY = 10.0  # seconds
_NOBODY: Mapping[str, int] = {}

logger = logging.getLogger(__name__)


class Fleet:
    """What the profiles of one broker found.

    Of several that tell of one device, the one of the lowest rank has it, and of those the first; the others have it
    when that one lets go of it. `changed` is called when there is something to `follow`. `others` are the topic
    filters, with their QoS, that somebody else needs on the same connection.
    """

    def __init__(
        self,
        profiles: Sequence[ProfileOptions],
        link: Link,
        changed: Callable[[], None],
        others: Mapping[str, int] = _NOBODY,
    ) -> None:
        # The best first: by its place among these a profile is known here.
        self._options = sorted(profiles, key=lambda options: options.rank)
        self._profiles = [options.build() for options in self._options]
        # What tells the devices of one name apart: no device goes by a name of its own that ends so.
        self._marks = tuple(_mark(options) for options in self._options) if len(self._options) > 1 else ()
        self._link = link
        self._changed = changed
        self._others = others
        self._kinship = Kinship()
        self._takers = Takers()
        self._names: dict[tuple[int, str], str] = {}  # what the link calls the device of a profile
        self._holders: dict[str, Told] = {}  # and the other way round
        self._dropped = 0
        self._pending: dict[str, int | None] = {}  # topic filters to subscribe to with a QoS, or to let go of
        self._questions: deque[Publication] = deque()
        self._asking: set[int] = set()  # ranks that had a question on what they heard
        for rank, profile in enumerate(self._profiles):
            self._takers.add(rank, (topic for topic, _ in profile.subscriptions))

    def connected(self) -> list[tuple[str, int]]:
        """The topic filters of all profiles, for a new connection; what was to be asked before is forgotten."""
        self._pending.clear()
        self._questions.clear()
        filters: dict[str, int] = {}
        for profile in self._profiles:
            for topic, qos in profile.subscriptions:
                filters[topic] = max(qos, filters.get(topic, 0), self._others.get(topic, 0))
        return list(filters.items())

    def greet(self) -> None:
        """Has every dialect ask its devices to tell about themselves."""
        for profile in self._profiles:
            for publication in profile.greetings():
                self._ask(publication)

    async def follow(self, connection: Conversation, *, ask: bool = True) -> None:
        """Does on the connection what the profiles want of it now; raises what the connection does.

        What the broker refuses keeps it from nothing else: that is raised in the end. Without `ask` nothing is
        published, and what was to be asked is forgotten.
        """
        pending, self._pending = self._pending, {}
        refused: RefusedError | NotSentError | None = None
        if wanted := [(topic, qos) for topic, qos in pending.items() if qos is not None]:
            try:
                await connection.subscribe(wanted)
            except RefusedError as error:
                refused = error
        if unwanted := [topic for topic, qos in pending.items() if qos is None]:
            await connection.unsubscribe(unwanted)
        if not ask:
            self._questions.clear()
        while self._questions:
            question = self._questions.popleft()
            try:
                await connection.publish(question.topic, question.payload, expiry=_QUESTION_EXPIRY)
            except NotSentError as error:
                refused = refused or error
        if refused is not None:
            raise refused

    # ---- from the broker

    def receive(self, topic: str, payload: bytes, retained: bool) -> bool:
        """A message arrived; returns whether a profile made something of it."""
        told = False
        for rank in self._takers.of(topic):
            for event in self._profiles[rank].receive(topic, payload, retained):
                told |= type(event) is not Unreadable
                self._take(rank, event, topic)
        return told

    def _take(self, rank: int, event: Event, topic: str) -> None:
        match event:
            case Heard(device, sample, retained):
                if name := self._name(rank, device):
                    self._link.receive(name, sample, retained=retained)
            case Available(device, online, reason):
                if name := self._name(rank, device):
                    self._link.available(name, online, reason)
            case Answered(device, answer):
                if name := self._name(rank, device):
                    self._link.acknowledged(answer, name)
            case Described():
                self._describe(rank, event)
            case Removed(device):
                self._remove(rank, device)
            case Unreadable(device, message):
                name = self._name(rank, device) if device is not None else None
                # What a better profile reads is no loss.
                if name is not None or device is None or self._kinship.get(rank, device) is None:
                    self._link.fault(name, f"{topic}: {message}")
            case Listen(filters):
                self._takers.add(rank, (wanted for wanted, _ in filters))
                self._pending.update((wanted, max(qos, self._others.get(wanted, 0))) for wanted, qos in filters)
                self._changed()
            case Ignore(unwanted):
                dropped = self._takers.drop(rank, unwanted)
                self._pending.update({topic: None for topic in dropped if topic not in self._others})
                self._changed()
            case Send(publication):
                self._asking.add(rank)
                self._ask(publication)

    def _ask(self, publication: Publication) -> None:
        if len(self._questions) >= _MAX_QUESTIONS:
            self._dropped += 1
            if worth_saying(self._dropped):
                logger.warning("%s: too many questions to devices wait (%d dropped)", self._link.adapter, self._dropped)
            return
        self._questions.append(publication)
        self._changed()

    # ---- whose a device is

    def _name(self, rank: int, device: str) -> str | None:
        """What the link calls a device; None where a better profile has it, or it was never described."""
        return self._names.get((rank, device))

    def _describe(self, rank: int, described: Described) -> None:
        told = Told(rank, described)
        self._settle(self._kinship.put(told) | {told})

    def _remove(self, rank: int, device: str) -> None:
        told = self._kinship.get(rank, device)
        if told is not None:
            concerned = self._kinship.drop(told)
            name = self._names.get(told.key)
            self._settle(concerned, gone=told)
            if name is not None and name not in self._holders:
                self._link.remove(name, "its broker knows it no longer")

    def _settle(self, concerned: set[Told], gone: Told | None = None) -> None:
        """Gives each device to who knows it best, under its name."""
        wanted = {told: self._wanted_name(told) for told in concerned}
        leaving = wanted if gone is None else {gone: None, **wanted}
        for told, name in leaving.items():
            held = self._names.get(told.key)
            if held is None or held == name:
                continue
            del self._names[told.key], self._holders[held]
            heirs = [other for other, its in wanted.items() if its == held and self._kinship.are_kin(told, other)]
            # Whoever tells of the same device takes it over as it stands. Another device of that name starts anew.
            if told is not gone and not heirs:
                self._link.remove(held, "it goes by another name")
            elif not heirs and held in wanted.values():
                self._link.remove(held, "another device has its name")
        for told in sorted(wanted, key=lambda told: told.rank):
            name = wanted[told]
            if name is not None:
                self._names[told.key], self._holders[name] = name, told
                commandable = self._options[told.rank].commands
                self._link.describe(name, told.described.description, commandable=commandable)

    def _wanted_name(self, told: Told) -> str | None:
        """The device's own name, with its dialect's where a better profile has another device of that name."""
        if self._kinship.has_better(told):
            return None
        name = told.described.device
        marked = name.endswith(self._marks) or any(self._kinship.get(rank, name) for rank in range(told.rank))
        return name + _mark(self._options[told.rank]) if marked else name

    @property
    def profiles(self) -> list[str]:
        """The profiles, the one that knows best first."""
        return [options.type for options in self._options]

    @property
    def held(self) -> Iterator[tuple[str, str]]:
        """What the link calls each device, and the profile that has it."""
        return ((name, self._options[told.rank].type) for name, told in self._holders.items())

    @property
    def waiting(self) -> list[str]:
        """The profiles that heard devices, and know none of them until an answer comes."""
        return [self._options[rank].type for rank in sorted(self._waiting())]

    def awaits(self, topic: str) -> bool:
        """Whether the topic is one of a profile that is waiting."""
        waiting = self._waiting()
        return bool(waiting) and not waiting.isdisjoint(self._takers.of(topic))

    def _waiting(self) -> set[int]:
        return self._asking - {told.rank for told in self._holders.values()}

    def speaks(self, topic: str) -> bool:
        """Whether the topic is one on which a device speaks, or one below that."""
        return self._kinship.speaks(topic)

    # ---- to the broker

    def holds(self, name: str | None) -> bool:
        """Whether a profile tells of this device."""
        return name is not None and name in self._holders

    def encode(self, command: Outgoing) -> Publication:
        """The command in its device's dialect; raises CodecError."""
        told = self._holders.get(command.name or "")
        if told is None:
            raise CodecError("no profile knows this device any more")
        return self._profiles[told.rank].encode(replace(command, name=told.described.device))


def _mark(options: ProfileOptions) -> str:
    return f" ({options.type})"
