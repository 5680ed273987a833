"""How often something comes: rates, and deadlines that are learnt."""

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bus.pace import Pace, Rate
from gateway.model import Quality, Sample
from tests.bus.parts import Bus, sample

AUTO = {"stale_after": "auto"}


def limits(pace: Pace, gaps: list[float], start: float = 0.0) -> list[float]:
    """Each limit that is learnt from values with these gaps between them."""
    found, now = [], start
    for gap in gaps:
        now += gap
        if pace.hear(now):
            assert pace.limit is not None
            found.append(pace.limit)
    return found


class TestPace:
    def test_nothing_is_known_before_enough_has_come(self) -> None:
        pace = Pace(2.0)
        assert limits(pace, [60.0] * 5) == []
        assert limits(pace, [60.0], 300.0) == [180.0]

    def test_of_a_fast_point_it_takes_ten_seconds(self) -> None:
        pace = Pace(2.0)
        assert limits(pace, [0.1] * 100) == []
        assert limits(pace, [0.1] * 3, 10.0) == [2.0]

    @pytest.mark.parametrize("interval", [0.01, 0.7, 1.0, 10.0, 600.0])
    def test_it_is_three_intervals_and_two_seconds_at_least(self, interval: float) -> None:
        (limit,) = limits(Pace(2.0), [interval] * 5000)
        assert limit == pytest.approx(max(2.0, 3 * interval), rel=0.05)

    @pytest.mark.parametrize("seed", range(20))
    def test_jitter_does_not_move_it_and_never_reaches_it(self, seed: int) -> None:
        rng = random.Random(seed)
        pace = Pace(2.0)
        gaps = [rng.uniform(0.5, 1.5) for _ in range(5000)]
        found = limits(pace, gaps)
        assert len(found) == 1
        assert max(gaps) < found[0] < 3 * max(gaps) + 0.1

    def test_an_outage_teaches_nothing(self) -> None:
        pace = Pace(2.0)
        assert limits(pace, [1.0] * 20) == [3.0]
        for hour in range(1, 4):
            assert limits(pace, [1.0] * 20, hour * 7200.0) == []  # the first of them ends a long silence
        assert pace.limit == 3.0

    def test_a_point_that_comes_more_seldom_from_now_on_is_expected_so(self) -> None:
        pace = Pace(2.0)
        limits(pace, [1.0] * 20)
        assert limits(pace, [20.0] * 2, 20.0) == [60.0]
        assert limits(pace, [20.0] * 50, 60.0) == []

    def test_one_that_comes_more_often_too_after_a_while(self) -> None:
        pace = Pace(2.0)
        limits(pace, [60.0] * 20)
        found = limits(pace, [1.0] * 600, 1200.0)
        assert found == [3.0]

    @pytest.mark.parametrize(("size", "pause"), [(20, 5.0), (200, 60.0), (3000, 300.0)])
    def test_bursts_become_usual(self, size: int, pause: float) -> None:
        pace = Pace(2.0)
        burst = [pause] + [0.01] * (size - 1)
        limits(pace, burst * 5)
        assert pace.limit == pytest.approx(3 * pause, rel=0.05)
        assert limits(pace, burst * 100, 5 * (pause + size * 0.01)) == []  # and stay so

    def test_a_device_that_sleeps_at_night_is_watched_by_day(self) -> None:
        pace = Pace(2.0)
        found = limits(pace, ([43_200.0] + [60.0] * 720) * 6)
        assert pace.limit == 180.0
        assert found[-1:] == [180.0]

    def test_the_interval_over_a_lost_link_says_nothing(self) -> None:
        pace = Pace(2.0)
        limits(pace, [1.0] * 20)
        for minute in range(1, 30):
            pace.interrupt()
            assert limits(pace, [1.0] * 20, minute * 60.0) == []
        assert pace.limit == 3.0

    @settings(deadline=None)
    @given(st.lists(st.floats(0, 1e6), max_size=200))
    def test_whatever_comes_the_limit_is_at_least_two_seconds_and_no_wild_number(self, gaps: list[float]) -> None:
        found = limits(Pace(2.0), gaps)
        assert all(2.0 <= limit <= 3.2 * max(gaps) + 2 for limit in found)


