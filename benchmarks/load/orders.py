"""How a load process is told what to do: a line of JSON in, a line of JSON back."""

from __future__ import annotations

import json
import os
import select
import sys
from typing import Any

Order = dict[str, Any]
INPUT = sys.stdin.fileno()


def answer(**members: Any) -> None:
    """Writes one line to the process that gives the orders."""
    sys.stdout.write(json.dumps(members) + "\n")
    sys.stdout.flush()


def next_order(wait: float | None) -> Order | None:
    """The next order; None when `wait` seconds brought none. The end of the input ends the process."""
    if not select.select([INPUT], [], [], wait)[0]:
        return None
    line = bytearray()
    while not line.endswith(b"\n"):  # the orders are short, and no buffer may hide one from `select`
        byte = os.read(INPUT, 1)
        if not byte:
            raise SystemExit
        line += byte
    order: Order = json.loads(line)
    return order
