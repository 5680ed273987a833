"""Listens on a port at one baud rate after the other, until it is clear what it hears."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from gateway.adapters.serial import SerialOptions
from gateway.adapters.wire import Connection
from gateway.adapters.wire.port import PortConnection
from gateway.detection import Capture, Guess, guess
from gateway.errors import DeliveryError

RATES = (115200, 9600, 57600, 38400, 19200, 230400, 460800, 921600, 4800, 2400, 1200)
PROBES = (b"\r\n", b"?\r\n")  # what is sent to a board that says nothing

_MOST = 64 * 1024  # bytes that are looked at
_LOOK_EVERY = 0.5  # seconds
_SETTLE = 0.05  # seconds
_TURN = 0.05  # seconds between two looks at whether something came
_CERTAIN = 3  # frames that must have been read before it is enough
_CERTAIN_BINARY = 8  # and of binary ones, whose fields show only by how they change
_PLENTY = 12  # and with which nothing more needs to be waited for
_LONGER = 3  # times as long, where something was heard that may become clear
_AGAIN = 3  # baud rates that are tried once more


@dataclass(frozen=True)
class Heard:
    """What came at one baud rate; None where there are none."""

    baudrate: int | None
    capture: Capture
    guesses: list[Guess]

    @property
    def best(self) -> Guess | None:
        """The likeliest guess."""
        return self.guesses[0] if self.guesses else None

    @property
    def settled(self) -> bool:
        """Whether no other baud rate can do better."""
        best = self.best
        return best is not None and best.sure and best.proven

    @property
    def promise(self) -> tuple[bool, bool, float]:
        """By which of several is the likeliest."""
        best = self.best
        if best is None:
            return False, False, 0.0
        if best.proven:
            return best.sure, best.sure, best.rank
        return best.sure, False, best.bits * (1 - _ramps(self.capture.data))


def has_speed(port: str) -> bool:
    """Whether the baud rate means anything there: it does not on a pseudo-terminal, nor behind a TCP server."""
    return "://" not in port and not os.path.realpath(port).startswith("/dev/pts/")


class Listening:
    """One open port. `show` is told how far it is, `note` what stays to be read."""

    def __init__(self, port: str, show: Callable[[str], None], note: Callable[[str], None], *, probe: bool) -> None:
        self._port = port
        self._show = show
        self._note = note
        self._probe = probe
        self._chunks: list[tuple[float, bytes]] = []
        self._size = 0
        self.probed = 0

    async def run(self, rates: Sequence[int | None], seconds: float) -> list[Heard]:
        """What was heard at each rate, the likeliest first; raises LinkError where the port does not open, or goes."""
        async with self._opened(rates[0]) as connection:
            if not has_speed(self._port):
                where = "behind a TCP server" if "://" in self._port else "on a pseudo-terminal"
                self._note(f"the baud rate means nothing {where}")
            heard = await self._through(connection, rates, seconds)
            best = max(heard, key=lambda one: one.promise)
            if not (best.best and best.best.sure) and len(rates) > 1:
                # What was hidden by a board that had just started, or speaks seldom.
                spoke = sorted((one for one in heard if one.capture.data), key=lambda one: one.promise, reverse=True)
                again = [one.baudrate for one in spoke[:_AGAIN]]
                if again:
                    self._note("not clear yet: listening for longer where something was heard")
                heard += await self._through(connection, again, seconds * _LONGER)
        return sorted(heard, key=lambda one: one.promise, reverse=True)

    @asynccontextmanager
    async def _opened(self, baudrate: int | None) -> AsyncIterator[Connection]:
        given = {"id": "port", "port": self._port, **({} if baudrate is None else {"baudrate": baudrate})}
        wire = SerialOptions.model_validate(given).wire()
        self._show(f"opening {self._port} …")
        try:
            connection = await wire.open(self._receive)
            try:
                yield connection
            finally:
                connection.close()
        finally:
            wire.give_up()

    def _receive(self, data: bytes) -> None:
        if self._size < _MOST:
            self._chunks.append((time.monotonic(), data))
            self._size += len(data)

    async def _through(self, connection: Connection, rates: Sequence[int | None], seconds: float) -> list[Heard]:
        heard = []
        for rate in rates:
            if rate is not None and isinstance(connection, PortConnection):
                connection.change_baudrate(rate)
                await asyncio.sleep(_SETTLE)  # what came at the rate before is handed over, and forgotten
            heard.append(await self._listen(connection, rate, seconds))
            if heard[-1].settled:
                break
        return heard

    async def _listen(self, connection: Connection, rate: int | None, seconds: float) -> Heard:
        self._chunks, self._size = [], 0
        started = looked = time.monotonic()
        seen, left = 0, list(PROBES) if self._probe else []
        guesses: list[Guess] = []
        while True:
            await asyncio.wait((connection.lost,), timeout=_TURN)
            if connection.lost.done():
                await connection.lost
            now = time.monotonic()
            elapsed = now - started
            self._show(f"{_named(rate)}: {self._size} bytes in {elapsed:.1f} s")
            if left and not self._size and elapsed > seconds * (1 - len(left) / (len(PROBES) + 1)):
                await self._send(connection, left.pop(0))
            over = elapsed >= seconds or self._size >= _MOST
            if self._size > seen and (over or now - looked >= _LOOK_EVERY):
                looked, seen = now, self._size
                guesses = await asyncio.to_thread(guess, Capture.of(self._chunks))
                if self._is_enough(guesses, over):
                    break
            if self._size >= _MOST or elapsed >= seconds * (_LONGER if self._may_become_clear(guesses) else 1):
                break
        heard = Heard(rate, Capture.of(self._chunks), guesses)
        self._note(f"{_named(rate)}: {self._told(heard)}")
        return heard

    async def _send(self, connection: Connection, probe: bytes) -> None:
        with suppress(DeliveryError):  # a port that takes nothing is listened to all the same
            await connection.write(probe, time.monotonic() + 0.5)
            self.probed += 1

    @staticmethod
    def _is_enough(guesses: list[Guess], over: bool) -> bool:
        if not guesses or not guesses[0].sure or not guesses[0].proven:
            return False
        return guesses[0].read >= (_needed(guesses[0]) if over else _PLENTY)

    def _may_become_clear(self, guesses: list[Guess]) -> bool:
        """Whether what was heard looks like something, of which more is needed."""
        if not guesses or (guesses[0].sure and guesses[0].read >= _needed(guesses[0])):
            return False
        return guesses[0].sure or guesses[0].score > 0.5 or self._size < 64

    @staticmethod
    def _told(heard: Heard) -> str:
        size = len(heard.capture.data)
        if not size:
            return "nothing"
        best = heard.best
        if best is None or not best.sure:
            return f"{size} bytes, not understood"
        doubt = "" if best.proven else ", maybe"
        return f"{size} bytes{doubt}: {best.framing['type']} of {best.codec['type']}"


def _needed(guess: Guess) -> int:
    """Frames that must have been read."""
    return _CERTAIN_BINARY if guess.codec["type"] == "struct" else _CERTAIN


def _named(rate: int | None) -> str:
    return "listening" if rate is None else f"{rate} baud"


def _ramps(data: bytes) -> float:
    """How far the bytes are those that a slower line gives: each of its bits is several here, so they come in runs."""
    if not data:
        return 0.0
    return len(data.translate(None, _NOT_RAMPS)) / len(data)


_RAMPS = {0xFF << shift & 0xFF for shift in range(9)} | {0xFF >> shift for shift in range(9)}
_NOT_RAMPS = bytes(set(range(256)) - _RAMPS)
