"""Which command of a device is next: order, urgency, and setpoints that newer ones replace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commands import Command
from gateway.commands.lane import CAPACITY, Lane
from gateway.errors import RequestError


def a_command(key: str, point: str = "fan", *, urgent: bool = False) -> Command:
    return Command(key, "panel", "bench", point, True, "sent", 60.0, b"", 1e9, urgent=urgent)


def keys(lane: Lane) -> str:
    return "".join(command.key for command in lane)


def add(lane: Lane, command: Command, *, is_action: bool = False) -> list[Command]:
    """As the router adds it; returns what it replaced."""
    superseded = lane.superseded_by(command, is_action=is_action)
    lane.check_room(command, superseded)
    for older in superseded:
        lane.remove(older)
    lane.add(command)
    return superseded


def test_urgent_commands_go_before_the_others_and_each_kind_stays_in_order() -> None:
    lane = Lane()
    for key, urgent in (("a", False), ("b", True), ("c", False), ("d", True)):
        lane.add(a_command(key, key, urgent=urgent))
    assert keys(lane) == "bdac"


def test_a_newer_value_replaces_an_older_one_of_its_point_and_takes_its_own_place() -> None:
    lane = Lane()
    first = a_command("a", "fan")
    assert [add(lane, c) for c in (first, a_command("b", "lamp"), a_command("c", "fan"))] == [[], [], [first]]
    assert keys(lane) == "bc"


def test_each_press_of_a_button_is_an_action_of_its_own() -> None:
    lane = Lane()
    for key in "abc":
        assert add(lane, a_command(key, "reset"), is_action=True) == []
    assert keys(lane) == "abc"


def test_what_is_urgent_is_only_replaced_by_what_is_urgent_too() -> None:
    lane = Lane()
    off = a_command("a", urgent=True)
    on = a_command("b")
    assert add(lane, off) == []
    assert add(lane, on) == []
    assert keys(lane) == "ab"
    assert add(lane, a_command("c", urgent=True)) == [off, on], "the last word is off"
    assert keys(lane) == "c"


def test_a_full_lane_refuses_but_has_room_for_what_is_urgent_and_for_what_replaces() -> None:
    lane = Lane()
    for number in range(CAPACITY):
        add(lane, a_command("x", f"p{number}"))
    with pytest.raises(RequestError) as caught:
        add(lane, a_command("y", "other"))
    assert caught.value.code == "rate_limited"
    add(lane, a_command("z", "p3"))
    for number in range(CAPACITY):
        add(lane, a_command("u", f"u{number}", urgent=True))
    with pytest.raises(RequestError):
        add(lane, a_command("v", "v", urgent=True))


@given(st.lists(st.tuples(st.sampled_from("pqr"), st.booleans(), st.booleans()), max_size=60))
def test_whatever_comes_a_lane_is_bounded_and_urgent_first_and_the_newest_value_is_among_it(
    coming: list[tuple[str, bool, bool]],
) -> None:
    lane = Lane()
    newest: dict[str, Command] = {}
    for point, urgent, is_action in coming:
        command = a_command("k", point, urgent=urgent)
        try:
            add(lane, command, is_action=is_action)
        except RequestError:
            continue
        newest[point] = command
    waiting = list(lane)
    assert [command.urgent for command in waiting] == sorted((c.urgent for c in waiting), reverse=True)
    assert len(waiting) <= 2 * CAPACITY
    assert all(command in waiting for command in newest.values())
