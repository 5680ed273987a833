from typing import Any

import pytest

from gateway.errors import CodecError
from gateway.framing import Framing
from gateway.framing.length_prefixed import LengthPrefixedOptions

SYNC = {"sync": "AA55", "width": 1}
SYNC_CRC = {**SYNC, "checksum": "crc16-modbus"}
CRC32 = {"width": 1, "checksum": "crc32"}


def built(options: dict[str, Any]) -> Framing:
    return LengthPrefixedOptions.model_validate(options).build()


def counters(framing: Framing) -> tuple[int, int, int]:
    return framing.errors, framing.checksum_errors, framing.resyncs


def encoded(options: dict[str, Any], *frames: bytes) -> bytes:
    return b"".join(map(built(options).encode, frames))


class TestInStep:
    @pytest.mark.parametrize("options", [{"width": 1}, SYNC, SYNC_CRC, CRC32])
    def test_an_empty_frame_is_nothing(self, options: dict[str, Any]) -> None:
        framing = built(options)
        empty = {"1": b"\0", "2": b"\xaa\x55\0", "3": b"\xaa\x55\0\xff\xff", "4": b"\0\0\0\0\0"}
        kind = "1" if options == {"width": 1} else "2" if options == SYNC else "3" if options == SYNC_CRC else "4"
        good = framing.encode(b"a")
        assert framing.receive_data(empty[kind] + good + empty[kind] * 2 + good) == [b"a", b"a"]
        assert counters(framing) == (0, 0, 0)

    def test_a_number_that_counts_less_than_itself_is_an_error(self) -> None:
        for counts, number in (("frame", 2), ("rest", 1)):
            framing = built({**SYNC_CRC, "counts": counts})
            good = framing.encode(b"good")
            assert framing.receive_data(good + b"\xaa\x55" + bytes([number]) + good) == [b"good"] * 2
            assert counters(framing) == (1, 0, 1)

    @pytest.mark.parametrize(("width", "counts", "most"), [(1, "payload", 255), (1, "rest", 253), (1, "frame", 250)])
    def test_a_payload_that_the_number_does_not_reach_is_not_sent(self, width: int, counts: str, most: int) -> None:
        framing = built({**SYNC_CRC, "width": width, "counts": counts})
        assert framing.receive_data(framing.encode(b"x" * most)) == [b"x" * most]
        with pytest.raises(CodecError, match=f"1 to {most} bytes"):
            framing.encode(b"x" * (most + 1))

    @pytest.mark.parametrize("options", [{"width": 1}, SYNC, SYNC_CRC, CRC32])
    def test_an_empty_frame_is_not_sent(self, options: dict[str, Any]) -> None:
        with pytest.raises(CodecError):
            built(options).encode(b"")


class TestBackInStep:
    def test_a_wrong_checksum_costs_one_frame_and_no_search(self) -> None:
        framing = built(SYNC_CRC)
        good = framing.encode(b"good")
        wrong = good[:-1] + bytes([good[-1] ^ 1])
        assert framing.receive_data(good + wrong + good) == [b"good"] * 2
        assert counters(framing) == (1, 1, 0)

    def test_noise_between_frames_is_one_error_and_one_resync(self) -> None:
        framing = built(SYNC_CRC)
        good = framing.encode(b"good")
        assert framing.receive_data(good + b"noise" + good + good) == [b"good"] * 3
        assert counters(framing) == (1, 0, 1)

    def test_a_good_frame_right_behind_a_truncated_one_is_not_lost(self) -> None:
        framing = built(SYNC_CRC)
        assert framing.receive_data(b"\xaa\x55\x06abc" + framing.encode(b"one") + framing.encode(b"two")) == [
            b"one",
            b"two",
        ]
        assert framing.errors == 1

    def test_a_head_within_the_payload_is_seen_through(self) -> None:
        framing = built(SYNC_CRC)
        frame = b"\xaa\x55\x02ab\xaa\x55\xff"
        wire = framing.encode(frame)
        assert framing.receive_data(wire[3:] + wire * 3) == [frame] * 3
        assert framing.resyncs == 1

    @pytest.mark.parametrize("options", [SYNC, SYNC_CRC, CRC32])
    @pytest.mark.parametrize("one_by_one", [False, True])
    def test_a_head_that_promises_much_holds_two_frames_up_at_most(
        self, options: dict[str, Any], one_by_one: bool
    ) -> None:
        framing = built(options)
        head = framing.encode(b"x" * 200)[: 1 + 2 * ("sync" in options)]
        assert framing.receive_data(head) == []
        stream = encoded(options, b"one", b"two")
        parts = [bytes([byte]) for byte in stream] if one_by_one else [stream]
        assert [frame for part in parts for frame in framing.receive_data(part)] == [b"one", b"two"]
        assert counters(framing) == (1, 0, 1)

    @pytest.mark.parametrize("number", range(1, 30))
    @pytest.mark.parametrize("options", [SYNC, SYNC_CRC])
    def test_wherever_a_false_frame_ends_the_third_behind_it_is_there(
        self, options: dict[str, Any], number: int
    ) -> None:
        framing = built(options)
        head = b"\xaa\x55" + bytes([number])
        frames = framing.receive_data(head + encoded(options, b"one", b"two", b"three"))
        assert frames[-1] == b"three"
        # Where it ends in the midst of a sync word, even without a checksum none is lost.
        if options == SYNC_CRC or number == 7:
            assert frames == [b"one", b"two", b"three"]

    def test_zeros_in_a_payload_are_no_empty_frames(self) -> None:
        options = {"checksum": {"type": "xor8", "covers": "length"}}
        for parts in (1, 500):
            framing = built(options)
            wire = framing.encode(b"\0" * 400)
            pieces = [wire[at : at + parts] for at in range(0, len(wire), parts)]
            assert [frame for piece in pieces for frame in framing.receive_data(piece)] == [b"\0" * 400]

    def test_a_payload_that_is_two_whole_frames_is_not_sent(self) -> None:
        for options in (SYNC_CRC, CRC32):
            framing = built(options)
            two = encoded(options, b"one", b"two")
            with pytest.raises(CodecError, match="taken for two others"):
                framing.encode(b"-" + two + b"-")
            for one in (b"-" + encoded(options, b"one") + b"-", b"-" + two[:-1] + b"-"):
                assert framing.receive_data(framing.encode(one)) == [one]

    def test_without_a_checksum_one_frame_with_a_sync_word_behind_it_is_proof(self) -> None:
        framing = built(SYNC)
        with pytest.raises(CodecError, match="taken for two others"):
            framing.encode(b"-\xaa\x55\x01a\xaa\x55-")
        for frame in (b"-\xaa\x55\x01a-\xaa\x55", b"\xaa\x55\x01a-", b"\xaa\x55" * 3, b"\xaa\x55\x09\xaa\x55"):
            assert framing.receive_data(framing.encode(frame)) == [frame]
        assert counters(framing) == (0, 0, 0)

    def test_out_of_step_a_sync_word_counts_with_another_behind_its_frame(self) -> None:
        framing = built(SYNC)
        good = framing.encode(b"good")
        assert framing.receive_data(b"noise \xaa\x55\x02abc noise" + good) == []
        assert framing.receive_data(good[:1]) == []
        assert framing.receive_data(good[1:2]) == [b"good"]
        assert framing.receive_data(good[2:]) == [b"good"]  # in step again, it is taken at once
        assert counters(framing) == (2, 0, 1)


