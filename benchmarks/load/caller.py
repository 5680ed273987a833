"""A client that calls again and again, and measures how long it waits: `python -m benchmarks.load.caller JSON`."""

from __future__ import annotations

import json
import sys
import time

from benchmarks.load import websocket
from benchmarks.load.joining import Step, connect, say
from benchmarks.load.orders import Order, answer, next_order

_EVERY = 0.05  # seconds between two calls


def main(order: Order) -> None:
    """Calls until the input ends; `begin` forgets what was, `end` tells what has been since."""
    port, path, token = order["port"], order["path"], order["token"]
    hello = Step(websocket.upgrade(f"127.0.0.1:{port}", path, "fieldgate.v1", token), b'"auth":"ok"')
    waits: list[float] = []
    answer(ready=True)
    while True:
        asked = next_order(_EVERY)
        if asked is not None:
            if asked["do"] == "begin":
                waits = []
            answer(calls=len(waits), longest=max(waits, default=0.0))
        began = time.monotonic()
        with connect(port, "127.0.0.1") as sock:
            say(sock, hello)
        waits.append(time.monotonic() - began)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
