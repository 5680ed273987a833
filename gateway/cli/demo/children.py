"""Child processes: ready once they are started, ended in order, and gone with this process however it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.errors import FieldgateError

_TETHER = Path(__file__).with_name("tether.py")
_READY_WITHIN = 20.0  # seconds; a Pi that has just booted is slow
_END_WITHIN = 3.0  # seconds
_POLL = 0.02  # seconds

logger = logging.getLogger(__name__)

Child = asyncio.subprocess.Process
Ready = Callable[[Child], Awaitable[bool]]


class Children:
    """The children of one block. The first to be started is the last to be ended: the others may need it."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._children: list[Child] = []
        self._ready: set[Child] = set()
        self._ending = False

    async def start(self, what: str, *command: str, ready: Ready) -> None:
        """Runs a Python module with arguments until `ready` says whether it is; raises FieldgateError where not.

        `what` names it to a person.
        """
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the folder of the file that is run shall lend no modules
            str(_TETHER),
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C comes to us, who end things in their order
        )
        self._children.append(child)
        try:
            async with asyncio.timeout(_READY_WITHIN):
                if not await ready(child):
                    raise FieldgateError(f"{what} ended at its start")
        except TimeoutError:
            raise FieldgateError(f"{what} did not start within {_READY_WITHIN:g} s") from None
        self._ready.add(child)
        self._group.create_task(self._watch(what, child), name=f"child:{what}")

    async def _watch(self, what: str, child: Child) -> None:
        code = await child.wait()
        if not self._ending:
            logger.warning("%s has ended by itself, with %d", what, code)

    async def end(self) -> None:
        """Ends them all."""
        self._ending = True
        for batch in (self._children[1:], self._children[:1]):
            for child in batch:
                if child.returncode is None:
                    # One that is interrupted at its start has nothing to part from, and much to complain of.
                    child.send_signal(signal.SIGTERM if child in self._ready else signal.SIGKILL)
            await asyncio.gather(*(_ended(child) for child in batch))


@asynccontextmanager
async def children() -> AsyncIterator[Children]:
    """Children that are ended with the block."""
    async with asyncio.TaskGroup() as group:
        family = Children(group)
        try:
            yield family
        finally:
            await family.end()


async def spoken(child: Child) -> bool:
    """Waits until the child has written a line; False where it ended instead."""
    return child.stdout is not None and bool(await child.stdout.readline())


def listening(port: int) -> Ready:
    """Waits until something listens on the loopback port; False where the child ended instead."""

    async def ready(child: Child) -> bool:
        while child.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(_POLL)
            else:
                writer.close()
                return True
        return False

    return ready


async def _ended(child: Child) -> None:
    try:
        async with asyncio.timeout(_END_WITHIN):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
