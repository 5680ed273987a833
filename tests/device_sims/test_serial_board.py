"""A serial board speaks, obeys, and can be pulled out, on a real pty."""

import asyncio
import errno
import json
import os
import termios
import time
from itertools import pairwise
from pathlib import Path

import pytest

from device_sims import pty_port
from device_sims.faults import Unplug
from device_sims.fixtures import SerialBoardFactory
from device_sims.kinds import KINDS
from device_sims.serial_board import SerialBoard
from device_sims.wire.seals import LONGEST_PAYLOAD
from tests.device_sims.listener import DEADLINE, listening
from tests.parts.leaks import descriptors
from tests.parts.waiting import eventually

CYCLES = 1000


class TestReadings:
    @pytest.mark.parametrize("kind", KINDS)
    async def test_a_board_sends_a_json_object_a_line(self, serial_board: SerialBoardFactory, kind: str) -> None:
        board = await serial_board(kind, rate=50, codec="json")
        with listening(board.link) as port:
            reading = await port.message()
        assert set(reading) == {*KINDS[kind].sensors, *KINDS[kind].actuators, "sequence"}

    async def test_readings_come_at_the_rate(self, serial_board: SerialBoardFactory) -> None:
        began = time.monotonic()
        board = await serial_board(rate=100)
        with listening(board.link) as port:
            came = [((await port.message())["sequence"], time.monotonic() - began) for _ in range(50)]
        assert all(b == a + 1 for (a, _), (b, _) in pairwise(came))
        assert all(seconds > sequence / 100 for sequence, seconds in came)  # never early
        assert came[-1][1] < came[-1][0] / 100 + DEADLINE  # nor ever later, on a machine that has time for it

    async def test_two_boards_with_one_seed_say_the_same(self, serial_board: SerialBoardFactory) -> None:
        boards = [await serial_board(rate=0, seed=seed) for seed in (5, 5, 6)]
        said = []
        for board in boards:
            with listening(board.link) as port:
                for _ in range(5):
                    board.report()
                said.append([await port.line() for _ in range(5)])
        assert said[0] == said[1] != said[2]

    async def test_devices_on_one_line_take_turns_and_say_who_speaks(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, devices=3)
        with listening(board.link) as port:
            for device in (*board.devices, *board.devices):
                board.report(device)
            readings = [await port.message() for _ in range(6)]
        assert [(r["node"], r["sequence"]) for r in readings] == [(f"n{i}", n) for n in (1, 2) for i in (1, 2, 3)]

    async def test_each_device_on_a_line_keeps_the_rate(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=50, devices=4)
        with listening(board.link) as port:
            nodes = [(await port.message())["node"] for _ in range(40)]
        assert nodes[:4] * 10 == nodes

    async def test_a_stamp_is_the_wall_clock(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, stamp=True)
        with listening(board.link) as port:
            board.report()
            assert abs((await port.message())["time"] - time.time()) < DEADLINE

    async def test_any_bytes_can_be_sent(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        every_byte = bytes(range(256)).replace(b"\n", b"")
        with listening(board.link) as port:
            assert board.send(every_byte + b"\n")
            assert await port.line() == every_byte
        assert board.sent == 1


class TestCommands:
    async def test_a_command_is_acknowledged_and_shows_in_the_reading_that_follows_at_once(
        self, serial_board: SerialBoardFactory
    ) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            port.command("fan", True, 17)
            assert await port.line() == b'{"ack":17,"ok":true}'
            assert (await port.message())["fan"] is True
        (actuation,) = board.actuations
        assert (actuation.id, actuation.point, actuation.value) == (17, "fan", True)
        assert abs(actuation.time - time.monotonic()) < DEADLINE

    async def test_a_command_that_cannot_be_obeyed_is_refused(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            port.command("flux", True, 1)
            port.command("fan", 3, "two")
            assert await port.message() == {"ack": 1, "ok": False, "error": "flux is unknown"}
            assert await port.message() == {"ack": "two", "ok": False, "error": "fan takes true or false"}
        assert board.actuations == []

    async def test_a_command_without_an_id_is_obeyed_and_not_acknowledged(
        self, serial_board: SerialBoardFactory
    ) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            port.command("fan", True)
            assert (await port.message())["fan"] is True
        assert len(board.actuations) == 1

    async def test_on_a_shared_line_only_the_one_that_is_meant_obeys(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, devices=2)
        with listening(board.link) as port:
            for node in ("n3", None, ["n1"]):
                port.command("fan", True, 1, node=node)
            port.command("fan", True, 2, node="n2")
            assert await port.message() == {"ack": 2, "ok": True}
            reading = await port.message()
        assert (reading["node"], reading["fan"]) == ("n2", True)
        assert [(a.id, a.device) for a in board.actuations] == [(2, "n2")]

    async def test_commands_split_anywhere_and_glued_together_are_all_heard(
        self, serial_board: SerialBoardFactory
    ) -> None:
        board = await serial_board(rate=0)
        text = b"".join(b'{"command":"setpoint","value":%d,"id":%d}\r\n' % (20 + i, i) for i in range(3))
        with listening(board.link) as port:
            for i in range(len(text)):
                port.write(text[i : i + 1])
                await asyncio.sleep(0)
            port.write(text)
            assert [(await port.acknowledgement())["ack"] for _ in range(6)] == [0, 1, 2, 0, 1, 2]

    @pytest.mark.parametrize(
        "noise", [b"\xff\xfe\n", b"{\n", b"[1]\n", b"17\n", b"[" * 3000 + b"\n", b"x" * (3 * LONGEST_PAYLOAD) + b"\n"]
    )
    async def test_a_line_that_is_no_command_is_counted_and_costs_nothing_else(
        self, serial_board: SerialBoardFactory, noise: bytes
    ) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            for i in range(0, len(noise), 1000):
                port.write(noise[i : i + 1000])
                await asyncio.sleep(0)
            port.command("fan", True, 1)
            assert await port.acknowledgement() == {"ack": 1, "ok": True}
        assert board.errors == 1

    async def test_waiting_for_an_actuation_ends_with_it(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            port.command("fan", True, 1)
            port.command("fan", False, 2)
            async with asyncio.timeout(DEADLINE):
                assert [a.value for a in await board.actuated(2)] == [True, False]


class TestPort:
    async def test_nothing_is_echoed_and_no_byte_is_translated(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            port.write(b'{"not":"a command"}\r\n\x03\x04')
            port.write(b"\n")
            await eventually(lambda: board.errors == 1)
            board.send(b"a\rb\x03\x11\x13\n")
            assert await port.line() == b"a\rb\x03\x11\x13"

    async def test_what_is_said_while_nobody_listens_is_lost_and_counted(
        self, serial_board: SerialBoardFactory
    ) -> None:
        board = await serial_board(rate=0)
        assert not board.is_open
        assert not board.report()
        assert not board.report()
        assert (board.dropped, board.sent) == (2, 0)
        with listening(board.link) as port:
            async with asyncio.timeout(DEADLINE):
                await board.opened()
            assert board.report()
            assert (await port.message())["sequence"] == 3

    async def test_a_board_works_on_however_often_the_port_is_closed_and_opened(
        self, serial_board: SerialBoardFactory
    ) -> None:
        board = await serial_board(rate=0)
        for i in range(20):
            with listening(board.link) as port:
                port.command("fan", i % 2 == 0, i)
                assert await port.acknowledgement() == {"ack": i, "ok": True}
            await eventually(lambda: not board.is_open)
        assert [a.id for a in board.actuations] == list(range(20))

    async def test_a_closed_port_costs_no_processor_time(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        with listening(board.link):
            pass
        began, used = time.monotonic(), time.process_time()
        await eventually(lambda: time.monotonic() > began + 0.5)
        assert time.process_time() - used < 0.1

    async def test_whoever_opens_the_port_finds_nothing_of_the_last_one(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        descriptor = os.open(board.link, os.O_RDWR | os.O_NOCTTY)
        settings = termios.tcgetattr(descriptor)
        settings[3] |= termios.ECHO | termios.ICANON
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
        while board.report():  # until neither the kernel nor the board takes any more
            pass
        os.write(descriptor, b'{"command":"fan"')  # and no more of it
        os.close(descriptor)
        for _ in range(3):  # turns of the loop in which the board notices
            await asyncio.sleep(0)
        errors = board.errors  # what the last one's echo was
        with listening(board.link) as port:
            board.send(b"fresh\n")
            assert await port.line() == b"fresh"
            port.command("fan", True, 1)
            assert await port.message() == {"ack": 1, "ok": True}
        assert board.errors == errors  # an echo of what it sent would have come before the command

    async def test_a_reader_that_does_not_read_blocks_nothing_and_gets_whole_lines(
        self, serial_board: SerialBoardFactory
    ) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            for _ in range(2000):  # without giving the reader a turn
                board.report()
            assert board.dropped > 0
            assert board.sent + board.dropped == 2000
            sequences = [(await port.message())["sequence"] for _ in range(board.sent)]
            assert sequences == list(range(1, board.sent + 1))
            board.send(b"after\n")
            assert await port.line() == b"after"

    async def test_what_one_turn_of_the_loop_leaves_unread_is_read_in_the_next(
        self, serial_board: SerialBoardFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pty_port, "READS_A_TURN", 1)
        monkeypatch.setattr(pty_port, "READ_SIZE", 16)
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            assert port.write(b"x\n" * 50) == 100  # more than one read, and no more edges after it
            await eventually(lambda: board.errors == 50)

    async def test_a_flood_of_input_leaves_the_event_loop_alive(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            flood = (b"x" * 999 + b"\n") * 200
            while flood:
                flood = flood[port.write(flood) :]
                await asyncio.sleep(0)
            await eventually(lambda: board.errors == 200)


class TestUnplug:
    async def test_unplugging_hangs_up_and_takes_the_link_away(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=50)
        with listening(board.link) as port:
            await port.line()
            board.unplug()
            async with asyncio.timeout(DEADLINE):
                await port.hung_up.wait()
        assert not board.link.is_symlink()
        assert (board.plugged, board.is_open, board.path) == (False, False, None)

    async def test_replugging_brings_it_back_under_the_same_name_with_its_state_and_without_a_hole(
        self, serial_board: SerialBoardFactory
    ) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            port.command("fan", True, 1)
            await port.acknowledgement()
            last = (await port.message())["sequence"]
            first_path = board.path
            board.unplug()
            assert not board.report()
            board.replug()
            assert board.path != first_path  # the old one is still held open here, as on a real system
        assert str(board.link.readlink()) == board.path
        with listening(board.link) as port:
            board.report()
            reading = await port.message()
        assert (reading["fan"], reading["sequence"]) == (True, last + 1)

    async def test_unplugging_and_replugging_twice_is_once(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        path = board.path
        board.replug()
        assert board.path == path
        board.unplug()
        board.unplug()
        board.replug()
        assert board.plugged

    async def test_a_thousand_unplug_cycles_leak_nothing(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        before, tasks = descriptors(), len(asyncio.all_tasks())
        for i in range(CYCLES):
            with listening(board.link) as port:
                port.command("fan", i % 2 == 0, i)
                assert (await port.acknowledgement())["ack"] == i
                board.unplug()
                async with asyncio.timeout(DEADLINE):
                    await port.hung_up.wait()
            board.replug()
        assert len(descriptors()) == len(before)
        assert len(asyncio.all_tasks()) == tasks
        assert len(board.actuations) == CYCLES
        assert os.listdir(board.link.parent) == [board.link.name]

    async def test_the_link_always_leads_to_a_port_while_it_is_replaced(self, tmp_path: Path) -> None:
        link = tmp_path / "board"
        link.symlink_to("/nowhere")  # left behind by a simulator that was killed
        async with SerialBoard(link, rate=0) as board:
            assert str(link.readlink()) == board.path
        assert not link.is_symlink()

    async def test_a_link_that_another_board_has_taken_is_left_alone(self, tmp_path: Path) -> None:
        link = tmp_path / "board"
        async with SerialBoard(link, rate=0) as first:
            async with SerialBoard(link, rate=0) as second:
                first.unplug()
                assert str(link.readlink()) == second.path
            assert not link.is_symlink()

    async def test_a_file_in_the_way_of_the_link_is_not_touched(self, tmp_path: Path) -> None:
        link = tmp_path / "board"
        link.write_text("precious")
        before = descriptors()
        with pytest.raises(FileExistsError, match="exists and is not a symlink"):
            async with SerialBoard(link):
                pass
        assert link.read_text() == "precious"
        assert descriptors() == before

    async def test_a_missing_folder_is_an_error_that_leaks_nothing(self, tmp_path: Path) -> None:
        before = descriptors()
        with pytest.raises(FileNotFoundError):
            async with SerialBoard(tmp_path / "missing" / "board"):
                pass
        assert descriptors() == before

    async def test_a_write_to_a_pulled_port_fails_as_on_real_hardware(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0)
        with listening(board.link) as port:
            board.unplug()
            with pytest.raises(OSError, match=os.strerror(errno.EIO)):
                port.write(b"x")


async def test_leaving_unplugs_and_ends_the_task(tmp_path: Path) -> None:
    tasks = asyncio.all_tasks()
    async with SerialBoard(tmp_path / "board", rate=50) as board:
        assert [task.get_name() for task in asyncio.all_tasks() - tasks] == ["board:board"]
    assert not board.link.is_symlink()
    assert asyncio.all_tasks() == tasks


async def test_a_board_that_cannot_be_plugged_in_again_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    board = SerialBoard(folder / "board", faults=[Unplug(0.05, 0.1)])

    async def lose_the_folder() -> None:
        async with asyncio.timeout(DEADLINE), board:
            await eventually(lambda: not board.plugged)
            folder.rmdir()
            await board.running()

    with pytest.raises(FileNotFoundError):
        await lose_the_folder()


def test_impossible_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no kind of device"):
        SerialBoard(tmp_path / "board", kind="toaster")
    with pytest.raises(ValueError, match="devices"):
        SerialBoard(tmp_path / "board", devices=0)


async def test_readings_are_valid_in_every_json_parser(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0)
    with listening(board.link) as port:
        board.report()
        line = await port.line()
    assert json.loads(line, parse_constant=pytest.fail)
