"""A subscription that outlives its connections: it resumes by cursor, and says of every hole that it is one."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, Protocol

from gateway.cli.client import Address, Connection, Frame, LostError, connect
from gateway.supervise import BackOff

_BACK_OFF = BackOff(first=0.5, longest=30.0)
_HEALTHY_AFTER = 60.0  # seconds after which the back-off starts over


class Listener(Protocol):
    """Who wants to hear what the gateway tells."""

    def devices(self, devices: list[dict[str, Any]], *, whole: bool) -> None:
        """Devices as they are now; `whole` where that is all of them."""
        ...

    def readings(self, readings: list[dict[str, Any]]) -> None:
        """Readings, in order."""
        ...

    def note(self, message: str) -> None:
        """Something that a person should know of the connection."""
        ...


class Following:
    """The readings of some devices, for as long as `run()` runs. `devices` are ids or globs."""

    def __init__(
        self,
        address: Address,
        devices: list[str],
        listener: Listener,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._address = address
        self._devices = devices
        self._listener = listener
        self._draw = draw
        self._cursor: str | None = None
        self._snapshot: list[dict[str, Any]] = []

    async def run(self) -> None:
        """Follows for ever; raises LostError where the first connection fails, StopError, or RefusedError."""
        failures = 0
        broken = False  # and said so
        while True:
            started = time.monotonic()
            try:
                async with connect(self._address) as connection:
                    sub = await self._subscribe(connection)
                    broken = False
                    await self._follow(connection, sub)
            except LostError as error:
                if self._cursor is None:
                    raise
                if not broken:
                    self._listener.note(f"{error}; connecting again")
                healthy = not broken and time.monotonic() - started >= _HEALTHY_AFTER
                failures = 1 if healthy else failures + 1
                broken = True
                pause = error.pause
            await asyncio.sleep(max(pause, self._draw(0.0, _BACK_OFF.bound(failures))))

    async def _subscribe(self, connection: Connection) -> str:
        """The name of the stream. After the first time, it starts where the last connection ended."""
        since = self._cursor
        wanted = {"devices": self._devices} | ({"since": since} if since is not None else {})
        reply = await connection.request("subscribe", **wanted)
        self._snapshot = []
        if since is not None:
            missed = "nothing was missed" if reply["recovered"] else "what came meanwhile is lost"
            self._listener.note(f"connected again: {missed}")
        return str(reply["sub"])

    async def _follow(self, connection: Connection, sub: str) -> None:
        while True:
            frame = await connection.receive()
            kind = frame["type"]
            if kind == "expiring":
                self._listener.note("the token expires in a moment")
            elif frame.get("sub") != sub:
                continue
            elif kind == "update":
                self._update(frame)
            elif kind == "snapshot":
                self._take_part(frame)
            elif kind == "gap":  # a snapshot follows, and from its cursor it goes on
                self._listener.note(f"gap: {frame['lost']} readings are lost ({frame['reason']})")

    def _update(self, frame: Frame) -> None:
        if frame["prev"] != self._cursor:
            # From the last cursor on, the log has what is missing, or says that it has not.
            raise LostError("the gateway left something out")
        if devices := frame.get("devices"):
            self._listener.devices(devices, whole=False)
        if readings := frame.get("readings"):
            self._listener.readings(readings)
        self._cursor = frame["cursor"]

    def _take_part(self, frame: Frame) -> None:
        """A part of a snapshot, which counts once it is complete."""
        self._snapshot += frame["devices"]
        if not frame.get("more"):
            whole, self._snapshot = self._snapshot, []
            self._listener.devices(whole, whole=True)
            self._cursor = frame["cursor"]
