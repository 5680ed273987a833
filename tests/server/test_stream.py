"""What a stream selects, narrows, folds and joins into frames."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bus import Devices, Entry, Log
from gateway.bus.device import LinkInfo
from gateway.model import DeviceState, Sample, Value
from gateway.server import stream as stream_module
from gateway.server.stream import Frame, Mode, Selection, Stream
from tests.server.fakes import Message, message_of


class Feed:
    """A stream on a log, with devices that speak."""

    def __init__(
        self, mode: Mode = "all", *, devices: str = "*", points: tuple[str, ...] = ("*",), readable: str = "*"
    ) -> None:
        self.log = Log(100_000, 600.0)
        self.devices = Devices(self.log, {}, now=lambda: 7.0)
        self.stream = Stream("s1", Selection((devices,), points, (readable,), mode), self.log)
        self.entries: list[Entry] = []
        self.log.taps.append(self._take)

    def _take(self, entry: Entry) -> None:
        self.entries.append(entry)
        if self.stream.selection.wants(entry.device):
            self.stream.add(entry)

    def say(self, id: str, values: dict[str, Value]) -> None:
        device = self.devices.get(id) or self.devices.add(id, None, LinkInfo(), "sent")
        self.devices.receive(device, Sample(values))

    def known(self, *ids: str, **values: Value) -> None:
        """Devices that were announced before the frames that matter."""
        for id in ids:
            self.say(id, values or {"t": 0})
        self.stream.take()
        self.entries.clear()

    def turn(self, id: str, state: DeviceState) -> None:
        device = self.devices.get(id)
        assert device is not None
        self.devices.set_state(device, state, None)

    def take(self) -> list[Message]:
        return [message_of(frame.data) for frame in self.stream.take()]


def plain(message: Message) -> list[Any]:
    """The devices, then the readings of an update."""
    return [d["id"] for d in message.get("devices", ())] + [(r["device"], r["values"]) for r in message["readings"]]


def test_what_waited_is_joined_into_one_frame_in_order() -> None:
    feed = Feed()
    feed.known("a", "b")
    for number in range(3):
        feed.say("a", {"t": number})
        feed.say("b", {"t": number})
    (message,) = feed.take()
    assert plain(message) == [(id, {"t": n}) for n in range(3) for id in "ab"]
    assert "conflated" not in message
    assert "devices" not in message
    assert feed.take() == []


def test_readings_pass_as_they_were_encoded_and_zeros_and_null_are_values() -> None:
    feed = Feed()
    feed.known("a", n=1, z=1, f=True, e="x")
    values: dict[str, Value] = {"n": float("nan"), "z": 0, "f": False, "e": ""}
    feed.say("a", values)
    (message,) = feed.take()
    (reading,) = message["readings"]
    assert reading == {
        "device": "a", "time": 7.0, "values": {"n": None, "z": 0, "f": False, "e": ""}, "quality": {"n": "bad"},
    }  # fmt: skip


def test_a_new_device_is_told_before_its_first_reading_in_the_same_frame() -> None:
    feed = Feed()
    feed.say("a", {"t": 1})
    (message,) = feed.take()
    assert plain(message) == ["a", ("a", {"t": 1})]


def test_a_frame_ends_before_a_device_that_changed_after_one_of_its_readings() -> None:
    feed = Feed()
    feed.known("a", "b")
    feed.say("a", {"t": 1})
    feed.turn("b", DeviceState.ONLINE)  # another device's change may share the frame
    feed.turn("a", DeviceState.ONLINE)
    feed.say("a", {"t": 2})
    first, second = feed.take()
    assert plain(first) == ["b", ("a", {"t": 1})]
    assert plain(second) == ["a", ("a", {"t": 2})]
    assert second["prev"] == first["cursor"]


def test_of_several_changes_of_a_device_in_a_frame_the_last_is_told() -> None:
    feed = Feed()
    feed.known("a")
    for state in (DeviceState.ONLINE, DeviceState.DEGRADED, DeviceState.OFFLINE):
        feed.turn("a", state)
    (message,) = feed.take()
    assert [device["state"] for device in message["devices"]] == ["offline"]


def test_a_device_that_went_is_told_as_removed() -> None:
    feed = Feed()
    feed.known("a")
    device = feed.devices.get("a")
    assert device is not None
    feed.devices.remove(device)
    (message,) = feed.take()
    assert message["devices"] == [{"id": "a", "removed": True}]
    assert message["readings"] == []


def test_long_frames_are_split_and_the_cursors_form_one_chain() -> None:
    feed = Feed()
    feed.known("a")
    position = feed.stream.position
    for number in range(5000):
        feed.say("a", {"t": number, "text": "x" * 50})
    frames = feed.stream.take()
    assert len(frames) > 5
    assert all(len(frame.data) < stream_module._MAX_FRAME + 1000 for frame in frames)
    messages = [message_of(frame.data) for frame in frames]
    assert messages[0]["prev"] == feed.log.cursor(position)
    assert all(later["prev"] == earlier["cursor"] for earlier, later in pairwise(messages))
    assert messages[-1]["cursor"] == feed.log.cursor(feed.log.head)
    assert [r["values"]["t"] for m in messages for r in m["readings"]] == list(range(5000))
    assert sum(frame.readings for frame in frames) == 5000


def test_points_are_narrowed_in_readings_qualities_and_devices() -> None:
    feed = Feed(points=("t*", "h?"))
    feed.say("a", {"t1": float("inf"), "x": float("inf"), "hh": 2, "h": 3})
    (message,) = feed.take()
    (device,), (reading,) = message["devices"], message["readings"]
    assert set(device["points"]) == set(device["values"]) == {"t1", "hh"}
    assert reading["values"] == {"t1": None, "hh": 2}
    assert reading["quality"] == {"t1": "bad"}


def test_a_reading_without_a_wanted_point_does_not_wait() -> None:
    feed = Feed(points=("t",))
    feed.known("a", t=1, x=1)
    feed.say("a", {"x": 2})
    assert feed.stream.waiting == []


@pytest.mark.parametrize(
    ("devices", "readable", "carried"),
    [("*", "*", "a b.c b.d"), ("b.?", "*", "b.c b.d"), ("*", "b.*", "b.c b.d"), ("a", "b.*", ""), ("b", "*", "")],
)
def test_a_stream_carries_what_is_wanted_and_may_be_read(devices: str, readable: str, carried: str) -> None:
    feed = Feed(devices=devices, readable=readable)
    for id in ("a", "b.c", "b.d"):
        feed.say(id, {"t": 1})
    assert " ".join(r["device"] for m in feed.take() for r in m["readings"]) == carried
    assert " ".join(e.device for e in feed.stream.select(feed.entries) if not e.about_device) == carried
    (snapshot,) = feed.stream.snapshot(feed.devices, 0)
    assert " ".join(device["id"] for device in message_of(snapshot)["devices"]) == carried


def test_latest_folds_to_the_newest_value_of_each_point_and_counts_what_went() -> None:
    feed = Feed("latest")
    feed.known("a", "b", t=0, h=0)
    feed.say("a", {"t": 1, "h": 1})
    feed.say("b", {"t": 1})
    feed.say("a", {"t": 2})
    feed.say("b", {"t": 2})
    (message,) = feed.take()
    assert plain(message) == [("a", {"h": 1}), ("a", {"t": 2}), ("b", {"t": 2})]
    assert message["conflated"] == 1


def test_each_frame_of_latest_counts_what_was_folded_on_its_stretch() -> None:
    feed = Feed("latest")
    feed.known("a", "b")
    feed.say("a", {"t": 1})
    feed.turn("a", DeviceState.ONLINE)  # ends the frame
    feed.say("b", {"t": 1})
    feed.say("b", {"t": 2})
    first, second = feed.take()
    assert "conflated" not in first
    assert second["conflated"] == 1


def test_what_was_folded_early_is_counted_and_needs_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_FOLD_AT", 8)
    feed = Feed("latest")
    feed.known("a", "b")
    feed.stream._fold_at = 8
    for number in range(1000):
        feed.say("ab"[number % 2], {"t": number})
        assert len(feed.stream.waiting) <= 8
    assert feed.stream.waiting_readings == 1000
    assert feed.stream.waits_after == feed.log.head - 1000
    (message,) = feed.take()
    assert plain(message) == [("a", {"t": 998}), ("b", {"t": 999})]
    assert message["conflated"] == 998


def test_more_points_than_fit_are_not_folded_anew_at_each_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_FOLD_AT", 64)
    feed = Feed("latest")
    feed.known("a")
    feed.stream._fold_at = 64
    folded = 0
    fold = Stream._fold

    def count(self: Stream, entries: list[Entry]) -> Any:
        nonlocal folded
        folded += len(entries)
        return fold(self, entries)

    monkeypatch.setattr(Stream, "_fold", count)
    for number in range(500):
        feed.say(f"d{number}", {"t": number})
    assert folded < 3000  # at each reading it would be more than 100,000


def test_a_stretch_with_nothing_to_tell_is_one_empty_frame() -> None:
    stream = Feed().stream
    (frame,) = stream.frames((), 3, 9)
    message = message_of(frame.data)
    assert message["readings"] == []
    assert "devices" not in message
    assert (message["prev"], message["cursor"]) == (stream._log.cursor(3), stream._log.cursor(9))
    assert list(stream.frames((), 9, 9)) == []


def test_a_long_snapshot_is_split_and_all_parts_but_the_last_say_more() -> None:
    feed = Feed()
    for number in range(300):
        feed.say(f"d{number}", {f"p{n}": "x" * 20 for n in range(10)})
    parts = [message_of(frame) for frame in feed.stream.snapshot(feed.devices, 5)]
    assert len(parts) > 2
    assert [part.get("more", False) for part in parts] == [True] * (len(parts) - 1) + [False]
    assert {part["cursor"] for part in parts} == {feed.log.cursor(5)}
    assert [d["id"] for part in parts for d in part["devices"]] == [f"d{n}" for n in range(300)]


def test_a_snapshot_of_nothing_is_one_frame() -> None:
    feed = Feed()
    (part,) = feed.stream.snapshot(feed.devices, 0)
    assert message_of(part)["devices"] == []


steps = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", "xy", "state"])), max_size=40)


@given(steps, st.sampled_from(["all", "latest"]), st.integers(1, 400))
def test_any_stretch_told_in_frames_leaves_a_client_with_the_registrys_values(
    taken: list[tuple[str, str]], mode: Mode, most: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream_module, "_MAX_FRAME", most)
        feed = Feed(mode)
        number = 0
        for id, what in taken:
            if what == "state" and feed.devices.get(id):
                feed.turn(id, list(DeviceState)[number % 4])
            else:
                number += 1
                feed.say(id, {point: number for point in what if point in "xy"} or {"x": number})
        frames: list[Frame] = feed.stream.take()
    held: dict[str, Any] = {}
    for frame in frames:
        message = message_of(frame.data)
        held |= {device["id"]: device for device in message.get("devices", ())}
        for reading in message["readings"]:
            for point, value in reading["values"].items():
                held[reading["device"]]["values"][point]["value"] = value
    registry = {device.id: device.to_json() for device in feed.devices}
    for told in (*held.values(), *registry.values()):
        told["values"] = {point: value["value"] for point, value in told["values"].items()}
        told["points"], told["link"] = set(told["points"]), None
    assert held == registry
    assert sum(frame.readings for frame in frames) == sum(not entry.about_device for entry in feed.entries)
    assert feed.stream.carried == sum(frame.readings for frame in frames)
