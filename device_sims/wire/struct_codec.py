"""Boards that send packed bytes, little-endian and without padding (struct of the standard library, `<`).

a reading   tag 0x52, [node], sequence I, the sensors as their kind packs them, switches ?, dials f, [time d]
a command   tag 0x43, [node], id I, number of the actuator B, value f
an answer   tag 0x41, [node], id I, status B: 1 done, 0 refused

Tag, and node where several devices share the line (1 for n1), are B. Actuators are numbered from 1, in the order of
the reading.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from device_sims.device import Command, Poll
from device_sims.kinds import Kind, Switch, Value
from device_sims.wire.phrases import heard_phrase

READING = 0x52  # R
COMMAND = 0x43  # C
ANSWER = 0x41  # A
DONE = 1
REFUSED = 0


class Struct:
    """Readings, commands and answers of a kind as packed bytes; a poll is `READ n1` in letters."""

    def __init__(self, kind: Kind, *, shared: bool, stamp: bool) -> None:
        node = "B" if shared else ""
        packed = [*(sensor.packed for sensor in kind.sensors.values())]
        packed += ["?" if isinstance(actuator, Switch) else "f" for actuator in kind.actuators.values()]
        self.layout = f"<B{node}I{''.join(packed)}{'d' if stamp else ''}"
        self._reading = struct.Struct(self.layout)
        self._command = struct.Struct(f"<B{node}IBf")
        self._answer = struct.Struct(f"<B{node}IB")
        self._kind = kind
        self._actuators = list(kind.actuators)
        self._shared = shared

    @property
    def size(self) -> int:
        """The length of a reading in bytes; no command and no answer is longer."""
        return max(self._reading.size, self._command.size)

    def hello(self) -> list[bytes]:
        """Nothing."""
        return []

    def reading(self, values: Mapping[str, Value], node: str | None) -> list[bytes]:
        """One record."""
        fields = [self._packed(point, value) for point, value in values.items() if point != "sequence"]
        return [self._reading.pack(READING, *self._node(node), values["sequence"], *fields)]

    def heard(self, payload: bytes) -> Command | Poll | None:
        """The command in a record, zeros after it or none; `ValueError` for anything else."""
        if payload.startswith(b"READ"):
            return heard_phrase(payload.rstrip(b"\0"), shared=self._shared)
        if payload[:1] != bytes([COMMAND]) or payload[self._command.size :].strip(b"\0"):
            raise ValueError("not a command")
        try:
            _, *node, id, number, value = self._command.unpack_from(payload)
        except struct.error:
            raise ValueError("not as long as a command") from None
        point = self._actuators[number - 1] if 0 < number <= len(self._actuators) else f"actuator {number}"
        switched = isinstance(self._kind.actuators.get(point), Switch) and value in (0, 1)
        return Command(point, bool(value) if switched else value, id, node=f"n{node[0]}" if node else None)

    def answer(self, command: Command, error: str | None) -> bytes | None:
        """One record; what went wrong is not told."""
        node = command.node if isinstance(command.node, str) else None
        return self._answer.pack(ANSWER, *self._node(node), command.id, DONE if error is None else REFUSED)

    def _node(self, node: str | None) -> list[int]:
        return [int(node.removeprefix("n"))] if self._shared and node else []

    def _packed(self, point: str, value: Value) -> Value:
        sensor = self._kind.sensors.get(point)
        if sensor is None or sensor.packed in "fd" or isinstance(value, str):
            return value
        return round(float(value * 10**sensor.decimals))
