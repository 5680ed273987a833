"""Frames that begin with a sync word, or end with a checksum, and have no delimiters: found, and found again.

A *candidate* is a place where a frame may begin; its head says where it would end. What becomes of it follows from the
bytes alone, as if they came one by one, so that it does not matter how they were cut into chunks:

- A candidate right behind the last frame is *in step*. When it is complete and its checksum is right, it is a frame.
- One that is out of step is a frame on the same terms; without a checksum, it takes a sync word right behind it.
- A candidate that fails costs nothing but itself: the search goes on one byte behind its start.
- An incomplete candidate is given up as soon as two frames, one right behind the other, are found complete within it
  (without checksums: one, and a sync word right behind it). So a head that promises a long frame holds nothing up.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto
from heapq import heappop, heappush
from itertools import takewhile

from gateway.errors import CodecError
from gateway.framing.layout import Layout

# Candidates may overlap, and each is checked once. These bounds keep that linear where every byte looks like a head.
_PER_BYTE = 256  # bytes of candidates that each byte allows to be checked
_AT_ONCE = 1 << 18  # and what may be saved up of that
_MOST = 1024  # candidates that may wait; the first is given up for one more
_SHORT = 256  # bytes; no more than _MOST


class _State(Enum):
    INCOMPLETE = auto()
    COMPLETE = auto()  # without a checksum, and the next sync word is still to come
    RIGHT = auto()


@dataclass(slots=True, eq=False)
class _Candidate:
    start: int  # places count from the first byte of the stream
    end: int
    state: _State = _State.INCOMPLETE
    gone: bool = False


class Scanner:
    """A framing of any layout that has a sync word, a checksum, or both."""

    def __init__(self, layout: Layout, gap: float | None = None) -> None:
        self._layout = layout
        self._checked = layout.checksum is not None
        self.gap = gap
        self.errors = 0
        self.checksum_errors = 0
        self.resyncs = 0
        self.reset()

    def reset(self) -> None:
        """Forgets what is half received; the next byte begins a frame."""
        self._buffer = b""  # from the first candidate on, else from where the next may begin
        self._base = 0  # the place of its first byte
        self._ready: list[bytes] = []  # frames that were found when the line was already silent
        self._start_at(0)

    def _start_at(self, place: int) -> None:
        self._next: int | None = place  # where a frame begins that is in step; None out of step
        self._seek = place  # no candidate before it is yet to be found
        self._failed_end = place  # out of step: where the frame ended that was thrown away last
        self._live: OrderedDict[int, _Candidate] = OrderedDict()  # by start, in this order
        self._due: list[tuple[int, int, _Candidate]] = []  # a heap: when more can be said of which, by place
        self._ends: dict[int, int] = {}  # of the right ones: end -> start
        self._allowance, self._allowed_at = _AT_ONCE, place

    # ---- in step

    def receive_data(self, data: bytes) -> list[bytes]:
        """The frames that these bytes complete."""
        self._buffer += data
        frames, self._ready = self._ready, []
        while self._live or self._next != self._seek or self._stride(frames):
            if not self._search(frames):
                break
        keep = self._first().start if self._live else self._seek
        self._buffer = self._buffer[keep - self._base :]
        self._base = keep
        return frames

    def _stride(self, frames: list[bytes]) -> bool:
        """Takes frame after frame, as long as there is nothing to doubt; True where the search must go on.

        It would find the same frames.
        """
        layout, buffer = self._layout, self._buffer
        sync, at = layout.sync, self._seek - self._base
        size = len(buffer)
        last = size - layout.head
        doubt = size > at
        while at <= last and buffer.startswith(sync, at):
            end = at + layout.length(buffer, at)
            if at == end:
                break
            if end > size:
                # Looking through it at every byte that comes is dearer than the search, where it is long.
                doubt = size - at > _SHORT or layout.may_hold_others(buffer, at, size + 1)
                break
            if end - at > _MOST and (not sync or buffer.find(sync, at + 1, end) >= 0):
                break
            if layout.may_hold_others(buffer, at, end):
                break
            payload = layout.payload(buffer, at, end)
            if payload is None:
                break
            if payload:
                frames.append(payload)
            at = end
            doubt = size > at
        self._next = self._seek = self._allowed_at = self._base + at
        return doubt

    # ---- out of step, or in doubt

    def _search(self, frames: list[bytes]) -> bool:
        """Goes on to the end of the buffer, from event to event; True when it is in step and nothing is in doubt."""
        end = self._base + len(self._buffer)
        due = self._due
        while True:
            found = self._find(end)
            if due and (found is None or due[0][0] <= found + self._layout.head):
                if due[0][0] > end:
                    return False
                self._look_again(heappop(due)[2])
            elif found is not None:
                self._consider(found)
            else:
                return False
            if self._resolve(frames):
                return True

    def _find(self, end: int) -> int | None:
        """Where the next candidate may begin; None where its head has not come."""
        sync = self._layout.sync
        if sync:
            at = self._buffer.find(sync, self._seek - self._base)
            self._seek = self._base + at if at >= 0 else max(self._seek, end - len(sync) + 1)
            if self._next is not None and self._next < self._seek and not self._live:
                self._lose(self._next)
            if at < 0:
                return None
        return self._seek if self._seek + self._layout.head <= end else None

    def _consider(self, start: int) -> None:
        """A head has come."""
        self._seek = start + 1
        length = self._layout.length(self._buffer, start - self._base)
        # An empty frame proves nothing: it counts where one is expected.
        if not length or (length == self._layout.empty and start != self._next):
            return
        self._allowance = min(self._allowance + _PER_BYTE * (start - self._allowed_at), _AT_ONCE)
        self._allowed_at = start
        if length <= self._allowance:
            self._allowance -= length
            if len(self._live) >= _MOST:
                self._remove(self._first())
            candidate = self._live[start] = _Candidate(start, start + length)
            heappush(self._due, (candidate.end, start, candidate))

    def _look_again(self, candidate: _Candidate) -> None:
        """The candidate is complete, or what follows it has come."""
        if candidate.gone:
            return
        start, end = candidate.start, candidate.end
        if self._checked:
            if self._layout.payload(self._buffer, start - self._base, end - self._base) is None:
                self._fail(candidate)
                return
            candidate.state = _State.RIGHT
            if start in self._ends:
                self._give_up(self._ends[start])
            self._ends[end] = start
        elif candidate.state is _State.INCOMPLETE:
            candidate.state = _State.COMPLETE
            heappush(self._due, (end + len(self._layout.sync), start, candidate))
            if start == self._next and self._is_cut(candidate):
                self._fail(candidate)
        elif self._buffer.startswith(self._layout.sync, end - self._base):
            candidate.state = _State.RIGHT
            self._give_up(start)
            self._ends[end] = start
        else:
            self._fail(candidate)

    def _is_cut(self, outer: _Candidate) -> bool:
        """Whether another frame ends within it, and the next one's sync word is cut by its end."""
        sync, end = self._layout.sync, outer.end - self._base
        ends = (inner.end - self._base for inner in self._live.values() if inner.end < outer.end)
        return any(sync.startswith(self._buffer[inner:end]) for inner in ends)

    def _give_up(self, before: int) -> None:
        """Frames stand right behind each other from this place on: what began before, and is incomplete, is none."""
        for candidate in list(takewhile(lambda candidate: candidate.start < before, self._live.values())):
            if candidate.state is _State.INCOMPLETE:
                self._remove(candidate)

    def _resolve(self, frames: list[bytes]) -> bool:
        """Decides on the first candidates, as far as that can be; True when it is in step and nothing is in doubt."""
        live = self._live
        while live:
            first = self._first()
            in_step = first.start == self._next
            if not in_step and self._next is not None:
                self._lose(self._next)
            if first.state is _State.RIGHT or (in_step and first.state is not _State.INCOMPLETE):
                self._take(first, frames)
            else:
                return False
        if self._next is not None and self._next < self._seek:
            self._lose(self._next)
        return self._next == self._seek

    def _take(self, candidate: _Candidate, frames: list[bytes]) -> None:
        """It is a frame; what overlaps it is none."""
        payload = self._layout.payload(self._buffer, candidate.start - self._base, candidate.end - self._base)
        if self._next is None and candidate.start != self._failed_end:
            self.resyncs += 1
        if payload:
            frames.append(payload)
        self._next = candidate.end
        live = self._live
        while live and self._first().start < candidate.end:
            self._remove(self._first())
        self._seek = max(self._seek, candidate.end)
        if not live:
            self._due.clear()
            self._allowance, self._allowed_at = _AT_ONCE, candidate.end

    def _fail(self, candidate: _Candidate) -> None:
        """It is no frame, and counts as one that was damaged where one was expected."""
        if self._next is not None:
            expected = candidate.start == self._next
        elif candidate is self._first():
            expected = candidate.start >= self._failed_end
        else:
            expected = candidate.start == self._failed_end
        if expected:
            self._lose(candidate.end)
            self.checksum_errors += self._checked
        self._remove(candidate)

    def _first(self) -> _Candidate:
        return next(iter(self._live.values()))

    def _remove(self, candidate: _Candidate) -> None:
        """It is out of the question; and where it was in step, that is lost."""
        candidate.gone = True
        del self._live[candidate.start]
        if self._ends.get(candidate.end) == candidate.start:
            del self._ends[candidate.end]
        if candidate.start == self._next:
            self._lose(candidate.start)

    def _lose(self, failed_end: int) -> None:
        """A frame is lost, and with it the step."""
        self.errors += 1
        self._next = None
        self._failed_end = failed_end

    # ---- the rest of a framing

    def break_off(self) -> None:
        """What is incomplete is over; frames with a sync word that waited behind it come with the next bytes."""
        lost = self._next is None
        end = self._base + len(self._buffer)
        if not lost and self._next == end:
            return
        self._seek = end
        for candidate in list(self._live.values()):
            # A checksum alone proves too little of what stands within a half-received frame.
            if candidate.state is not _State.RIGHT or not self._layout.sync:
                self._remove(candidate)
        self._resolve(self._ready)
        if self._next is not None and self._next < end:
            self._lose(end)
        self.resyncs += lost and self._next is None
        self._buffer, self._base = b"", end
        self._start_at(end)

    def encode(self, frame: bytes) -> bytes:
        """The frame as laid out; one that would be taken for others is refused."""
        wire = self._layout.wrap(frame)
        if Scanner(self._layout).receive_data(wire) != [frame]:
            raise CodecError("the frame would be taken for two others that stand within it")
        return wire
