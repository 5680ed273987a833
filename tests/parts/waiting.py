"""Waits for conditions that no event announces, always with a deadline."""

# ruff: noqa: ASYNC109 - every wait names its deadline where it is called

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

INTERVAL = 0.01  # seconds between two looks

Result = TypeVar("Result")


class DeadlineError(AssertionError):
    """A condition did not come true in time."""


def wait_for(predicate: Callable[[], Result], timeout: float = 5.0, what: str = "the condition") -> Result:
    """The first true result of the predicate; DeadlineError after `timeout` seconds. Blocks its thread."""
    deadline = time.monotonic() + timeout
    while not (result := predicate()):
        if time.monotonic() >= deadline:
            raise DeadlineError(f"{what} did not come true within {timeout:g} s")
        time.sleep(INTERVAL)
    return result


async def eventually(predicate: Callable[[], Result], timeout: float = 5.0, what: str = "the condition") -> Result:
    """`wait_for` for coroutines: the event loop runs on between two looks."""
    deadline = time.monotonic() + timeout
    while not (result := predicate()):
        if time.monotonic() >= deadline:
            raise DeadlineError(f"{what} did not come true within {timeout:g} s")
        await asyncio.sleep(INTERVAL)
    return result
