"""A serial port that can be pulled out: a pty behind a symlink that keeps its name."""

from __future__ import annotations

import asyncio
import os
import select
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PENDING_LIMIT = 4096  # bytes that wait for a slow reader; a board has about as much memory for it
READ_SIZE = 4096
READS_A_TURN = 16  # whoever floods the port shares the event loop with others


class PtyPort:
    """The board's end of a pty; the other end is found at `link`.

    Behaves like a USB board: what it says while nobody has the port open, or nobody reads, is lost (and counted in
    `dropped`), and it keeps going. Only the master is held, so that the other end can be seen to open and close.
    `receive` takes bytes as they come; `forget` is called when whoever had the port open has closed it, or was hung up
    on. `pause` gives the seconds between pieces of at most `piece` bytes, or None to write all at once.
    """

    def __init__(
        self,
        link: Path,
        *,
        receive: Callable[[bytes], None],
        forget: Callable[[], None],
        pause: Callable[[], float | None],
        piece: Callable[[], int] = lambda: 1,
    ) -> None:
        self.link = link
        self.path: str | None = None
        self.dropped = 0
        self._receive = receive
        self._forget = forget
        self._pause = pause
        self._piece = piece
        self._pending = bytearray()
        self._timer: asyncio.Handle | None = None
        self._master = -1
        self._epoll: select.epoll | None = None

    @property
    def plugged(self) -> bool:
        """Whether there is a pty behind the link."""
        return self.path is not None

    @property
    def is_open(self) -> bool:
        """Whether somebody has the other end open."""
        return self.plugged and not self._hung_up()

    def plug(self) -> None:
        """Makes a new pty and points the link at it in one step; does nothing while plugged.

        Raises `FileExistsError` where something other than a symlink is in the way, `OSError` where it cannot be made.
        """
        if self.plugged:
            return
        if self.link.exists() and not self.link.is_symlink():
            raise FileExistsError(f"{self.link} exists and is not a symlink")
        master, slave = os.openpty()
        try:
            tty.setraw(slave)  # no echo, no line editing, no translation of line ends
            path = os.ttyname(slave)
            os.set_blocking(master, False)
            self._point_link_at(path)
        except OSError:
            os.close(master)
            raise
        finally:
            os.close(slave)
        self._master = master
        self.path = path
        # While nobody has the other end open, a level-triggered wait on the master returns at once, for ever. An
        # edge-triggered one reports that once, and then only what is new; the loop waits for the epoll object.
        self._epoll = select.epoll()
        self._epoll.register(master, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._on_event)

    def unplug(self) -> None:
        """Takes the link away and hangs up on whoever has the port open; does nothing while unplugged."""
        if self._epoll is None or self.path is None:
            return
        if self._link_is_ours():
            self.link.unlink(missing_ok=True)
        asyncio.get_running_loop().remove_reader(self._epoll.fileno())
        self._epoll.close()
        os.close(self._master)
        self._epoll = None
        self._master = -1
        self.path = None
        self._forget_pending()
        self._forget()

    def write(self, written: bytes, frames: int = 1) -> bool:
        """Sends all of the so many frames, or drops all of them, counts them and returns False; never waits."""
        if not self.is_open or (self._pending and len(self._pending) + len(written) > PENDING_LIMIT):
            self.dropped += frames
            return False
        self._pending += written
        if self._timer is None:
            self._pump()
        return True

    def _pump(self) -> None:
        """Writes what is pending until the other end takes no more; its next edge, or the timer, calls again."""
        self._timer = None
        while self._pending:
            pause = self._pause()
            try:
                written = os.write(self._master, self._pending if pause is None else self._pending[: self._piece()])
            except BlockingIOError:
                return
            except OSError:
                self._forget_pending()
                return
            del self._pending[:written]
            if pause is not None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(pause, self._pump) if pause else loop.call_soon(self._pump)
                return

    def _on_event(self) -> None:
        if self._epoll is None:
            return
        self._epoll.poll(0)
        for _ in range(READS_A_TURN):  # an edge comes once, so the end must be seen
            try:
                received = os.read(self._master, READ_SIZE)
            except OSError:  # nothing more (EAGAIN), or nobody there (EIO)
                break
            self._receive(received)
            if not self.plugged:  # what was received may have led to that
                return
        else:
            asyncio.get_running_loop().call_soon(self._on_event)
        if self._hung_up():
            self._reset()
        elif self._timer is None:
            self._pump()

    def _reset(self) -> None:
        """Gives the next one who opens the port an empty and raw one, whatever the last one left behind."""
        self._forget_pending()
        self._forget()
        if self._epoll is None or self.path is None:
            return
        termios.tcflush(self._master, termios.TCOFLUSH)  # what is on its way between the ends
        with suppress(OSError):  # someone may have opened it for himself alone just now
            slave = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                termios.tcflush(slave, termios.TCIFLUSH)  # what waits at the other end
                tty.setraw(slave, termios.TCSANOW)
            finally:
                os.close(slave)
        self._epoll.poll(0)  # that this other end closed is no news

    def _forget_pending(self) -> None:
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hung_up(self) -> bool:
        poll = select.poll()
        poll.register(self._master, 0)
        return bool(poll.poll(0))

    def _point_link_at(self, path: str) -> None:
        beside = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        beside.symlink_to(path)
        beside.replace(self.link)  # whoever looks sees the old port or the new one, never none

    def _link_is_ours(self) -> bool:
        """Another board may have taken the name since."""
        try:
            return str(self.link.readlink()) == self.path
        except OSError:
            return False
