"""The last part of a frame's way to the port: framed, spoilt where a fault says so, and glued where one does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device_sims.faults import Faults
from device_sims.pty_port import PtyPort
from device_sims.wire import Framing


class Outgoing:
    """Writes frames into a port, and counts those that it took in `sent`."""

    def __init__(self, port: PtyPort, framing: Framing, faults: Faults) -> None:
        self.sent = 0
        self.lost = 0  # frames that waited for others when the port went
        self._port = port
        self._framing = framing
        self._faults = faults
        self._waiting: list[bytes] = []

    def say(self, payload: bytes, *, urgent: bool = False) -> bool:
        """Sends a frame, or keeps it until others are there to go with it, unless it is `urgent`; False where lost."""
        frame = self._framing.wrap(payload, spoilt=self._faults.spoils_checksum())
        lost = min(self._faults.cut(), len(frame) - 1)
        self._waiting.append(self._noise() + frame[: len(frame) - lost])
        return (len(self._waiting) < self._faults.held() and not urgent) or self._flush()

    def write(self, written: bytes, *, frames: int = 1) -> bool:
        """Sends any bytes behind what waits, faults or none; False where they were lost."""
        self._flush()
        accepted = self._port.write(written, frames)
        self.sent += frames * accepted
        return accepted

    def forget(self) -> None:
        """Loses what waits."""
        self.lost += len(self._waiting)
        self._waiting.clear()

    def _flush(self) -> bool:
        if not self._waiting:
            return True
        accepted = self._port.write(b"".join(self._waiting), len(self._waiting))
        self.sent += len(self._waiting) * accepted
        self._waiting.clear()
        return accepted

    def _noise(self) -> bytes:
        """Noise that ends as a frame of this line does."""
        noise = self._faults.noise()
        return noise[:-1] + self._framing.separator if noise.endswith(b"\n") else noise


class Later:
    """Calls that are made after a while, unless they are forgotten before."""

    def __init__(self) -> None:
        self._handles: set[asyncio.TimerHandle] = set()

    def call(self, seconds: float, callback: Callable[[], object]) -> None:
        """Calls after so many seconds."""

        def due() -> None:
            self._handles.discard(handle)
            callback()

        handle = asyncio.get_running_loop().call_later(seconds, due)
        self._handles.add(handle)

    def forget(self) -> None:
        """Makes none of the calls that are left."""
        for handle in self._handles:
            handle.cancel()
        self._handles.clear()
