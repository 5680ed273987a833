"""A world around a fan-out without sockets: devices that speak, clients that read when they like, and the truth.

The clients' check is written from the protocol alone. Every reading carries a number of its own, so that a hole or
a repeat shows whatever the cursors say.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from gateway.bus import Devices, Entry, Log
from gateway.bus.device import LinkInfo
from gateway.model import DeviceState, Sample, Value
from gateway.server.fanout import FanOut, Subscriber
from gateway.server.frames import text_frame
from gateway.server.stream import Selection
from tests.server.fakes import FakeClock, Message, message_of
from tests.server.selecting import narrowed, wants


@dataclass
class Held:
    """What a client holds of one subscription."""

    selection: Selection
    sub: str = ""
    cursor: str = ""
    state: str = "none"  # none | snapshot | live
    whole: bool = False  # whether its devices are all known to it
    accounted: int = 0  # readings of the selection that it got, saw in a snapshot, or was told are lost
    devices: dict[str, Message] = field(default_factory=dict)
    parts: dict[str, Message] = field(default_factory=dict)

    def stands_at(self, cursor: str) -> bool:
        """Whether it holds all that lies before the cursor."""
        return self.state == "live" and self.cursor == cursor


class Connection:
    """A peer whose network takes everything at once, or nothing while it is stalled."""

    def __init__(self, world: World, client: Client) -> None:
        self.world = world
        self.client = client
        self.subscribers: dict[Selection, Subscriber] = {}
        self.active: set[str] = set()  # names of the subscriptions whose frames may be written
        self.stalled_since: float | None = None
        self._last_stall = self._flowed_at = -1.0
        self.closed: int | None = None
        self._unsent: deque[tuple[Message, int, int]] = deque()
        self._held = 0

    def write(self, frame: bytes) -> None:
        message = message_of(frame)
        self.world.written(self, message)
        if self.closed is not None:
            return
        self._unsent.append((message, len(self.world.truth), len(frame)))
        self._held += len(frame)
        if self.stalled_since is None:
            self.drain()

    def backlog(self) -> int:
        return self._held

    def close(self, code: int, reason: str) -> None:
        assert code == 4413, (code, reason)
        assert self.stalled_since is not None, "closed a peer that takes everything"
        assert self.world.clock.now - self.stalled_since >= 30, "closed before 30 s were over"
        self.closed = code

    def stall(self) -> None:
        """The network takes nothing from now on. A moment of flow that is shorter than a poll goes unseen."""
        if self.stalled_since is None:
            now = self.world.clock.now
            self._last_stall = self._last_stall if now - self._flowed_at < 0.1 else now
            self.stalled_since = self._last_stall

    def flow(self) -> None:
        """The network takes everything again."""
        if self.stalled_since is not None:
            self.stalled_since, self._flowed_at = None, self.world.clock.now
        self.drain()

    def drain(self, most: int | None = None) -> None:
        """Lets the network take the oldest frames, at most so many bytes of them."""
        taken = 0
        while self._unsent and (most is None or taken < most):
            message, written_at, size = self._unsent.popleft()
            taken += size
            self._held -= size
            self.client.take(message, written_at)


class Client:
    """A dashboard over all its connections; it resumes by cursor, and checks everything that it gets."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.held: dict[Selection, Held] = {}
        self.connection = Connection(world, self)

    def take(self, message: Message, written_at: int) -> None:
        """A message arrived that was written when so many things had happened."""
        if message["type"] == "ok":
            self._replied(message)
            return
        held = next(h for h in self.held.values() if h.sub == message["sub"])
        match message["type"]:
            case "snapshot":
                self._snapshot(held, message, written_at)
            case "gap":
                self._gap(held, message, written_at)
            case "update":
                self._update(held, message)
            case other:
                raise AssertionError(f"nobody asked for {other}")

    def _replied(self, message: Message) -> None:
        selection: Selection = self.world.selections[message["selection"]]
        before = self.held.get(selection)
        if not message["recovered"]:
            self.held[selection] = Held(selection, message["sub"], message["cursor"], "snapshot")
            return
        assert message["cursor"] == message["since"]
        if before is None or not before.stands_at(message["since"]):  # the cursor of another subscription
            before = self.held[selection] = Held(selection)
            before.accounted = self.world.accounted_at(selection, message["since"])
        before.sub, before.cursor, before.state = message["sub"], message["cursor"], "live"

    def _snapshot(self, held: Held, message: Message, written_at: int) -> None:
        assert held.state == "snapshot", f"a snapshot that nothing announced, in state {held.state}"
        assert message["cursor"] == held.cursor
        for device in message["devices"]:
            assert device["id"] not in held.parts
            held.parts[device["id"]] = device
        if not message.get("more"):
            held.devices, held.parts = held.parts, {}
            held.state, held.whole = "live", True
            held.accounted = bisect_left(self.world.carried[held.selection], written_at)

    def _gap(self, held: Held, message: Message, written_at: int) -> None:
        assert held.state == "live"
        lost = bisect_left(self.world.carried[held.selection], written_at) - held.accounted
        assert message["lost"] == lost, f"{message['lost']} told as lost, {lost} were"
        assert message["reason"] == "slow_consumer"
        held.cursor, held.state = message["cursor"], "snapshot"

    def _update(self, held: Held, message: Message) -> None:
        assert held.state == "live", f"an update in state {held.state}"
        assert message["prev"] == held.cursor, f"prev is {message['prev']}, the cursor before was {held.cursor}"
        held.cursor = message["cursor"]
        conflated = message.get("conflated", 0)
        readings = message["readings"]
        covered = [
            self.world.truth[i]
            for i in self.world.carried[held.selection][held.accounted :][: len(readings) + conflated]
        ]
        assert len(covered) == len(readings) + conflated, "more readings than there were"
        if held.selection.mode == "all":
            assert "conflated" not in message
            for reading, true in zip(readings, covered, strict=True):
                assert self._plain(reading) == self._plain(true, held.selection), "a hole, a repeat or a wrong value"
        else:
            self._check_newest(held.selection, readings, covered)
        held.accounted += len(covered)
        for device in message.get("devices", ()):
            if device.get("removed"):
                held.devices.pop(device["id"], None)
            else:
                held.devices[device["id"]] = device
        for reading in readings:
            self._apply(held, reading)

    def _check_newest(self, selection: Selection, readings: list[Message], covered: list[Message]) -> None:
        newest: dict[tuple[str, str], tuple[float, Value]] = {}
        for true in covered:
            for point, value in narrowed(selection, true["values"]).items():
                newest[true["device"], point] = true["time"], value
        seen = set()
        for reading in readings:
            assert reading["values"]
            for point, value in reading["values"].items():
                place = reading["device"], point
                assert place not in seen, "a point twice in one frame of `latest`"
                seen.add(place)
                assert newest[place] == (reading["time"], value), "not the newest value"

    @staticmethod
    def _plain(reading: Message, selection: Selection | None = None) -> Message:
        plain = {"quality": {}, **reading}
        if selection is not None:
            plain |= {name: narrowed(selection, plain[name]) for name in ("values", "quality")}
        return plain

    @staticmethod
    def _apply(held: Held, reading: Message) -> None:
        device = held.devices.get(reading["device"])
        assert device is not None or not held.whole, "a reading of a device that the client was never told of"
        if device is not None:
            for point, value in reading["values"].items():
                quality = reading.get("quality", {}).get(point, "good")
                device["values"][point] = {"value": value, "time": reading["time"], "quality": quality}
                assert point in device["points"], "a value of a point that the client was never told of"