class TestLearntDeadlines:
    def run(self, bus: Bus, gaps: list[float], **values: Any) -> None:
        for gap in gaps:
            self.rest(bus, gap)
            bus.devices.receive(bus.device(), Sample(values or {"p": 1.0}))

    def rest(self, bus: Bus, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            bus.clock.seconds += 0.25
            bus.devices.tick()

    def started(self, **point: Any) -> Bus:
        bus = Bus({"a": {"points": {"p": {**AUTO, **point}, "other": {}}}})
        bus.link().up()
        return bus

    def quality(self, bus: Bus) -> Quality:
        return bus.device().latest["p"][2]

    def test_it_is_told_once_as_a_number_and_before_the_reading_that_showed_it(self) -> None:
        bus = self.started()
        self.run(bus, [1.0] * 5)
        assert "stale_after" not in bus.device().to_json()["points"]["p"]
        bus.told()
        self.run(bus, [1.0] * 300)
        told = bus.told()
        devices = [one for one in told if "points" in one]
        assert [one["points"]["p"]["stale_after"] for one in devices] == [3.0]
        assert "values" in told[told.index(devices[0]) + 1]

    def test_a_point_that_stops_is_marked_by_what_was_learnt_before(self) -> None:
        bus = self.started()
        self.run(bus, [1.0] * 30)
        self.rest(bus, 3.0)
        assert self.quality(bus) is Quality.GOOD
        self.rest(bus, 0.25)
        assert self.quality(bus) is Quality.STALE
        self.rest(bus, 3600)
        assert bus.device().points["p"].stale_after == 3.0

    def test_before_that_nothing_is_stale(self) -> None:
        bus = self.started()
        self.run(bus, [1.0] * 4)
        self.rest(bus, 3600)
        assert self.quality(bus) is Quality.GOOD

    def test_a_point_that_slows_down_is_stale_twice_at_most(self) -> None:
        bus = self.started()
        self.run(bus, [1.0] * 30)
        bus.told()
        self.run(bus, [12.0] * 100)
        devices = [one for one in bus.told() if "points" in one]
        assert sum(one["values"]["p"]["quality"] == "stale" for one in devices) == 2
        assert bus.device().points["p"].stale_after == 36.0

    def test_only_the_point_that_is_heard_is_learnt_of(self) -> None:
        bus = self.started()
        self.run(bus, [1.0] * 30, other=1)
        assert bus.device().points["other"].stale_after is None
        assert "p" not in bus.device().latest

    def test_retained_values_say_nothing_of_it(self) -> None:
        bus = self.started()
        link = bus.device()
        for _ in range(50):
            bus.clock.seconds += 1
            bus.devices.receive(link, sample(p=1), retained=True)
        assert link.points["p"].stale_after is None

    def test_a_link_that_comes_and_goes_does_not_move_it(self) -> None:
        bus = Bus({"a": {"points": {"p": AUTO}}})
        link = bus.link()
        for _ in range(20):
            link.up()
            for _ in range(20):
                bus.clock.seconds += 1
                link.receive(None, sample(p=1))
            link.down("unplugged")
            bus.clock.seconds += 300
        assert bus.device().points["p"].stale_after == 3.0

    def test_with_an_interval_it_is_no_less_than_two_of_them(self) -> None:
        bus = self.started(interval="10s")
        self.run(bus, [1.0] * 60)
        assert bus.device().points["p"].stale_after == 20.0

    def test_a_value_that_rests_is_told_in_time_for_it(self) -> None:
        bus = self.started(deadband=5)
        self.run(bus, [1.0] * 60)
        bus.told()
        self.run(bus, [1.0] * 60)
        times = [one["time"] for one in bus.told() if "device" in one]
        assert max(later - earlier for earlier, later in pairwise(times)) <= 3.0
        assert len(times) == 30

    def test_a_type_that_is_learnt_late_costs_nothing_of_it(self) -> None:
        bus = self.started()
        self.run(bus, [1.0] * 30, p=None)
        self.run(bus, [1.0], p="text")
        assert bus.device().points["p"].to_json() == {"type": "string", "stale_after": 3.0}


class TestRate:
    def test_it_is_of_about_the_last_ten_seconds(self) -> None:
        rate = Rate()
        count = 0
        rate.measure(0, 100.0)
        for second in range(1, 61):
            count += 20 if second <= 30 else 5
            rate.measure(count, 100.0 + second)
            if 1 <= second <= 30:
                assert rate.value == 20
            elif second >= 41:
                assert rate.value == 5
        for second in range(61, 72):
            rate.measure(count, 100.0 + second)
        assert rate.value == 0

    def test_a_look_at_the_same_moment_does_not_divide_by_nothing(self) -> None:
        rate = Rate()
        rate.measure(0, 5.0)
        rate.measure(7, 5.0)
        assert rate.value == 0

    def test_a_device_tells_it(self) -> None:
        bus = Bus()
        link = bus.link()
        link.up()
        for _ in range(40):
            bus.clock.seconds += 0.25
            link.receive(None, sample(p=1))
            bus.devices.tick()
        assert bus.device().to_json()["link"]["rate"] == 4.0
