"""Packets of MQTT as a broker writes them."""


def length_of(size: int) -> bytes:
    """The remaining length (MQTT 5 §1.5.5)."""
    made = bytearray()
    while True:
        size, part = divmod(size, 128)
        made.append(part | (0x80 if size else 0))
        if not size:
            return bytes(made)


def publish(
    topic: bytes, payload: bytes, *, qos: int = 0, retain: bool = False, packet: int = 7, properties: bytes | None = b""
) -> bytes:
    """A PUBLISH; properties None: of MQTT 3.1.1 (§3.3)."""
    body = len(topic).to_bytes(2, "big") + topic
    body += packet.to_bytes(2, "big") if qos else b""
    body += length_of(len(properties)) + properties if properties is not None else b""
    body += payload
    return bytes([0x30 | qos << 1 | retain]) + length_of(len(body)) + body