class World:
    """Devices, log, fan-out and clients on one clock; `truth` is everything that the devices said."""

    def __init__(self, random: Random, selections: list[Selection]) -> None:
        self.random = random
        self.clock = FakeClock(grain=random.choice((0.0, 0.0, 0.0003)))
        clock = self.clock
        keep = random.choice((100, 100, 300, 3000))
        self.log = Log(keep, keep=random.choice((1.0, 60.0, 600.0)), monotonic=lambda: clock.now)
        self.devices = Devices(self.log, {}, now=lambda: 1e9 + round(clock.now, 3), monotonic=lambda: clock.now)
        self.selections = selections
        self.truth: list[Message] = []  # readings
        self.sequences: list[int] = []  # theirs, in the log
        self.carried: dict[Selection, list[int]] = {selection: [] for selection in selections}  # which readings
        self.sums = {"frames": 0, "readings": 0, "conflated": 0}
        self.gaps = self.resumes = self.closes = 0
        self.log.taps.append(self._happened)
        self.fanout = FanOut(self.log, self.devices, clock, max_delay=random.choice((0.0, 0.025, 0.2)))
        self.clients = [Client(self) for _ in range(random.randint(1, 5))]
        self._link = LinkInfo()
        self._number = 0

    def _happened(self, entry: Entry) -> None:
        if entry.about_device:
            return
        reading = orjson.loads(entry.encoded)
        for selection, carried in self.carried.items():
            if wants(selection, entry.device) and narrowed(selection, reading["values"]):
                carried.append(len(self.truth))
        self.truth.append(reading)
        self.sequences.append(entry.sequence)

    def written(self, connection: Connection, message: Message) -> None:
        """Checks a message as it is written, where what it should say is known best."""
        if message["type"] == "ok":
            return
        assert message["sub"] in connection.active, "a frame of a subscription that is none"
        if message["type"] == "snapshot":
            selection = next(s for s, sub in connection.subscribers.items() if sub.stream.sub == message["sub"])
            expected = self.expected(selection)
            for device in message["devices"]:
                assert self.shown(device) == expected[device["id"]]
        elif message["type"] == "update":
            self.sums["frames"] += 1
            self.sums["readings"] += len(message["readings"])
            self.sums["conflated"] += message.get("conflated", 0)
        else:
            self.gaps += 1

    def accounted_at(self, selection: Selection, cursor: str) -> int:
        """How many readings of the selection lie before a cursor."""
        position = self.log.position(cursor)
        assert position is not None
        return bisect_left(self.carried[selection], bisect_right(self.sequences, position))

    def expected(self, selection: Selection) -> dict[str, Message]:
        """The devices of a selection as the registry has them, without the link's counters, which nothing announces."""
        found: dict[str, Message] = {}
        for device in self.devices:
            if wants(selection, device.id):
                members = orjson.loads(orjson.dumps(device.to_json()))
                for name in ("points", "values"):
                    members[name] = narrowed(selection, members[name])
                found[device.id] = self.shown(members)
        return found

    @staticmethod
    def shown(device: Message) -> Message:
        return {name: value for name, value in device.items() if name != "link"}

    # ---- what happens

    def publish(self, id: str, points: list[str]) -> None:
        device = self.devices.get(id) or self.devices.add(id, None, self._link, "sent")
        values: dict[str, Value] = {}
        for point in points:
            self._number += 1
            values[point] = self.random.choice((0, False, "", None)) if point == "odd" else self._number
        self.devices.receive(device, Sample(values))

    def change(self, id: str) -> None:
        device = self.devices.get(id)
        if device is not None and device.sequence:
            state = self.random.choice(list(DeviceState))
            self.devices.set_state(device, state, self.random.choice((None, "unplugged")))

    def remove(self, id: str) -> None:
        device = self.devices.get(id)
        if device is not None:
            self.devices.remove(device)

    def subscribe(self, client: Client, selection: Selection, since: str | None) -> None:
        connection = client.connection
        held = client.held.get(selection)
        if since is not None and held is not None and held.stands_at(since):
            told = self.accounted_at(selection, since)
            assert told == held.accounted, f"the cursor stands for {told} readings, the client got {held.accounted}"
        position = self.log.position(since) if since is not None else None
        held_all = position is not None and self.log.holds_after(position)
        replies: list[Message] = []

        def reply(sub: str, cursor: str, recovered: bool) -> None:
            assert recovered or not held_all, "a snapshot where the log had everything"
            message = {
                "type": "ok", "selection": self.selections.index(selection), "sub": sub, "cursor": cursor,
                "since": since, "recovered": recovered,
            }  # fmt: skip
            replies.append(message)
            connection.active.add(sub)
            self.resumes += recovered
            connection.write(text_frame(orjson.dumps(message)))

        # The check of what is written needs to know the selection by its name already.
        known = connection.subscribers.get(selection)
        if known is not None:
            connection.active.discard(known.stream.sub)
        connection.subscribers[selection] = _Promise(self.fanout, selection)  # type: ignore[assignment]
        connection.subscribers[selection] = self.fanout.subscribe(connection, selection, since, reply)
        assert len(replies) == 1

    def unsubscribe(self, client: Client, selection: Selection) -> None:
        subscriber = client.connection.subscribers.pop(selection)
        self.fanout.unsubscribe(subscriber)
        client.connection.active.discard(subscriber.stream.sub)

    def disconnect(self, client: Client) -> None:
        """The connection breaks; what was on its way is lost."""
        connection = client.connection
        for subscriber in connection.subscribers.values():
            self.fanout.unsubscribe(subscriber)
        self.fanout.drop(connection)
        connection.active.clear()
        self.closes += connection.closed is not None
        client.connection = Connection(self, client)

    def reconnect(self, client: Client) -> None:
        wanted = list(client.connection.subscribers)
        self.disconnect(client)
        for selection in wanted:
            held = client.held.get(selection)
            self.subscribe(client, selection, held.cursor if held is not None and held.state == "live" else None)

    def settle(self) -> None:
        """Everyone reads everything; then each client holds what the registry has."""
        for client in self.clients:
            if client.connection.closed is not None:
                self.reconnect(client)
            client.connection.flow()
        self.clock.advance(3.0)
        for client in self.clients:
            for selection in client.connection.subscribers:
                held = client.held[selection]
                assert held.state == "live"
                assert held.accounted == len(self.carried[selection]), "readings are missing at the end"
                if held.whole:
                    shown = {id: self.shown(device) for id, device in held.devices.items()}
                    assert shown == self.expected(selection)
        assert self.fanout.behind == 0, "clients are left behind though they read everything"
        counters = self.fanout.counters
        assert self.sums == {name: getattr(counters, name) for name in self.sums}
        assert counters.gaps == self.gaps

    def end(self) -> None:
        """Everyone leaves; nothing may remain of them."""
        for id in ("a", "b", "c.x"):
            self.publish(id, ["t1", "h"])  # and all of it waits still
        for client in self.clients:
            self.disconnect(client)
        fanout = self.fanout
        assert fanout.streams == 0
        left = fanout._dirty, fanout._hungry, fanout._stalled, fanout._audiences
        assert not any(left), left
        assert self.clock.pending <= 2, "more than the next flush and the next look at who is behind"
        self.clock.advance(1.0)
        assert not any(fanout._routes.values()), "a device's route leads to a stream that is gone"
        assert self.clock.pending == 0, "a call is left"


class _Promise:
    """Stands for the subscriber while `subscribe` runs: only the name of its stream is asked for."""

    def __init__(self, fanout: FanOut, selection: Selection) -> None:
        self._fanout = fanout
        self._selection = selection

    @property
    def stream(self) -> Any:
        return self._fanout._audiences[self._selection].stream
