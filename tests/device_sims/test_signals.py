"""Signals are pure functions of their fields and the time."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest

from device_sims.signals import Counter, Drifting, Noisy, Product, Signal, Stepping, derive, uniform

TIMES = [i * 0.1 for i in range(2000)]


def drifting(seed: int) -> Signal:
    return Drifting(seed, centre=20, swing=3, period=60)


def noisy(seed: int) -> Signal:
    return Noisy(seed, Counter(every=1000), spread=0.5)


def stepping(seed: int) -> Signal:
    return Stepping(seed, low=2, high=9, hold=5)


def curve(signal: Signal) -> list[float]:
    return [signal.at(t) for t in TIMES]


@pytest.mark.parametrize("make", [drifting, noisy, stepping])
class TestSeeded:
    def test_the_same_seed_gives_the_same_curve_in_any_order(self, make: Callable[[int], Signal]) -> None:
        again = make(7)
        assert curve(make(7)) == list(reversed([again.at(t) for t in reversed(TIMES)]))

    def test_another_seed_gives_another_curve(self, make: Callable[[int], Signal]) -> None:
        assert curve(make(7)) != curve(make(8))


def test_a_drifting_signal_stays_within_its_swing_and_moves_without_jumps() -> None:
    values = curve(drifting(1))
    assert all(17 <= value <= 23 for value in values)
    assert max(values) - min(values) > 2
    assert max(abs(b - a) for a, b in pairwise(values)) < 0.1


def test_noise_stays_within_its_spread_and_is_not_constant() -> None:
    values = curve(noisy(1))
    assert all(-0.5 <= value <= 0.5 for value in values)
    assert len(set(values)) > 1900
    assert abs(sum(values) / len(values)) < 0.05


def test_a_stepping_signal_holds_its_level_and_then_jumps() -> None:
    signal = stepping(1)
    levels = [{signal.at(block * 5 + i) for i in (0, 2, 4.9)} for block in range(20)]
    assert all(len(level) == 1 for level in levels)
    assert len(set().union(*levels)) == 20
    assert all(2 <= value < 9 for value in set().union(*levels))


def test_a_counter_counts_every_period_and_misses_none_to_rounding() -> None:
    assert [Counter(start=5, step=2, every=0.1).at(i * 0.1) for i in range(50)] == [5 + 2 * i for i in range(50)]


def test_a_product_multiplies() -> None:
    assert Product(Counter(start=2, every=1), Counter(start=10, every=1)).at(3) == 65


def test_uniform_numbers_fill_the_interval_evenly() -> None:
    numbers = [uniform(3, i) for i in range(10_000)]
    tenths = [sum(1 for number in numbers if int(number * 10) == tenth) for tenth in range(10)]
    assert all(0 <= number < 1 for number in numbers)
    assert all(900 < count < 1100 for count in tenths)


def test_seeds_do_not_depend_on_the_process() -> None:
    program = "from device_sims.signals import derive, uniform; print(derive(1, 'a', 'b'), uniform(5, 6))"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.split() == [str(derive(1, "a", "b")), str(uniform(5, 6))]


def test_derived_seeds_differ_by_name_and_by_where_names_end() -> None:
    assert len({derive(1), derive(2), derive(1, "ab"), derive(1, "a", "b"), derive(1, "b", "a")}) == 5
