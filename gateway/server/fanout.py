"""The fan-out: brings the log to every client, each encoded frame written once per client and flush.

A client is a cursor. *Live*: at the head of its stream, fed by the stream's flush. *Behind*: just subscribed,
resumed, or too slow; fed from the log at its own pace until it is at the head, and then live. Snapshot, resume and
back-pressure are this one mechanism. It knows no socket: `Peer` is all that it asks of one, `Clock` of a loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from gateway.bus import Devices, Entry, Log
from gateway.server.frames import text_frame
from gateway.server.peer import Peer
from gateway.server.stream import Frame, Selection, Stream

HIGH_WATER = 64 * 1024  # bytes that a peer may leave unsent before it is taken out of the live fan-out
LOW_WATER = 16 * 1024  # bytes below which it is fed again
DRAIN_TIMEOUT = 30.0  # seconds above the low mark after which it is closed
_PACE = 50.0  # a flush of t seconds is followed by the next after 50 t at the earliest: 2 % of one core
_SCAN = 2048  # log entries that one turn of catching up looks at, so that no client holds the loop
_COUNT = 16384  # log entries that one turn of counting what a resumed client missed looks at
_CHUNK = 64 * 1024  # bytes that one turn of catching up writes to one client
_TURN = 0.005  # seconds that catching up takes of one turn of the loop, however many clients want it
_POLL = 0.02  # seconds between looks at peers that are behind

logger = logging.getLogger(__name__)


class Handle(Protocol):
    """A call that is due."""

    def cancel(self) -> None:
        """Takes the call back."""
        ...


class Clock(Protocol):
    """The event loop, as far as the fan-out needs one."""

    def time(self) -> float:
        """Monotonic seconds."""
        ...

    def call_at(self, when: float, callback: Callable[..., None], *args: Any) -> Handle:
        """Calls back at a time."""
        ...


@dataclass(slots=True)
class Counters:
    """What the fan-out did since the start."""

    frames: int = 0  # update frames written, once for each client
    readings: int = 0  # readings in them
    conflated: int = 0  # readings folded away for `latest`
    catch_ups: int = 0  # times that a client fell behind
    gaps: int = 0  # times that the log had moved on before it caught up
    slow_closes: int = 0  # peers that did not drain


@dataclass(slots=True, eq=False)
class Subscriber:
    """One client's place on one stream. While it is live, the stream knows its place.

    `cursor` is what the client was told last; `position` is how far the log was read for it. They differ where the
    log held nothing for it between the two. `carried` is the stream's count of readings at that place; after a
    resume, the readings between `missed_from` and `missed_until` are still to be taken off it.
    """

    peer: Peer
    stream: Stream
    cursor: int = 0
    position: int = 0
    carried: int = 0
    missed_from: int = 0
    missed_until: int = 0


@dataclass(slots=True, eq=False)
class _Audience:
    """A stream's clients, and when it may flush next."""

    stream: Stream
    live: dict[Peer, Subscriber] = field(default_factory=dict)
    behind: dict[Peer, Subscriber] = field(default_factory=dict)
    due: float = 0.0
    timer: Handle | None = None  # only where the stream has a `max_rate`


