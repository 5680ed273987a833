"""What a serial line is to its adapter: a wire that is opened, and the connection over it while it lasts."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol, cast

from gateway.errors import LinkError, NotSentError, UncertainError

Receive = Callable[[bytes], None]

STUCK = "the port takes no data: is its flow control stuck?"


class Wire(Protocol):
    """A way to the far end of a line, which is opened again and again."""

    async def open(self, receive: Receive) -> Connection:
        """The connection, whose bytes go to `receive`; raises LinkError with a line that says what to do."""
        ...

    async def wait(self, seconds: float) -> None:
        """Waits before the next attempt: so long, or until something happened that may have it succeed."""
        ...

    def give_up(self) -> None:
        """Lets go of an attempt that still hangs, and of what it may yet open."""
        ...


class Connection(asyncio.Protocol):
    """The events of an open line. `lost` ends with a LinkError when it goes."""

    def __init__(self, receive: Receive) -> None:
        loop = asyncio.get_running_loop()
        self._receive = receive
        self._transport: asyncio.WriteTransport | None = None
        self._turn = asyncio.Lock()  # devices that share the line are commanded side by side
        self._flushed: asyncio.Future[None] | None = None
        self.made: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        # With both marks at 0, what is not taken at once pauses, and resumes when it was: that tells when it is sent.
        self._transport.set_write_buffer_limits(high=0, low=0)
        if not self.made.done():
            self.made.set_result(None)

    def data_received(self, data: bytes) -> None:
        try:
            self._receive(data)
        except Exception:  # bulkhead: a transport may be left that is open and deaf
            self._end("internal error, see the log")
            raise

    def resume_writing(self) -> None:
        if self._flushed is not None and not self._flushed.done():
            self._flushed.set_result(None)

    def close(self) -> None:
        """Lets go of the line at once: while a dead descriptor is held, a board comes back under another name."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end(self._why(exc))

    def _end(self, reason: str) -> None:
        failure = LinkError(reason)
        for future in (self.made, self.lost, self._flushed):
            if future is not None and not future.done():
                future.set_exception(failure)
                future.exception()  # looked at: it may have no waiter

    async def write(self, data: bytes, deadline: float, refusal: Callable[[], str | None] = lambda: None) -> None:
        """Hands the data to the line before the deadline (monotonic seconds), or takes it back.

        `refusal` is asked when it is its turn, and says why it must not be written after all.
        Raises NotSentError where nothing of it was taken, UncertainError where a part was or may have been.
        """
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await self._turn.acquire()
        except TimeoutError:
            raise NotSentError(STUCK) from None
        try:
            if (why := refusal()) is not None:
                raise NotSentError(why)
            await self._write(data, deadline)
        finally:
            self._turn.release()

    async def _write(self, data: bytes, deadline: float) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or self.lost.done():
            raise NotSentError("the port is not open")
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotSentError("its time to live ran out")
        self._flushed = asyncio.get_running_loop().create_future()
        try:
            transport.write(data)
            if transport.is_closing():  # it tried, and found the link broken
                raise NotSentError("the link broke")
            if transport.get_write_buffer_size() == 0:
                return
            async with asyncio.timeout(left):
                await self._flushed
        except TimeoutError:
            if self._take_back() == len(data):
                raise NotSentError(STUCK) from None
            # The next frame would be glued to the torn one, so the line starts anew.
            self._end(f"a command went out in part: {STUCK}")
            raise UncertainError("the port took a part of it only") from None
        except LinkError as error:
            raise UncertainError(f"the link broke while it was being written: {error}") from error
        except asyncio.CancelledError:
            self._take_back()
            raise
        finally:
            self._flushed = None

    # ---- what differs from one kind of line to the other

    @abstractmethod
    def _take_back(self) -> int:
        """Sees to it that what was not written yet never is; returns how many bytes that were."""

    @abstractmethod
    def _why(self, error: Exception | None) -> str:
        """Why the line went, as a person reads it."""
