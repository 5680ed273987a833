"""One connection of the load: it counts readings, and looks closely at them where it is sampled."""

from __future__ import annotations

import socket
import time
from array import array

from benchmarks.load import readings

_BUFFER = bytearray(256 * 1024)
_VIEW = memoryview(_BUFFER)
_KEEP = len(readings.MARKER) - 1
_BRACE = ord("}")
_MOST_AGES = 4_000_000


class Client:
    """Counts the readings that come in on a socket."""

    __slots__ = ("_tail", "open", "readings", "socket")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.open = True
        self.readings = 0
        self._tail = b""

    def receive(self) -> int:
        """Takes what is there; returns how many readings that were."""
        place = len(self._tail)
        _BUFFER[:place] = self._tail
        try:
            size = self.socket.recv_into(_VIEW[place:] if place else _VIEW)
        except BlockingIOError:
            return 0
        except OSError:
            size = 0
        if size == 0:
            self.open = False
            return 0
        end = place + size
        found = _BUFFER.count(readings.MARKER, 0, end)
        self.readings += found
        # A marker may be cut in two, but not where a reading ends.
        self._tail = b"" if _BUFFER[end - 1] == _BRACE else bytes(_BUFFER[max(0, end - _KEEP) : end])
        return found


class SampledClient(Client):
    """Also checks that the numbers come one after the other, and notes how old each reading is."""

    __slots__ = ("_next", "ages", "holes", "repeats")

    def __init__(self, sock: socket.socket, ages: array[int]) -> None:
        super().__init__(sock)
        self.ages = ages  # nanoseconds; shared with the other sampled clients
        self.holes = 0  # readings that were left out
        self.repeats = 0  # readings that came again, or too late
        self._next = 0

    def receive(self) -> int:
        """Takes what is there; returns how many readings that were."""
        try:
            chunk = self.socket.recv(65536)
        except BlockingIOError:
            return 0
        except OSError:
            chunk = b""
        if not chunk:
            self.open = False
            return 0
        now = time.monotonic_ns()
        text = self._tail + chunk
        ages, end, found = self.ages, 0, 0
        for match in readings.FOUND.finditer(text):
            number = int(match[1])
            if number >= self._next:
                self.holes += number - self._next
                self._next = number + 1
            else:
                self.repeats += 1
            if len(ages) < _MOST_AGES:
                ages.append(readings.age(match[2], now))
            found += 1
            end = match.end()
        self.readings += found
        self._tail = text[max(end, len(text) - readings.LONGEST) :]
        return found
