"""The library's side of one connection; what it answers and logs by itself is said here in our words.

Its own answer to what is no HTTP repeats what came, and so does its log, at every level. Tokens would be in it.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import count
from typing import Any, cast

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from gateway.errors import worth_saying
from gateway.server.access import AccessLog, unreadable
from gateway.server.headers import HEADERS
from gateway.server.http import problem_of

logger = logging.getLogger(__name__)

_counted = count(1)


class Conversation(web.RequestHandler):
    """Reads the requests of one connection and writes the answers."""

    __slots__ = ()

    def __init__(self, server: web.Server, access: AccessLog) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            # It is called with two things that ours knows already; all connections share the one.
            access_log_class=cast(type[AbstractAccessLogger], lambda *_: access),
            access_log=cast(logging.Logger, access.logger if access.on else None),
            keepalive_timeout=15,
            lingering_time=2,  # for the rest of a body that nobody wants
            max_headers=64,
            auto_decompress=False,  # a small body stays small
        )

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what was no request, or to one that met a bug outside of every handler."""
        if status < 500:
            unreadable(request)
            _count(exc)
            answer = problem_of(web.HTTPBadRequest(text="this is no request that can be read"))
        else:
            logger.error("a request from %s failed", request.remote, exc_info=exc)
            answer = problem_of(web.HTTPInternalServerError(text="a bug in the gateway, see its log"))
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        answer.headers.update(HEADERS)
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """A bug, as the library words it. A body that breaks off, or is not what its head says, is none."""
        error = kw.get("exc_info")
        if isinstance(error, web.RequestPayloadError):
            _count(error)
        else:
            logger.error(*args, **kw)

    def log_debug(self, *args: Any, **kw: Any) -> None:
        """Nothing: it tells of every client that leaves."""


def _count(error: BaseException | None) -> None:
    number = next(_counted)
    if worth_saying(number):
        logger.warning("%d requests could not be read so far; the last: %s", number, type(error).__name__)
