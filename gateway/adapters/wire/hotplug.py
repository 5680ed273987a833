"""Notices that device files come, go, or may be opened now: the one file that meets asyncinotify."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.adapters.wire.threads import in_thread

_NAME = "asyncinotify"
_POLL = 2.0  # seconds between two looks where the kernel tells nothing
_BURST = 0.05  # seconds: a node, its permissions and its links come in one rush, which is one change

logger = logging.getLogger(__name__)


async def changed(
    look: Callable[[], object], folders: Callable[[], Iterable[Path]], seen: object, seconds: float
) -> None:
    """Returns once `look` sees something else than `seen`, or after so many seconds.

    `folders` are those in whose entries that would show.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    tells = await _available()
    while (left := end - loop.time()) > 0:
        # First of all, so that whatever changes again and again by our own doing cannot make us spin.
        await asyncio.sleep(min(_BURST, left))
        if await _looked(look, folders, seen, end - loop.time(), tells):
            return


async def _looked(
    look: Callable[[], object], folders: Callable[[], Iterable[Path]], seen: object, left: float, tells: bool
) -> bool:
    """Whether it looks different, now or at the next event in the folders."""
    if tells:
        from asyncinotify import Inotify, Mask  # noqa: PLC0415  imported by then

        changes = Mask.CREATE | Mask.MOVED_TO | Mask.ATTRIB | Mask.DELETE | Mask.MOVED_FROM | Mask.DELETE_SELF
        try:
            # A new one each time: what a busy folder has to tell is forgotten with it.
            with Inotify() as inotify:
                for folder in folders():
                    try:
                        inotify.add_watch(folder, changes | Mask.MOVE_SELF | Mask.ONLYDIR)
                    except FileNotFoundError:  # it went just now
                        return look() != seen
                if look() != seen:  # before there was anyone to be told
                    return True
                async with asyncio.timeout(left):
                    await inotify.get()
        except TimeoutError:
            return look() != seen
        except OSError as error:  # as many as this user may have are taken, or the folder may not be watched
            logger.debug("no inotify: %s", error)
        else:
            return look() != seen
    if look() != seen:
        return True
    await asyncio.sleep(min(_POLL, max(left, 0)))
    return look() != seen


async def _available() -> bool:
    """Whether the kernel tells of changes."""
    if sys.platform != "linux":
        return False
    if _NAME not in sys.modules:
        try:
            # It runs programs to find the C library: not on the event loop.
            await in_thread(lambda: importlib.import_module(_NAME), _NAME)
        except (ImportError, OSError, RuntimeError) as error:
            logger.debug("no inotify: %s", error)
            return False
    return True
