"""The bytes to and from a broker: over TCP, TLS or a WebSocket. Opening blocks; everything else never does."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gateway.config.broker import BrokerTls
from gateway.mqtt.reasons import CLOSED_IN_HANDSHAKE, explain
from gateway.mqtt.websocket import MAX_HEAD, Frames, check_answer, frame, new_key, upgrade

_READ = 65536  # bytes at once
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux


class Stream(Protocol):
    """A socket as we use it."""

    def receive(self) -> bytes | None:
        """What has come, in a large piece; nothing at the connection's end, None where there is nothing just now."""
        ...

    @property
    def holds(self) -> bool:
        """Whether there are bytes to receive that no readable descriptor tells of."""
        ...

    def send(self, data: bytes) -> int:
        """As `socket.send`."""
        ...

    def fileno(self) -> int:
        """The descriptor to wait for."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is; `path` is that of its WebSocket, None: plain MQTT."""

    host: str
    port: int
    tls: BrokerTls | None = None
    path: str | None = None

    @property
    def place(self) -> str:
        """`localhost:1883`, `[::1]:1883`"""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def open(self, timeout: float) -> Stream:
        """Connects, within the seconds for TCP and as many for the rest; OSError or ValueError with a plain reason."""
        context = self.tls.context() if self.tls is not None else None
        sock = socket.create_connection((self.host, self.port), timeout)
        deadline = time.monotonic() + timeout
        try:
            # A command must not wait until the broker has acknowledged what was sent before it: that may take 40 ms.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream: _Tcp = _Tcp(sock)
            if context is not None:
                sock = self._encrypt(sock, context)
                stream = _Encrypted(sock, self._name)
            if self.path is not None:
                over = _WebSocket(stream)
                over.feed(self._upgrade(sock, self.path, deadline))
                sock.setblocking(False)
                return over
            sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
        return stream

    @property
    def _name(self) -> str:
        return (self.tls and self.tls.verify_name) or self.host

    def _encrypt(self, sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        encrypted = context.wrap_socket(sock, server_hostname=self._name, do_handshake_on_connect=False)
        try:
            encrypted.do_handshake()  # within the socket's timeout, all of it
        except ssl.SSLError as error:
            encrypted.close()
            raise ConnectionError(explain(error, self._name)) from error
        except ConnectionError as error:
            encrypted.close()
            raise ConnectionError(CLOSED_IN_HANDSHAKE) from error
        except BaseException:
            encrypted.close()
            raise
        return encrypted

    def _upgrade(self, sock: socket.socket, path: str, deadline: float) -> bytes:
        """Makes it a WebSocket; what has come behind the answer."""
        usual = 80 if self.tls is None else 443
        host = self.place.rpartition(":")[0] if self.port == usual else self.place
        key = new_key()
        sock.sendall(upgrade(host, path, key))
        head = b""
        while b"\r\n\r\n" not in head:
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            data = sock.recv(4096)
            if not data:
                raise ConnectionError("it closed the connection before the WebSocket stood")
            head += data
            if len(head) > MAX_HEAD:
                raise ValueError("its answer is that of no WebSocket")
        head, _, rest = head.partition(b"\r\n\r\n")
        check_answer(head, key)
        return rest


class _Tcp:
    holds = False

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def receive(self) -> bytes | None:
        data = self._receive()
        if data and _QUICK_ACK is not None:
            # A broker with Nagle's algorithm on (Mosquitto, as it comes) holds back what follows its first small
            # segment until that is acknowledged, and the kernel delays the acknowledgement by up to 40 ms. This sends
            # it, and what was held back is there at once.
            with suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            data += self._receive() or b""
        return data

    def _receive(self) -> bytes | None:
        try:
            return self._sock.recv(_READ)
        except (BlockingIOError, InterruptedError):
            return None
        except ConnectionError:
            return b""

    def send(self, data: bytes) -> int:
        return self._sock.send(data)

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()


class _Encrypted(_Tcp):
    """A TLS connection gives a record at a time, 16 KiB at most, and has read the descriptor for more than it gave."""

    _sock: ssl.SSLSocket

    def __init__(self, sock: ssl.SSLSocket, name: str) -> None:
        super().__init__(sock)
        self._name = name

    @property
    def holds(self) -> bool:  # type: ignore[override]
        return self._sock.pending() > 0

    def receive(self) -> bytes | None:
        pieces: list[bytes] = []
        size = 0
        while size < _READ:
            piece = self._receive()
            if not piece:
                if not pieces:
                    return piece
                break  # an end is found again by the next one
            pieces.append(piece)
            size += len(piece)
        with suppress(OSError):
            if _QUICK_ACK is not None:
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        return b"".join(pieces)

    def _receive(self) -> bytes | None:
        try:
            return super()._receive()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLError as error:
            if isinstance(error, ssl.SSLEOFError):
                return b""  # closed without a goodbye, as most brokers do
            raise ConnectionError(explain(error, self._name)) from error


class _WebSocket:
    def __init__(self, stream: _Tcp) -> None:
        self._stream = stream
        self._frames = Frames()
        self._first = b""  # what came with the answer to the upgrade
        self._unsent = b""  # whole frames, of which the first may have gone in part
        self._framed = 0  # bytes of what was given to `send` among them

    def feed(self, data: bytes) -> None:
        """What had come before anyone listened."""
        self._first = self._take(data)

    @property
    def holds(self) -> bool:
        return bool(self._first) or self._frames.closed or self._stream.holds

    def receive(self) -> bytes | None:
        if self._frames.closed:
            return b""
        data = self._stream.receive()
        if data:
            data = self._take(data)
            if not data and not self._frames.closed:
                data = None
        first, self._first = self._first, b""
        return first + (data or b"") if first else data

    def _take(self, data: bytes) -> bytes:
        payload = self._frames.receive(data)
        if self._frames.answers:
            # Where something waits already, the broker does not read anyway.
            if not self._unsent:
                self._unsent = self._frames.answers[-1]
                with suppress(OSError):
                    self._flush()
            self._frames.answers.clear()
        return payload

    def send(self, data: bytes) -> int:
        """As `socket.send`: BlockingIOError until the data's whole frame is gone, and the same data again then."""
        if not self._framed:
            self._unsent += frame(data)
            self._framed = len(data)
        self._flush()
        framed, self._framed = self._framed, 0
        return framed

    def _flush(self) -> None:
        while self._unsent:
            self._unsent = self._unsent[self._stream.send(self._unsent) :]

    def fileno(self) -> int:
        return self._stream.fileno()

    def close(self) -> None:
        self._stream.close()
