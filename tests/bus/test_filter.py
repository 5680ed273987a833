"""Deadbands and intervals: what clients are told of a point, and what everyone else still sees."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bus.filter import Filter
from gateway.model import Quality, Reading, Sample, Value
from tests.bus.parts import Bus

MOVES = {"deadband": 0.5}
SLOW = {"interval": 10}


def bus_with(**points: dict[str, Any]) -> Bus:
    bus = Bus({"a": {"points": points}})
    bus.link().up()
    return bus


def hear(bus: Bus, seconds: float = 1.0, **values: Value) -> list[dict[str, Any]]:
    """What clients are told of a reading that comes so many seconds later, devices left out."""
    bus.clock.seconds += seconds
    bus.devices.tick()
    bus.devices.receive(bus.device(), Sample(dict(values)))
    return [told["values"] for told in bus.told() if "device" in told]


def wait(bus: Bus, seconds: float) -> list[dict[str, Any]]:
    """What clients are told while the clock ticks and nothing is heard."""
    for _ in range(round(seconds * 4)):
        bus.clock.seconds += 0.25
        bus.devices.tick()
    return [told for told in bus.told() if "device" in told]


def filtered(bus: Bus) -> int:
    count: int = bus.device().to_json()["link"]["filtered"]
    return count


class TestDeadband:
    def test_a_value_that_moved_less_is_held_back_and_one_that_moved_as_much_is_told(self) -> None:
        bus = bus_with(p=MOVES)
        told = [hear(bus, p=value) for value in (20, 20.4, 19.6, 20.5, 20.1, 20.9, 20.0)]
        assert told == [[{"p": 20}], [], [], [{"p": 20.5}], [], [], [{"p": 20.0}]]

    def test_a_slow_drift_is_told_when_it_has_come_far_enough(self) -> None:
        bus = bus_with(p=MOVES)
        told = [hear(bus, p=20 + step / 10)[:1] for step in range(11)]
        assert [values[0]["p"] for values in told if values] == [20, 20.5, 21]

    @pytest.mark.parametrize("start", [0.2, 1000.2, -3.7, 65535.1])
    def test_a_step_of_just_the_deadband_is_a_move_however_floats_round_it(self, start: float) -> None:
        bus = bus_with(p={"deadband": 0.1})
        value, told = start, 0
        for _ in range(20):
            value = round(value + 0.1, 1)
            told += len(hear(bus, p=value))
        assert told == 20

    def test_zero_holds_back_only_what_did_not_change(self) -> None:
        bus = bus_with(p={"deadband": 0})
        assert [len(hear(bus, p=value)) for value in (0, 0, 0.0001, 0.0001, 0)] == [1, 0, 1, 0, 1]

    def test_it_is_in_the_unit_of_the_point(self) -> None:
        bus = bus_with(p={"deadband": 0.5, "scale": 0.1})
        assert [hear(bus, p=wire) for wire in (200, 204, 205)] == [[{"p": 20}], [], [{"p": 20.5}]]

    @pytest.mark.parametrize("value", [None, float("nan"), "x", 99])
    def test_a_change_of_quality_always_passes_both_ways(self, value: Value) -> None:
        bus = bus_with(p={"deadband": 100, "max": 30})
        hear(bus, p=20)
        assert len(hear(bus, p=value)) == 1
        assert hear(bus, p=value) == []
        assert hear(bus, p=20) == [{"p": 20}]

    def test_a_value_that_rests_is_told_again_within_a_minute(self) -> None:
        bus = bus_with(p=MOVES)
        told = [second for second in range(181) if hear(bus, p=20)]
        assert told == [0, 60, 120, 180]

    def test_a_value_that_rests_is_told_again_after_half_of_its_deadline(self) -> None:
        bus = bus_with(p={**MOVES, "stale_after": 30})
        told = [second for second in range(61) if hear(bus, p=20)]
        assert told == [0, 15, 30, 45, 60]

    def test_the_newest_one_heard_is_told_though_the_device_falls_silent(self) -> None:
        """Or else clients, who judge by the time they were told, would call it stale before the gateway does."""
        bus = bus_with(p={**MOVES, "stale_after": 30})
        hear(bus, p=20)
        hear(bus, 10, p=20.1)
        heard_at = bus.clock.now()
        (told,) = wait(bus, 15)
        assert (told["values"], told["time"]) == ({"p": 20.1}, heard_at)
        assert bus.device().latest["p"][2] is Quality.GOOD

    def test_after_it_was_stale_the_first_value_passes(self) -> None:
        bus = bus_with(p={**MOVES, "stale_after": 30})
        hear(bus, p=20)
        wait(bus, 31)
        assert bus.device().latest["p"][2] is Quality.STALE
        assert hear(bus, p=20) == [{"p": 20}]


class TestInterval:
    def test_a_point_is_told_once_in_so_long_and_then_its_newest_value(self) -> None:
        bus = bus_with(p=SLOW)
        told = {second: values for second in range(31) if (values := hear(bus, p=second))}
        assert told == {0: [{"p": 0}], 10: [{"p": 9}], 20: [{"p": 19}], 30: [{"p": 29}]}

    def test_the_newest_value_follows_when_the_time_is_over_with_the_time_it_was_heard(self) -> None:
        bus = bus_with(p=SLOW)
        hear(bus, p=1)
        hear(bus, p=2)
        hear(bus, p=3)
        bus.devices.receive(bus.device(), Sample({"p": 4}, device_time=77.0))
        heard_at = bus.clock.now()
        told = wait(bus, 60)
        assert told == [{"device": "a", "time": heard_at, "values": {"p": 4}, "device_time": 77.0}]

    def test_what_follows_later_is_not_followed_at_once(self) -> None:
        bus = bus_with(p=SLOW)
        hear(bus, p=1)
        hear(bus, p=2)
        assert [told["values"] for told in wait(bus, 10)] == [{"p": 2}]  # after nine seconds
        assert hear(bus, 8, p=3) == []
        assert [told["values"] for told in wait(bus, 1)] == [{"p": 3}]

    def test_points_that_were_heard_at_different_times_follow_as_different_readings(self) -> None:
        bus = bus_with(p=SLOW, q=SLOW, r={"interval": 30})
        hear(bus, p=1, q=1, r=1)
        hear(bus, p=2, r=2)
        earlier = bus.clock.now()
        hear(bus, q=2)
        assert [(told["time"], told["values"]) for told in wait(bus, 12)] == [
            (earlier, {"p": 2}),
            (earlier + 1, {"q": 2}),
        ]

    def test_a_change_of_quality_does_not_wait(self) -> None:
        bus = bus_with(p=SLOW)
        hear(bus, p=1)
        assert hear(bus, p=None) == [{"p": None}]
        assert hear(bus, p=1) == [{"p": 1}]

    def test_a_bad_value_that_follows_later_is_bad(self) -> None:
        bus = bus_with(p={"interval": 10, "max": 5})
        hear(bus, p=6)
        hear(bus, p=7)
        (told,) = wait(bus, 12)
        assert (told["values"], told["quality"]) == ({"p": 7}, {"p": "bad"})

    def test_a_move_that_is_taken_back_while_it_waits_is_none(self) -> None:
        bus = bus_with(p={**SLOW, **MOVES})
        hear(bus, p=20)
        hear(bus, p=25)
        hear(bus, p=20.1)
        assert wait(bus, 30) == []
        assert hear(bus, p=20.6) == [{"p": 20.6}]

    def test_texts_and_switches_have_intervals_too(self) -> None:
        bus = bus_with(mode=SLOW, fan={"type": "boolean", **SLOW})
        assert [hear(bus, mode=mode, fan=fan) for mode, fan in (("a", 0), ("b", 1))] == [
            [{"mode": "a", "fan": False}],
            [],
        ]
        assert [told["values"] for told in wait(bus, 12)] == [{"mode": "b", "fan": True}]


class TestWhoElseSeesThem:
    def test_the_rest_of_a_reading_is_told_without_them(self) -> None:
        bus = bus_with(p={**MOVES, "max": 100})
        bus.told()
        bus.devices.receive(bus.device(), Sample({"p": 20, "q": 1, "n": None}, device_time=5.0))
        bus.told()
        bus.devices.receive(bus.device(), Sample({"p": 20.1, "q": 2, "n": None}, device_time=6.0))
        (told,) = bus.told()
        assert (told["values"], told["quality"]) == ({"q": 2, "n": None}, {"n": "bad"})
        assert (told["time"], told["device_time"]) == (bus.clock.now(), 6.0)

    def test_a_reading_of_which_nothing_is_left_makes_no_entry(self) -> None:
        bus = bus_with(p=MOVES, q=SLOW)
        hear(bus, p=20, q=1)
        head = bus.log.head
        hear(bus, p=20, q=2)
        assert bus.log.head == head

    def test_taps_see_every_value_as_it_is_heard(self) -> None:
        """A command's proof must not wait for an interval."""
        bus = bus_with(fan={"type": "boolean", **SLOW})
        seen: list[Reading] = []
        bus.devices.taps.append(seen.append)
        for value in (0, 1, 0):
            hear(bus, fan=value)
        wait(bus, 20)
        assert [reading.values for reading in seen] == [{"fan": False}, {"fan": True}, {"fan": False}]

    def test_the_newest_value_that_interlocks_look_at_is_the_one_that_was_heard(self) -> None:
        bus = bus_with(p=MOVES)
        hear(bus, p=20)
        hear(bus, 5, p=20.3)
        assert bus.device().latest["p"] == (20.3, bus.clock.now(), Quality.GOOD, bus.clock.monotonic())

    def test_a_device_is_told_with_the_values_that_were_published(self) -> None:
        """Whoever comes later must not know another value than those who were there, nor be told of its way back."""
        bus = bus_with(p=MOVES)
        hear(bus, p=20)
        then = bus.clock.now()
        hear(bus, 5, p=20.3, q=1)
        told = bus.device().to_json()["values"]
        assert told["p"] == {"value": 20, "time": then, "quality": "good"}
        assert told["q"] == {"value": 1, "time": then + 5, "quality": "good"}
        hear(bus, 5, p=20.6)
        assert bus.device().to_json()["values"]["p"]["value"] == 20.6

    def test_a_value_that_went_stale_while_it_was_held_back_is_told_as_it_was_heard(self) -> None:
        bus = bus_with(p={**MOVES, "stale_after": 2})
        hear(bus, p=20)
        hear(bus, 0.5, p=20.3)
        bus.clock.seconds += 3
        bus.devices.mark_stale()
        (device,) = bus.told()
        assert device["values"]["p"] == {"value": 20.3, "time": bus.clock.now() - 3, "quality": "stale"}
        assert wait(bus, 10) == []

    def test_retained_values_pass_and_are_no_measure(self) -> None:
        bus = bus_with(p={**MOVES, **SLOW})
        hear(bus, p=20)
        bus.devices.receive(bus.device(), Sample({"p": 20.1}), retained=True)
        assert bus.told()[-1]["values"] == {"p": 20.1}
        assert hear(bus, p=20.2) == [{"p": 20.2}]

    def test_a_type_that_is_learnt_late_loses_nothing_of_what_was_held_back(self) -> None:
        bus = bus_with(mode=SLOW)
        assert [len(hear(bus, mode=value)) for value in (None, None, "auto", "day")] == [1, 0, 1, 0]
        assert filtered(bus) == 1
        assert [told["values"] for told in wait(bus, 10)] == [{"mode": "day"}]

    def test_only_values_that_nobody_was_told_count_as_filtered(self) -> None:
        bus = bus_with(p=SLOW)
        hear(bus, p=1)
        assert filtered(bus) == 0
        hear(bus, p=2)
        assert filtered(bus) == 0  # it may yet be told
        hear(bus, p=3)
        assert filtered(bus) == 1
        wait(bus, 20)
        assert filtered(bus) == 1

    @settings(deadline=None, database=None, max_examples=60)
    @given(
        st.lists(st.tuples(st.sampled_from([0.1, 1, 7, 61]), st.integers(-3, 3), st.booleans()), max_size=60),
        st.sampled_from([{"deadband": 2}, {"interval": 5}, {"deadband": 1, "interval": 5, "stale_after": 20}]),
    )
    def test_every_value_is_told_or_counted_or_still_waits(
        self, steps: list[tuple[float, int, bool]], point: dict[str, Any]
    ) -> None:
        bus = bus_with(p={"min": -2, **point})
        told = 0
        for seconds, value, retained in steps:
            bus.clock.seconds += seconds
            bus.devices.release()
            bus.devices.receive(bus.device(), Sample({"p": value}), retained=retained)
            told += sum("device" in one for one in bus.told())
        waits = bus.device().filters["p"].due is not None if steps else False
        assert len(steps) == told + filtered(bus) + waits


@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(-5, 5)), max_size=80),
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from([0, 1, 20]),
)
def test_what_is_held_back_is_never_far_from_what_was_told(
    steps: list[tuple[float, int]], deadband: float | None, interval: float
) -> None:
    filter = Filter(deadband, interval)
    now, told, told_at = 0.0, None, None
    for seconds, value in steps:
        now += seconds
        if filter.passes((value, now, Quality.GOOD, now)):
            assert told_at is None or now >= told_at + interval
            told, told_at = value, now
        else:
            assert told is not None
            assert told_at is not None
            assert now < told_at + max(60, interval)
            if now >= told_at + interval:
                assert deadband is not None
                assert value == told or abs(value - told) < deadband
