"""Commands on the wire: the ids that they carry there, and the proofs that come back for them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.bus import Device
from gateway.commands.check import shows
from gateway.commands.ledger import Command, State
from gateway.commands.owed import OwedAnswers
from gateway.errors import worth_saying
from gateway.model import Acknowledgement, Reading, Value

_IDS = 1 << 30  # ids on the wire fit a signed 32-bit integer of a small board
# A reading that was on its way when the command was written still shows the old value. So for a while another value
# proves nothing; how long, in seconds, is this, or a quarter of the time that the device has to answer.
_SETTLE = 1.0

# The states of a command of which nothing was written, so that no answer can come.
_NOT_WRITTEN = frozenset({State.REJECTED, State.EXPIRED, State.CANCELLED})

logger = logging.getLogger(__name__)


class LinkLostError(Exception):
    """The link broke while an answer was awaited."""


class Flight:
    """A command on its way, and the two answers it may get.

    `window` is how long the proof that was asked for is waited for, and `patience` how long the device may take to
    acknowledge; both in seconds.
    """

    def __init__(self, command: Command, device: Device, id: int, window: float, patience: float) -> None:
        loop = asyncio.get_running_loop()
        self.command = command
        self.device = device
        self.point = device.points[command.point]
        self.before = device.latest[command.point][0] if command.point in device.latest else None
        self.id = id
        self.window = window
        self.patience = patience
        self.given_at: float | None = None  # when the adapter got it to write; monotonic
        self.has_left = False  # whether all of it is on the wire, though the adapter may still wait for a receipt
        self.sent_at: float | None = None  # when the adapter had written it; monotonic
        self.answer: asyncio.Future[Acknowledgement] = loop.create_future()
        self.shown: asyncio.Future[None] = loop.create_future()
        self.other: Value = None  # another value that the device reported meanwhile
        self.saw_other = False

    @property
    def moves(self) -> bool:
        """Whether the device showed a number that is neither the old nor the new one: it may be on its way."""
        return self.saw_other and _is_number(self.other) and _is_number(self.before) and self.other != self.before

    @property
    def answered(self) -> bool:
        """Whether the device acknowledged it. Who waits for that may have given up, and the link may have gone."""
        return self.answer.done() and not self.answer.cancelled() and self.answer.exception() is None

    def leave(self) -> None:
        """All of it is on the wire."""
        self.has_left = True

    def lose(self) -> None:
        """The link broke: no answer will come."""
        for future in (self.answer, self.shown):
            if not future.done():
                future.set_exception(LinkLostError())
                future.exception()  # looked at: it may have no waiter

    def read(self, value: Value, now: float) -> None:
        """The device reported a value of the point that can be trusted."""
        if shows(self.point, value, self.command.value):
            if not self.shown.done():
                self.shown.set_result(None)
        elif self.answer.done() or (self.sent_at is not None and now - self.sent_at >= min(_SETTLE, self.window / 4)):
            self.other, self.saw_other = value, True


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Flights:
    """All commands on their way, one at most for each device."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._by_id: dict[tuple[str, int], Flight] = {}  # by adapter id and wire id
        self._by_device: dict[str, Flight] = {}
        self._next_id = secrets.randbelow(_IDS >> 1) + 1
        self._owed = OwedAnswers()
        self._unmatched = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Flight]:
        return iter(tuple(self._by_id.values()))

    @contextmanager
    def begin(self, command: Command, device: Device, window: float, patience: float) -> Iterator[Flight]:
        """The flight of a command, while the context lasts."""
        self._next_id = id = self._next_id % _IDS + 1
        flight = Flight(command, device, id, window, patience)
        self._by_id[device.adapter, id] = self._by_device[device.id] = flight
        try:
            yield flight
        finally:
            del self._by_id[device.adapter, id]
            del self._by_device[device.id]
            if flight.given_at is not None and not flight.answered and command.state not in _NOT_WRITTEN:
                self._owe(flight, flight.given_at)

    def carries(self, command: Command) -> bool:
        """Whether this very command is on its way."""
        flight = self._by_device.get(command.device)
        return flight is not None and flight.command is command

    def acknowledged(self, adapter: str, answer: Acknowledgement, device: str | None) -> None:
        """A device answered; `device` is None where the wire does not say which.

        An answer that nobody waits for (late, twice, or of another device than was asked) changes nothing, and nor
        does one without an id that could be for more than one command.
        """
        if answer.id is None:
            flight = self._only_one(adapter, device)
        else:
            flight = self._by_id.get((adapter, answer.id))
        if flight is None or flight.answer.done() or device not in (None, flight.device.id):
            self._unmatched += 1
            if worth_saying(self._unmatched):
                logger.info(
                    "%s: an answer %s came late, twice, or from another device, or may be for another command"
                    " (%d such so far)",
                    device or adapter, "without an id" if answer.id is None else f"to command {answer.id}",
                    self._unmatched,
                )  # fmt: skip
            return
        flight.answer.set_result(answer)

    def _only_one(self, adapter: str, device: str | None) -> Flight | None:
        """The one command that an answer without an id can be for; None where there is none, or a doubt."""
        now = self._monotonic()
        given = [
            flight
            for (route, _), flight in self._by_id.items()
            if route == adapter
            and flight.given_at is not None
            and not flight.answer.done()
            and device in (None, flight.device.id)
        ]
        sent = [flight for flight in given if flight.sent_at is not None]
        if sent:
            # What else the adapter was given, it holds back until this one is answered. And a late answer to an
            # earlier command cannot be told from this one's.
            return sent[0] if len(sent) == 1 and not self._owed.may_come(adapter, device, now) else None
        # An answer may overtake the end of its write. But as long as another is owed, the adapter rather holds the
        # command back, and the answer is the owed one.
        if self._owed.settle(adapter, device, now):
            return None
        return given[0] if len(given) == 1 else None

    def _owe(self, flight: Flight, given_at: float) -> None:
        """A command ended unanswered: its answer may still come."""
        now = self._monotonic()
        sent_at = now if flight.sent_at is None else flight.sent_at
        wait = 2 * flight.patience  # as long as an adapter without ids in its answers holds its line
        self._owed.add(flight.device.adapter, flight.device.id, given_at + wait, sent_at + wait, now)

    def link_lost(self, adapter: str) -> None:
        """The link broke: what was sent on it has an unknown fate."""
        for (route, _), flight in self._by_id.items():
            if route == adapter:
                flight.lose()

    def read(self, reading: Reading, now: float) -> None:
        """A device reported values: they may be the proof that is waited for."""
        flight = self._by_device.get(reading.device)
        if flight is None or reading.retained or flight.command.point not in reading.values:
            return
        if flight.command.state is State.ACCEPTED and not flight.has_left:
            return  # a reading from before it was written proves nothing
        if flight.command.point in reading.quality:  # a value that cannot be trusted proves nothing either
            return
        flight.read(reading.values[flight.command.point], now)
