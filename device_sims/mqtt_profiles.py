"""How simulated MQTT nodes speak: topics and payloads of the two profiles. Nothing here knows a connection.

telemetry   sensors/node1/telemetry  {"temperature":21.4,…}
            sensors/node1/set        {"command":"fan","value":true,"id":17}
            sensors/node1/ack        {"ack":17,"ok":true}
raw         sensors/node1/temperature  21.4
            sensors/node1/fan          true
            sensors/node1/fan/set      true (or ON, on, 1); never acknowledged, shown in the next reading
both        sensors/node1/status     online or offline, retained
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from device_sims.device import Command
from device_sims.kinds import Value
from device_sims.wire.messages import command_in, decode, encode_acknowledgement, encode_reading

Message = tuple[str, bytes]  # topic and payload


class Profile(Protocol):
    """A way to speak; `base` is a node's topic, such as `sensors/node1`."""

    def readings(self, base: str, values: Mapping[str, Value]) -> list[Message]:
        """The messages that carry a reading."""

    def commands(self, base: str) -> str:
        """The topic filter on which the node hears commands; `base` may hold the wildcard `+`."""

    def command(self, topic: str, payload: bytes) -> Command | None:
        """The command in a message on such a topic, None where it is none; `ValueError` where it cannot be read."""

    def acknowledgement(self, base: str, command: Command, error: str | None) -> Message | None:
        """The answer to a command, or None where this profile has none."""


class Telemetry:
    """JSON objects, and commands that are acknowledged."""

    def readings(self, base: str, values: Mapping[str, Value]) -> list[Message]:
        """One message on `…/telemetry`."""
        return [(f"{base}/telemetry", encode_reading(values))]

    def commands(self, base: str) -> str:
        """`…/set`."""
        return f"{base}/set"

    def command(self, topic: str, payload: bytes) -> Command | None:
        """The command in a JSON object; `ValueError` where there is no JSON object."""
        return command_in(decode(payload))

    def acknowledgement(self, base: str, command: Command, error: str | None) -> Message | None:
        """One message on `…/ack`, where the command has an id."""
        return None if command.id is None else (f"{base}/ack", encode_acknowledgement(command, error))


class Raw:
    """A topic for each point, with the bare value on it."""

    def readings(self, base: str, values: Mapping[str, Value]) -> list[Message]:
        """One message for each point."""
        return [(f"{base}/{point}", _bare(value)) for point, value in values.items()]

    def commands(self, base: str) -> str:
        """`…/{point}/set`."""
        return f"{base}/+/set"

    def command(self, topic: str, payload: bytes) -> Command | None:
        """The bare value for the point that the topic names; `ValueError` where it is not text."""
        return Command(topic.split("/")[-2], payload.decode(), bare=True)

    def acknowledgement(self, base: str, command: Command, error: str | None) -> Message | None:
        """None: whoever commands looks at the point."""
        return None


PROFILES: Mapping[str, Profile] = {"telemetry": Telemetry(), "raw": Raw()}


def _bare(value: Value) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode()
