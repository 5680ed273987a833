"""Whose turn it is on a line that carries one conversation at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace

from gateway.model import Acknowledgement


@dataclass(frozen=True, slots=True)
class Speaker:
    """The device that was spoken to, and so is expected to speak; a name of None is the adapter as its one device."""

    name: str | None


class Turns:
    """Grants turns one at a time: commands go before requests, in order.

    A command keeps its turn until it is answered, or for `patience` seconds. An urgent one does not wait for an answer
    that is still owed. After each turn the line rests for `pause` seconds.
    """

    def __init__(self, *, pause: float, patience: float, by_id: bool) -> None:
        self.speaker: Speaker | None = None  # while a turn lasts, and its rest
        self._pause = pause
        self._patience = patience
        self._by_id = by_id
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._commands: deque[asyncio.Future[None]] = deque()
        self._requests: deque[asyncio.Future[None]] = deque()
        self._owed: int | None = None  # the id of the command whose turn it is, until it is answered
        self._waiting: asyncio.TimerHandle | None = None  # it was written, and only its answer is waited for
        self._passed_over = 0  # commands whose answer was not waited for, and may still come first

    async def take_request(self, speaker: Speaker) -> None:
        """Returns when it is the turn of a request; `release` must follow."""
        await self._take(self._requests)
        self.speaker = speaker

    async def take_command(self, speaker: Speaker, id: int, *, urgent: bool = False) -> None:
        """Returns when it is the turn of the command with this id; `written` or `release` must follow."""
        await self._take(self._urgent if urgent else self._commands)
        self.speaker = speaker
        self._owed = id

    async def _take(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._taken:
            self._taken = True
            return
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._cut_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn in queue:
                queue.remove(turn)
            elif not turn.cancelled():  # it came in the same moment
                self.release()
            raise

    def written(self) -> None:
        """The command was written, or may have been: its turn lasts until its answer."""
        if self._owed is None or self._patience <= 0:  # the answer may have been faster than we
            self.release()
            return
        self._waiting = asyncio.get_running_loop().call_later(self._patience, self._unanswered)
        self._cut_in()

    def answered(self, answer: Acknowledgement) -> Acknowledgement:
        """The answer with the id of its command, or as it is where it cannot be told which one that was."""
        if answer.id is None:
            if self._passed_over:
                self._passed_over -= 1
            elif self._owed is not None:
                answer = replace(answer, id=self._owed)
        if answer.id is not None and answer.id == self._owed:
            self._owed = None
            if self._waiting is not None:
                self.release()
        return answer

    def torn(self) -> None:
        """The link broke while the command was being written: it may have been, all the same."""
        if self._by_id:
            self.release()
        else:
            self.written()

    def broken(self) -> None:
        """The link broke: answers that repeat an id will not come, and others might, from a board that kept going."""
        if self._by_id and self._waiting is not None:
            self.release()

    def release(self) -> None:
        """Ends the turn; the next begins after the pause."""
        self._owed = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._pause > 0:
            asyncio.get_running_loop().call_later(self._pause, self._pass_on)
        else:
            self._pass_on()

    def _pass_on(self) -> None:
        self.speaker = None
        for queue in (self._urgent, self._commands, self._requests):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._taken = False

    def _unanswered(self) -> None:
        self._passed_over = 0  # what has not come by now does not come
        self.release()

    def _cut_in(self) -> None:
        """Gives the turn to an urgent command at once, where only an answer is waited for."""
        if self._waiting is not None and self._urgent:
            if not self._by_id:
                self._passed_over += 1
            self.release()
