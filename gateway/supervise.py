"""Run, fail, back off with jitter, run again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.errors import LinkError

logger = logging.getLogger(__name__)

_HEALTHY_AFTER = 60.0  # seconds that a run must last before the back-off starts over


@dataclass(frozen=True, slots=True)
class BackOff:
    """Full jitter: a wait is drawn up to a bound that doubles from `first` to `longest` seconds."""

    first: float
    longest: float

    def bound(self, failures: int) -> float:
        """The longest wait after so many failures in a row."""
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 30))


async def supervise(
    attempt: Callable[[], Awaitable[None]],
    failed: Callable[[str], None],
    back_off: BackOff,
    draw: Callable[[float, float], float] = random.uniform,
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Runs `attempt` for ever; tells `failed` why each one ended, and waits before the next.

    `wait` takes the seconds, and may return sooner where it sees a reason for another attempt.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    name = task.get_name() if task is not None else ""
    failures = 0
    while True:
        started = loop.time()
        try:
            await attempt()
            reason = "the link was closed"
        except LinkError as error:
            reason = str(error)
        except Exception:  # bulkhead: a bug in one adapter must not end the others
            logger.exception("%s: unexpected error, trying again", name)
            reason = "internal error, see the log"
        failed(reason)
        if loop.time() - started >= _HEALTHY_AFTER:
            failures = 0
        failures += 1
        # A tenth of the bound at least, so that a quick failure cannot spin.
        bound = back_off.bound(failures)
        await wait(draw(bound / 10, bound))
