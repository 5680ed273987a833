"""Room for connections: each takes a file descriptor, and a process may have only so many."""

from __future__ import annotations

import logging
import resource

_OTHERS = 64  # descriptors for ports, brokers, files and the loop itself

logger = logging.getLogger(__name__)


def make_room(connections: int) -> int:
    """Raises the process's limit of open files as far as it may; returns how many connections fit, and logs too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return connections
    room = max(1, min(connections, soft - _OTHERS))
    if room < connections:
        logger.warning(
            "the limit of open files leaves room for %d connections, not server.max_connections = %d: raise it "
            "(`ulimit -n %d`, or LimitNOFILE in the systemd unit)",
            room,
            connections,
            wanted,
        )
    return room
