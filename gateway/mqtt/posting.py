"""Messages of QoS 0 as the bytes that a broker takes, many in one piece (MQTT 5 §3.3, MQTT 3.1.1 §3.3)."""

from __future__ import annotations

_PUBLISH, _RETAIN = 0x30, 0x01
_MAX_LENGTH = (1 << 28) - 1  # bytes that a packet's length can tell

ENOUGH = 64 * 1024  # bytes that may wait while more is still taken


def publish_packet(topic: str, payload: bytes, *, retain: bool, is_5: bool) -> bytes:
    """The message as one packet; ValueError where it cannot be one."""
    name = topic.encode("utf-8")
    if not 0 < len(name) < 1 << 16:
        raise ValueError("a topic has 1 to 65535 bytes")
    size = left = 2 + len(name) + is_5 + len(payload)
    if size > _MAX_LENGTH:
        raise ValueError(f"a message of {size} bytes")
    length = bytearray()
    while left > 0x7F:  # seven bits a byte, the least first (MQTT 5 §1.5.5)
        length.append(left & 0x7F | 0x80)
        left >>= 7
    length.append(left)
    # With MQTT 5, a 0 tells that there are no properties.
    properties = b"\0" if is_5 else b""
    return b"".join(
        (bytes((_PUBLISH | _RETAIN * retain,)), length, len(name).to_bytes(2, "big"), name, properties, payload)
    )


class Postbox:
    """Packets that wait to be written together."""

    __slots__ = ("_packets", "size")

    def __init__(self) -> None:
        self._packets: list[bytes] = []
        self.size = 0  # bytes

    def put(self, packet: bytes) -> None:
        """Adds a packet."""
        self._packets.append(packet)
        self.size += len(packet)

    def take(self) -> bytes:
        """All of them, in order."""
        taken = b"".join(self._packets)
        self._packets.clear()
        self.size = 0
        return taken
