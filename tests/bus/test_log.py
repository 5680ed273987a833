import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bus import Entry, Log
from tests.bus.parts import Clock


def texts(log: Log, position: int = 0) -> list[str]:
    return [entry.encoded.decode() for entry in log.after(position, log.head)]


def filled(capacity: int, count: int) -> Log:
    log = Log(capacity, 60)
    for number in range(1, count + 1):
        assert log.append("d", str(number).encode()) == number
    return log


def test_a_new_log_is_empty_and_everything_after_its_head_is_held() -> None:
    log = Log(3, 60)
    assert len(log) == log.head == 0
    assert log.holds_after(0)
    assert not log.holds_after(1)
    assert texts(log) == []


def test_entries_come_back_in_order_with_what_they_are() -> None:
    clock = Clock()
    log = Log(10, 60, clock.monotonic)
    log.append("x", b"1")
    clock.seconds += 1
    log.append("y", b"2", about_device=True)
    assert list(log.after(0, 2)) == [Entry(1, "x", b"1", False, 1000.0), Entry(2, "y", b"2", True, 1001.0)]
    assert [entry.sequence for entry in log.after(0, 1)] == [1]
    assert [entry.sequence for entry in log.after(1, 2)] == [2]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 100])
def test_only_as_many_entries_are_held_as_there_is_room(count: int) -> None:
    log = filled(3, count)
    held = [str(number) for number in range(max(1, count - 2), count + 1)]
    assert len(log) == len(held)
    assert texts(log, count - len(held)) == held
    assert log.holds_after(count - len(held))
    assert count <= 3 or not log.holds_after(count - len(held) - 1)
    assert log.holds_after(count)
    assert not log.holds_after(count + 1)
    assert not log.holds_after(-1)


def test_old_entries_are_let_go() -> None:
    clock = Clock()
    log = Log(10, 60, clock.monotonic)
    log.append("d", b"1")
    clock.seconds += 30
    log.append("d", b"2")
    clock.seconds += 30
    log.forget_old()
    assert len(log) == 2  # exactly as old as is kept
    clock.seconds += 0.5
    log.forget_old()
    assert texts(log, 1) == ["2"]
    assert not log.holds_after(0)
    clock.seconds += 3600
    log.forget_old()
    assert len(log) == 0
    assert log.head == 2
    assert log.holds_after(2)
    assert not log.holds_after(1)
    log.append("d", b"3")
    assert texts(log, 2) == ["3"]


def test_long_entries_are_bounded_by_their_bytes() -> None:
    log = Log(1000, 60, keep_bytes=100)
    for _ in range(50):
        log.append("d", b"x" * 30)
    assert len(log) == 3
    log.append("d", b"y" * 500)  # the newest is held, however long
    assert len(log) == 1
    log.append("d", b"z")
    assert texts(log, log.head - 1) == ["z"]
    assert not log.holds_after(log.head - 2)


@settings(deadline=None, database=None)
@given(
    st.integers(1, 8),
    st.lists(st.tuples(st.sampled_from(["append", "wait", "forget"]), st.integers(0, 40)), max_size=60),
)
def test_it_holds_exactly_the_newest_whatever_happens(capacity: int, steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    log = Log(capacity, 60, clock.monotonic, keep_bytes=100)
    kept: list[tuple[int, float, int]] = []  # sequence, time, length
    head = 0
    for step, number in steps:
        if step == "append":
            head += 1
            log.append("d", b"x" * number)
            kept.append((head, clock.seconds, number))
            kept = kept[-capacity:]
            while sum(length for _, _, length in kept) > 100 and len(kept) > 1:
                kept.pop(0)
        elif step == "wait":
            clock.seconds += number
        else:
            log.forget_old()
            kept = [entry for entry in kept if entry[1] >= clock.seconds - 60]
        oldest = head - len(kept)
        assert len(log) == len(kept)
        assert [entry.sequence for entry in log.after(oldest, head)] == [sequence for sequence, _, _ in kept]
        assert log.holds_after(oldest)
        assert not log.holds_after(oldest - 1)


def test_each_entry_is_handed_to_the_taps_once_and_in_order() -> None:
    log = Log(2, 60)
    first: list[int] = []
    second: list[int] = []
    log.taps += [lambda entry: first.append(entry.sequence), lambda entry: second.append(entry.sequence)]
    for _ in range(5):
        log.append("d", b"")
    assert first == second == [1, 2, 3, 4, 5]


class TestCursors:
    def test_a_cursor_names_a_position(self) -> None:
        log = filled(3, 40)
        for position in (0, 1, 37, 40):
            assert log.position(log.cursor(position)) == position

    def test_a_cursor_of_another_log_is_refused(self) -> None:
        log, other = filled(3, 5), filled(3, 5)
        assert log.position(other.cursor(3)) is None

    def test_a_position_that_is_yet_to_come_is_refused(self) -> None:
        log = filled(3, 5)
        assert log.position(log.cursor(6)) is None

    @settings(deadline=None, database=None)
    @given(st.text(max_size=30), st.text("0123456789abcdefx-_+ \n", max_size=20))
    def test_no_text_raises_or_leads_outside_the_log(self, anything: str, near: str) -> None:
        log = filled(3, 5)
        epoch = log.cursor(0).partition("-")[0]
        assert log.position(anything) is None
        assert log.position(f"{epoch}-{near}") in (None, *range(6))

    def test_hostile_cursors_are_refused(self) -> None:
        log = filled(3, 5)
        epoch = log.cursor(0).partition("-")[0]
        for end in ("", "-1", "g", "f" * 15, "0" * 5000 + "1", "\ud800"):
            assert log.position(f"{epoch}-{end}") is None
