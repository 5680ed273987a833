"""A broker with a flood to deliver, as fast as its one subscriber takes it: `python -m benchmarks.load.flood`.

It speaks as much MQTT as a subscriber needs, and nothing is ever dropped: TCP holds the flood back.
"""

from __future__ import annotations

import select
import socket

from benchmarks.load import mqtt, readings
from benchmarks.load.orders import INPUT, answer, next_order

_TOPICS = [f"bench/d{index:03}/telemetry".encode() for index in range(200)]
_BLOCK = 256  # messages encoded at once
_CONNECT, _PUBLISH, _SUBSCRIBE, _PINGREQ = 1, 3, 8, 12


class Subscriber:
    """The connection of the one subscriber."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.subscribed = False
        self._version5 = False
        self._inbound = b""
        self._outbound = b""
        self._published = 0

    @property
    def busy(self) -> bool:
        """Whether something waits to be taken."""
        return bool(self._outbound)

    def receive(self) -> bool:
        """Takes what it says and answers it; False when it went."""
        try:
            data = self.socket.recv(65536)
        except OSError:
            return False
        self._inbound += data
        while (packet := self._packet()) is not None:
            self._answer(*packet)
        return bool(data)

    def send(self) -> None:
        """Sends as much as it takes."""
        try:
            sent = self.socket.send(self._outbound)
        except BlockingIOError:
            return
        self._outbound = self._outbound[sent:]

    def publish(self, count: int) -> None:
        """Queues so many messages."""
        first, self._published = self._published, self._published + count
        self._outbound += b"".join(
            self._message(_TOPICS[number % len(_TOPICS)], readings.encode(number))
            for number in range(first, self._published)
        )

    def _message(self, topic: bytes, payload: bytes) -> bytes:
        if not self._version5:
            return mqtt.publish(topic, payload)
        return mqtt.publish(topic, b"\x00" + payload)  # no properties (MQTT 5 §3.3.2.3)

    def _packet(self) -> tuple[int, int, bytes] | None:
        """The next whole packet: its type, its flags, and what follows the length."""
        length = shift = 0
        for place in range(1, min(5, len(self._inbound))):
            part = self._inbound[place]
            length |= (part & 0x7F) << shift
            shift += 7
            if part < 0x80:
                end = place + 1 + length
                if len(self._inbound) < end:
                    return None
                first, body = self._inbound[0], self._inbound[place + 1 : end]
                self._inbound = self._inbound[end:]
                return first >> 4, first & 0x0F, body
        return None

    def _answer(self, kind: int, flags: int, body: bytes) -> None:
        none = b"\x00" if self._version5 else b""  # properties
        if kind == _CONNECT:
            self._version5 = body[6] == 5
            none = b"\x00" if self._version5 else b""
            self._outbound += b"\x20" + bytes((2 + len(none),)) + b"\x00\x00" + none
        elif kind == _SUBSCRIBE:
            self._outbound += b"\x90" + bytes((3 + len(none),)) + body[:2] + none + b"\x00"
            self.subscribed = True
        elif kind == _PUBLISH and flags & 0x06:
            topic = int.from_bytes(body[:2], "big")
            self._outbound += b"\x40\x02" + body[2 + topic : 4 + topic]
        elif kind == _PINGREQ:
            self._outbound += b"\xd0\x00"


def main() -> None:
    """Obeys `flood`, with a count, once somebody has subscribed; answers when the last message was taken."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer(port=listener.getsockname()[1])
        subscriber: Subscriber | None = None
        left, answered = 0, True
        while True:
            reading: list[socket.socket | int] = [listener, INPUT]
            writing: list[socket.socket] = []
            if subscriber is not None:
                reading.append(subscriber.socket)
                if subscriber.busy or (left and subscriber.subscribed):
                    writing.append(subscriber.socket)
            readable, writable, _ = select.select(reading, writing, [])
            if listener in readable:
                subscriber = Subscriber(listener.accept()[0])
            elif subscriber is not None and subscriber.socket in readable and not subscriber.receive():
                subscriber.socket.close()
                subscriber = None
            if INPUT in readable:
                order = next_order(0)
                left, answered = (order["count"] if order else 0), False
            if subscriber is not None and subscriber.socket in writable:
                if not subscriber.busy and left:
                    block = min(left, _BLOCK)
                    subscriber.publish(block)
                    left -= block
                subscriber.send()
            if not answered and not left and (subscriber is None or not subscriber.busy):
                answered = True
                answer(done=subscriber is not None)


if __name__ == "__main__":
    main()
