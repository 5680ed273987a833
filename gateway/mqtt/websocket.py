"""The client's side of a WebSocket that carries MQTT, as plain objects (RFC 6455; MQTT 5 §6)."""

from __future__ import annotations

import base64
import hashlib
import os
import struct

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_PROTOCOL = "mqtt"
_FINAL, _MASKED = 0x80, 0x80
_CONTINUATION, _BINARY, _CLOSE, _PING, _PONG = 0, 2, 8, 9, 10
_MAX_CONTROL = 125  # bytes of a ping or close
MAX_HEAD = 16384  # bytes of the answer to the upgrade


def new_key() -> str:
    """What the server must answer to, once."""
    return base64.b64encode(os.urandom(16)).decode("ascii")


def upgrade(host: str, path: str, key: str) -> bytes:
    """The request; `host` is as it stands in a URL, with the port where it is not the scheme's own."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {_PROTOCOL}\r\n\r\n"
    ).encode("ascii")


def check_answer(head: bytes, key: str) -> None:
    """ValueError with a plain reason where the answer (without its last, empty line) does not agree to the upgrade."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, status = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("it does not speak HTTP")
    if not status.startswith("101"):
        raise ValueError(f"it answers {status[:60].strip()} to the WebSocket: is the path of the URL right?")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    # It only guards against caches that answer for somebody else.
    proof = base64.b64encode(hashlib.sha1(key.encode("ascii") + _GUID).digest()).decode("ascii")  # noqa: S324
    if fields.get("upgrade", "").lower() != "websocket" or fields.get("sec-websocket-accept") != proof:
        raise ValueError("its answer is that of no WebSocket")
    if fields.get("sec-websocket-protocol", _PROTOCOL).lower() != _PROTOCOL:
        raise ValueError("its WebSocket does not speak MQTT")


def frame(payload: bytes, opcode: int = _BINARY) -> bytes:
    """One whole frame of a client, masked as it must be."""
    size = len(payload)
    if size < 126:
        head = bytes((_FINAL | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = struct.pack("!BBH", _FINAL | opcode, _MASKED | 126, size)
    else:
        head = struct.pack("!BBQ", _FINAL | opcode, _MASKED | 127, size)
    mask = os.urandom(4)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


class Frames:
    """Takes the payload out of a server's frames; MQTT packets may begin and end anywhere in it (MQTT 5 §6).

    `answers` are whole frames that are owed to it. `closed` tells that it said goodbye.
    """

    def __init__(self) -> None:
        self.closed = False
        self.answers: list[bytes] = []
        self._head = b""  # of a frame that has not come whole, or a control frame
        self._left = 0  # bytes of the payload that are still to come

    def receive(self, data: bytes) -> bytes:
        """The payload in the data; ValueError where a server must not send it."""
        parts = []
        place = 0
        if self._head:
            data, self._head = self._head + data, b""
        while not self.closed and place < len(data):
            if self._left:
                part = data[place : place + self._left]
                self._left -= len(part)
                place += len(part)
                parts.append(part)
                continue
            start = self._frame(data, place)
            if not start:
                self._head = data[place:]
                break
            place = start
        return b"".join(parts)

    def _frame(self, data: bytes, place: int) -> int:
        """Where the payload of the frame begins, or the next frame after a control frame; 0: more must come."""
        if len(data) < place + 2:
            return 0
        opcode, size = data[place] & 0x7F, data[place + 1]
        if size & _MASKED or opcode not in (_CONTINUATION, _BINARY, _CLOSE, _PING, _PONG):
            raise ValueError("it sends WebSocket frames that are none of MQTT")
        start = place + 2
        if opcode >= _CLOSE:
            if size > _MAX_CONTROL or not data[place] & _FINAL:
                raise ValueError("it sends WebSocket frames that are none of MQTT")
            if len(data) < start + size:
                return 0
            self._control(opcode, data[start : start + size])
            return start + size
        if size >= 126:
            wide = 2 if size == 126 else 8
            if len(data) < start + wide:
                return 0
            size = int.from_bytes(data[start : start + wide], "big")
            start += wide
        self._left = size
        return start

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self.answers = [frame(payload, _PONG)]  # the newest is enough (RFC 6455 §5.5.3)
        elif opcode == _CLOSE:
            self.answers = [frame(payload[:2], _CLOSE)]
            self.closed = True
