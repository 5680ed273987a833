"""Messages on their way to a broker: what waits for room, for being written, and for being confirmed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from gateway.errors import NotSentError, UncertainError, worth_saying
from gateway.model import NOT_IN_TOPICS
from gateway.mqtt.message import Limits, Message
from gateway.mqtt.posting import ENOUGH, Postbox, publish_packet

_MAX_POSTED = 10_000  # messages that wait to be confirmed
_MAX_WAITING = 4 * ENOUGH  # bytes of what was posted, beyond what is taken while `has_room`

logger = logging.getLogger(__name__)


class Pen(Protocol):
    """What writes."""

    def write_soon(self, message: Message, qos: int, retain: bool, most: int) -> int:
        """Has the message written as soon as possible; its packet id.

        Raises NotSentError where it cannot be, as where its packet has more bytes than `most`.
        """
        ...

    def queue(self, packets: bytes) -> None:
        """Has whole packets written as soon as possible."""
        ...

    def write(self) -> None:
        """Writes what the socket takes."""
        ...

    @property
    def is_stuck(self) -> bool:
        """Whether the socket takes no more for now."""
        ...


class Outbox:
    """Writes messages at once, never more of them than the broker will have; `on_room` is told when it takes more."""

    def __init__(self, pen: Pen, *, has_properties: bool) -> None:
        self.limits = Limits.of()
        self.on_room: list[Callable[[], None]] = []
        self._pen = pen
        self._has_properties = has_properties
        self._loop = asyncio.get_running_loop()
        self._reason: str | None = None  # why nothing is written any more
        # By packet id: who waits for the broker's answer (None, or why it refuses), or the topic of what was posted.
        self._unconfirmed: dict[int, asyncio.Future[str | None] | str] = {}
        self._posted = Postbox()
        self._waiters: list[asyncio.Future[None]] = []
        self._short_of_room = False
        self._lost = 0

    async def send(self, message: Message, patience: float, wait: float) -> None:
        """Writes a message within `patience` seconds, and waits `wait` seconds for its confirmation.

        Raises NotSentError where nothing was written or the broker refuses the message, UncertainError where it did
        not confirm it, and TimeoutError where it did not answer: it is to be given up then.
        """
        if not self.has_room(message.qos):
            await self._room(message.qos, patience)
        confirmed: asyncio.Future[str | None] = self._loop.create_future()
        packet = self._write(message, confirmed)
        try:
            async with asyncio.timeout(wait):
                refusal = await confirmed
        finally:
            self._unconfirmed.pop(packet, None)
        if refusal is not None:
            raise NotSentError(f"the broker refuses the message: {refusal}")

    def post(self, message: Message) -> bool:
        """Writes a message, now or when that is possible, and waits for nothing; False: too many wait already."""
        if self._reason is not None or len(self._unconfirmed) >= _MAX_POSTED or self._posted.size >= _MAX_WAITING:
            return False
        try:
            if min(message.qos, self.limits.qos) or (self._has_properties and message.is_special):
                self._write(message, message.topic)
            else:
                self._put(message)
        except (NotSentError, ValueError) as error:
            self._say_lost(message.topic, str(error))
        return True

    def has_room(self, qos: int = 1) -> bool:
        """Whether a message would be written at once, and not wait for one before it."""
        confirms = qos == 0 or len(self._unconfirmed) < self.limits.in_flight
        if confirms and self._posted.size < ENOUGH and not self._pen.is_stuck:
            return True
        self._short_of_room = True
        return False

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be written or confirmed."""
        return not self._unconfirmed and not self._posted.size and not self._pen.is_stuck

    # ---- what became of it

    def confirmed(self, packet: int, refusal: str | None) -> None:
        """The broker has a message, or says why it will not; with QoS 0, it was written."""
        waiting = self._unconfirmed.pop(packet, None)
        if isinstance(waiting, str):
            if refusal is not None:
                self._say_lost(waiting, f"the broker refuses it: {refusal}")
        elif waiting is not None and not waiting.done():
            waiting.set_result(refusal)
        self.written()

    def written(self) -> None:
        """The socket took something."""
        if self._short_of_room and not self._pen.is_stuck:
            self._short_of_room = False
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
            for call in self.on_room:
                self._loop.call_soon(call)

    def end(self, reason: str) -> None:
        """The connection is over: nothing is written or confirmed any more."""
        self._reason = reason
        error = UncertainError(f"the broker did not confirm the message: {reason}")
        for future in self._unconfirmed.values():
            if not isinstance(future, str) and not future.done():
                future.set_exception(error)
                future.exception()  # looked at: it may have no waiter
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    # ---- writing

    async def _room(self, qos: int, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                while self._reason is None and not self.has_room(qos):
                    waiter = self._loop.create_future()
                    self._waiters.append(waiter)
                    await waiter
        except TimeoutError as error:
            raise NotSentError("the broker takes no more messages for now") from error

    def _write(self, message: Message, confirmed: asyncio.Future[str | None] | str) -> int:
        if self._reason is not None:
            raise NotSentError(f"the broker is not connected: {self._reason}")
        if message.deadline is not None and message.deadline <= self._loop.time():
            raise NotSentError("its time to live ran out")
        _check(message.topic)
        self._take_posted()
        limits = self.limits
        packet = self._pen.write_soon(
            message, min(message.qos, limits.qos), message.retain and limits.retain, limits.packet
        )
        self._unconfirmed[packet] = confirmed
        self._pen.write()
        if message.left is not None and not self._pen.is_stuck:
            message.left()
        return packet

    def _put(self, message: Message) -> None:
        """Has a message of QoS 0 written with all that is posted in this turn of the loop."""
        _check(message.topic)
        limits = self.limits
        retain = message.retain and limits.retain
        packet = publish_packet(message.topic, message.payload, retain=retain, is_5=self._has_properties)
        if len(packet) > limits.packet:
            raise NotSentError(f"it has {len(packet)} bytes, and the broker takes {limits.packet} at most")
        if not self._posted.size:
            self._loop.call_soon(self._write_posted)
        self._posted.put(packet)

    def _write_posted(self) -> None:
        if self._take_posted():
            self._pen.write()
            self.written()

    def _take_posted(self) -> bool:
        if not self._posted.size:
            return False
        packets = self._posted.take()
        if self._reason is None:
            self._pen.queue(packets)
        return True

    def _say_lost(self, topic: str, reason: str) -> None:
        self._lost += 1
        if worth_saying(self._lost):
            logger.warning("a message on %r is lost: %s (%d so far)", topic[:200], reason, self._lost)


def _check(topic: str) -> None:
    """NotSentError where the broker would end the connection for a topic (MQTT 5 §1.5.4, §4.7)."""
    # Nearly all are printable, and that is seen much sooner.
    malformed = not topic.isprintable() and NOT_IN_TOPICS.search(topic)
    if not topic or "+" in topic or "#" in topic or malformed:
        raise NotSentError("no topic that can be published on")