class TestPauses:
    def test_where_only_a_pause_tells_it_ends_a_half_received_frame(self) -> None:
        framing = built({})
        assert framing.gap == 0.25
        assert framing.receive_data(b"\0\x09half") == []
        framing.break_off()
        assert framing.receive_data(b"\0\x05whole") == [b"whole"]
        assert counters(framing) == (1, 0, 0)
        framing.break_off()  # a pause between frames is nothing
        assert counters(framing) == (1, 0, 0)

    def test_behind_a_number_that_cannot_be_nothing_is_taken_before_the_pause(self) -> None:
        framing = built({"max": 10})
        assert framing.receive_data(b"\0\x01a\x20\x20garbage\0\x01b") == [b"a"]
        assert framing.receive_data(b"\0\x01c") == []
        framing.break_off()
        assert framing.receive_data(b"\0\x01d") == [b"d"]
        assert counters(framing) == (1, 0, 1)

    @pytest.mark.parametrize("options", [SYNC, SYNC_CRC, CRC32])
    def test_a_pause_ends_a_half_received_frame_elsewhere_too(self, options: dict[str, Any]) -> None:
        framing = built({**options, "gap": "50ms"})
        good = framing.encode(b"good")
        assert framing.receive_data(good + good[:4]) == [b"good"]
        framing.break_off()
        assert framing.receive_data(good) == [b"good"]
        assert counters(framing) == (1, 0, 0)
        framing.break_off()
        assert counters(framing) == (1, 0, 0)

    def test_a_good_frame_that_waited_behind_a_false_head_comes_after_the_pause(self) -> None:
        framing = built({**SYNC_CRC, "gap": "50ms"})
        assert framing.receive_data(b"\xaa\x55\xc8" + framing.encode(b"good")) == []
        framing.break_off()
        assert framing.receive_data(framing.encode(b"next")) == [b"good", b"next"]
        assert counters(framing) == (1, 0, 1)

    def test_without_a_sync_word_nothing_is_taken_out_of_a_half_received_frame(self) -> None:
        framing = built({**CRC32, "gap": "50ms"})
        assert framing.receive_data(b"\xc8" + framing.encode(b"good")) == []
        framing.break_off()
        assert framing.receive_data(framing.encode(b"next")) == [b"next"]
        assert counters(framing) == (1, 0, 0)

    def test_a_pause_while_the_step_is_lost_finds_it(self) -> None:
        framing = built({**SYNC_CRC, "gap": "50ms"})
        assert framing.receive_data(b"noise") == []
        framing.break_off()
        assert framing.receive_data(framing.encode(b"good")) == [b"good"]
        assert counters(framing) == (1, 0, 1)

    @pytest.mark.parametrize("options", [{}, SYNC, SYNC_CRC, CRC32])
    def test_a_reset_counts_nothing(self, options: dict[str, Any]) -> None:
        framing = built(options)
        framing.receive_data(framing.encode(b"good")[:-1])
        framing.reset()
        framing.break_off()
        assert framing.receive_data(framing.encode(b"good")) == [b"good"]
        assert counters(framing) == (0, 0, 0)
