"""A serial board on a pty, with readings as JSON lines or in another form: `python -m benchmarks.load.lines [FORM]`."""

from __future__ import annotations

import os
import sys
import time
import tty
from itertools import cycle, islice

from benchmarks.load import readings
from benchmarks.load.forms import FORMS
from benchmarks.load.orders import Order, answer, next_order

_BLOCK = 64  # frames written at once


class Board:
    """The far end of the pty; it keeps the near end open too, so that nobody hangs up in between."""

    def __init__(self, form: str) -> None:
        self._frames = cycle(FORMS[form].pool())
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._said = 0

    def flood(self, order: Order) -> Order:
        """Says so many frames as fast as they are taken."""
        left = order["count"]
        while left:
            block = min(left, _BLOCK)
            self._write(b"".join(islice(self._frames, block)))
            self._said += block
            left -= block
        return {"published": self._said}

    def steady(self, order: Order) -> Order:
        """Says so many numbered and stamped lines of JSON a second until the next order."""
        answer(started=True)
        started, first = time.monotonic(), self._said
        while True:
            wait = started + (self._said - first) / order["rate"] - time.monotonic()
            if wait > 0:
                if next_order(wait) is not None:
                    return {"published": self._said}
                continue
            self._write(readings.encode(self._said) + b"\n")
            self._said += 1

    def _write(self, text: bytes) -> None:
        while text:
            text = text[os.write(self._master, text) :]


def main() -> None:
    """Obeys `flood` and `steady`."""
    board = Board(next(iter(sys.argv[1:]), "") or "json")
    answer(path=board.path)
    while True:
        order = next_order(None)
        if order is not None:
            answer(**(board.flood(order) if order["do"] == "flood" else board.steady(order)))


if __name__ == "__main__":
    main()
