"""The audit: a durable record of every command, kept by a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import orjson

from gateway.audit.recovery import Recovered, recover
from gateway.audit.retention import Retention
from gateway.audit.store import Entry, Record, Store
from gateway.commands.ledger import Command, Sender
from gateway.errors import AuditError, RequestError, worth_saying

_AT_ONCE = 1_000  # rows of a transaction
_MAX_WAITING = 20_000  # rows; above it changes are not recorded, which is counted and said
_MAX_ACCEPTED = 5_000  # rows waiting above which no command is taken: those under way need room for their changes
_COMPANY = 0.05  # seconds that rows wait for others; a claim goes at once, and takes them along
_RETRY = 1.0  # seconds between tries to open a file that could not be written
_CLOSE_WITHIN = 2.0  # seconds

logger = logging.getLogger(__name__)

_Waiting = tuple[Entry, asyncio.Future[None] | None]  # a row, and the claim that waits for it to be durable


class Audit:
    """Records commands from `open` to `close`. `keep` is in seconds; all but `open` is for one event loop."""

    def __init__(
        self,
        path: Path,
        keep: float,
        max_bytes: int,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._store = Store(path)
        self._retention = Retention(self._store, keep, max_bytes, now, monotonic)
        self._now = now
        self._monotonic = monotonic
        self._records: dict[tuple[str, str], Record] = {}  # of commands that have not ended, by identity and key
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._changed = threading.Condition()
        # All that follows is for who holds `_changed`. Nobody holds it while the file is written.
        self._waiting: deque[_Waiting] = deque()
        self._claims = 0  # in `_waiting`
        self._dropped = 0  # changes that found no room, and that no row tells of yet
        self._failing: str | None = "the audit is not open"
        self._closing = False
        # The thread's own.
        self._failures = 0  # in a row
        self._failing_since = 0.0  # monotonic
        self._unsure = 0  # rows that are first in `_waiting`, and may be in the file nevertheless

    # ---- for the gateway

    def open(self) -> list[Recovered]:
        """Opens the file, which blocks, and returns the commands of the process before; raises FieldgateError."""
        moved = self._store.open()
        try:
            found = recover(self._store, self._now(), self._monotonic())
        except BaseException:
            self._store.close()
            raise
        self._records = {(command.by, command.key): record for command, record in found if command.outcome is None}
        if moved is not None:
            self._waiting.append((self._gap(f"the record before this was damaged: it is in {moved}"), None))
        self._failing = None
        self._thread.start()
        return [command for command, _ in found]

    @property
    def reason(self) -> str | None:
        """Why commands cannot be recorded now."""
        return "the audit is closed" if self._closing else self._failing

    async def close(self) -> None:
        """Returns once all that waits is durable, or after two seconds, saying how much is not."""
        if not self._thread.is_alive():
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        # A disk that hangs holds the thread, and must not hold the gateway: the thread is a daemon.
        await asyncio.to_thread(self._thread.join, _CLOSE_WITHIN)
        if left := len(self._waiting) + self._dropped:
            logger.error("%d changes of commands were not recorded in %s", left, self._path)

    # ---- for the commands

    def accepted(self, command: Command, sender: Sender) -> None:
        """Records a new command; never waits; raises `unavailable` where it cannot be recorded."""
        reason = self.reason
        if reason is None and len(self._waiting) >= _MAX_ACCEPTED:
            reason = "the disk is too slow"
        if reason is not None:
            raise RequestError("unavailable", f"commands cannot be recorded: {reason}")
        ttl = round(command.deadline - self._monotonic(), 3)
        record = Record((
            command.by, sender.jti, sender.address, command.key, command.body, command.device, command.point,
            orjson.dumps(command.value).decode(), command.confirm, ttl, command.lease, int(command.urgent),
        ))  # fmt: skip
        self._records[command.by, command.key] = record
        self._append(self._entry(record, command))

    async def claim(self, command: Command, inputs: Mapping[str, object]) -> None:
        """Returns once it is durable that the command is about to be written; raises AuditError where it cannot be."""
        record = self._records.get((command.by, command.key))
        if record is None or self.reason is not None:
            raise AuditError(self.reason or "it was never recorded")
        entry = replace(
            self._entry(record, command),
            state="claimed",
            time=self._now(),
            detail=None,
            inputs=orjson.dumps(inputs).decode() if inputs else None,
        )
        done = asyncio.get_running_loop().create_future()
        self._append(entry, done)
        await done

    def moved(self, command: Command) -> None:
        """Records a change of state; never waits and never raises."""
        record = self._records.get((command.by, command.key))
        if command.final:
            self._records.pop((command.by, command.key), None)
        if record is not None:
            self._append(self._entry(record, command))

    def _entry(self, record: Record, command: Command) -> Entry:
        detail = command.detail
        return Entry(
            record,
            command.state.value,
            command.time,
            self._monotonic(),
            command.outcome.value if command.outcome is not None else None,
            # What a device said may hold half a character, which no file takes.
            detail.encode("utf-8", "replace").decode() if detail is not None else None,
        )

    def _gap(self, what: str) -> Entry:
        return Entry(None, "gap", self._now(), self._monotonic(), detail=what)

    def _append(self, entry: Entry, done: asyncio.Future[None] | None = None) -> None:
        with self._changed:
            if done is not None and self._failing is not None:
                _settle(done, self._failing)  # it failed since the claim looked
            elif len(self._waiting) >= _MAX_WAITING or (self._closing and not self._thread.is_alive()):
                self._dropped += 1
                if worth_saying(self._dropped):
                    logger.error("%d changes of commands were not recorded: %s", self._dropped, self.reason)
                if done is not None:
                    _settle(done, "the disk is too slow")
            else:
                self._waiting.append((entry, done))
                self._claims += done is not None
                if done is not None or len(self._waiting) in (1, _AT_ONCE):
                    self._changed.notify()

    # ---- the thread

    def _run(self) -> None:
        while self._wait():
            try:
                if self._failures:
                    landed = self._store.reopen()
                    self._forget(self._unsure if landed else 0)
                    self._unsure = 0
                self._write()
                self._retention.step()
            except AuditError as error:
                self._fail(str(error))
            except Exception:  # bulkhead: a bug here must not end the record, nor leave a command waiting
                logger.exception("the audit")
                self._fail("internal error, see the log")
        self._store.close()

    def _wait(self) -> bool:
        """Returns once there is something to do; False where nothing more will come."""
        with self._changed:
            if self._failures:
                # Where the gateway ends meanwhile, one more try is made.
                closed = self._closing
                return not closed and (self._changed.wait_for(lambda: self._closing, _RETRY) or True)
            if not self._changed.wait_for(lambda: self._waiting or self._closing, self._retention.pause):
                return True
            if not self._closing:
                enough = lambda: self._claims or self._closing or len(self._waiting) >= _AT_ONCE  # noqa: E731
                self._changed.wait_for(enough, _COMPANY)
            return bool(self._waiting)

    def _write(self) -> None:
        """Makes durable what waits, and what is to be said of what was not recorded."""
        with self._changed:
            batch = list(islice(self._waiting, _AT_ONCE))
            dropped = self._dropped
        entries = [entry for entry, _ in batch]
        if self._failures or dropped:
            away = self._monotonic() - self._failing_since if self._failures else 0.0
            entries.append(self._gap(f"{dropped} changes are missing; nothing could be recorded for {away:.0f} s"))
        if not entries:
            return
        self._unsure = len(batch)
        self._store.write(entries)
        self._unsure = 0
        self._forget(len(batch))
        with self._changed:
            self._dropped -= dropped
            self._failing = None
        for _, done in batch:
            if done is not None:
                _settle(done, None)
        if self._failures:
            logger.warning("commands are recorded again in %s; %d changes are missing", self._path, dropped)
            self._failures = 0

    def _forget(self, count: int) -> None:
        """These rows are in the file."""
        with self._changed:
            for _ in range(count):
                _, done = self._waiting.popleft()
                self._claims -= done is not None

    def _fail(self, reason: str) -> None:
        """Nobody waits for a file that may be gone for long; what happened stays, to be recorded when it is back."""
        if not self._failures:
            self._failing_since = self._monotonic()
        self._failures += 1
        with self._changed:
            self._failing = reason
            claims = [done for _, done in self._waiting if done is not None]
            unsure = sum(done is None for _, done in islice(self._waiting, self._unsure))
            self._unsure = unsure
            self._waiting = deque(row for row in self._waiting if row[1] is None)
            self._claims = 0
        for done in claims:
            _settle(done, reason)
        if worth_saying(self._failures):
            logger.error("commands cannot be recorded in %s: %s (try %d)", self._path, reason, self._failures)


class NoAudit:
    """Records nothing."""

    reason: str | None = None

    def open(self) -> list[Recovered]:
        """Nothing is known of the process before."""
        return []

    def accepted(self, command: Command, sender: Sender) -> None:
        """Nothing."""

    async def claim(self, command: Command, inputs: Mapping[str, object]) -> None:
        """Nothing."""

    def moved(self, command: Command) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""


def _settle(done: asyncio.Future[None], reason: str | None) -> None:
    """Ends a claim's wait, from whichever thread; `reason` is why it is not durable."""

    def tell() -> None:
        if done.done():  # who waited was cancelled
            return
        if reason is None:
            done.set_result(None)
        else:
            done.set_exception(AuditError(reason))

    with suppress(RuntimeError):  # the loop has ended, and who waited with it
        done.get_loop().call_soon_threadsafe(tell)
