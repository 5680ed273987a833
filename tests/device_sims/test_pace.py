"""A pace keeps its rate over time."""

import math

import pytest

from device_sims.pace import Pace, check_load


def test_events_come_at_the_rate_however_irregularly_one_asks() -> None:
    pace = Pace(10, start=100.0)
    due = [pace.due(100 + t) for t in (0.0, 0.05, 0.1, 0.35, 0.36, 1.0)]
    assert due == [0, 0, 1, 2, 0, 7]


def test_no_event_is_lost_to_rounding_in_an_hour() -> None:
    pace = Pace(7, start=0.1)
    assert sum(pace.due(0.1 + i / 7) for i in range(1, 7 * 3600 + 1)) == 7 * 3600


def test_a_long_pause_gives_one_second_of_backlog_and_no_more() -> None:
    pace = Pace(10, start=0.0)
    assert pace.due(3600.0) == 10
    assert pace.due(3600.05) == 0
    slow = Pace(0.1, start=0.0)
    assert slow.due(3600.0) == 1


def test_the_wait_ends_at_the_next_event_and_groups_what_is_too_fast() -> None:
    pace = Pace(10, start=0.0)
    assert pace.wait(0.03) == pytest.approx(0.07)
    assert Pace(10_000, start=0.0).wait(0.0) == 0.005
    assert pace.wait(5.0) == 0.005


def test_a_rate_of_zero_never_comes() -> None:
    pace = Pace(0, start=0.0)
    assert pace.due(1e6) == 0
    assert pace.wait(1e6) == math.inf


@pytest.mark.parametrize(("devices", "rate"), [(0, 1), (-1, 1), (1, -1), (1, math.inf), (1, math.nan)])
def test_impossible_loads_are_refused(devices: int, rate: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        check_load(devices, rate)
