"""An open serial port: the one file that meets pyserial and pyserial-asyncio, and mends what they leave open."""

from __future__ import annotations

import asyncio
import errno
import os
import termios
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import serial
import serial_asyncio
from serial.tools.list_ports import comports

from gateway.adapters.wire import Connection, Receive, hotplug
from gateway.adapters.wire.failures import is_denied, opening_failed, plainly
from gateway.adapters.wire.names import SerialPort, UsbBoard, folders, sight
from gateway.adapters.wire.threads import in_thread
from gateway.errors import LinkError

__all__ = ["Opener", "PortSettings", "SerialPort", "UsbBoard", "list_ports"]

_READ = 65536  # bytes at once
_OPEN_TIMEOUT = 5.0  # seconds
_SETTLE = 2.0  # seconds after a node appeared, in which udev gives it its group


@dataclass(frozen=True, slots=True)
class PortSettings:
    """What a port is opened with; `parity` by its first letter."""

    port: str | UsbBoard
    baudrate: int
    bytesize: int
    parity: str
    stopbits: float
    exclusive: bool = True  # two programs on one port steal each other's bytes


class Opener:
    """The wire of a serial port. Each attempt has a thread of its own: opening can block for seconds, or for ever."""

    def __init__(self, settings: PortSettings) -> None:
        self._settings = settings
        self._opening: asyncio.Future[serial.Serial] | None = None  # survives a time-out: never two at once
        self._seen: object = None  # of the port, before the last attempt

    async def open(self, receive: Receive) -> Connection:
        """The connection, whose bytes go to `receive`; raises LinkError with a line that says what to do."""
        port = await self._open_settled()
        connection = PortConnection(receive)
        try:
            transport = Transport(asyncio.get_running_loop(), connection, port)
        except (serial.SerialException, OSError, termios.error) as error:  # it looks at the settings again
            port.close()
            raise LinkError(opening_failed(port.port, error)) from error
        try:
            await connection.made
        except BaseException:
            transport.abort()
            raise
        return connection

    async def wait(self, seconds: float) -> None:
        """Waits so long, or until the port comes, goes, or is given to others than before the last attempt."""
        name = self._settings.port
        await hotplug.changed(lambda: sight(name), lambda: folders(name), self._seen, seconds)

    def give_up(self) -> None:
        """Lets go of an attempt that still hangs, and of the port that it may yet open."""
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.add_done_callback(_close_port)

    async def _open_settled(self) -> serial.Serial:
        """A node is there a moment before udev gives it to its group: that is waited out, and not complained of."""
        patience = time.monotonic() + _SETTLE
        while True:
            self._seen = sight(self._settings.port)
            try:
                return await self._open()
            except _NewAndDeniedError as error:
                left = patience - time.monotonic()
                if left <= 0:
                    raise LinkError(str(error)) from error
                await self.wait(left)

    async def _open(self) -> serial.Serial:
        if self._opening is None:
            settings = self._settings
            self._opening = in_thread(lambda: _open_port(settings), f"open:{settings.port}", _close)
        opening = self._opening
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT):
                port = await asyncio.shield(opening)
        except TimeoutError:
            raise LinkError(f"{self._settings.port} does not open: the driver hangs") from None
        except asyncio.CancelledError:
            self.give_up()
            raise
        except BaseException:
            self._opening = None
            raise
        self._opening = None
        return port


class PortConnection(Connection):
    """The events of an open serial port."""

    def change_baudrate(self, baudrate: int) -> None:
        """Goes on at another speed without closing, which resets many boards; raises LinkError.

        What came at the speed before, and was not read yet, still comes.
        """
        port = cast("Transport", self._transport).serial if self._transport is not None else None
        if port is None:
            raise LinkError("the port is not open")
        try:
            # Nothing is flushed: a read that is due already would find nothing, as of a port that was pulled.
            port.baudrate = baudrate
        except (serial.SerialException, OSError, termios.error, ValueError) as error:
            raise LinkError(opening_failed(port.port, error)) from error

    def _take_back(self) -> int:
        return cast("Transport", self._transport).take_back() if self._transport is not None else 0

    def _why(self, error: Exception | None) -> str:
        return plainly(error) if error is not None else "the port was closed"


class Transport(serial_asyncio.SerialTransport):  # type: ignore[misc]  # the library has no types
    """pyserial-asyncio's transport, with its escapes closed.

    Any error of the port ends it, once, and says so; ending never waits for unsent data.
    """

    _aborted = False

    def _read_ready(self) -> None:
        try:
            data = os.read(self._serial.fd, _READ)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, TypeError) as error:
            self._abort(error)
            return
        if data:
            self._protocol.data_received(data)
        else:  # readable and nothing there: how Linux shows a port that was pulled
            self._abort(OSError(errno.ENODEV, os.strerror(errno.ENODEV)))

    def _write_ready(self) -> None:
        # Not by pyserial: its write spins for as long as a driver that called itself ready takes nothing.
        data = b"".join(self._write_buffer)
        try:
            written = os.write(self._serial.fd, data)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, TypeError) as error:
            self._abort(error)
            return
        self._write_buffer[:] = [data[written:]] if written < len(data) else []
        if not self._write_buffer:
            self._remove_writer()
        self._maybe_resume_protocol()

    def _fatal_error(self, exc: BaseException, message: str = "") -> None:
        self._abort(exc)

    def _abort(self, exc: BaseException | None) -> None:
        if self._aborted:
            return
        self._aborted = True
        with suppress(OSError, termios.error, TypeError):  # the port is gone: nothing can be unsent
            # Otherwise the library waits in tcdrain, on the loop, until the far end has taken what is unsent.
            termios.tcflush(self._serial.fd, termios.TCIOFLUSH)
        super()._abort(exc)

    def take_back(self) -> int:
        """Drops what was not written yet; returns how many bytes that were."""
        unsent: int = self.get_write_buffer_size()
        self.flush()
        return unsent


class _NewAndDeniedError(LinkError):
    """The node appeared just now, and may not be opened yet."""


def _open_port(settings: PortSettings) -> serial.Serial:
    """Opens the port as configured; raises LinkError with a line that says what to do."""
    name = settings.port
    path = name if isinstance(name, str) else name.among(list_ports())
    try:
        return serial.Serial(
            path,
            baudrate=settings.baudrate,
            bytesize=settings.bytesize,
            parity=settings.parity,
            stopbits=settings.stopbits,
            timeout=0,
            write_timeout=0,
            exclusive=True if settings.exclusive else None,
        )
    except (serial.SerialException, OSError, termios.error, ValueError) as error:
        kind = _NewAndDeniedError if is_denied(error) and _is_new(path) else LinkError
        raise kind(opening_failed(path, error)) from error


def _is_new(path: str) -> bool:
    """Whether the node, or its permissions, are a moment old."""
    try:
        return abs(time.time() - os.stat(path).st_ctime) < _SETTLE
    except OSError:
        return False


def _close(port: serial.Serial) -> None:
    port.close()


def _close_port(opening: asyncio.Future[serial.Serial]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def list_ports(links: Path = Path("/dev/serial/by-id")) -> list[SerialPort]:
    """The serial ports that are plugged in, by path."""
    names = {str(link.resolve()): str(link) for link in sorted(links.glob("*"), reverse=True)}
    return [
        SerialPort(
            path=info.device,
            link=names.get(os.path.realpath(info.device)),
            vid=info.vid,
            pid=info.pid,
            serial_number=info.serial_number,
            maker=info.manufacturer,
            product=info.product,
        )
        for info in sorted(comports())
    ]
