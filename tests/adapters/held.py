"""What this process holds, counted: nothing of it may grow however often a link comes and goes."""

import asyncio
import gc
import threading
from typing import NamedTuple

from tests.parts.leaks import descriptors


class Held(NamedTuple):
    """Descriptors, tasks and threads."""

    descriptors: int
    tasks: int
    threads: int


def held() -> Held:
    gc.collect()
    return Held(len(descriptors()), len(asyncio.all_tasks()), threading.active_count())
