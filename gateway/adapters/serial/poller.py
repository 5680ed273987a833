"""Asks the devices of a line, one after the other, and notices which of them do not answer."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from gateway.adapters.serial.schedule import Request, Schedule
from gateway.adapters.serial.turns import Speaker, Turns
from gateway.adapters.wire import Connection
from gateway.bus import Link
from gateway.errors import DeliveryError, worth_saying

_GONE_AFTER = 3  # requests in a row without an answer

logger = logging.getLogger(__name__)


class Poller:
    """Sends requests while a connection lasts. `requests` and `timeouts` count those sent and those without an answer.

    Where `named`, answers say who gives them. Elsewhere a late one can be told from the next device's only by its
    time: after a request without an answer the line waits as long once more, and what comes then is that device's.
    """

    def __init__(self, schedule: Schedule, turns: Turns, link: Link, *, named: bool) -> None:
        self.requests = 0
        self.timeouts = 0
        self._unsent = 0
        self._schedule = schedule
        self._turns = turns
        self._link = link
        self._named = named
        self._asked: Request | None = None
        self._unreadable = False  # something came, and made no sense
        self._answer: asyncio.Future[None] | None = None
        self._recovered = asyncio.Event()  # a device that was left alone spoke by itself

    async def run(self, connection: Connection) -> None:
        """Asks for ever; its owner cancels it when the connection goes."""
        schedule = self._schedule
        schedule.restart(time.monotonic())
        while True:
            request, due = schedule.next()
            wait = due - time.monotonic()
            if wait > 0:
                self._recovered.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._recovered.wait()
                continue
            await self._turns.take_request(Speaker(request.name))
            try:
                await self._ask(connection, request)
            finally:
                self._turns.release()

    async def _ask(self, connection: Connection, request: Request) -> None:
        self._asked, self._unreadable = request, False
        self._answer = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        try:
            await connection.write(request.data, began + request.timeout)
            self.requests += 1
            if await self._comes(request.timeout):
                self._schedule.answered(request, time.monotonic())
                return
            self.timeouts += 1
            if not self._named and await self._comes(request.timeout):
                self._schedule.answered(request, time.monotonic())
                return
        except DeliveryError as error:
            self._unsent += 1
            if worth_saying(self._unsent):
                logger.warning("%s: a request was not sent: %s (%d so far)", self._link.adapter, error, self._unsent)
            self._schedule.unsent(request, time.monotonic())
            return
        finally:
            self._asked = self._answer = None
        self._missed(request, time.monotonic() - began)

    async def _comes(self, seconds: float) -> bool:
        answer = self._answer
        if answer is None:
            return False
        await asyncio.wait((answer,), timeout=seconds)
        return answer.done()

    def _missed(self, request: Request, took: float) -> None:
        misses = self._schedule.missed(request, time.monotonic(), took)
        if misses != _GONE_AFTER:
            return
        said = "gives no answer that can be read" if self._unreadable else "does not answer"
        reason = f"{said} ({misses} requests)"
        if request.name is not None or not self._named:
            self._link.available(request.name, online=False, reason=reason)
        else:  # whoever it is that should have answered
            logger.warning("%s: %r: %s", self._link.adapter, request.frame[:80], reason)

    # ---- what came

    def is_echo(self, frame: bytes) -> bool:
        """Whether the frame is the request itself, as half-duplex adapters give it back."""
        return self._asked is not None and frame == self._asked.frame

    def heard(self, name: str | None) -> None:
        """The device gave a reading: maybe the answer, and a sign of life anyhow."""
        asked, answer = self._asked, self._answer
        if asked is not None and answer is not None and (asked.name == name or asked.name is None):
            if not answer.done():
                answer.set_result(None)
        elif self._schedule.heard(name):
            self._recovered.set()

    def unreadable(self) -> None:
        """A frame came that cannot be read; the answer may come yet."""
        self._unreadable = True
