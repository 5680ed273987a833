"""Listening, and what that can fail of."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from gateway.config.models import Listen
from gateway.errors import FieldgateError
from gateway.server.descriptors import Exhaustion

_BACKLOG = 2048  # connections that the kernel keeps for us: a whole building's panels come back at once
_AT_ONCE = 64  # of them taken in one turn of the loop, so that a flood of them does not hold up the streams


async def listen(make: Callable[[], asyncio.Protocol], at: Listen) -> asyncio.Server:
    """Listens; `make` is called for each connection. Raises FieldgateError where the address cannot be had."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(Exhaustion())
    try:
        server = await loop.create_server(
            make,
            at.host,
            at.port,
            # asyncio uses the one number for both, and after an accept that failed goes on to try as often.
            backlog=_AT_ONCE,
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise FieldgateError(f"cannot listen on {at}: another program uses this port") from error
        raise FieldgateError(f"cannot listen on {at}: {error.strerror or error}") from error
    for listening in server.sockets:
        with socket.socket(fileno=os.dup(listening.fileno())) as twin:
            twin.listen(_BACKLOG)
    return server


def url_of(server: asyncio.Server, scheme: str) -> str:
    """Where a browser on this machine finds it."""
    host, port = server.sockets[0].getsockname()[:2]
    shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}"
