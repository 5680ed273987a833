"""Nodes on one line that speak only when they are asked: the far end of a pty, scripted by a test."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.adapters.pty import Pty, bare_pty

Answer = Callable[[str, int], bytes]  # of a node, to its so many-eth request


def named(node: str, count: int) -> bytes:
    return b'{"node":"%s","n":%d}\n' % (node.encode(), count)


def nameless(node: str, count: int) -> bytes:
    """The value tells the test who said it, and the gateway nothing."""
    return b"%s %d\n" % (node.encode(), count)


class Nodes:
    """Answers `READ <node>` after `delay` seconds; other lines it only keeps.

    `dead` do not answer, and `delays` has nodes that take another time. `asked` is every request and when it came,
    and `collisions` counts those that came while an answer was still on its way.
    """

    def __init__(self, pty: Pty, answer: Answer, delay: float) -> None:
        self.pty = pty
        self.answer = answer
        self.delay = delay
        self.delays: dict[str, float] = {}
        self.dead: set[str] = set()
        self.echo = False
        self.asked: list[tuple[float, str]] = []
        self.others: list[bytes] = []
        self.answers: Counter[str] = Counter()
        self.collisions = 0
        self._under_way = 0
        self._rest = b""

    def say(self, data: bytes) -> None:
        self.pty.say(data)

    def count(self, node: str) -> int:
        """How many requests the node got."""
        return sum(asked == node for _, asked in self.asked)

    def came(self) -> None:
        try:
            *lines, self._rest = (self._rest + os.read(self.pty.master, 65536)).split(b"\n")
        except OSError:  # nobody has the near end open
            return
        for line in lines:
            if self.echo:
                self.say(line + b"\n")
            word, _, node = line.decode().partition(" ")
            if word != "READ":
                self.others.append(line)
                continue
            self.asked.append((time.monotonic(), node))
            self.collisions += self._under_way > 0
            if node not in self.dead:
                self._under_way += 1
                asyncio.get_running_loop().call_later(self.delays.get(node, self.delay), self._speak, node)

    def _speak(self, node: str) -> None:
        self._under_way -= 1
        self.answers[node] += 1
        if self.pty.master >= 0:
            self.say(self.answer(node, self.answers[node]))


@asynccontextmanager
async def polled(folder: Path, answer: Answer = named, delay: float = 0.002) -> AsyncIterator[Nodes]:
    """Nodes behind a pty."""
    with bare_pty(folder / "port") as pty:
        nodes = Nodes(pty, answer, delay)
        held = os.open(pty.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)  # or the far end would see hang-ups
        loop = asyncio.get_running_loop()
        loop.add_reader(pty.master, nodes.came)
        try:
            yield nodes
        finally:
            loop.remove_reader(pty.master)
            os.close(held)
