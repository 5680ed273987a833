"""A load process, as the one that measures sees it."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Worker:
    """A child process that answers each order with one line of JSON; it ends when its input does."""

    def __init__(self, module: str, argument: str) -> None:
        self._name = module
        self.told: dict[str, Any] = {}  # what it said when it was ready
        self._child = subprocess.Popen(
            [sys.executable, "-m", module, argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def ask(self, do: str, patience: float = 15.0, **members: Any) -> dict[str, Any]:
        """Gives an order and returns the answer to it."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"do": do, **members}).encode() + b"\n")
        return self.hear(patience)

    def hear(self, patience: float) -> dict[str, Any]:
        """The next answer; RuntimeError when none comes in `patience` seconds."""
        output = self._child.stdout
        assert output is not None
        deadline = time.monotonic() + patience
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([output], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise RuntimeError(f"{self._name} does not answer within {patience:g} s")
            piece = output.read(65536)
            if not piece:
                raise RuntimeError(f"{self._name} ended with {self._child.wait(10)}")
            line += piece
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Ends it, politely first."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()


@contextmanager
def worker(module: str, argument: str = "", patience: float = 60.0) -> Iterator[Worker]:
    """A load process that has said that it is ready, ended afterwards."""
    child = Worker(f"benchmarks.load.{module}", argument)
    try:
        child.told = child.hear(patience)
        yield child
    finally:
        child.end()
