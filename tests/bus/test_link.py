from typing import Any

import pytest

from gateway.bus import Link
from gateway.model import Acknowledgement, safe_name
from tests.bus.parts import Bus, sample

UNKNOWN = ("unknown", "nothing heard yet")
ONLINE = ("online", None)
SILENT = ("degraded", "silent for more than 30 s")
GARBLED = ("degraded", "most frames are unreadable")
GONE = ("offline", "the device reported itself offline")
PULLED = ("offline", "unplugged")


class TestStates:
    def test_a_device_of_a_link_that_was_never_tried_is_unknown(self) -> None:
        bus = Bus()
        bus.link()
        assert bus.state() == ("unknown", None)

    def test_from_plugged_in_to_pulled_and_back(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        assert bus.state() == UNKNOWN
        link.receive(None, sample(t=1))
        assert bus.state() == ONLINE
        link.down("unplugged")
        assert bus.state() == PULLED
        link.up()
        assert bus.state() == UNKNOWN  # nothing heard of the new link
        link.receive(None, sample(t=1))
        assert bus.state() == ONLINE
        assert [told["state"] for told in bus.told() if "state" in told] == [
            "unknown", "unknown", "online", "online", "offline", "unknown", "online"
        ]  # fmt: skip

    def test_a_link_that_cannot_be_opened_says_why_and_what_changes(self, caplog: pytest.LogCaptureFixture) -> None:
        bus = Bus()
        link = bus.link()
        for reason in ("no such port", "no such port", "no such port", "port is busy"):
            link.down(reason)
            assert bus.state() == ("offline", reason)
        assert caplog.messages == ["a: no such port", "a: port is busy"]
        assert bus.lost == []  # it was never up

    def test_readings_while_it_is_down_do_not_make_it_online(self) -> None:
        bus = Bus()
        link = bus.link()
        link.down("unplugged")
        link.receive(None, sample(t=1))
        assert bus.state() == PULLED

    def test_reconnects_are_counted_and_failed_attempts_are_not(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        assert bus.device().to_json()["link"]["reconnects"] == 0
        for times in (1, 2):
            link.down("unplugged")
            link.down("no such port")
            link.up()
            assert bus.device().to_json()["link"]["reconnects"] == times
        assert bus.lost == ["a", "a"]

    def test_the_end_of_the_adapter_is_a_lost_link_and_its_devices_go(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.receive("n1", sample(t=1))
        link.close()
        assert list(bus.devices) == []
        assert bus.lost == ["a"]


class TestSilence:
    def quiet(self, bus: Bus, link: Link, seconds: float) -> None:
        bus.clock.seconds += seconds
        link.judge_silence()

    def test_a_silent_device_is_degraded_after_its_deadline_and_online_when_it_speaks(self) -> None:
        bus = Bus()
        link = bus.link(silence=30)
        link.up()
        link.receive(None, sample(t=1))
        self.quiet(bus, link, 30)
        assert bus.state() == ONLINE
        self.quiet(bus, link, 0.5)
        assert bus.state() == SILENT
        link.receive(None, sample(t=1))
        assert bus.state() == ONLINE

    def test_the_deadline_of_a_device_that_never_spoke_starts_with_the_link(self) -> None:
        bus = Bus()
        link = bus.link(silence=30)
        bus.clock.seconds += 100
        link.up()
        self.quiet(bus, link, 30)
        assert bus.state() == UNKNOWN
        self.quiet(bus, link, 1)
        assert bus.state() == SILENT
        link.down("unplugged")
        assert bus.state() == PULLED
        link.up()
        assert bus.state() == UNKNOWN

    def test_silence_is_told_once(self) -> None:
        bus = Bus()
        link = bus.link(silence=30)
        link.up()
        bus.told()
        for _ in range(5):
            self.quiet(bus, link, 31)
        assert len(bus.told()) == 1

    def test_without_a_deadline_silence_is_fine(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        link.receive(None, sample(t=1))
        self.quiet(bus, link, 1e6)
        assert bus.state() == ONLINE

    def test_silence_of_a_link_that_is_down_is_not_news(self) -> None:
        bus = Bus()
        link = bus.link(silence=30)
        link.down("unplugged")
        self.quiet(bus, link, 31)
        assert bus.state() == PULLED

    def test_each_device_of_a_line_has_its_own_silence(self) -> None:
        bus = Bus()
        link = bus.link(single=False, silence=30)
        link.up()
        link.receive("n1", sample(t=1))
        link.receive("n2", sample(t=1))
        self.quiet(bus, link, 20)
        link.receive("n2", sample(t=1))
        self.quiet(bus, link, 20)
        assert bus.state("a.n1") == SILENT
        assert bus.state("a.n2") == ONLINE


class TestBadFrames:
    def test_mostly_bad_frames_degrade_and_good_ones_heal(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        link.receive(None, sample(t=1))
        for _ in range(10):
            link.fault(None, "not JSON")
        assert bus.state() == ONLINE  # half of twenty is not most
        link.fault(None, "not JSON")
        assert bus.state() == GARBLED
        good = 0
        while bus.state() != ONLINE:
            link.receive(None, sample(t=1))
            good += 1
        assert good == 10
        link = bus.device().to_json()["link"]
        assert (link["frames"], link["errors"], link["reconnects"]) == (11, 11, 0)

    def test_a_device_that_only_sends_garbage_is_degraded(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        for _ in range(11):
            link.fault(None, "not JSON")
        assert bus.state() == GARBLED

    def test_every_fifth_bad_frame_is_no_reason(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        for number in range(100):
            if number % 5:
                link.receive(None, sample(t=1))
            else:
                link.fault(None, "not JSON")
        assert bus.state() == ONLINE
        assert bus.device().errors == 20

    def test_the_frames_of_an_earlier_link_do_not_count(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        for _ in range(20):
            link.fault(None, "not JSON")
        link.down("unplugged")
        link.up()
        assert bus.state() == UNKNOWN
        link.receive(None, sample(t=1))
        assert bus.state() == ONLINE

    def test_a_flood_of_them_is_said_and_is_no_flood_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        for _ in range(1000):
            link.fault(None, "x" * 5000)
        assert len(caplog.messages) == 10
        assert all(len(message) < 300 for message in caplog.messages)
        assert caplog.messages[0].startswith("a: unreadable: x")


class TestSeveralDevices:
    def test_a_device_appears_with_its_first_frame_and_is_told_before_its_reading(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        assert bus.told() == []
        link.receive("n1", sample(t=1))
        told = bus.told()
        # Its state too: a device that changed after its reading would cut the frame in two.
        assert [(one.get("id"), one.get("state")) for one in told[:-1]] == [("a.n1", "online"), ("a.n1", "online")]
        assert told[-1]["values"] == {"t": 1}

    def test_a_fault_is_the_devices_where_it_is_known_and_else_the_links(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.receive("n1", sample(t=1))
        link.receive("n2", sample(t=1))
        link.fault("n1", "not a number")
        link.fault("stranger", "not JSON")  # garbage makes no device
        link.fault(None, "overlong", frames=3)
        assert bus.device("a.n1").to_json()["link"]["errors"] == 5
        assert bus.device("a.n2").to_json()["link"]["errors"] == 4
        assert len(bus.devices) == 2

    def test_the_garbage_of_one_does_not_degrade_the_other(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.receive("n1", sample(t=1))
        link.receive("n2", sample(t=1))
        for _ in range(11):
            link.fault("n1", "not a number")
        assert bus.state("a.n1") == GARBLED
        assert bus.state("a.n2") == ONLINE

    def test_all_of_them_go_and_come_with_the_link(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        for name in ("n1", "n2"):
            link.receive(name, sample(t=1))
        link.down("unplugged")
        assert bus.state("a.n1") == bus.state("a.n2") == PULLED
        link.up()
        link.receive("n1", sample(t=1))
        assert bus.state("a.n1") == ONLINE
        assert bus.state("a.n2") == UNKNOWN

    def test_names_that_no_id_can_hold_get_one_that_stays(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        for name in ("Living room", "Living/room", "живая"):
            link.receive(name, sample(t=1))
            device = bus.device(f"a.{safe_name(name)}")
            assert (device.wire_name, device.name) == (name, name)
        assert len(bus.devices) == 3

    def test_a_declared_device_takes_the_name_that_the_wire_gives_it(self) -> None:
        id = f"a.{safe_name('Living room')}"
        bus = Bus({id: {"points": {"fan": {"type": "boolean", "writable": True}}}, "a.n1": {"name": "Node"}})
        link = bus.link(single=False)
        link.up()
        assert bus.state(id) == UNKNOWN
        link.receive("Living room", sample(t=1))
        device = bus.device(id)
        assert device.wire_name == "Living room"  # commands go there
        assert bus.told()[-2]["name"] == "Living room"
        link.receive("n1", sample(t=1))
        assert bus.device("a.n1").name == "Node"
        link.receive(safe_name("Living room"), sample(t=2))  # whoever calls itself like the id
        assert device.wire_name == "Living room"
        link.close()
        assert list(bus.devices) == []

    def test_devices_without_end_are_refused_counted_and_said(self, caplog: pytest.LogCaptureFixture) -> None:
        bus = Bus(keep_readings=100)
        link = bus.link(single=False)
        link.up()
        for number in range(4200):
            link.receive(f"n{number}", sample(t=1))
        assert len(bus.devices) == 4096
        assert link.info.errors == 104
        refusals = [message for message in caplog.messages if "refused" in message]
        assert 0 < len(refusals) < 10
        link.receive("n0", sample(t=2))
        assert bus.device("a.n0").latest["t"][0] == 2

    @pytest.mark.parametrize("name", ["", "x" * 257])
    def test_a_name_of_no_length_or_too_much_is_refused(self, name: str) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.receive(name, sample(t=1))
        link.available(name, online=True)
        assert len(bus.devices) == 0
        assert link.info.errors == 2


class TestAvailability:
    def test_what_a_device_says_of_itself_counts(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.available("n1", online=True)
        assert bus.state("a.n1") == ONLINE
        link.available("n1", online=False)
        assert bus.state("a.n1") == GONE
        link.available("n1", online=True)
        assert bus.state("a.n1") == ONLINE

    def test_a_device_that_speaks_is_there_whatever_was_said_of_it(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.available("n1", online=False)
        link.receive("n1", sample(t=1))
        assert bus.state("a.n1") == ONLINE

    def test_online_does_not_hide_silence(self) -> None:
        bus = Bus()
        link = bus.link(single=False, silence=30)
        link.up()
        link.available("n1", online=True)
        bus.clock.seconds += 31
        link.judge_silence()
        assert bus.state("a.n1") == SILENT
        link.available("n1", online=False)
        assert bus.state("a.n1") == GONE

    def test_it_is_forgotten_with_the_link(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.available("n1", online=False)
        link.down("unplugged")
        assert bus.state("a.n1") == PULLED
        link.up()
        assert bus.state("a.n1") == UNKNOWN

    def test_what_it_is_said_to_be_away_for_is_the_reason(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.available("n1", online=False, reason="asleep until 06:00")
        assert bus.state("a.n1") == ("offline", "asleep until 06:00")
        link.available("n1", online=False, reason="does not answer")
        assert bus.state("a.n1") == ("offline", "does not answer")
        link.available("n1", online=False)
        assert bus.state("a.n1") == GONE
        link.available("n1", online=True, reason="never shown")
        assert bus.state("a.n1") == ONLINE


class TestHealth:
    def health(self, bus: Bus, id: str = "a") -> dict[str, Any]:
        link: dict[str, Any] = bus.device(id).to_json()["link"]
        return link

    def test_a_link_without_news_has_counted_nothing(self) -> None:
        bus = Bus()
        bus.link()
        assert self.health(bus) == {
            "frames": 0, "errors": 0, "reconnects": 0, "bytes": 0, "checksum_errors": 0, "resyncs": 0,
            "filtered": 0, "last_heard": None, "rate": 0.0,
        }  # fmt: skip

    def test_bytes_and_resyncs_are_the_links_and_checksum_errors_whose_they_are(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.traffic(100)
        link.receive("n1", sample(t=1))
        link.receive("n2", sample(t=1))
        link.traffic(28)
        link.resynced(2)
        link.fault(None, "damaged", frames=5, checksum_errors=3)
        link.fault("n1", "wrong checksum", checksum_errors=1)
        link.fault("n1", "not a number")
        one, other = self.health(bus, "a.n1"), self.health(bus, "a.n2")
        assert (one["bytes"], one["resyncs"]) == (other["bytes"], other["resyncs"]) == (128, 2)
        assert (one["errors"], one["checksum_errors"]) == (7, 4)
        assert (other["errors"], other["checksum_errors"]) == (5, 3)

    def test_the_last_frame_is_known_by_the_wall_clock_and_outlives_the_link(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        assert self.health(bus)["last_heard"] is None
        link.receive(None, sample(t=1), retained=True)
        link.fault(None, "not JSON")
        assert self.health(bus)["last_heard"] is None
        link.receive(None, sample(t=1))
        heard = bus.clock.now()
        bus.clock.seconds += 5
        link.down("unplugged")
        link.up()
        assert self.health(bus)["last_heard"] == heard
        link.acknowledged(Acknowledgement(1, ok=True))
        assert self.health(bus)["last_heard"] == heard + 5

    def test_counters_are_no_news(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        link.receive(None, sample(t=1))
        bus.told()
        for _ in range(50):
            bus.clock.seconds += 1
            link.traffic(1000)
            link.resynced(1)
            link.fault(None, "damaged", checksum_errors=1)
            link.receive(None, sample(t=1))
            bus.devices.tick()
        assert all("link" not in told for told in bus.told())

    def test_all_that_is_counted_can_be_read_at_once_and_never_goes_down(self) -> None:
        bus = Bus({"a": {"points": {"t": {"deadband": 5}}}})
        link = bus.link()
        other = bus.link(adapter="b", single=False)
        seen: dict[tuple[str, str | None, str], int] = {}
        for turn in range(4):
            link.up()
            other.up()
            link.traffic(10)
            link.resynced(1)
            for value in range(3):
                link.receive(None, sample(t=value / 10))
            link.fault(None, "damaged", frames=2, checksum_errors=1)
            other.fault(None, "damaged")
            if turn:
                other.receive("n1", sample(t=1))
            counts = {
                (adapter, device, name): count
                for adapter, device, counters in bus.devices.counters()
                for name, count in counters.items()
            }
            assert all(count >= seen[key] for key, count in counts.items() if key in seen)
            assert seen.keys() <= counts.keys()
            seen = counts
            link.down("unplugged")
            other.down("broker away")
        assert seen == {
            ("a", None, "bytes"): 40, ("a", None, "errors"): 0, ("a", None, "checksum_errors"): 0,
            ("a", None, "resyncs"): 4, ("a", None, "reconnects"): 3,
            ("a", "a", "frames"): 12, ("a", "a", "errors"): 8, ("a", "a", "checksum_errors"): 4,
            ("a", "a", "filtered"): 10,
            ("b", None, "bytes"): 0, ("b", None, "errors"): 4, ("b", None, "checksum_errors"): 0,
            ("b", None, "resyncs"): 0, ("b", None, "reconnects"): 3,
            ("b", "b.n1", "frames"): 3, ("b", "b.n1", "errors"): 0, ("b", "b.n1", "checksum_errors"): 0,
            ("b", "b.n1", "filtered"): 0,
        }  # fmt: skip
        other.close()
        assert {adapter for adapter, _, _ in bus.devices.counters()} == {"a"}


class TestRetained:
    def test_a_retained_reading_is_marked_and_says_nothing_of_now(self) -> None:
        bus = Bus()
        link = bus.link(single=False, silence=30)
        link.up()
        link.receive("n1", sample(t=1), retained=True)
        assert bus.state("a.n1")[0] == "unknown"
        assert bus.told()[-1]["retained"] is True
        bus.clock.seconds += 31
        link.receive("n1", sample(t=1), retained=True)
        link.judge_silence()
        assert bus.state("a.n1") == SILENT
        link.receive("n1", sample(t=1), retained=True)
        assert bus.state("a.n1") == SILENT

    def test_it_does_not_undo_that_the_device_is_gone(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        link.available("n1", online=False)
        link.receive("n1", sample(t=1), retained=True)
        assert bus.state("a.n1") == GONE

    def test_it_does_not_outweigh_bad_frames(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        for _ in range(11):
            link.fault(None, "not JSON")
        for _ in range(30):
            link.receive(None, sample(t=1), retained=True)
        assert bus.state() == GARBLED
        link.receive(None, sample(t=1))
        assert bus.state() == GARBLED


def test_an_acknowledgement_goes_to_whoever_waits_for_this_adapters() -> None:
    bus = Bus()
    answer = Acknowledgement(17, ok=True)
    bus.link(adapter="b").acknowledged(answer)
    assert bus.answers == [("b", answer, "b")]


def test_a_link_of_one_device_knows_it_before_it_speaks_and_others_only_when_declared() -> None:
    bus = Bus({"b.n2": {}, "b.n1": {}})
    bus.link(adapter="a")
    bus.link(adapter="b", single=False)
    assert [device.id for device in bus.devices] == ["a", "b.n1", "b.n2"]
    assert [device.wire_name for device in bus.devices] == [None, "n1", "n2"]


def test_a_link_that_comes_and_goes_for_one_reason_says_so_once_until_it_was_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus = Bus()
    link = bus.link()
    for _ in range(5):
        link.up()
        bus.clock.seconds += 10
        link.down("the broker gave our client id to another")
    assert caplog.messages == ["a: the broker gave our client id to another"]
    link.up()
    bus.clock.seconds += 61
    link.down("the broker gave our client id to another")
    assert len(caplog.messages) == 2
