"""An open serial port: the one file that meets pyserial and pyserial-asyncio, and mends what they leave open."""

from __future__ import annotations

import asyncio
import errno
import os
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import serial
import serial_asyncio
from serial.tools.list_ports import comports

from gateway.errors import LinkError, NotSentError, UncertainError

_READ = 65536  # bytes at once
_OPEN_TIMEOUT = 5.0  # seconds
_STUCK = "the port takes no data: is its flow control stuck?"


@dataclass(frozen=True, slots=True)
class PortSettings:
    """What a port is opened with; `parity` by its first letter."""

    port: str
    baudrate: int
    bytesize: int
    parity: str
    stopbits: float


class Opener:
    """Opens one port, each attempt in a thread of its own: opening can block for seconds, or for ever."""

    def __init__(self, settings: PortSettings) -> None:
        self._settings = settings
        self._opening: asyncio.Future[serial.Serial] | None = None  # survives a time-out: never two at once

    async def open(self, receive: Callable[[bytes], None]) -> Connection:
        """The connection, whose bytes go to `receive`; raises LinkError with a line that says what to do."""
        port = await self._open()
        connection = Connection(receive)
        try:
            transport = Transport(asyncio.get_running_loop(), connection, port)
        except (serial.SerialException, OSError, termios.error) as error:  # it looks at the settings again
            port.close()
            raise LinkError(_opening_failed(self._settings.port, error)) from error
        try:
            await connection.made
        except BaseException:
            transport.abort()
            raise
        return connection

    async def _open(self) -> serial.Serial:
        if self._opening is None:
            self._opening = _in_thread(lambda: _open_port(self._settings), f"open:{self._settings.port}")
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

    def give_up(self) -> None:
        """Lets go of an attempt that still hangs, and of the port that it may yet open."""
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.add_done_callback(_close_port)


class Connection(asyncio.Protocol):
    """The port's events. `lost` ends with a LinkError when the port goes."""

    def __init__(self, receive: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self._receive = receive
        self._transport: Transport | None = None
        self._turn = asyncio.Lock()  # devices that share the line are commanded side by side
        self._flushed: asyncio.Future[None] | None = None
        self.made: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("Transport", transport)
        # With both marks at 0, every write pauses, and resumes when the port took it: that tells when it is sent.
        self._transport.set_write_buffer_limits(high=0, low=0)
        if not self.made.done():
            self.made.set_result(None)

    def data_received(self, data: bytes) -> None:
        try:
            self._receive(data)
        except Exception:  # bulkhead: pyserial-asyncio would leave a port that is open and deaf
            self._end("internal error, see the log")
            raise

    def resume_writing(self) -> None:
        if self._flushed is not None and not self._flushed.done():
            self._flushed.set_result(None)

    def close(self) -> None:
        """Lets go of the port at once: while a dead descriptor is held, the board comes back under another name."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end(_plainly(exc) if exc is not None else "the port was closed")

    def _end(self, reason: str) -> None:
        failure = LinkError(reason)
        for future in (self.made, self.lost, self._flushed):
            if future is not None and not future.done():
                future.set_exception(failure)
                future.exception()  # looked at: it may have no waiter

    async def write(self, data: bytes, deadline: float) -> None:
        """Hands the data to the port before the deadline (monotonic seconds), or takes it back.

        Raises NotSentError where nothing of it was taken, UncertainError where a part was or may have been.
        """
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await self._turn.acquire()
        except TimeoutError:
            raise NotSentError(_STUCK) from None
        try:
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
        transport.write(data)
        try:
            async with asyncio.timeout(left):
                await self._flushed
        except TimeoutError:
            unsent = transport.take_back()
            if unsent == len(data):
                raise NotSentError(_STUCK) from None
            # The next frame would be glued to the torn one, so the port starts anew.
            self._end(f"a command went out in part: {_STUCK}")
            raise UncertainError("the port took a part of it only") from None
        except LinkError as error:
            raise UncertainError(f"the link broke while it was being written: {error}") from error
        except asyncio.CancelledError:
            transport.take_back()
            raise
        finally:
            self._flushed = None


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


def _open_port(settings: PortSettings) -> serial.Serial:
    """Opens the port as configured; raises LinkError with a line that says what to do."""
    try:
        return serial.Serial(
            settings.port,
            baudrate=settings.baudrate,
            bytesize=settings.bytesize,
            parity=settings.parity,
            stopbits=settings.stopbits,
            timeout=0,
            write_timeout=0,
            exclusive=True,  # two programs on one port steal each other's bytes
        )
    except (serial.SerialException, OSError, termios.error, ValueError) as error:
        raise LinkError(_opening_failed(settings.port, error)) from error


def _opening_failed(port: str, error: Exception) -> str:
    number = _number(error)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return f"{port} is not there: unplugged?"
    if number in (errno.EACCES, errno.EPERM):
        return f"{port} may not be opened: add the user to its group (usually `sudo usermod -aG dialout $USER`)"
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return f"{port} is in use by another program"
    if number in (errno.ENOTTY, errno.EISDIR):
        return f"{port} is not a serial port"
    if number == errno.EINVAL:
        return f"{port} does not take these settings of baudrate, bytesize, parity and stopbits"
    return f"{port} cannot be opened: {_plainly(error)}"


def _plainly(error: Exception) -> str:
    """The error as a person reads it."""
    number = _number(error)
    if number in (errno.EIO, errno.ENODEV, errno.ENXIO, errno.EBADF):
        return "the port went away: unplugged?"
    return os.strerror(number) if number is not None else (str(error) or type(error).__name__).splitlines()[0]


def _number(error: BaseException | None) -> int | None:
    """The errno of an error; pyserial hides some of them in the error before."""
    if isinstance(error, termios.error):
        return error.args[0] if error.args and isinstance(error.args[0], int) else None
    if isinstance(error, OSError) and error.errno is None:
        return _number(error.__context__)
    return error.errno if isinstance(error, OSError) else None


def _in_thread(work: Callable[[], serial.Serial], name: str) -> asyncio.Future[serial.Serial]:
    """Runs the work in a daemon thread, which cannot keep the process from ending even when it hangs."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[serial.Serial] = loop.create_future()

    def finish(port: serial.Serial | None, error: BaseException | None) -> None:
        if error is not None:
            future.set_exception(error)
            future.exception()  # looked at: it may have no waiter
        elif port is not None:
            future.set_result(port)

    def target() -> None:
        port: serial.Serial | None = None
        failure: Exception | None = None
        try:
            port = work()
        except Exception as error:  # noqa: BLE001  whatever it is, the one who waits has to hear of it
            failure = error
        try:
            loop.call_soon_threadsafe(finish, port, failure)
        except RuntimeError:  # the loop has closed meanwhile
            if port is not None:
                port.close()

    threading.Thread(target=target, name=name, daemon=True).start()
    return future


def _close_port(opening: asyncio.Future[serial.Serial]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial port of this machine. `link` is its name that stays the same when it is plugged in elsewhere."""

    path: str
    link: str | None
    vid: int | None
    pid: int | None
    serial_number: str | None
    maker: str | None
    product: str | None


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
