"""The fan-out, one claim at a time; the simulation beside it runs them all at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gateway.model import Sample
from gateway.server import fanout
from tests.server.fakes import FakeClock, FakePeer
from tests.server.hall import Hall, kinds, readings


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_the_reply_comes_first_then_the_snapshot_then_every_reading(hall: Hall) -> None:
    hall.say("a", t=1)
    peer = FakePeer()
    hall.join(peer)
    hall.say("a", t=2)
    hall.clock.advance()
    assert kinds(peer) == ["ok", "snapshot", "update"]
    ok, snapshot, update = peer.messages
    assert ok["cursor"] == snapshot["cursor"] == update["prev"] != update["cursor"]
    assert snapshot["devices"][0]["values"]["t"]["value"] == 1
    assert readings([update]) == [("a", {"t": 2})]


def test_clients_of_one_stream_get_the_same_bytes(hall: Hall) -> None:
    class Raw(FakePeer):
        frames: list[bytes]

        def write(self, frame: bytes) -> None:
            self.frames = [*getattr(self, "frames", []), frame]

    peers = [Raw(), Raw()]
    assert len({hall.join(peer).stream.sub for peer in peers}) == 1
    hall.say("a", t=1)
    hall.clock.advance()
    assert peers[0].frames[-1] is peers[1].frames[-1]


def test_nothing_follows_an_unsubscription(hall: Hall) -> None:
    peer = FakePeer()
    subscriber = hall.join(peer)
    hall.say("a", t=1)  # waits for its flush
    hall.fanout.unsubscribe(subscriber)
    peer.take()
    hall.say("a", t=2)
    hall.clock.advance(1)
    assert peer.messages == []
    assert hall.fanout.streams == 0


def test_one_client_is_served_at_once_and_a_busy_fan_out_in_ticks() -> None:
    hall = Hall(max_delay=0.025)
    hall.clock.grain = 0.0001  # a flush takes a moment
    peer = FakePeer()
    hall.join(peer)
    for _ in range(200):
        hall.say("a", t=1)
        hall.clock.advance(0.001)
    # A flush of 0.1 ms and more is followed by the next after 5 ms or more: not 200 frames, and not just 8.
    assert 8 < kinds(peer).count("update") <= 41
    hall.clock.advance(0.025)
    assert len(readings(peer.messages)) == 200


def test_max_rate_is_the_most_frames_a_second(hall: Hall) -> None:
    peer = FakePeer()
    hall.join(peer, max_rate=4.0)
    for _ in range(1000):
        hall.say("a", t=1)
        hall.clock.advance(0.01)
    assert 40 <= kinds(peer).count("update") <= 41  # in ten seconds
    hall.clock.advance(0.25)
    assert len(readings(peer.messages)) == 1000


def test_a_slow_reader_is_taken_out_and_caught_up_and_the_others_are_not_delayed(hall: Hall) -> None:
    slow, quick = FakePeer(), FakePeer()
    hall.join(slow)
    hall.join(quick)
    slow.take()
    slow.held = fanout.HIGH_WATER + 1
    for number in range(100):
        hall.say("a", t=number)
        hall.clock.advance()
        assert readings(quick.messages[-1:])[-1] == ("a", {"t": number})
        hall.clock.advance(0.1)
    assert slow.messages == []
    assert hall.fanout.behind == 1
    slow.held = fanout.LOW_WATER
    hall.clock.advance(0.1)
    assert [values["t"] for _, values in readings(slow.messages)] == list(range(100))
    assert hall.fanout.behind == 0
    assert slow.closed is None


def test_a_long_flush_does_not_fill_the_buffer_of_who_does_not_read() -> None:
    hall = Hall(keep=10_000)

    class Stalled(FakePeer):
        def write(self, frame: bytes) -> None:
            super().write(frame)
            self.held += len(frame)

    stalled, quick = Stalled(), FakePeer()
    hall.join(stalled, max_rate=1.0)
    hall.join(quick, max_rate=1.0)
    hall.say("a", t=0)
    hall.clock.advance()
    for number in range(900):  # one flush of about a megabyte
        hall.devices.receive(hall.say("a", t=number), Sample({"text": "x" * 1000}))
    hall.clock.advance(1)
    assert len(readings(quick.messages)) == 1801
    assert stalled.held < fanout.HIGH_WATER + 70_000
    for _ in range(30):
        stalled.held = 0
        hall.clock.advance(0.1)
    assert readings(stalled.messages) == readings(quick.messages)


def test_a_reader_that_does_not_drain_for_30_s_is_closed_and_not_before(hall: Hall) -> None:
    peer = FakePeer()
    hall.join(peer)
    peer.held = fanout.HIGH_WATER + 1
    hall.say("a", t=1)
    hall.clock.advance(29.9)
    assert peer.closes == []
    hall.clock.advance(0.2)
    assert peer.closes == [4413]
    assert hall.fanout.counters.slow_closes == 1


def test_a_reader_that_drains_in_time_has_all_its_30_s_again(hall: Hall) -> None:
    peer = FakePeer()
    hall.join(peer)
    for _ in range(5):
        peer.held = fanout.HIGH_WATER + 1
        hall.say("a", t=1)
        hall.clock.advance(20)
        peer.held = 0
        hall.clock.advance(1)
    assert peer.closes == []


def test_a_stall_that_ended_with_its_subscription_is_not_held_against_the_next(hall: Hall) -> None:
    peer = FakePeer()
    subscriber = hall.join(peer)
    peer.held = fanout.HIGH_WATER + 1
    hall.say("a", t=1)
    hall.clock.advance(1)
    hall.fanout.unsubscribe(subscriber)
    peer.held = 0
    hall.clock.advance(100)
    hall.join(peer)
    peer.held = fanout.HIGH_WATER + 1
    hall.say("a", t=2)
    hall.clock.advance(5)
    assert peer.closes == []


def test_leaving_one_subscription_does_not_give_a_stalled_reader_more_time(hall: Hall) -> None:
    peer = FakePeer()
    first = hall.join(peer)
    hall.join(peer, "a*")
    peer.held = fanout.HIGH_WATER + 1
    hall.say("a", t=1)
    hall.clock.advance(20)
    hall.fanout.unsubscribe(first)
    hall.clock.advance(11)
    assert peer.closes == [4413]


def test_a_log_that_moved_on_is_a_gap_with_the_number_of_readings_lost(hall: Hall) -> None:
    peer = FakePeer()
    hall.join(peer)
    hall.say("a", t=0)
    hall.clock.advance()
    peer.take()
    peer.held = fanout.HIGH_WATER + 1
    for number in range(1500):
        hall.say("a", t=number)
    hall.clock.advance()
    peer.held = 0
    hall.clock.advance(0.1)
    gap, snapshot = peer.messages
    assert (gap["type"], gap["lost"], gap["reason"]) == ("gap", 1500, "slow_consumer")
    assert snapshot["type"] == "snapshot"
    assert snapshot["cursor"] == gap["cursor"]
    assert snapshot["devices"][0]["values"]["t"]["value"] == 1499


@pytest.mark.parametrize("points", ["*", "t*"])
def test_a_gap_after_a_resume_counts_what_was_missed_before_it_too(hall: Hall, points: str) -> None:
    peer = FakePeer()
    keeper = FakePeer()
    hall.join(keeper, points=points)  # keeps the stream, and its count of readings
    subscriber = hall.join(peer, points=points)
    hall.say("a", t=0)
    hall.clock.advance()
    cursor = peer.messages[-1]["cursor"]
    hall.fanout.unsubscribe(subscriber)
    for number in range(100):
        hall.say("a", t=number)
        hall.say("a", humidity=number)
    hall.clock.advance()
    again = FakePeer()
    again.held = fanout.HIGH_WATER + 1
    hall.join(again, points=points, since=cursor)
    assert again.take("ok")[0]["recovered"] is True
    for number in range(1500):
        hall.say("a", t=number)
    hall.clock.advance(0.1)
    again.held = 0
    hall.clock.advance(0.1)
    assert again.messages[0]["type"] == "gap"
    assert again.messages[0]["lost"] == 1600 + (100 if points == "*" else 0)


def test_a_gap_long_after_a_resume_does_not_count_what_came_at_once(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "_COUNT", 10)
    keeper, peer = FakePeer(), FakePeer()
    hall.join(keeper, "quiet", max_rate=1.0)
    hall.say("quiet", t=1)
    hall.clock.advance()
    for _ in range(50):
        hall.say("busy", t=1)
    hall.say("quiet", t=2)  # waits for its second to pass
    hall.join(peer, "quiet", since=keeper.messages[-1]["cursor"], max_rate=1.0)
    hall.clock.advance(1)
    assert readings(peer.messages) == [("quiet", {"t": 2})]
    peer.take()
    peer.held = fanout.HIGH_WATER + 1
    hall.say("quiet", t=3)
    hall.clock.advance(5)
    for _ in range(1500):
        hall.say("busy", t=1)
    peer.held = 0
    hall.clock.advance(1)
    assert (peer.messages[0]["type"], peer.messages[0]["lost"]) == ("gap", 1)


def test_who_joins_while_a_reading_waits_loses_none_after_however_long_a_silence(hall: Hall) -> None:
    early, late = FakePeer(), FakePeer()
    hall.join(early, "quiet")
    hall.say("quiet", t=1)
    hall.say("busy", t=1)
    hall.join(late, "quiet")  # the reading waits for its flush
    hall.clock.advance(1)
    for _ in range(2000):  # the log turns over twice
        hall.say("busy", t=1)
    hall.clock.advance(3600)
    hall.say("quiet", t=2)
    hall.clock.advance(1)
    assert "gap" not in kinds(late)
    assert readings(late.messages) == [("quiet", {"t": 2})]


def test_who_resumes_a_quiet_stream_loses_none_after_however_long_a_silence(hall: Hall) -> None:
    peer = FakePeer()
    subscriber = hall.join(peer, "quiet")
    hall.say("quiet", t=1)
    hall.clock.advance(1)
    cursor = peer.messages[-1]["cursor"]
    hall.fanout.unsubscribe(subscriber)
    for _ in range(2000):
        hall.say("busy", t=1)
    again = FakePeer()
    hall.join(again, "quiet", since=cursor)
    assert again.messages[0]["recovered"] is True
    for _ in range(2000):
        hall.say("busy", t=1)
    hall.say("quiet", t=2)
    hall.clock.advance(1)
    assert "gap" not in kinds(again)
    assert readings(again.messages) == [("quiet", {"t": 2})]


def test_a_cursor_is_answered_as_the_frames_after_it_will_name_it(hall: Hall) -> None:
    peer = FakePeer()
    subscriber = hall.join(peer)
    hall.say("a", t=1)
    hall.clock.advance()
    hall.fanout.unsubscribe(subscriber)
    epoch, _, place = peer.messages[-1]["cursor"].partition("-")
    hall.say("a", t=2)
    again = FakePeer()
    hall.join(again, since=f"{epoch}-0{place.upper()}")
    ok, update = again.messages
    assert ok["recovered"] is True
    assert update["prev"] == ok["cursor"]
    assert readings([update]) == [("a", {"t": 2})]


@pytest.mark.parametrize(
    "wrong", ["", "-", "nonsense", "{epoch}-", "{epoch}--1", "{epoch}-ffff", "{epoch}-1-1", "{epoch}-" + "f" * 40]
)
def test_a_cursor_that_is_none_gives_a_snapshot(hall: Hall, wrong: str) -> None:
    hall.say("a", t=1)
    epoch = hall.log.cursor(0).partition("-")[0]
    peer = FakePeer()
    hall.join(peer, since=wrong.format(epoch=epoch))
    assert kinds(peer) == ["ok", "snapshot"]
    assert peer.messages[0]["recovered"] is False


def test_a_bug_met_by_one_client_does_not_starve_the_others_that_are_behind(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FakePeer):
        """Breaks the promise of a peer: its write raises once it is broken."""

        broken = False

        def write(self, frame: bytes) -> None:
            if self.broken:
                raise RuntimeError("a bug")
            super().write(frame)

    broken, sound = Broken(), FakePeer()
    hall.join(broken, "a")
    hall.join(sound, "b")
    broken.held = sound.held = fanout.HIGH_WATER + 1
    hall.say("a", t=1)
    hall.say("b", t=1)
    hall.clock.advance(0.1)
    broken.broken, broken.held, sound.held = True, 0, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.server.fakes.FakeClock.advance", _forgiving(FakeClock.advance))
        for _ in range(5):
            hall.clock.advance(0.1)
    assert readings(sound.messages) == [("b", {"t": 1})]
    assert 1011 in broken.closes
    assert "RuntimeError: a bug" in caplog.text


def _forgiving(advance: Callable[[FakeClock, float], None]) -> Callable[[FakeClock, float], None]:
    """Like an event loop, the clock survives a call that raises."""

    def survive(clock: FakeClock, seconds: float = 0.0) -> None:
        try:
            advance(clock, seconds)
        except RuntimeError:
            return

    return survive


def test_many_streams_end_quickly(hall: Hall) -> None:
    peer = FakePeer()
    subscribers = [hall.join(peer, max_rate=1.0 + number) for number in range(1500)]
    for number in range(200):
        hall.say(f"d{number}", t=1)
    started = time.process_time()
    for subscriber in reversed(subscribers):
        hall.fanout.unsubscribe(subscriber)
    assert time.process_time() - started < 1.0  # a search through every route took seconds


def test_devices_that_went_leave_no_routes_behind(hall: Hall) -> None:
    hall.join(FakePeer())
    for number in range(2500):
        hall.devices.remove(hall.say(f"d{number}", t=1))
        if number % 100 == 0:
            hall.clock.advance(0.1)
    assert len(hall.fanout._routes) < 2000
