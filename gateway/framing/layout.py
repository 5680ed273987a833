"""How frames without delimiters are laid out: a sync word, what tells their length, the payload and a checksum."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gateway.errors import CodecError
from gateway.framing.checksum import Checksum


class Layout(ABC):
    """`sync`, `width` bytes of a number, the payload, and a checksum of what stands from the byte `covered` on."""

    def __init__(self, sync: bytes, width: int, checksum: Checksum | None, covered: int) -> None:
        self.sync = sync
        self.checksum = checksum
        self.head = max(len(sync) + width, 1)  # bytes after which the length of a frame is known
        self._before = len(sync) + width
        self._after = checksum.size if checksum is not None else 0
        self._covered = covered
        self.empty = self._before + self._after  # the length of a frame without payload

    @abstractmethod
    def length(self, buffer: bytes, start: int) -> int:
        """The length of the frame whose head is here; 0 where no frame begins like this. The sync word is there."""

    @abstractmethod
    def may_hold_others(self, buffer: bytes, start: int, end: int) -> bool:
        """Whether bytes of this frame may themselves be two frames, one right behind the other."""

    @abstractmethod
    def wrap(self, payload: bytes) -> bytes:
        """The payload as a whole frame; raises CodecError where it has no such frame."""

    def payload(self, buffer: bytes, start: int, end: int) -> bytes | None:
        """The payload of the frame; None where its checksum is wrong."""
        if self.checksum is None:
            return buffer[start + self._before : end]
        inner = end - self._after
        if self.checksum.of(buffer[start + self._covered : inner]) != buffer[inner:end]:
            return None
        return buffer[start + self._before : inner]

    def _closed(self, frame: bytes) -> bytes:
        """The frame with its checksum."""
        return frame + self.checksum.of(frame[self._covered :]) if self.checksum is not None else frame


def refuse_length(payload: bytes, least: int, most: int) -> None:
    """Raises CodecError where the payload has another length than a frame can have."""
    if not least <= len(payload) <= most:
        size = f"{least} to {most}" if least != most else str(most)
        raise CodecError(f"a frame holds {size} bytes, this one has {len(payload)}")
