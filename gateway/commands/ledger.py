"""The ledger: every command, the state it is in, and the only ways from one state to another.

No I/O and no event loop, so that the rules can be tested as they stand.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from gateway.errors import RequestError
from gateway.model import Confirm, Value

KEEP = 600.0  # seconds that a key is remembered after its command ended
_MAX_COMMANDS = 100_000
_MAX_OWED = 64  # commands of one identity that its next connection is told of
_MAX_OF_ONE = 10_000  # commands of one identity, so that one that floods does not shut the others out

# Who sends the safe values. No client's name has parentheses.
SAFE = "(fieldgate)"

logger = logging.getLogger(__name__)


class State(StrEnum):
    """Where a command is."""

    ACCEPTED = "accepted"  # checked and queued for its device
    SENT = "sent"  # written to the wire
    ACKED = "acked"  # the device said yes
    VERIFIED = "verified"  # the device's own reading shows the value
    REJECTED = "rejected"  # offline device, interlock, superseded, or the gateway stops
    EXPIRED = "expired"  # its time to live ran out before it was sent
    CANCELLED = "cancelled"  # by its sender, before it was sent
    FAILED = "failed"  # the device said no
    MISMATCH = "mismatch"  # the read-back shows another value
    TIMEOUT = "timeout"  # sent, and no answer came
    LOST = "lost"  # sent, and the link or the gateway died


class Outcome(StrEnum):
    """What is known of the effect of a command that ended."""

    EXECUTED = "executed"
    NOT_EXECUTED = "not_executed"
    UNCONFIRMED = "unconfirmed"  # sent, and more was not asked for
    UNKNOWN = "unknown"


_NEXT: dict[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.SENT, State.REJECTED, State.EXPIRED, State.CANCELLED, State.LOST}),
    State.SENT: frozenset({State.ACKED, State.VERIFIED, State.FAILED, State.MISMATCH, State.TIMEOUT, State.LOST}),
    State.ACKED: frozenset({State.VERIFIED, State.MISMATCH, State.TIMEOUT, State.LOST}),
}

_OUTCOMES: dict[State, Outcome] = {
    State.VERIFIED: Outcome.EXECUTED,
    State.REJECTED: Outcome.NOT_EXECUTED,
    State.EXPIRED: Outcome.NOT_EXECUTED,
    State.CANCELLED: Outcome.NOT_EXECUTED,
    State.FAILED: Outcome.NOT_EXECUTED,
    State.MISMATCH: Outcome.NOT_EXECUTED,
    State.TIMEOUT: Outcome.UNKNOWN,
    State.LOST: Outcome.UNKNOWN,
}


def outcome_of(state: State, confirm: Confirm) -> Outcome | None:
    """The outcome of a state that is final for a command that asked for this proof; None where it goes on."""
    if state is State.SENT:
        return Outcome.UNCONFIRMED if confirm == "sent" else None
    if state is State.ACKED:
        return Outcome.EXECUTED if confirm == "acked" else None
    return _OUTCOMES.get(state)


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a command came from: the client's address, and the `jti` of its signed token where it had one."""

    address: str = ""
    jti: str | None = None


@dataclass(slots=True, eq=False)
class Command:
    """A command and its fate. `deadline` is monotonic seconds: it is never sent after it."""

    key: str
    by: str
    device: str
    point: str
    value: Value
    confirm: Confirm
    deadline: float
    body: bytes  # what the client asked, to tell a repetition from a conflict
    time: float  # of the newest state
    state: State = State.ACCEPTED
    outcome: Outcome | None = None
    detail: str | None = None
    watchers: list[Callable[[Command], None]] = field(default_factory=list)
    sender: Sender = Sender()
    urgent: bool = False  # goes ahead of those that are not
    lease: float | None = None  # seconds after which the point's safe value is sent, unless it is renewed
    target: object = None  # the device that was there when it was accepted: another may have its id by now

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.outcome is not None

    @property
    def is_safe_value(self) -> bool:
        """Whether the gateway sends it by itself, for safety."""
        return self.by == SAFE

    def to_json(self) -> dict[str, Any]:
        """The command as it travels."""
        return {
            "key": self.key,
            "device": self.device,
            "point": self.point,
            "value": self.value,
            "by": self.by,
            "state": self.state,
            "final": self.final,
            "outcome": self.outcome,
            "detail": self.detail,
            "time": self.time,
        }


class Journal(Protocol):
    """Who keeps a durable record of what the ledger does. Neither method waits."""

    def accepted(self, command: Command, sender: Sender) -> None:
        """A new command; raises `unavailable` where it cannot be recorded."""
        ...

    def moved(self, command: Command) -> None:
        """A command in its next state; never raises."""
        ...


