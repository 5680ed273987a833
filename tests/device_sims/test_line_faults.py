"""The faults of a line's bytes, and of a board's life, as whoever listens sees them."""

import asyncio
import json

import pytest

from device_sims.faults import (
    BadChecksum,
    DoubleAcknowledgement,
    Duplicate,
    Fault,
    Garbage,
    Glued,
    LateAcknowledgement,
    Reboot,
    Silence,
    SlowAcknowledgement,
    Split,
    Truncate,
)
from device_sims.fixtures import SerialBoardFactory
from device_sims.wire import CHECKSUMS, FRAMINGS
from device_sims.wire.framings import framing_named
from tests.device_sims.listener import DEADLINE, listening
from tests.parts.waiting import eventually

STREAMS = [name for name in FRAMINGS if name != "fixed"]


class TestWriting:
    async def test_split_frames_come_in_pieces_and_whole(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, faults=[Split(size=20, seconds=0.005)])
        with listening(board.link) as port:
            board.report()
            board.report()
            assert [(await port.message())["sequence"] for _ in range(2)] == [1, 2]
        assert len(port.chunks) > 4  # a slow machine may join some of them
        assert all(len(chunk) % 20 == 0 for chunk in port.chunks[:-1])

    async def test_glued_frames_come_in_one_write(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, faults=[Glued(frames=3)])
        with listening(board.link) as port:
            for _ in range(7):
                board.report()
            assert board.sent == 6
            assert [(await port.message())["sequence"] for _ in range(6)] == [1, 2, 3, 4, 5, 6]

    async def test_an_answer_takes_those_that_wait_along(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, faults=[Glued(frames=10)])
        with listening(board.link) as port:
            board.report()
            port.command("fan", True, 1)
            assert (await port.message())["sequence"] == 1
            assert await port.message() == {"ack": 1, "ok": True}
        assert port.chunks == [b"".join(port.chunks)]

    async def test_any_bytes_go_behind_what_waits(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, faults=[Glued()])
        with listening(board.link) as port:
            board.report()
            board.send(b"raw\n")
            assert (await port.message())["sequence"] == 1
            assert await port.line() == b"raw"

    async def test_what_waits_goes_with_the_next_when_the_fault_ends(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            with board.faults.during(Glued(frames=5)):
                board.report()
            assert board.sent == 0
            board.report()
            assert [(await port.message())["sequence"] for _ in range(2)] == [1, 2]

    async def test_what_waits_while_the_board_is_pulled_is_lost_and_counted(
        self, serial_board: SerialBoardFactory
    ) -> None:
        board = await serial_board(rate=0, faults=[Glued(frames=5)])
        with listening(board.link):
            board.report()
            board.report()
            board.unplug()
        assert (board.sent, board.dropped) == (0, 2)


class TestDamage:
    @pytest.mark.parametrize("framing", STREAMS)
    @pytest.mark.parametrize("checksum", ["xor8", "crc32"])
    async def test_every_nth_checksum_is_wrong(
        self, serial_board: SerialBoardFactory, framing: str, checksum: str
    ) -> None:
        board = await serial_board(rate=0, framing=framing, checksum=checksum, faults=[BadChecksum(every=3)])
        reader = framing_named(framing, CHECKSUMS[checksum])
        with listening(board.link) as port:
            for _ in range(9):
                board.report()
            await eventually(lambda: port.chunks)
        read = [json.loads(payload)["sequence"] for chunk in port.chunks for payload in reader.receive(chunk)]
        assert (read, reader.errors) == ([1, 2, 4, 5, 7, 8], 3)

    async def test_a_sentence_has_its_own_checksum_spoilt(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board("boat", rate=0, faults=[BadChecksum(every=2)])
        with listening(board.link) as port:
            board.report()
            right = []
            for _ in range(5):
                body, _, seal = (await port.line()).strip()[1:].rpartition(b"*")
                checksum = 0
                for byte in body:
                    checksum ^= byte
                right.append(int(seal, 16) == checksum)
        assert right == [True, False, True, False, True]

    async def test_a_truncated_line_runs_into_the_next(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, faults=[Truncate(every=3, lost=4)])
        with listening(board.link) as port:
            for _ in range(6):
                board.report()
            await eventually(lambda: port.chunks)
            assert [(await port.message())["sequence"] for _ in range(2)] == [1, 2]
            joined = await port.line()
            assert joined.count(b'{"temperature"') == 2
            assert (await port.message())["sequence"] == 5

    async def test_of_the_shortest_frame_a_byte_is_left(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, codec="number", faults=[Truncate(every=1, lost=99)])
        with listening(board.link) as port:
            board.report()
            board.send(b"\n")
            assert len(await port.line()) == 1

    @pytest.mark.parametrize("framing", STREAMS)
    async def test_garbage_spoils_no_frame_in_any_framing(self, serial_board: SerialBoardFactory, framing: str) -> None:
        board = await serial_board(rate=0, framing=framing, faults=[Garbage(every=2, size=20)])
        reader = framing_named(framing, None)
        with listening(board.link) as port:
            for _ in range(10):
                board.report()
            await eventually(lambda: port.chunks)
        read = []
        for payload in reader.receive(b"".join(port.chunks)):
            try:
                read.append(json.loads(payload)["sequence"])
            except ValueError:
                continue
        assert read == list(range(1, 11))


class TestAnswers:
    async def test_a_slow_board_obeys_at_once_and_answers_late(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, faults=[SlowAcknowledgement(seconds=0.2)])
        loop = asyncio.get_running_loop()
        with listening(board.link) as port:
            began = loop.time()
            port.command("fan", True, 1)
            assert (await port.message())["fan"] is True
            assert await port.message() == {"ack": 1, "ok": True}
            assert 0.2 <= loop.time() - began < DEADLINE

    async def test_only_every_nth_answer_is_late(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, codec="text", poll=True, faults=[LateAcknowledgement(seconds=0.2, every=2)])
        with listening(board.link) as port:
            port.write(b"SET fan 1 #1\nSET fan 0 #2\nSET fan 1 #3\n")
            assert [await port.line() for _ in range(3)] == [b"OK #1", b"OK #3", b"OK #2"]

    @pytest.mark.parametrize("end", ["unplug", "reboot"])
    async def test_a_late_answer_does_not_outlive_the_board(self, serial_board: SerialBoardFactory, end: str) -> None:
        board = await serial_board(rate=0, codec="text", poll=True, faults=[LateAcknowledgement(seconds=0.1)])
        with listening(board.link) as port:
            port.write(b"SET fan 1 #1\n")
            async with asyncio.timeout(DEADLINE):
                await board.actuated(1)
            getattr(board, end)()
        board.replug()
        with listening(board.link) as port:
            await asyncio.sleep(0.15)  # the answer would have come
            port.write(b"READ\n")
            assert b"temperature" in await port.line()

    async def test_a_double_answer_is_the_same_twice(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, faults=[DoubleAcknowledgement(every=2)])
        with listening(board.link) as port:
            port.command("fan", True, 1)
            port.command("fan", False, 2)
            answers = [message for _ in range(5) if "ack" in (message := await port.message())]
        assert [answer["ack"] for answer in answers] == [1, 2, 2]
        assert len(board.actuations) == 2

    async def test_a_duplicate_speaks_obeys_and_answers_too(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            with board.faults.during(Duplicate()):
                board.report()
                first, second = await port.message(), await port.message()
                assert first["sequence"] == second["sequence"] == 1
                assert first["temperature"] != second["temperature"]
                port.command("fan", True, 1)
                assert [await port.message() for _ in range(2)] == [{"ack": 1, "ok": True}] * 2
                assert [(await port.message())["fan"] for _ in range(2)] == [True, True]
            board.report()
            assert (await port.message())["sequence"] == 3
        assert [a.id for a in board.actuations] == [1, 1]


class TestReboot:
    async def test_a_reboot_breaks_off_a_frame_prints_a_banner_and_counts_from_one(
        self, serial_board: SerialBoardFactory
    ) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            port.command("fan", True, 1)
            await port.acknowledgement()
            assert (await port.message())["sequence"] == 1
            board.reboot()
            board.report()
            half = await port.line()
            assert half.startswith(b'{"temperature"')
            assert not half.rstrip().endswith(b"}")
            assert [await port.line() for _ in range(2)] == [b"boot: climate 1.0\r", b"ready\r"]
            reading = await port.message()
        assert (reading["sequence"], reading["fan"]) == (1, False)

    async def test_a_table_begins_with_its_names_again(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, codec="delimited")
        with listening(board.link) as port:
            board.report()
            board.reboot()
            board.report()
            lines = [await port.line() for _ in range(7)]
        assert [line.startswith(b"temperature,") for line in lines] == [True, *[False] * 4, True, False]
        assert lines[1].endswith(b",1")
        assert lines[6].endswith(b",1")

    async def test_a_silent_board_reboots_without_a_word(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, faults=[Silence()])
        with listening(board.link):
            board.reboot()
        assert (board.sent, board.dropped) == (0, 0)

    async def test_reboots_come_in_turns(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=50, faults=[Reboot(after=0.2, every=0.2)])
        with listening(board.link) as port:
            banners = 0
            while banners < 2:
                banners += (await port.line()).startswith(b"boot: ")
        assert board.devices[0].sequence < 20


@pytest.mark.parametrize("fault", [Split(), Glued(), BadChecksum(), Truncate(), Duplicate(), Reboot(after=60)])
async def test_a_fault_on_a_board_that_nobody_listens_to_is_harmless(
    serial_board: SerialBoardFactory, fault: Fault
) -> None:
    board = await serial_board(rate=200, faults=[fault])
    await eventually(lambda: board.dropped > 5)
    assert board.sent == 0
