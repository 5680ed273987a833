"""Frames that nothing marks, neither a sync word nor a checksum: only a pause tells where one begins."""

from __future__ import annotations

from gateway.framing.layout import Layout

GAP = 0.25  # seconds; longer than a board takes within a frame, shorter than from reading to reading


class Paced:
    """Cuts by length alone. After damage, what comes until the next pause may be cut at the wrong places."""

    def __init__(self, layout: Layout, gap: float | None = None) -> None:
        self._layout = layout
        self._partial = b""
        self._lost = False  # a head was impossible: nothing that follows can be told
        self.gap: float | None = gap or GAP
        self.errors = 0
        self.checksum_errors = 0
        self.resyncs = 0

    def receive_data(self, data: bytes) -> list[bytes]:
        """The frames that these bytes complete."""
        frames: list[bytes] = []
        if self._lost:
            return frames
        layout, buffer, at = self._layout, self._partial + data, 0
        while len(buffer) - at >= layout.head:
            length = layout.length(buffer, at)
            if not length:
                self.errors += 1
                self._lost = True
                self._partial = b""
                return frames
            if at + length > len(buffer):
                break
            payload = layout.payload(buffer, at, at + length)
            if payload:
                frames.append(payload)
            at += length
        self._partial = buffer[at:]
        return frames

    def encode(self, frame: bytes) -> bytes:
        """The frame as laid out."""
        return self._layout.wrap(frame)

    def break_off(self) -> None:
        """The next byte begins a frame."""
        if self._partial:
            self.errors += 1
        if self._lost:
            self.resyncs += 1
        self.reset()

    def reset(self) -> None:
        """Forgets a half-received frame."""
        self._partial = b""
        self._lost = False
