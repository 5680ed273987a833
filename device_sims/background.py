"""The end of a simulator's background task."""

from __future__ import annotations

import asyncio


async def end(task: asyncio.Task[None]) -> None:
    """Cancels the task and waits for its end; raises what it failed with, if it did."""
    task.cancel()
    # Not `await task`: that could not tell the task's cancellation from one's own.
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
