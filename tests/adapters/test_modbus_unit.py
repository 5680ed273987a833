"""When a device is asked for what."""

from gateway.adapters.modbus.blocks import Place, split
from gateway.adapters.modbus.unit import MISSES, Unit
from gateway.adapters.modbus.values import NumberForm


def unit(every: float = 1.0) -> Unit:
    """A device of three parts."""
    places = [
        Place("coil", "coil", 0),
        Place("a", "input", 0, NumberForm("uint16", "big")),
        Place("b", "input", 2, NumberForm("uint16", "big")),
        Place("c", "input", 100, NumberForm("uint16", "big")),
        Place("w", "holding", 100, NumberForm("uint16", "big"), polled=False),
    ]
    made = Unit("pump", 7, every, places, 8)
    made.begin()
    return made


def names(unit: Unit, now: float) -> list[str]:
    return [str(part.block) for part in unit.due_parts(now)]


def test_everything_is_due_at_the_begin_and_what_is_only_written_never() -> None:
    pump = unit()
    assert pump.next == 0.0
    assert names(pump, 0.0) == ["coil 0", "input registers 0 to 2", "input register 100"]


def test_the_period_runs_from_the_begin_of_a_cycle_and_cycles_do_not_pile_up() -> None:
    pump = unit(every=2.0)
    pump.polled(10.0, 10.5)
    assert pump.next == 12.0
    pump.polled(12.0, 17.0)
    assert pump.next == 17.0


def test_a_device_that_does_not_answer_is_asked_one_thing_and_more_and_more_seldom() -> None:
    pump = unit()
    waits = []
    now = 0.0
    for _ in range(12):
        (part,) = pump.due_parts(now)[:1]
        pump.failed(part, now)
        pump.misses += 1
        pump.polled(now, now)
        assert len(pump.due_parts(pump.next)) == 1
        waits.append(pump.next - now)
        now = pump.next
    assert waits == [1, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert pump.is_offline


def test_a_device_with_a_long_period_is_not_asked_more_often_for_being_gone() -> None:
    pump = unit(every=300.0)
    pump.misses = 9
    pump.polled(0.0, 0.0)
    assert pump.next == 300.0


def test_a_short_period_does_not_make_a_dead_device_dear() -> None:
    pump = unit(every=0.01)
    pump.misses = MISSES
    pump.polled(0.0, 0.0)
    assert pump.next == 2.0


def test_with_its_first_answer_all_of_a_device_is_due_again() -> None:
    pump = unit()
    for _ in range(9):
        part = pump.due_parts(0.0)[0]
        pump.failed(part, 0.0)
        pump.misses += 1
    assert pump.answered()
    assert len(pump.due_parts(0.0)) == 3
    assert not pump.answered()  # it was not offline this time


def test_a_part_that_gives_nothing_is_asked_last_and_seldom_while_the_others_go_on() -> None:
    pump = unit()
    coil = pump.due_parts(0.0)[0]
    for now in range(MISSES):
        pump.failed(coil, float(now))
    assert names(pump, 3.9) == ["input registers 0 to 2", "input register 100"]
    assert names(pump, 4.0) == ["input registers 0 to 2", "input register 100", "coil 0"]
    pump.read(coil, [coil.block])
    assert names(pump, 5.0)[0] == "coil 0"


def test_a_part_that_was_split_is_asked_in_its_pieces() -> None:
    pump = unit()
    part = pump.due_parts(0.0)[1]
    pump.read(part, split(part.block))
    assert names(pump, 0.0) == ["coil 0", "input register 0", "input register 2", "input register 100"]


def test_a_commanded_point_is_read_until_it_shows_the_value_or_five_seconds_are_over() -> None:
    pump = unit(every=3600.0)
    pump.polled(0.0, 0.0)
    place = pump.places["w"]
    times, now = [], 0.0
    pump.look_for(place, 5, now)
    while (look := pump.due_look(now)) is not None:
        times.append(now)
        pump.looked(look, 4, now)
        now = pump.next
    assert [round(time, 1) for time in times] == [0.0, 0.2, 0.6, 1.4, 3.0]
    assert pump.next == 3600.0
    pump.look_for(place, 5, 7.0)
    look = pump.due_look(7.0)
    assert look is not None
    pump.looked(look, 5, 7.0)
    assert not pump.looks


def test_a_newer_command_has_its_own_look() -> None:
    pump = unit()
    place = pump.places["w"]
    pump.look_for(place, 5, 0.0)
    first = pump.due_look(0.0)
    assert first is not None
    pump.look_for(place, 6, 0.0)
    pump.looked(first, 5, 0.0)
    assert pump.looks["w"].value == 6
