"""Framings whose frames begin with two sync bytes, and say or know how long they are."""

from __future__ import annotations

from abc import ABC, abstractmethod

from device_sims.wire.checksums import Checksum
from device_sims.wire.seals import LONGEST_PAYLOAD, sealed, unsealed

SYNC = b"\xaa\x55"  # begins a frame, and may stand within one
LENGTH_SIZE = 2  # bytes, the most significant first


class _Synced(ABC):
    """Looks for the sync bytes; where a frame turns out wrong, looks for the next ones right behind them."""

    separator = b""

    def __init__(self, checksum: Checksum | None) -> None:
        self.errors = 0
        self._checksum = checksum
        self._trailer = checksum.size if checksum else 0
        self._incoming = bytearray()

    def receive(self, received: bytes) -> list[bytes]:
        """The payloads that these bytes complete."""
        self._incoming += received
        payloads: list[bytes] = []
        while (start := self._incoming.find(SYNC)) >= 0:
            del self._incoming[:start]
            span = self.span(self._incoming)
            if span is None:
                return payloads
            begin, length = span
            end = begin + length + self._trailer
            if length <= LONGEST_PAYLOAD and len(self._incoming) < end:
                return payloads
            body = bytes(self._incoming[begin:end])
            payload = unsealed(body, self._checksum) if length <= LONGEST_PAYLOAD else None
            if payload is None:
                self.errors += 1
                del self._incoming[: len(SYNC)]
            else:
                payloads.append(payload)
                del self._incoming[:end]
        del self._incoming[: len(self._incoming) - (self._incoming[-1:] == SYNC[:1])]
        return payloads

    @abstractmethod
    def span(self, incoming: bytearray) -> tuple[int, int] | None:
        """Where the payload begins in bytes that begin with the sync, and how long it is; None where it is early."""

    def forget(self) -> None:
        """Forgets a half-received frame."""
        self._incoming.clear()


class LengthPrefixed(_Synced):
    """The sync, the length of the payload alone, the payload, and its checksum."""

    def wrap(self, payload: bytes, *, spoilt: bool = False) -> bytes:
        """The payload behind sync and length."""
        return SYNC + len(payload).to_bytes(LENGTH_SIZE, "big") + sealed(payload, self._checksum, spoilt=spoilt)

    def span(self, incoming: bytearray) -> tuple[int, int] | None:
        """Reads the length."""
        begin = len(SYNC) + LENGTH_SIZE
        return (begin, int.from_bytes(incoming[len(SYNC) : begin], "big")) if len(incoming) >= begin else None


class Fixed(_Synced):
    """The sync, a payload of always `size` bytes, and its checksum."""

    def __init__(self, size: int, checksum: Checksum | None) -> None:
        super().__init__(checksum)
        self._size = size

    def wrap(self, payload: bytes, *, spoilt: bool = False) -> bytes:
        """The payload behind the sync; zeros fill one that is shorter."""
        return SYNC + sealed(payload.ljust(self._size, b"\0"), self._checksum, spoilt=spoilt)

    def span(self, incoming: bytearray) -> tuple[int, int] | None:
        """The payload follows the sync."""
        return len(SYNC), self._size
