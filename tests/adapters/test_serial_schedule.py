"""The schedule of requests: everyone in turn, and a device that does not answer costs the others next to nothing."""

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.serial.schedule import Request, Schedule


def request(name: str | None, every: float = 1.0, timeout: float = 0.2, frame: bytes = b"x") -> Request:
    return Request(name, frame, frame + b"\n", every, timeout)


class Line:
    """A line on which an answer takes so many seconds, and the dead do not answer."""

    def __init__(self, requests: list[Request], takes: float = 0.01) -> None:
        self.schedule = Schedule(requests)
        self.takes = takes
        self.now = 1000.0
        self.dead: set[str | None] = set()
        self.asked: list[tuple[float, str | None]] = []
        self.schedule.restart(self.now)

    def run(self, seconds: float) -> Counter[str | None]:
        """How many answers each device gave in that time."""
        answers: Counter[str | None] = Counter()
        end = self.now + seconds
        while True:
            due, when = self.schedule.next()
            if max(when, self.now) >= end:
                self.now = end
                return answers
            self.now = max(self.now, when)
            self.asked.append((self.now, due.name))
            if due.name in self.dead:
                self.now += due.timeout
                self.schedule.missed(due, self.now, due.timeout)
            else:
                self.now += self.takes
                self.schedule.answered(due, self.now)
                answers[due.name] += 1


def nodes(count: int, every: float = 1.0) -> list[Request]:
    return [request(f"n{number}", every) for number in range(1, count + 1)]


def test_everyone_is_asked_once_in_its_time_and_in_order() -> None:
    line = Line(nodes(5))
    assert line.run(10) == {f"n{number}": 10 for number in range(1, 6)}
    assert [name for _, name in line.asked] == ["n1", "n2", "n3", "n4", "n5"] * 10


def test_each_request_keeps_its_own_pace() -> None:
    line = Line([request("fast", 0.1), request("slow", 5.0), request("fast", 1.0, frame=b"y")])
    answers = line.run(100)
    assert answers["fast"] == pytest.approx(1100, abs=2)
    assert answers["slow"] == 20


def test_where_the_line_is_full_all_are_served_alike() -> None:
    line = Line([*nodes(4, 0.01), request("rare", 2.0)], takes=0.02)
    answers = line.run(20)
    assert all(240 <= answers[f"n{number}"] <= 250 for number in range(1, 5))
    assert answers["rare"] == 10


def test_after_a_time_in_which_the_line_was_full_there_is_no_rush() -> None:
    line = Line(nodes(1))
    line.run(1)
    line.now += 60  # the line was held by something else
    before = len(line.asked)
    line.run(2)
    assert len(line.asked) - before <= 3


@pytest.mark.parametrize("every", [1.0, 0.02], ids=["a line with time to spare", "a full line"])
@pytest.mark.parametrize("dead", ["n1", "n3", "n5"])
def test_one_dead_device_of_five_leaves_the_others_nine_tenths_of_their_rate(every: float, dead: str) -> None:
    whole, lamed = Line(nodes(5, every)), Line(nodes(5, every))
    lamed.dead.add(dead)
    for seconds in (5, 10, 60):  # from the very beginning on
        undisturbed, answers = whole.run(seconds), lamed.run(seconds)
        for number in range(1, 6):
            if f"n{number}" != dead:
                assert answers[f"n{number}"] >= 0.9 * undisturbed[f"n{number}"] - 1


def test_a_device_that_does_not_answer_is_asked_ever_more_rarely_up_to_a_minute() -> None:
    line = Line(nodes(2))
    line.dead.add("n1")
    line.run(600)
    asked = [when for when, name in line.asked if name == "n1"]
    waits = [round(after - before, 1) for before, after in pairwise(asked)]
    assert waits == [2.0, 3.8, 7.4, 14.6, 29.0, 57.8, *[60.2] * len(waits[6:])]


def test_a_request_that_is_rare_anyway_is_not_made_more_frequent() -> None:
    line = Line([request("n1", every=600)])
    line.dead.add("n1")
    line.run(3000)
    assert len(line.asked) <= 5


def test_a_device_that_is_back_is_asked_as_ever() -> None:
    line = Line(nodes(2))
    line.dead.add("n1")
    line.run(120)
    line.dead.clear()
    line.run(61)
    assert line.run(10)["n1"] == 10


def test_a_device_that_speaks_by_itself_is_asked_at_once() -> None:
    line = Line(nodes(2))
    line.dead.add("n1")
    line.run(120)
    line.dead.clear()
    assert line.schedule.heard("n1") > 3
    assert line.schedule.heard("n1") == 0
    assert line.run(0.1)["n1"] in (1, 2)
    assert line.run(10)["n1"] == 10


def test_all_requests_of_a_device_wait_while_it_does_not_answer() -> None:
    line = Line([request("n1"), request("n1", frame=b"y"), request("n2")])
    line.dead.add("n1")
    line.run(120)
    asked = [when for when, name in line.asked if name == "n1"]
    assert len(asked) < 10


def test_what_could_not_be_sent_says_nothing_of_the_device() -> None:
    schedule = Schedule(nodes(1))
    schedule.restart(0.0)
    (due, _) = schedule.next()
    for now in range(10):
        schedule.unsent(due, float(now))
    assert schedule.next() == (due, 10.0)
    assert schedule.answered(due, 10.0) == 0


def test_a_new_connection_begins_with_everyone() -> None:
    line = Line(nodes(3))
    line.dead.add("n2")
    line.run(120)
    line.asked.clear()
    line.dead.clear()
    line.schedule.restart(line.now)
    line.run(1)
    assert [name for _, name in line.asked] == ["n1", "n2", "n3"]


@given(
    st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 10)), min_size=1, max_size=8),
    st.lists(st.sampled_from(["answered", "missed", "unsent", "heard"]), max_size=60),
    st.floats(0.0, 2.0),
)
def test_whatever_happens_something_is_due_and_nothing_is_due_for_ever(
    paces: list[tuple[float, float]], events: list[str], took: float
) -> None:
    requests = [request(f"n{number}", every, timeout) for number, (every, timeout) in enumerate(paces)]
    schedule, now = Schedule(requests), 0.0
    schedule.restart(now)
    for event in events:
        due, when = schedule.next()
        assert math.isfinite(when)
        assert when <= now + max(60.0, 100.0, 9 * 2.0)
        now = max(now, when) + took
        if event == "missed":
            schedule.missed(due, now, took)
        elif event == "answered":
            schedule.answered(due, now)
        elif event == "unsent":
            schedule.unsent(due, now)
        else:
            schedule.heard(due.name)
