"""The faults as a board shows them on its line."""

import asyncio
import os

from device_sims.faults import (
    Fault,
    Garbage,
    NoAcknowledgement,
    OneByteAtATime,
    Refusal,
    Silence,
    Unplug,
)
from device_sims.fixtures import SerialBoardFactory
from tests.device_sims.listener import DEADLINE, listening
from tests.parts.waiting import eventually


async def test_garbage_between_frames_spoils_no_frame(serial_board: SerialBoardFactory) -> None:
    garbage = Garbage(every=2, size=20)
    board = await serial_board(rate=0, faults=[garbage])
    with listening(board.link) as port:
        for _ in range(10):
            board.report()
        lines = [await port.line() for _ in range(15)]
    assert garbage.bursts == 5
    assert [line.startswith(b"\xff") for line in lines] == [False, True, False] * 5


async def test_glued_garbage_spoils_the_frame_after_it_only(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0, faults=[Garbage(every=5, glued=True)])
    with listening(board.link) as port:
        for _ in range(10):
            board.report()
        lines = [await port.line() for _ in range(10)]
    assert [line.startswith(b"{") for line in lines] == ([True] * 4 + [False]) * 2


async def test_a_silent_board_says_nothing_obeys_and_goes_on_without_a_hole(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=100)
    with listening(board.link) as port:
        await port.line()
        with board.faults.during(Silence()):
            sent = board.sent
            port.command("fan", True, 1)
            async with asyncio.timeout(DEADLINE):
                await board.actuated(1)
            await asyncio.sleep(0.05)  # readings would be due by now
            assert board.sent == sent
        port.write(b"\n")
        sequences = [(await port.message())["sequence"] for _ in range(sent + 5)]
    assert sequences == list(range(sequences[0], sequences[0] + sent + 5))


async def test_a_silence_that_comes_in_turns_ends_and_comes_again(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=100, faults=[Silence(after=0.1, seconds=0.2)])
    loop = asyncio.get_running_loop()
    silences = 0
    with listening(board.link) as port:
        async with asyncio.timeout(DEADLINE):
            last = loop.time()
            while silences < 2:
                await port.line()
                now = loop.time()
                silences += now - last > 0.15
                last = now


async def test_without_acknowledgement_the_command_is_obeyed_and_shown(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0, faults=[NoAcknowledgement()])
    with listening(board.link) as port:
        port.command("fan", True, 1)
        message = await port.message()
    assert message["fan"] is True
    assert len(board.actuations) == 1


async def test_a_refusal_is_answered_and_nothing_moves(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0)
    with listening(board.link) as port:
        with board.faults.during(Refusal()):
            port.command("fan", True, 1)
            assert await port.message() == {"ack": 1, "ok": False, "error": "jammed"}
        port.command("setpoint", 7, 2)
        assert await port.message() == {"ack": 2, "ok": True}
        assert (await port.message())["fan"] is False
    assert [a.point for a in board.actuations] == ["setpoint"]


async def test_one_byte_at_a_time_arrives_in_pieces_and_whole(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0, faults=[OneByteAtATime(0.001)])
    with listening(board.link) as port:
        board.report()
        board.report()
        assert [(await port.message())["sequence"] for _ in range(2)] == [1, 2]
    assert len(port.chunks) > 10  # a slow machine may join some of them


async def test_one_byte_at_a_time_without_pause_is_one_a_turn(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0, faults=[OneByteAtATime()])
    descriptor = os.open(board.link, os.O_RDWR | os.O_NOCTTY)
    try:
        board.report()
        assert os.read(descriptor, 4096) == b"{"
        await asyncio.sleep(0)
        assert os.read(descriptor, 4096) == b'"'
    finally:
        os.close(descriptor)


async def test_a_board_pulled_in_the_middle_of_a_slow_frame_leaves_no_rest(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0, faults=[OneByteAtATime(0.001)])
    with listening(board.link) as port:
        board.report()
        await eventually(lambda: port.chunks)
        board.unplug()
    board.replug()
    with listening(board.link) as port:
        board.report()
        assert (await port.message())["sequence"] == 2


async def test_unplug_in_turns_pulls_and_plugs_by_itself(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0, faults=[Unplug(after=0.2, seconds=0.2)])
    await eventually(lambda: not board.plugged)
    await eventually(lambda: board.plugged)
    await eventually(lambda: not board.plugged)


async def test_a_board_unplugged_by_hand_is_not_plugged_by_a_fault_that_has_nothing_to_say(
    serial_board: SerialBoardFactory,
) -> None:
    board = await serial_board(rate=100, faults=[Fault(), Unplug(after=1000)])
    board.unplug()
    await asyncio.sleep(0.1)  # several looks at the faults
    assert not board.plugged
