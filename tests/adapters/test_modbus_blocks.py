"""Which registers are read together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.modbus.blocks import MOST_BITS, MOST_REGISTERS, Block, Kind, Place, cover, plan, split
from gateway.adapters.modbus.values import BitForm, NumberForm, TextForm


def word(address: int, kind: Kind = "holding", name: str = "") -> Place:
    return Place(name or f"{kind}{address}", kind, address, NumberForm("uint16", "big"))


def double(address: int) -> Place:
    return Place(f"double{address}", "holding", address, NumberForm("int32", "big"))


def coil(address: int) -> Place:
    return Place(f"coil{address}", "coil", address)


def spans(blocks: list[Block]) -> list[tuple[Kind, int, int]]:
    return [(block.kind, block.address, block.count) for block in blocks]


forms = st.one_of(
    st.sampled_from([NumberForm(name, "big") for name in ("uint16", "int32", "float64")]),
    st.builds(TextForm, st.integers(1, MOST_REGISTERS), st.just("big")),
    st.builds(BitForm, st.integers(0, 15), st.just("big")),
)
addresses = st.integers(0, 600) | st.integers(0, 65000)
registers = st.builds(
    lambda kind, at, form: Place("", kind, at, form), st.sampled_from(["input", "holding"]), addresses, forms
)
bits = st.builds(
    lambda kind, at: Place("", kind, at), st.sampled_from(["coil", "discrete"]), addresses | st.integers(0, 9000)
)


@st.composite
def devices(draw: st.DrawFn) -> list[Place]:
    places = draw(st.lists(registers | bits, max_size=60))
    return [Place(str(n), place.kind, place.address, place.form) for n, place in enumerate(places)]


@given(places=devices(), bridge=st.integers(0, 124))
def test_every_point_is_in_exactly_one_block_and_no_block_is_over_the_limits(places: list[Place], bridge: int) -> None:
    blocks = plan(places, bridge)
    assert sorted(place.name for block in blocks for place in block.places) == sorted(place.name for place in places)
    for block in blocks:
        assert 1 <= block.count <= (MOST_REGISTERS if block.kind in ("input", "holding") else MOST_BITS)
        for place in block.places:
            assert place.kind == block.kind
            assert block.address <= place.address
            assert place.end <= block.address + block.count


@given(places=devices(), bridge=st.integers(0, 124))
def test_no_block_reads_a_gap_wider_than_the_bridge(places: list[Place], bridge: int) -> None:
    for block in plan(places, bridge):
        gap = bridge if block.kind in ("input", "holding") else 16 * bridge
        end = block.address
        for place in sorted(block.places, key=lambda place: place.address):
            assert place.address <= end + gap
            end = max(end, place.end)


@given(places=devices(), bridge=st.integers(0, 124))
def test_splitting_comes_to_an_end_and_loses_no_point(places: list[Place], bridge: int) -> None:
    waiting = plan(places, bridge)
    single: list[Place] = []
    while waiting:
        block = waiting.pop()
        pieces = split(block)
        if not pieces:
            single += block.places
        assert all(len(piece.places) < len(block.places) for piece in pieces)
        waiting += pieces
    assert sorted(place.name for place in single) == sorted(place.name for place in places)


def test_neighbours_are_read_together_and_kinds_apart() -> None:
    places = [word(1), word(0), double(2), word(0, "input"), coil(0), coil(1)]
    assert spans(plan(places, 0)) == [("coil", 0, 2), ("holding", 0, 4), ("input", 0, 1)]


def test_a_gap_is_bridged_up_to_its_limit_and_one_of_bits_sixteen_times_so_far() -> None:
    assert spans(plan([word(0), word(9)], 8)) == [("holding", 0, 10)]
    assert spans(plan([word(0), word(10)], 8)) == [("holding", 0, 1), ("holding", 10, 1)]
    assert spans(plan([coil(0), coil(129)], 8)) == [("coil", 0, 130)]
    assert spans(plan([coil(0), coil(130)], 8)) == [("coil", 0, 1), ("coil", 130, 1)]


def test_a_value_is_not_cut_in_two_at_the_limit() -> None:
    places = [word(at) for at in range(124)]
    assert spans(plan([*places, double(124)], 0)) == [("holding", 0, 124), ("holding", 124, 2)]
    assert spans(plan([*places, word(124), word(125)], 0)) == [("holding", 0, 125), ("holding", 125, 1)]


def test_points_of_one_register_share_it() -> None:
    bits = [Place(f"bit{n}", "holding", 7, BitForm(n, "big")) for n in range(3)]
    (block,) = plan([*bits, word(7)], 0)
    assert (block.address, block.count) == (7, 1)
    assert block.decode(b"\x00\x05") == {"bit0": True, "bit1": False, "bit2": True, "holding7": 5}


def test_a_block_gives_each_point_its_own_registers() -> None:
    (block,) = plan([word(10), double(12), Place("text", "holding", 14, TextForm(2, "big"))], 1)
    assert block.decode(bytes.fromhex("0007ffff0001000241423000")) == {
        "holding10": 7, "double12": 0x10002, "text": "AB0",
    }  # fmt: skip
    assert cover([coil(3), coil(5)]).decode([True, False, True, False]) == {"coil3": True, "coil5": True}


def test_a_refused_block_loses_its_gaps_first_and_is_halved_then() -> None:
    (block,) = plan([word(0), word(1), word(4), word(5)], 8)
    pieces = split(block)
    assert spans(pieces) == [("holding", 0, 2), ("holding", 4, 2)]
    assert spans(split(pieces[0])) == [("holding", 0, 1), ("holding", 1, 1)]
    assert split(plan([double(0)], 8)[0]) == []


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ([word(3)], "holding register 3"),
        ([word(3, "input"), word(5, "input")], "input registers 3 to 5"),
        ([coil(0)], "coil 0"),
    ],
)
def test_a_block_is_called_by_what_it_reads(places: list[Place], told: str) -> None:
    assert str(plan(places, 8)[0]) == told
