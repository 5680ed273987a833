"""Evidence in bits."""

import random

import pytest

from gateway.detection import checksums, evidence
from gateway.framing.checksum import Checksum
from gateway.framing.lines import LineChecksum


def test_hits_count_by_how_unlikely_they_are_and_misses_cost() -> None:
    assert evidence.of_hits(3, 3, 8) == 24
    assert evidence.of_hits(3, 6, 8) == pytest.approx(24 - 4.32, abs=0.01)
    assert evidence.of_hits(0, 100, 8) == 0
    assert evidence.of_hits(1, 256, 8) == 0


def test_what_is_always_the_same_is_regular_and_what_is_random_is_not() -> None:
    draw = random.Random(1)
    assert evidence.of_regularity([7] * 20, 8) > 100
    assert evidence.of_regularity([draw.randrange(256) for _ in range(200)], 8) == 0


@pytest.mark.parametrize("type", ["crc16-modbus", "crc16-ccitt", "crc32", "xor8", "sum8"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_a_checksum_is_found_in_either_order(type: str, order: str) -> None:
    draw = random.Random(2)
    checksum = Checksum(type, order)  # type: ignore[arg-type]
    frames = [data + checksum.of(data) for data in (draw.randbytes(12) for _ in range(10))]
    found = checksums.at_the_end(frames)
    assert found is not None
    options = found.options if isinstance(found.options, dict) else {"type": found.options}
    assert options["type"] == type
    if checksum.size > 1:
        assert Checksum(type, options.get("order")).of(b"123") == checksum.of(b"123")  # type: ignore[arg-type]


@pytest.mark.parametrize("begin", [0, 2, 4])
def test_it_is_found_what_a_checksum_covers(begin: int) -> None:
    draw = random.Random(3)
    checksum = Checksum("crc16-modbus")
    frames = [head + checksum.of(head[begin:]) for head in (draw.randbytes(14) for _ in range(6))]
    found = checksums.at_the_end(frames, (("payload", 4), ("length", 2), ("frame", 0)))
    assert found is not None
    assert found.options == {
        0: {"type": "crc16-modbus", "covers": "frame"},
        2: {"type": "crc16-modbus", "covers": "length"},
    }.get(begin, "crc16-modbus")


def test_no_checksum_is_found_where_there_is_none() -> None:
    draw = random.Random(4)
    for _ in range(300):
        frames = [draw.randbytes(draw.randrange(1, 30)) for _ in range(draw.randrange(1, 60))]
        assert checksums.at_the_end(frames, (("payload", 4), ("length", 2), ("frame", 0))) is None
        assert checksums.of_lines([frame.hex().encode() for frame in frames]) is None


@pytest.mark.parametrize(
    "section", [{"type": "xor8"}, {"type": "xor8", "skip": 1}, {"type": "crc32", "separator": ";"}]
)
def test_a_checksum_of_lines_is_found(section: dict[str, object]) -> None:
    made = LineChecksum.model_validate(section)
    lines = [b"$T=%d,H=%d" % (number, number * 7 % 31) for number in range(8)]
    found = checksums.of_lines([line + made.build().of(line) for line in lines])
    assert found is not None
    assert found.options == (section["type"] if len(section) == 1 else section)
