import random
from typing import Any

import pytest

from gateway.errors import CodecError
from gateway.framing import Framing
from gateway.framing.fixed import FixedOptions
from tests.contract.parts import held

LIDAR = {"length": 6, "sync": "5959", "checksum": {"type": "sum8", "covers": "frame"}}
SYNC = {"length": 4, "sync": "AA55"}
CRC = {"length": 4, "checksum": "crc16-modbus"}


def built(options: dict[str, Any]) -> Framing:
    return FixedOptions.model_validate(options).build()


def counters(framing: Framing) -> tuple[int, int, int]:
    return framing.errors, framing.checksum_errors, framing.resyncs


@pytest.mark.parametrize("options", [SYNC, CRC, {"length": 4}])
@pytest.mark.parametrize("frame", [b"", b"abc", b"abcde"])
def test_a_frame_of_another_length_is_not_sent(options: dict[str, Any], frame: bytes) -> None:
    with pytest.raises(CodecError, match=f"holds 4 bytes, this one has {len(frame)}"):
        built(options).encode(frame)


def test_with_a_sync_word_and_a_checksum_damage_costs_the_damaged_frame_only() -> None:
    framing = built(LIDAR)
    good = framing.encode(b"abcdef")
    assert framing.receive_data(good + good[:5] + good + b"\x59" + good + good[1:] + good) == [b"abcdef"] * 4
    assert counters(framing) == (3, 2, 3)


def test_with_a_sync_word_alone_the_next_frames_are_in_step() -> None:
    framing = built(SYNC)
    wire = [framing.encode(frame) for frame in (b"1111", b"2222", b"3333", b"4444", b"5555")]
    stream = wire[0] + b"x" + b"".join(wire[1:])
    assert framing.receive_data(stream) == [b"1111", b"2222", b"3333", b"4444", b"5555"]
    assert counters(framing) == (1, 0, 1)
    # A frame that lost a byte takes one of the next, which is found to be gone.
    assert framing.receive_data(wire[0][:-1] + b"".join(wire[1:])) == [b"111\xaa", b"3333", b"4444", b"5555"]
    assert counters(framing) == (2, 0, 2)


def test_with_a_checksum_alone_every_place_is_tried() -> None:
    framing = built(CRC)
    good = framing.encode(b"abcd")
    for cut in range(1, len(good)):
        assert framing.receive_data(good[cut:] + good + good) == [b"abcd"] * 2
    assert framing.resyncs == len(good) - 1


def test_a_checksum_of_8_bits_alone_lets_few_wrong_frames_through() -> None:
    """At one place in 256; and each costs the frame that it overlaps."""
    framing = built({"length": 8, "checksum": "sum8"})
    chance = random.Random(5)
    sent, received = [], []
    for _ in range(2000):
        frame = chance.randbytes(8)
        sent.append(frame)
        received += framing.receive_data(chance.randbytes(8) + framing.encode(frame) * 2)
    whole = set(sent)
    assert 0 < sum(frame not in whole for frame in received) < 2000 * 20 / 256
    assert len(whole & set(received)) > 1990


def test_where_only_a_pause_tells_lengths_alone_cut() -> None:
    framing = built({"length": 4})
    assert framing.receive_data(b"ab") == []
    framing.break_off()
    assert framing.receive_data(b"abcdefghi") == [b"abcd", b"efgh"]
    assert counters(framing) == (1, 0, 0)


@pytest.mark.parametrize("options", [{}, {"sync": "AABBCCDD"}, {"sync": "AABBCCDD", "checksum": "crc32"}])
def test_the_longest_frames_stay_within_64_kib(options: dict[str, Any]) -> None:
    framing = built({"length": 65000, **options})
    good = framing.encode(b"x" * 65000)
    for at in range(0, len(good) - 1, 1000):
        assert framing.receive_data(good[at : min(at + 1000, len(good) - 1)]) == []
        assert held(framing) <= 64 * 1024
    assert framing.receive_data(good[-1:]) == [b"x" * 65000]
