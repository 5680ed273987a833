"""Publishes readings over MQTT at a steady rate: `python -m benchmarks.load.publisher PORT`."""

from __future__ import annotations

import socket
import sys
import time

from benchmarks.load import mqtt, readings
from benchmarks.load.orders import Order, answer, next_order

_LISTEN_EVERY = 256  # readings; a publisher that is late still hears that it shall stop


def main(port: int) -> None:
    """Obeys `{"do":"publish","rate":…,"topics":[…]}` until `{"do":"stop"}`, and says how many it published."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as broker:
        broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        broker.sendall(mqtt.connect("publisher"))
        if broker.recv(4)[:1] != bytes((mqtt.CONNACK,)):
            raise SystemExit("the broker refuses the publisher")
        answer(ready=True)
        while True:
            order = next_order(None)
            if order is not None and order["do"] == "publish":
                _publish(broker, order)


def _publish(broker: socket.socket, order: Order) -> None:
    topics = [topic.encode() for topic in order["topics"]]
    interval = 1 / order["rate"]
    started = time.monotonic()
    published = 0
    answer(started=True)
    while True:
        wait = started + published * interval - time.monotonic()
        if wait > 0 or published % _LISTEN_EVERY == 0:
            if next_order(max(wait, 0.0)) is not None:
                answer(published=published)
                return
            if wait > 0:
                continue
        broker.sendall(mqtt.publish(topics[published % len(topics)], readings.encode(published)))
        published += 1


if __name__ == "__main__":
    main(int(sys.argv[1]))
