"""One open Modbus connection: one request at a time, and the answer that comes for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.adapters.modbus.frames import Answer, DamagedError, ExchangeError, Frames, Request, SilentError
from gateway.adapters.wire import Connection, Wire
from gateway.adapters.wire.socket import SocketConnection
from gateway.bus import Link
from gateway.errors import LinkError, NotSentError


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: for an answer to come, of quiet before the next request, and that one byte takes on the line."""

    timeout: float
    pause: float
    byte: float = 0.0


class Line:
    """Asks units, one at a time. `heard` is when something came last, in monotonic seconds."""

    def __init__(self, frames: Frames, timing: Timing, link: Link) -> None:
        self._frames = frames
        self._timing = timing
        self._link = link
        self._connection: Connection | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._free_at = 0.0
        self._late: dict[int, float] = {}  # by unit: until when an answer that was given up may still come
        self.heard = time.monotonic()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()  # with a LinkError

    async def open(self, wire: Wire) -> None:
        """Opens the connection; raises LinkError."""
        self._connection = await wire.open(self.receive_data)
        self._connection.lost.add_done_callback(self._connection_lost)

    def close(self) -> None:
        """Lets go of the connection."""
        if self._connection is not None:
            self._connection.close()

    def check(self) -> None:
        """Raises the LinkError that the connection ended with, where it has."""
        if self._connection is not None and self._connection.lost.done():  # which `ended` hears of a moment later
            self._connection.lost.result()
        if self.ended.done():
            self.ended.result()

    def receive_data(self, data: bytes) -> None:
        """Bytes arrived."""
        frames = self._frames
        strays, resyncs = frames.strays, frames.resyncs
        self.heard = time.monotonic()
        self._link.traffic(len(data))
        try:
            answer = frames.receive_data(data)
        except LinkError as error:
            self._end(error)
        except ExchangeError as error:
            self._settle(error)
        else:
            if answer is not None and self._answer is not None and not self._answer.done():
                self._answer.set_result(answer)
        if frames.strays != strays:
            self._link.fault(None, "an answer that nobody waits for, or noise", frames=frames.strays - strays)
        if frames.resyncs != resyncs:
            self._link.resynced(frames.resyncs - resyncs)

    async def ask(
        self, request: Request, deadline: float | None = None, refusal: Callable[[], str | None] = lambda: None
    ) -> Answer:
        """The answer; nothing is sent after the deadline (monotonic seconds), or where `refusal` says why not.

        Raises NotSentError where nothing was sent, ExchangeError where no usable answer came, and UncertainError or
        LinkError where the connection broke meanwhile.
        """
        await self._wait_for_quiet(request.unit)
        connection = self._connection
        if connection is None or self.ended.done():
            raise NotSentError("the link broke")
        timeout = self._timing.timeout
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answer = answer
        frame = self._frames.ask(request)
        on_the_way = (len(frame) + request.answer_size + 3) * self._timing.byte
        try:
            await connection.write(frame, time.monotonic() + timeout if deadline is None else deadline, refusal)
            async with asyncio.timeout(timeout + on_the_way):
                return await answer
        except TimeoutError:
            # On RTU nothing in an answer says to which request it belongs. The next one to this unit waits until a
            # late one has come and gone.
            if not self._frames.names_requests:
                self._late[request.unit] = time.monotonic() + timeout
            if self._frames.give_up():
                raise DamagedError("a damaged answer") from None
            raise SilentError(f"no answer within {timeout:g} s") from None
        finally:
            self._frames.give_up()
            self._answer = None
            if answer.done() and not answer.cancelled():
                answer.exception()  # looked at: the write may have failed first
            self._free_at = time.monotonic() + self._timing.pause

    def drop_undelivered(self) -> None:
        """Ends a TCP connection on which what was sent last has not arrived, so that it does not arrive later."""
        if isinstance(self._connection, SocketConnection):
            self._connection.drop_undelivered()

    async def _wait_for_quiet(self, unit: int) -> None:
        wait = max(self._free_at, self._late.pop(unit, 0.0)) - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)

    def _connection_lost(self, lost: asyncio.Future[None]) -> None:
        if not lost.cancelled() and isinstance(error := lost.exception(), LinkError):
            self._end(error)

    def _end(self, error: LinkError) -> None:
        self._settle(error)
        if not self.ended.done():
            self.ended.set_exception(error)
            self.ended.exception()  # looked at: it may have no waiter

    def _settle(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
