"""Room for connections: each takes a file descriptor, and a process may have only so many."""

from __future__ import annotations

import asyncio
import logging
import resource
from dataclasses import dataclass
from typing import Any

from gateway.errors import worth_saying

_OTHERS = 64  # descriptors for ports, brokers, files and the loop itself
_SPARE = 64  # connections beside the WebSockets, so that health and pages answer when those are at their limit
_ACCEPT_FAILED = "socket.accept() out of system resource"  # how asyncio puts it

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Room:
    """How many connections fit: WebSockets, and connections of any kind."""

    websockets: int
    connections: int


def make_room(websockets: int) -> Room:
    """Raises the process's limit of open files as far as it may; returns what fits, and logs too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = websockets + _SPARE + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    connections = websockets + _SPARE
    if soft != resource.RLIM_INFINITY:
        connections = max(2, min(connections, soft - _OTHERS))
    room = Room(min(websockets, connections - min(_SPARE, connections // 4 + 1)), connections)
    if room.websockets < websockets:
        logger.warning(
            "the limit of open files leaves room for %d connections, not server.max_connections = %d: raise it "
            "(`ulimit -n %d`, or LimitNOFILE in the systemd unit)",
            room.websockets,
            websockets,
            wanted,
        )
    return room


class Exhaustion:
    """Says now and then that no connection can be accepted, where asyncio would do so with a traceback for each.

    It tries again by itself, a second later. What else reaches the event loop's handler of exceptions stays as it is.
    """

    def __init__(self) -> None:
        self.seconds = 0  # in which no connection could be accepted
        self._last = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The event loop's handler of exceptions."""
        if context.get("message") != _ACCEPT_FAILED:
            loop.default_exception_handler(context)
            return
        now = loop.time()
        if now - self._last > 0.5:  # one attempt fails many times over
            self._last = now
            self.seconds += 1
            if worth_saying(self.seconds):
                logger.error("no connection can be accepted: %s; trying again each second", context.get("exception"))
