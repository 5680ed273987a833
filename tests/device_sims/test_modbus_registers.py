"""The register map of the meter, without a connection."""

import struct
from itertools import pairwise

import pytest

from device_sims.device import SimulatedDevice
from device_sims.modbus_registers import COMMANDED, MEASURED, METER, Register, fill, written


@pytest.mark.parametrize(
    ("register", "value", "words"),
    [
        (Register("a", 0, "H", 0.1), 230.4, [2304]),
        (Register("a", 0, "h", 0.01), -1.5, [0x10000 - 150]),
        (Register("a", 0, "i", 0.1), -721.6, list(struct.unpack(">2H", struct.pack(">i", -7216)))),
        (Register("a", 0, "I"), 70_000, [1, 4464]),
        (Register("a", 0, "Q"), 2**40, [0, 256, 0, 0]),
        (Register("a", 0, "f"), 1.0, [0x3F80, 0]),
        (Register("a", 0, "f", swapped=True), 1.0, [0, 0x3F80]),
        (Register("a", 0, "H"), True, [1]),
    ],
)
def test_a_value_is_these_words_and_the_other_way_round(register: Register, value: float, words: list[int]) -> None:
    assert register.words(value) == words
    assert register.count == len(words)
    assert register.value(words) == value


def test_the_map_has_neither_gaps_nor_overlaps() -> None:
    for registers in (MEASURED, COMMANDED):
        for before, after in pairwise(registers):
            assert after.address == before.address + before.count


def test_every_value_of_a_meter_fits_its_registers() -> None:
    meter = SimulatedDevice("u1", METER, seed=2, interval=1, record=lambda _: None)
    signs = set()
    for _ in range(500):
        reading = meter.reading()
        for register in MEASURED:
            assert register.value(register.words(reading[register.point])) == pytest.approx(
                float(reading[register.point])
            )
        signs.add(float(reading["temperature"]) < 0)
    assert signs == {True, False}  # a sign that is lost would show


def test_values_are_put_where_they_belong_and_nowhere_else() -> None:
    words = [9] * 8
    fill({"a": 1, "b": 2}, [Register("a", 100, "H"), Register("b", 105, "I"), Register("b", 107, "I")], 100, words)
    assert words == [1, 9, 9, 9, 9, 0, 2, 9]


@pytest.mark.parametrize(
    ("address", "words", "commands"),
    [
        (100, [1500], [("setpoint", 1500)]),
        (101, [0x447A, 0], [("setpoint", 1000.0)]),
        (100, [7, 0x447A, 0], [("setpoint", 7), ("setpoint", 1000.0)]),
        (102, [0x8000], [("setpoint", 2004.0)]),  # half of a float: the other half stays
        (100, [], []),
    ],
)
def test_written_words_are_commands(address: int, words: list[int], commands: list[tuple[str, float]]) -> None:
    held = [2000, *struct.unpack(">2H", struct.pack(">f", 2000))]
    assert written(address, words, held, 100) == commands
