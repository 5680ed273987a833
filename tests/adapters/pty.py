"""A bare pty behind a link: the far end does what a test says and nothing else, not even read."""

import os
import select
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.parts.waiting import eventually


class Pty:
    """The far end. `path` is the near end's own, `link` points to it."""

    def __init__(self, link: Path) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self.link = link
        self.heard = b""
        link.symlink_to(self.path)

    def say(self, data: bytes) -> None:
        """Writes all of it: it must fit into what the kernel holds."""
        assert os.write(self.master, data) == len(data)

    def listen(self) -> bytes:
        """Everything that was heard so far."""
        with suppress(BlockingIOError, OSError):
            while part := os.read(self.master, 65536):
                self.heard += part
        return self.heard

    async def line(self, count: int = 1) -> list[bytes]:
        """The first lines that were heard, once there are so many."""
        await eventually(lambda: self.listen().count(b"\n") >= count, 10, f"{count} lines")
        return self.heard.split(b"\n")[:count]

    def fill(self) -> None:
        """Fills what the kernel holds for the far end, to the last byte."""
        near = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            writable = select.poll()
            writable.register(near, select.POLLOUT)
            size = 4096
            # It makes room for a while yet, as it moves what it has; and it takes some when it says that it does not.
            while size or writable.poll(100):
                try:
                    os.write(near, b"\0" * max(size, 1))
                except BlockingIOError:
                    size //= 2
        finally:
            os.close(near)

    def close(self) -> None:
        """Hangs up."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


@contextmanager
def bare_pty(link: Path) -> Iterator[Pty]:
    """A pty that nobody reads."""
    pty = Pty(link)
    try:
        yield pty
    finally:
        pty.close()
