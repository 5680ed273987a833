"""How long the audit is kept: by age, and by the size of its file."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.audit.store import Store
from gateway.commands.ledger import KEEP

_LOOK_EVERY = 60.0  # seconds
_STEADY_FOR = 3600.0  # seconds that the wall clock must have run evenly before it says what is old
_UNEVEN = 60.0  # seconds that it may be off meanwhile

logger = logging.getLogger(__name__)


class Retention:
    """Takes out what is too old or too much, a few rows at each step. A clock that jumps takes out nothing."""

    def __init__(
        self,
        store: Store,
        keep: float,
        max_bytes: int,
        now: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._keep = keep
        self._max_bytes = max_bytes
        self._now = now
        self._monotonic = monotonic
        self._offset = now() - monotonic()
        self._steady_since = self._next = monotonic()
        self._count = 0  # rows taken out since the last look that found none

    @property
    def pause(self) -> float:
        """Seconds until the next step."""
        return max(0.0, self._next - self._monotonic())

    def step(self) -> None:
        """Takes out a few rows where any are due; raises AuditError."""
        monotonic = self._monotonic()
        if monotonic < self._next:
            return
        # What is due is looked for again after a minute, also where this look fails.
        self._next = monotonic + _LOOK_EVERY
        now = self._now()
        if abs(now - monotonic - self._offset) > _UNEVEN:
            self._offset, self._steady_since = now - monotonic, monotonic
        is_steady = monotonic - self._steady_since >= _STEADY_FOR
        # A key is remembered for so long, restarts included, however little room there is.
        count = self._store.prune(now - self._keep if is_steady else None, self._max_bytes, monotonic - KEEP)
        self._count += count
        if count:
            self._next = monotonic
        elif self._count:
            logger.info("%d rows of the audit were taken out, for their age or for room", self._count)
            self._count = 0
