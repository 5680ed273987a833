"""Shelly (https://shelly-api-docs.shelly.cloud): both generations of the firmware, which share nothing but the name.

shellies/shelly1pm-84CCA8AE2F66/relay/0                   first: a topic for each value
shellyplus1pm-a8032abe54dc/events/rpc, …/online, …/rpc    from the second on: JSON-RPC
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from gateway.errors import CodecError
from gateway.model import Outgoing
from gateway.profiles.base import MAX_DEVICES, Event, Profile, ProfileOptions, Publication, Unreadable
from gateway.profiles.shelly.gen1 import Gen1
from gateway.profiles.shelly.gen2 import Gen2
from gateway.profiles.topic import BaseTopic


class ShellyOptions(ProfileOptions):
    """`shelly`, `{type: shelly, prefixes: [home/attic/heater], src: fieldgate}`

    Answers come below `src`. Where none is given it is another one at each start, so that gateways that share a broker
    do not take each other's answers.
    """

    type: str = "shelly"
    prefixes: Annotated[tuple[BaseTopic, ...], Field(strict=False, max_length=256)] = ()
    src: BaseTopic | None = None

    def build(self) -> Profile:
        """The profile."""
        return Shelly(self.prefixes, self.src or f"fieldgate-{secrets.token_hex(4)}")


class Shelly:
    """The Shelly devices of one broker."""

    def __init__(self, prefixes: Iterable[str], src: str) -> None:
        self._gen1, self._gen2 = Gen1(self._room), Gen2(prefixes, src, self._room)

    @property
    def subscriptions(self) -> Iterable[tuple[str, int]]:
        """Those of both generations."""
        return [*self._gen1.subscriptions, *self._gen2.subscriptions]

    def greetings(self) -> Iterable[Publication]:
        """What the devices are asked for, of both generations."""
        return [*self._gen1.greetings(), *self._gen2.greetings()]

    def receive(self, topic: str, payload: bytes, retained: bool) -> Iterable[Event]:
        """What a message means."""
        try:
            # A prefix of the second generation may lie below `shellies` too.
            found = self._gen2.receive(topic, payload, retained)
            if found is None and topic.startswith("shellies/"):
                return self._gen1.receive(topic[9:], payload, retained)
            return found or ()
        except CodecError as error:
            return [Unreadable(self._gen2.owner(topic) or self._gen1.owner(topic), str(error))]

    def encode(self, command: Outgoing) -> Publication:
        """The command as a message on the device's own topic."""
        return (self._gen2 if command.name in self._gen2.known else self._gen1).encode(command)

    def _room(self, key: str) -> None:
        """Raises CodecError where there is no room for one more device, or one of that key in the other generation."""
        if key in self._gen1.known or key in self._gen2.known:
            raise CodecError(f"another device is called {key[:80]!r}")
        if len(self._gen1.known) + len(self._gen2.known) >= MAX_DEVICES:
            raise CodecError(f"there are {MAX_DEVICES} devices already")
