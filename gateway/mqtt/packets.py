"""The packets of a broker: messages of QoS 0 are taken out of the bytes, everything else is paho's."""

from __future__ import annotations

from collections.abc import Callable

from gateway.mqtt.stream import Stream

MAX_MESSAGE = 16 << 20  # bytes of a packet; a larger one is passed over
_MAX_QUICK = 1 << 20  # bytes of a packet; a larger one is left to paho, which grows a buffer for it
_TYPE, _QOS = 0xF0, 0x06  # of a packet's first byte
_PUBLISH = 0x30
_SHORT = 0x80  # above that, a length takes more than one byte

Deliver = Callable[[bytes, bytes, bool, bytes], None]  # topic, payload, retained, and the block of its properties
PassedOver = Callable[[bytes, int, int], None]  # topic, QoS and packet id of what was too large


class PacketReader:
    """A socket as paho uses it, without the messages of QoS 0: these need no answer, and are taken out before.

    It is read in large pieces, one a wake-up, so that a flood cannot hold the loop. Whatever is not a PUBLISH of QoS 0
    passes through to paho as it came (MQTT 5 §3.3, MQTT 3.1.1 §3.3).
    """

    def __init__(self, stream: Stream, has_properties: bool, deliver: Deliver, passed_over: PassedOver) -> None:
        self._stream = stream
        self._has_properties = has_properties
        self._deliver = deliver
        self._passed_over = passed_over
        self._buffer = b""
        self._place = 0
        self._skip = 0  # bytes that are still to come of a packet that is passed over
        self._ended = False
        self.send = stream.send
        self.fileno = stream.fileno
        self.close = stream.close

    def fill(self) -> int:
        """Reads what is there; returns how many bytes came."""
        data = self._stream.receive()
        if data is None:
            return 0
        self._ended = not data
        self._buffer = self._buffer[self._place :] + data
        self._place = 0
        return len(data)

    @property
    def holds(self) -> bool:
        """Whether the next `fill` has something, although no readable descriptor tells of it."""
        return self._stream.holds

    def recv(self, size: int) -> bytes:
        """As `socket.recv`, of what was read."""
        taken = self._buffer[self._place : self._place + size]
        if not taken and not self._ended:
            raise BlockingIOError
        self._place += len(taken)
        return taken

    @property
    def left(self) -> int:
        """Bytes that were read and not taken."""
        return len(self._buffer) - self._place

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def take_messages(self) -> bool:
        """Delivers the messages of QoS 0 at a packet's beginning; returns whether what follows is for paho."""
        buffer, place, end = self._buffer, self._place, len(self._buffer)
        if self._skip:
            skipped = min(self._skip, end - place)
            self._skip -= skipped
            place += skipped
        try:
            while place < end:
                first = buffer[place]
                if first & _TYPE != _PUBLISH:
                    return True
                # The remaining length: seven bits a byte, the least first (MQTT 5 §1.5.5).
                length = shift = 0
                start = place + 1
                while True:
                    if start >= end:
                        return self._ended
                    part = buffer[start]
                    start += 1
                    length |= (part & 0x7F) << shift
                    if part < 0x80:
                        break
                    shift += 7
                    if shift > 21:
                        return True
                if length > MAX_MESSAGE:
                    if not self._pass_over(first, start):
                        return self._ended
                    place = self._place = min(start + length, end)
                    self._skip = start + length - place
                    continue
                if first & _QOS or length > _MAX_QUICK:
                    return True
                stop = start + length
                if stop > end:
                    return self._ended
                body = start + 2 + (buffer[start] << 8 | buffer[start + 1]) if length > 2 else stop + 1
                topic_end = body
                properties = b""
                if self._has_properties and body < stop:
                    size = buffer[body]
                    body += 1
                    if size:
                        properties = buffer[body : body + size]
                        body = body + size if size < _SHORT else stop + 1
                if body > stop or (self._has_properties and topic_end == stop):
                    return True  # malformed, or with more properties than anyone sends: paho knows what to do
                place = self._place = stop
                self._deliver(buffer[start + 2 : topic_end], buffer[body:stop], bool(first & 1), properties)
            return self._ended
        finally:
            self._place = place

    def _pass_over(self, first: int, start: int) -> bool:
        """Tells of a message that is too large; False: its head has not come whole."""
        head = self._buffer[start : start + 2 + 65535 + 2]
        topic_end = 2 + int.from_bytes(head[:2], "big")
        if len(head) < topic_end + 2:
            return False
        qos = (first & _QOS) >> 1
        packet_id = int.from_bytes(head[topic_end : topic_end + 2], "big") if qos else 0
        self._passed_over(head[2:topic_end], qos, packet_id)
        return True