class FanOut:
    """All streams and their clients. `max_delay` is in seconds: the longest that a reading waits to share a frame."""

    def __init__(self, log: Log, devices: Devices, clock: Clock, max_delay: float) -> None:
        self._log = log
        self._devices = devices
        self._clock = clock
        self._max_delay = max_delay
        self._audiences: dict[Selection, _Audience] = {}
        self._routes: dict[str, dict[_Audience, None]] = {}  # device id → who wants it
        self._names = 0
        self._dirty: dict[_Audience, None] = {}  # in order of becoming so
        self._due = 0.0
        self._timer: Handle | None = None
        self._hungry: dict[Subscriber, _Audience] = {}  # behind, with more in the log for them
        self._stalled: dict[Peer, float] = {}  # since when it has not drained
        self._feeding: Handle | None = None
        self.counters = Counters()
        log.taps.append(self._entry)

    # ---- joining and leaving

    def subscribe(
        self, peer: Peer, selection: Selection, since: str | None, reply: Callable[[str, str, bool], None]
    ) -> Subscriber:
        """Joins a peer to the stream of a selection.

        First `reply(sub, cursor, recovered)` is called, then the snapshot or what was missed is written. All of it is
        one turn of the loop, with no `await` between: nothing can be published meanwhile, so there is no hole.
        """
        audience = self._audiences.get(selection) or self._open(selection)
        stream = audience.stream
        self._forget(audience, peer)
        subscriber = Subscriber(peer, stream)
        position = self._resume_position(stream, since) if since is not None else None
        if position is not None and since is not None:
            subscriber.cursor = self._log.position(since) or 0
            subscriber.position = subscriber.missed_from = position
            subscriber.missed_until = self._log.head
            subscriber.carried = stream.carried + stream.waiting_readings
            reply(stream.sub, self._log.cursor(subscriber.cursor), True)
        else:
            self._place_at_head(subscriber)
            reply(stream.sub, self._log.cursor(subscriber.cursor), False)
            self._write_snapshot(subscriber)
        audience.behind[peer] = subscriber
        self._feed(audience, subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Leaves the stream; nothing of it is written to the peer any more. The last one out ends the stream."""
        audience = self._audiences.get(subscriber.stream.selection)
        if audience is None:
            return
        self._forget(audience, subscriber.peer)
        if not audience.live and not audience.behind:
            del self._audiences[subscriber.stream.selection]
            self._dirty.pop(audience, None)
            if audience.timer is not None:
                audience.timer.cancel()
            for wanting in self._routes.values():
                wanting.pop(audience, None)

    def drop(self, peer: Peer) -> None:
        """Forgets that a peer did not drain: it is gone."""
        self._stalled.pop(peer, None)

    @property
    def streams(self) -> int:
        """How many streams there are."""
        return len(self._audiences)

    @property
    def behind(self) -> int:
        """How many clients are being caught up."""
        return sum(len(audience.behind) for audience in self._audiences.values())

    def _open(self, selection: Selection) -> _Audience:
        self._names += 1
        audience = self._audiences[selection] = _Audience(Stream(f"s{self._names}", selection, self._log))
        for device, wanting in self._routes.items():
            if selection.wants(device):
                wanting[audience] = None
        return audience

    def _forget(self, audience: _Audience, peer: Peer) -> None:
        audience.live.pop(peer, None)
        subscriber = audience.behind.pop(peer, None)
        if subscriber is not None:
            self._hungry.pop(subscriber, None)
            if peer in self._stalled and not any(other.peer is peer for other in self._hungry):
                del self._stalled[peer]  # nobody looks any more whether it drains

    def _resume_position(self, stream: Stream, since: str) -> int | None:
        """From where the log is read to resume after a cursor; None where it cannot be done without a hole."""
        position = self._log.position(since)
        if position is None or self._log.holds_after(position):
            return position
        return self._log.head if stream.missed_nothing(self._devices, position) else None

    def _place_at_head(self, subscriber: Subscriber) -> None:
        """Puts a subscriber where a snapshot taken now belongs.

        Where nothing waits in the stream, that is where its live clients are, so that their next frame is its next
        too; else it is the head of the log, and the subscriber is caught up after the next flush.
        """
        stream = subscriber.stream
        subscriber.cursor = self._log.head if stream.waiting else stream.position
        subscriber.position = subscriber.cursor
        subscriber.carried = stream.carried + stream.waiting_readings
        subscriber.missed_until = 0

    # ---- live

    def _entry(self, entry: Entry) -> None:
        """The log's tap: an entry goes to every stream that wants it."""
        wanting = self._routes.get(entry.device)
        if wanting is None:
            if len(self._routes) > 2 * len(self._devices) + 1024:  # devices that went
                self._routes.clear()
            wanting = self._routes[entry.device] = {
                audience: None for audience in self._audiences.values() if audience.stream.selection.wants(entry.device)
            }
        for audience in wanting:
            if not audience.stream.add(entry):
                continue
            if audience.stream.selection.max_rate:
                if audience.timer is None:
                    when = max(audience.due, self._clock.time())
                    audience.timer = self._clock.call_at(when, self._flush_limited, audience)
            else:
                self._dirty[audience] = None
                if self._timer is None:
                    self._timer = self._clock.call_at(max(self._due, self._clock.time()), self._flush_dirty)

    def _flush_dirty(self) -> None:
        started = self._clock.time()
        self._timer = None
        dirty, self._dirty = self._dirty, {}
        for audience in dirty:
            self._flush(audience)
        now = self._clock.time()
        # One client is served at once; five hundred share a frame every `max_delay`.
        self._due = now + min(self._max_delay, _PACE * (now - started))

    def _flush_limited(self, audience: _Audience) -> None:
        audience.timer = None
        audience.due = self._clock.time() + 1 / audience.stream.selection.max_rate
        self._flush(audience)

    def _flush(self, audience: _Audience) -> None:
        try:
            self._write_to_live(audience)
            for subscriber in list(audience.behind.values()):
                if subscriber not in self._hungry:
                    self._feed(audience, subscriber)
        except Exception:  # bulkhead: a bug in one stream must not silence the others
            logger.exception("stream %s", audience.stream.sub)
            self._give_up(audience)

    @staticmethod
    def _give_up(audience: _Audience) -> None:
        """Closes the connections of a stream that met a bug: nobody knows what they hold."""
        for peer in (*audience.live, *audience.behind):
            peer.close(1011, "internal error")

    def _write_to_live(self, audience: _Audience) -> None:
        stream = audience.stream
        if not stream.waiting:
            return
        cursor, position, carried = stream.position, stream.waits_after, stream.carried
        live = audience.live
        for frame in stream.take():
            # Before each frame: a flush may be long, and must not fill the buffer of who does not read.
            for peer in [peer for peer in live if peer.backlog() > HIGH_WATER]:
                subscriber = live.pop(peer)
                subscriber.cursor, subscriber.position, subscriber.carried = cursor, position, carried
                subscriber.missed_until = 0
                audience.behind[peer] = subscriber
                self.counters.catch_ups += 1
            data = frame.data
            for peer in live:
                peer.write(data)
            self._count(frame, len(live))
            cursor = position = frame.position
            carried += frame.readings

    def _count(self, frame: Frame, peers: int) -> None:
        self.counters.frames += peers
        self.counters.readings += (frame.readings - frame.conflated) * peers
        self.counters.conflated += frame.conflated * peers

    # ---- behind

    def _feed(self, audience: _Audience, subscriber: Subscriber) -> None:
        """Brings a subscriber that is behind one step on; makes it live where it has reached the stream."""
        stream, peer = audience.stream, subscriber.peer
        self._take_off_missed(subscriber)
        if subscriber.position < stream.position:
            if self._drains(peer):
                if self._log.holds_after(subscriber.position):
                    self._replay(stream, subscriber)
                else:
                    self._declare_gap(subscriber)
        elif subscriber.cursor != stream.position and not stream.waiting:
            # Ahead of the stream's clients, and nothing between: an empty frame brings it to where they are. Left
            # ahead, it would need the log from here on once the stream speaks again, hours later perhaps.
            self._bring(subscriber, (), stream.position)
        if subscriber.cursor == stream.position:
            audience.behind.pop(peer, None)
            self._hungry.pop(subscriber, None)
            audience.live[peer] = subscriber
        elif subscriber.position < stream.position:
            self._hungry[subscriber] = audience
            self._feed_later()
        else:  # ahead of the stream's clients: the next flush brings them together
            self._hungry.pop(subscriber, None)

    def _feed_hungry(self) -> None:
        started = self._clock.time()
        for subscriber, audience in list(self._hungry.items()):
            if self._hungry.pop(subscriber, None) is not None:  # not closed meanwhile; comes back last in the row
                try:
                    self._feed(audience, subscriber)
                except Exception:  # bulkhead: a bug in one stream must not starve the others
                    logger.exception("stream %s", audience.stream.sub)
                    self._give_up(audience)
                if self._clock.time() - started > _TURN:
                    break
        self._feeding = None
        if self._hungry:
            self._feed_later()

    def _feed_later(self) -> None:
        if self._feeding is None:
            # Where nobody can take anything just now, a look a little later is soon enough.
            wait = _POLL if all(subscriber.peer in self._stalled for subscriber in self._hungry) else 0.0
            self._feeding = self._clock.call_at(self._clock.time() + wait, self._feed_hungry)

    def _drains(self, peer: Peer) -> bool:
        """Whether the peer can take more; closes one that could not for too long."""
        if peer.backlog() <= LOW_WATER:
            self._stalled.pop(peer, None)
            return True
        now = self._clock.time()
        if now - self._stalled.setdefault(peer, now) > DRAIN_TIMEOUT:
            self.counters.slow_closes += 1
            self._stalled[peer] = now
            peer.close(4413, "did not drain")
        return False

    def _replay(self, stream: Stream, subscriber: Subscriber) -> None:
        until = min(stream.position, subscriber.position + _SCAN)
        entries: list[Entry] = []
        size = 0
        for entry in stream.select(self._log.after(subscriber.position, until)):
            entries.append(entry)
            size += len(entry.encoded)
            if size >= _CHUNK:
                until = entry.sequence
                break
        subscriber.position = until
        if not entries and until < stream.position:
            return
        self._bring(subscriber, entries, until)

    def _bring(self, subscriber: Subscriber, entries: Sequence[Entry], until: int) -> None:
        """Writes the frames that bring a subscriber from its cursor to a position."""
        for frame in subscriber.stream.frames(entries, subscriber.cursor, until):
            subscriber.peer.write(frame.data)
            subscriber.carried += frame.readings
            self._count(frame, 1)
        subscriber.cursor = until

    def _take_off_missed(self, subscriber: Subscriber) -> None:
        """Counts a step of what a resumed subscriber missed, so that a gap can tell how much of it was lost.

        It comes before the step is replayed, and goes on while the peer does not drain and the log still holds it.
        """
        start, until = subscriber.missed_from, min(subscriber.missed_until, subscriber.missed_from + _COUNT)
        if start < until:
            if self._log.holds_after(start):
                missed = subscriber.stream.select(self._log.after(start, until))
                subscriber.carried -= sum(not entry.about_device for entry in missed)
            subscriber.missed_from = until

    def _declare_gap(self, subscriber: Subscriber) -> None:
        had = subscriber.carried
        self._place_at_head(subscriber)
        gap = {
            "type": "gap",
            "sub": subscriber.stream.sub,
            "cursor": self._log.cursor(subscriber.cursor),
            "lost": subscriber.carried - had,
            "reason": "slow_consumer",
        }
        self.counters.gaps += 1
        subscriber.peer.write(text_frame(orjson.dumps(gap)))
        self._write_snapshot(subscriber)

    def _write_snapshot(self, subscriber: Subscriber) -> None:
        for frame in subscriber.stream.snapshot(self._devices, subscriber.cursor):
            subscriber.peer.write(frame)
