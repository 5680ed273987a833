"""I3: what a message of a dialect costs on its way into the log, beside the parsing of its payload alone."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from statistics import median

import orjson

from benchmarks.report import Row
from benchmarks.streams import Pace
from device_sims.dialects.registry import DIALECTS, dialect_of
from gateway.adapters.mqtt import Fleet
from gateway.bus import Devices, Link, Log
from gateway.profiles import usual_options

_DEVICES = 50
_SAID = 40  # times that each device speaks
_WHOLE = 256  # Sparkplug counts its messages from 0 to 255: so many go on where they began
_MESSAGES_A_SECOND = 50_000  # about what is taken: turns seconds into counts

Message = tuple[str, bytes]


def dialect_messages(pace: Pace) -> list[Row]:
    """I3: CPU per message from the connection to the log, in this process, for each dialect."""
    logging.getLogger("gateway").setLevel(logging.ERROR)  # nobody takes the questions that some dialects ask
    return [_row(name, pace) for name in DIALECTS]


def _row(name: str, pace: Pace) -> Row:
    dialect = dialect_of(name, _DEVICES, 1, lambda device, point, value: None)
    gateway = _Gateway(name)
    for publication in dialect.hello():
        gateway.fleet.receive(publication.topic, publication.payload, publication.retain)
    messages = [
        (publication.topic, publication.payload)
        for turn in range(_SAID)
        for device in dialect.devices
        for publication in dialect.report(device, float(turn))
    ]
    messages = messages[: len(messages) // _WHOLE * _WHOLE]
    turns = max(1, int(_MESSAGES_A_SECOND * pace.seconds) // len(messages))
    gateway.take(messages)  # whatever is learnt from the first messages is learnt
    pairs = []
    for _ in range(pace.rounds):
        pairs.append((_cost(gateway.take, messages, turns), _cost(_parse, messages, turns)))
        pace.say(f" {name}: {pairs[-1][0]:6.2f} µs a message; parsing its payload {pairs[-1][1]:6.2f} µs")
    flaw = "" if gateway.readings else "nothing came of them"
    return Row(
        "I3",
        f"{name}, {_DEVICES} devices",
        "CPU per message into the log, beside orjson.loads of it",
        f"{median(a for a, _ in pairs):.1f} µs",
        f"{median(b for _, b in pairs):.1f} µs",
        median(a - b for a, b in pairs),
        None,
        None,
        "µs",
        len(pairs),
        flaw,
    )


class _Gateway:
    """A fleet of one profile, and the bus behind it."""

    def __init__(self, name: str) -> None:
        devices = Devices(Log(100_000, math.inf), {})
        link = Link("bench", devices, single=False)
        link.up()
        self.readings = 0
        devices.taps.append(self._count)
        self.fleet = Fleet([usual_options(name)], link, lambda: None)

    def _count(self, reading: object) -> None:
        self.readings += 1

    def take(self, messages: Sequence[Message]) -> None:
        """As the adapter does with what is none of its own topics."""
        receive = self.fleet.receive
        for topic, payload in messages:
            receive(topic, payload, False)


def _parse(messages: Sequence[Message]) -> None:
    for _, payload in messages:
        try:
            orjson.loads(payload)
        except orjson.JSONDecodeError:  # a bare word, or protobuf
            continue


def _cost(work: Callable[[Sequence[Message]], None], messages: Sequence[Message], turns: int) -> float:
    """µs of CPU a message."""
    began = time.process_time_ns()
    for _ in range(turns):
        work(messages)
    return (time.process_time_ns() - began) / 1000 / turns / len(messages)
