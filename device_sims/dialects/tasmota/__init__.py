"""A household of boards with Tasmota: switches, a metered plug, a light, a shutter, and sensors."""

from __future__ import annotations

from collections.abc import Sequence

from device_sims.dialects.base import Publication, Record
from device_sims.dialects.hardware import START
from device_sims.dialects.tasmota.board import GROUP, Board
from device_sims.dialects.tasmota.commands import obey
from device_sims.dialects.tasmota.models import MODELS


class Fleet:
    """`devices` boards, named by their topics. `start` is seconds since 1970 when their age is 0."""

    def __init__(self, devices: int, seed: int, record: Record, *, start: float = START) -> None:
        boards = [Board(i, MODELS[i % len(MODELS)], seed, record, start) for i in range(devices)]
        self._boards = {board.topic: board for board in boards}

    @property
    def devices(self) -> Sequence[str]:
        """The topics of the boards."""
        return list(self._boards)

    @property
    def subscriptions(self) -> Sequence[str]:
        """The commands to each board and to all."""
        return [f"cmnd/{GROUP}/+", *(f"cmnd/{topic}/+" for topic in self._boards)]

    @property
    def will(self) -> Publication:
        """The last will of the first board: the others share its connection, and a connection has one will."""
        return next(iter(self._boards.values())).alive(False)

    def hello(self) -> list[Publication]:
        """What every board says at its start."""
        return [said for board in self._boards.values() for said in board.hello()]

    def goodbye(self) -> list[Publication]:
        """That every board is offline."""
        return [board.alive(False) for board in self._boards.values()]

    def report(self, device: str, age: float) -> list[Publication]:
        """The telemetry of one board."""
        return self._boards[device].report(age)

    def receive(self, topic: str, payload: bytes) -> list[Publication]:
        """The answers of the boards that are meant; ValueError where none is."""
        prefix, _, rest = topic.partition("/")
        name, _, command = rest.partition("/")
        boards = list(self._boards.values()) if name == GROUP else [b for b in (self._boards.get(name),) if b]
        if prefix != "cmnd" or not boards or not command or "/" in command:
            raise ValueError(f"no board listens to {topic}")
        text = payload.decode(errors="replace")
        return [said for board in boards for said in obey(board, command, text)]