class Ledger:
    """All commands by identity and key, and who wants to hear of their changes."""

    def __init__(
        self,
        journal: Journal,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._now = now
        self._monotonic = monotonic
        self._commands: dict[tuple[str, str], Command] = {}
        self._counts: Counter[str] = Counter()  # of commands, by identity
        self._owed: dict[str, OrderedDict[str, Command]] = {}  # by identity and key
        self._ended: OrderedDict[tuple[str, str], float] = OrderedDict()  # when, monotonic; oldest first
        self._watchers: dict[str, list[Callable[[Command], None]]] = {}

    def find(self, by: str, key: str) -> Command | None:
        """The command of this identity and key."""
        return self._commands.get((by, key))

    def repeated(self, by: str, key: str, body: bytes) -> Command | None:
        """The command that this request repeats; raises `conflict` where the key was used for another."""
        known = self.find(by, key)
        if known is not None and known.body != body:
            raise RequestError("conflict", f"the key {key!r} was used for another command")
        return known

    def accept(self, command: Command) -> None:
        """Records a new command; raises `rate_limited`, or `unavailable` where it cannot be recorded."""
        if command.is_safe_value:
            try:
                self._journal.accepted(command, command.sender)
            except RequestError as error:  # a full disk must not keep a heater on
                logger.error("a safe value goes unrecorded: %s", error)
        else:
            if self._is_full(command.by):
                self.forget_old()
                if self._is_full(command.by):
                    raise RequestError("rate_limited", "too many commands in the last ten minutes")
            self._journal.accepted(command, command.sender)
        self._add(command)
        _log(command)  # its sender hears of it by the reply

    def restore(self, command: Command, ended_ago: float | None) -> None:
        """Remembers a command of the process before this one; `ended_ago` in seconds, None where it did not end."""
        self._add(command)
        if ended_ago is not None:
            self._ended[command.by, command.key] = self._monotonic() - ended_ago

    def _add(self, command: Command) -> None:
        self._commands[command.by, command.key] = command
        self._counts[command.by] += 1

    def _is_full(self, by: str) -> bool:
        return len(self._commands) >= _MAX_COMMANDS or self._counts[by] >= _MAX_OF_ONE

    def move(self, command: Command, state: State, detail: str | None = None) -> None:
        """Moves a command to its next state and tells its sender; a step that is not legal is a bug and raises."""
        if command.final or state not in _NEXT.get(command.state, frozenset()):
            raise ValueError(f"a command that is {command.state.value} cannot become {state.value}")
        command.state = state
        command.detail = detail
        command.time = self._now()
        command.outcome = outcome = outcome_of(state, command.confirm)
        if outcome is not None:
            self._ended[command.by, command.key] = self._monotonic()
        self._tell(command)

    def watch(self, by: str, watcher: Callable[[Command], None]) -> None:
        """Calls the watcher on every change of a command of this identity. It must not raise and must not wait."""
        self._watchers.setdefault(by, []).append(watcher)

    def unwatch(self, by: str, watcher: Callable[[Command], None]) -> None:
        """Stops calling the watcher."""
        watchers = self._watchers[by]
        watchers.remove(watcher)
        if not watchers:
            del self._watchers[by]

    def owe(self, command: Command) -> None:
        """The connection that sent it closed before it ended: connections to come, of its identity, hear of it."""
        owed = self._owed.setdefault(command.by, OrderedDict())
        owed[command.key] = command
        if len(owed) > _MAX_OWED:
            owed.popitem(last=False)

    def owed(self, by: str) -> list[Command]:
        """What a new connection of this identity is to hear of, oldest first."""
        return list(self._owed.get(by, {}).values())

    def forget_old(self) -> None:
        """Forgets commands that ended longer ago than keys are kept; the clock of the bus calls it."""
        limit = self._monotonic() - KEEP
        while self._ended:
            key, ended = next(iter(self._ended.items()))
            if ended > limit:
                return
            del self._ended[key]
            command = self._commands.pop(key)
            self._counts[command.by] -= 1
            if not self._counts[command.by]:
                del self._counts[command.by]
            owed = self._owed.get(command.by)
            if owed is not None and owed.pop(command.key, None) is not None and not owed:
                del self._owed[command.by]

    def _tell(self, command: Command) -> None:
        self._journal.moved(command)
        _log(command)
        for watcher in (*command.watchers, *self._watchers.get(command.by, ())):
            watcher(command)


def _log(command: Command) -> None:
    logger.info(
        "command %s by %s: %s.%s is %s%s",
        command.key, command.by, command.device, command.point, command.state.value,
        f" ({command.detail})" if command.detail else "",
    )  # fmt: skip
