"""The few MQTT 3.1.1 packets that load needs, as bytes (OASIS MQTT 3.1.1 §2.2 and §3)."""

from __future__ import annotations

import struct

CONNACK = 0x20
SUBACK = 0x90


def connect(client_id: str, keepalive: int = 0) -> bytes:
    """CONNECT with a clean session; a keepalive of 0 seconds switches it off (§3.1)."""
    body = b"\x00\x04MQTT\x04\x02" + struct.pack("!H", keepalive) + _text(client_id)
    return b"\x10" + remaining_length(len(body)) + body


def subscribe(topic: str) -> bytes:
    """SUBSCRIBE to one filter with QoS 0, packet identifier 1 (§3.8)."""
    body = b"\x00\x01" + _text(topic) + b"\x00"
    return b"\x82" + remaining_length(len(body)) + body


def publish(topic: bytes, payload: bytes) -> bytes:
    """PUBLISH with QoS 0, not retained (§3.3)."""
    length = 2 + len(topic) + len(payload)
    return b"\x30" + remaining_length(length) + len(topic).to_bytes(2, "big") + topic + payload


def remaining_length(length: int) -> bytes:
    """A length as 1 to 4 bytes of 7 bits, the lowest first (§2.2.3)."""
    encoded = bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | 0x80 if length else digit)
        if not length:
            return bytes(encoded)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded
