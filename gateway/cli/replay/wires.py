"""A recording in place of a wire or a broker: the real adapters hear what was heard then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, cast

from pydantic import PrivateAttr

from gateway.adapters.mqtt import MqttOptions
from gateway.adapters.serial import SerialOptions
from gateway.adapters.wire import Connection, Receive, Wire
from gateway.errors import NotSentError
from gateway.framing import Framing, FramingOptions
from gateway.mqtt import MessageSource
from gateway.recordings import Entry, Recording

_AT_ONCE = 64  # entries read from the file
_NOTHING_IS_SENT = "a replay sends nothing"


class Player:
    """Plays the entries of a recording in their time, `speed` times as fast; None is as fast as it goes."""

    def __init__(self, recording: Recording, speed: float | None) -> None:
        self._recording = recording
        self._speed = speed
        self._connected: asyncio.Future[Callable[[Entry], None]] = asyncio.get_running_loop().create_future()
        self._framing: Framing | None = None
        self._gap = 0.0
        self.time = 0.0  # of the recording, in seconds

    def connect(self, receive: Callable[[Entry], None]) -> None:
        """The adapter listens: from here on it gets the entries."""
        if not self._connected.done():
            self._connected.set_result(receive)

    def measure_pauses(self, framing: Framing) -> None:
        """Ends half-received frames by the pauses of the recording, in place of those of today."""
        if framing.gap is not None:
            self._framing, self._gap, framing.gap = framing, framing.gap, None

    async def connected(self) -> None:
        """Returns once the adapter listens."""
        await self._connected

    async def play(self, after: Callable[[], None]) -> None:
        """Returns at the end of the recording; raises RecordingError where it cannot be read on.

        `after` is called after each entry.
        """
        receive = await self._connected
        loop = asyncio.get_running_loop()
        started = loop.time()
        entries = iter(self._recording)
        while some := await asyncio.to_thread(_take, entries):
            for entry in some:
                wait = started + entry.time / self._speed - loop.time() if self._speed else 0.0
                await asyncio.sleep(max(wait, 0.0))
                if self._framing is not None and entry.time - self.time > self._gap:
                    self._framing.break_off()
                self.time = entry.time
                receive(entry)
                after()


def _take(entries: Iterator[Entry]) -> list[Entry]:
    return list(islice(entries, _AT_ONCE))


class ReplayedPort(SerialOptions):
    """A serial adapter whose line is the recording."""

    _player: Player = PrivateAttr()

    @classmethod
    def of(cls, options: SerialOptions, player: Player) -> ReplayedPort:
        """The same adapter, asking nothing: what was answered then is in the recording."""
        framing = _TimedFraming(type=options.framing.type)
        framing._options, framing._player = options.framing, player
        made = cls.model_construct(**{**dict(options), "framing": framing, "poll": None})
        made._player = player
        return made

    def wire(self) -> Wire:
        """The recording."""
        return _RecordedWire(self._player)


class _TimedFraming(FramingOptions):
    """A framing that goes by the time of the recording."""

    _options: FramingOptions = PrivateAttr()
    _player: Player = PrivateAttr()

    def build(self) -> Framing:
        framing = self._options.build()
        self._player.measure_pauses(framing)
        return framing


class _RecordedWire:
    def __init__(self, player: Player) -> None:
        self._player = player

    async def open(self, receive: Receive) -> Connection:
        connection = _RecordedConnection(receive)
        self._player.connect(lambda entry: connection.data_received(entry.data))
        return connection

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def give_up(self) -> None:
        """Nothing was attempted."""


class _RecordedConnection(Connection):
    async def write(self, data: bytes, deadline: float, refusal: Callable[[], str | None] = lambda: None) -> None:
        raise NotSentError(_NOTHING_IS_SENT)

    def _take_back(self) -> int:
        return 0

    def _why(self, error: Exception | None) -> str:
        return "the recording ended"


class ReplayedBroker(MqttOptions):
    """An MQTT adapter whose broker is the recording."""

    _player: Player = PrivateAttr()

    @classmethod
    def of(cls, options: MqttOptions, player: Player) -> ReplayedBroker:
        """The same adapter, at the recording."""
        made = cls.model_construct(**dict(options))
        made._player = player
        return made

    def broker(self, client_id: str, status_topic: str | None = None) -> MessageSource:
        """The recording."""
        return _RecordedBroker(self._player)


class _RecordedBroker:
    def __init__(self, player: Player) -> None:
        self._player = player

    @asynccontextmanager
    async def connect(
        self, receive: Callable[[str, bytes, bool], None], **others: Any
    ) -> AsyncIterator[_RecordedConversation]:
        yield _RecordedConversation(self._player, receive)


class _RecordedConversation:
    def __init__(self, player: Player, receive: Callable[[str, bytes, bool], None]) -> None:
        self._player = player
        self._receive = receive

    async def subscribe(self, filters: list[tuple[str, int]]) -> None:
        """Whatever was recorded, the adapter takes only what is its own."""

    async def unsubscribe(self, filters: list[str]) -> None:
        """Likewise."""

    async def lost(self) -> None:
        self._player.connect(lambda entry: self._receive(cast("str", entry.topic), entry.data, entry.retained))
        await asyncio.get_running_loop().create_future()  # until the replay ends

    async def publish(
        self,
        topic: str,
        payload: bytes,
        expiry: float | None = None,
        *,
        qos: int = 1,
        retain: bool = False,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        user_properties: tuple[tuple[str, str], ...] = (),
        left: Callable[[], None] | None = None,
    ) -> None:
        raise NotSentError(_NOTHING_IS_SENT)
