"""A board obeys and answers in every framing and codec, on a real pty."""

import asyncio
import csv
import struct
from typing import Any

import pytest

from device_sims.fixtures import SerialBoardFactory
from device_sims.serial_board import SerialBoard
from device_sims.wire import CHECKSUMS, FRAMINGS, Framing
from device_sims.wire.framings import framing_named
from tests.device_sims.listener import DEADLINE, Listener, listening
from tests.parts.waiting import eventually

CLIMATE = struct.calcsize("<BIhBf?f")  # bytes of a packed reading


class Peer:
    """Whoever speaks with a board in frames."""

    def __init__(self, port: Listener, framing: Framing) -> None:
        self._port = port
        self._framing = framing
        self._taken = 0
        self._frames: list[bytes] = []

    async def frame(self) -> bytes:
        """The next frame."""
        await eventually(self._take, DEADLINE, "a frame")
        return self._frames.pop(0)

    def say(self, payload: bytes) -> None:
        self._port.write(self._framing.wrap(payload))

    def _take(self) -> bool:
        for chunk in self._port.chunks[self._taken :]:
            self._frames += self._framing.receive(chunk)
        self._taken = len(self._port.chunks)
        return bool(self._frames)


def framing(name: str, checksum: str = "none") -> Framing:
    return framing_named(name, CHECKSUMS[checksum], size=CLIMATE)


class TestCommands:
    @pytest.mark.parametrize("name", [name for name in FRAMINGS if name != "fixed"])
    @pytest.mark.parametrize("checksum", CHECKSUMS)
    async def test_json_in_any_framing(self, serial_board: SerialBoardFactory, name: str, checksum: str) -> None:
        board = await serial_board(rate=0, framing=name, checksum=checksum)
        with listening(board.link) as port:
            peer = Peer(port, framing(name, checksum))
            peer.say(b'{"command":"fan","value":true,"id":17}')
            assert await peer.frame() == b'{"ack":17,"ok":true}'
            assert b'"fan":true' in await peer.frame()
        assert [(a.id, a.value) for a in board.actuations] == [(17, True)]

    @pytest.mark.parametrize("name", [name for name in FRAMINGS if name != "lines"])
    @pytest.mark.parametrize("checksum", ["none", "crc16-modbus"])
    async def test_struct_in_any_binary_framing(
        self, serial_board: SerialBoardFactory, name: str, checksum: str
    ) -> None:
        board = await serial_board(rate=0, framing=name, checksum=checksum, codec="struct")
        filled = CLIMATE if name == "fixed" else 0  # there, all frames have one length
        with listening(board.link) as port:
            peer = Peer(port, framing(name, checksum))
            peer.say(struct.pack("<BIBf", 0x43, 70_000, 2, 25).ljust(filled, b"\0"))
            assert await peer.frame() == struct.pack("<BIB", 0x41, 70_000, 1).ljust(filled, b"\0")
            assert struct.unpack("<BIhBf?f", await peer.frame())[-1] == 25
            peer.say(struct.pack("<BIBf", 0x43, 18, 2, 99).ljust(filled, b"\0"))
            assert await peer.frame() == struct.pack("<BIB", 0x41, 18, 0).ljust(filled, b"\0")
        assert [(a.id, a.point, a.value) for a in board.actuations] == [(70_000, "setpoint", 25)]

    @pytest.mark.parametrize("codec", ["delimited", "key_value", "text", "number"])
    async def test_boards_of_text_obey_set(self, serial_board: SerialBoardFactory, codec: str) -> None:
        board = await serial_board(rate=0, codec=codec, header=False)
        with listening(board.link) as port:
            for said, answer in (
                (b"SET fan 1", b"OK"),
                (b"SET fan off #17", b"OK #17"),
                (b"SET fan 3", b"ERR fan takes true or false"),
                (b"SET flux 3 #18", b"ERR flux is unknown #18"),
                (b"SET setpoint 21.5 #a", b"OK #a"),
            ):
                port.write(said + b"\r\n")
                assert await port.line() == answer
                if answer.startswith(b"OK"):
                    assert not (await port.line()).startswith(b"OK")  # the reading
        assert [(a.id, a.value) for a in board.actuations] == [(None, True), (17, False), ("a", 21.5)]

    async def test_on_a_shared_line_of_text_the_one_that_is_named_obeys(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, codec="key_value", devices=2)
        with listening(board.link) as port:
            port.write(b"SET n3 fan 1\nSET n2 fan 1 #4\n")
            assert await port.line() == b"OK #4"
            assert (await port.line()).startswith(b"node=n2 ")
        assert [(a.id, a.device) for a in board.actuations] == [(4, "n2")]

    async def test_senml_obeys_and_shows_it(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, codec="senml", devices=2)
        with listening(board.link) as port:
            port.write(b'[{"bn":"n2:","n":"fan","vb":true}]\n')
            records = await port.message()
        assert records[0]["bn"] == "n2:"
        assert {"n": "fan", "vb": True} in records

    async def test_a_frame_with_a_wrong_checksum_moves_nothing(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, framing="cobs", checksum="crc32", codec="text")
        with listening(board.link) as port:
            peer = Peer(port, framing("cobs", "crc32"))
            port.write(framing("cobs", "crc32").wrap(b"SET fan 1", spoilt=True))
            peer.say(b"nonsense")
            peer.say(b"SET fan 0")
            assert await peer.frame() == b"OK"
        assert [a.value for a in board.actuations] == [False]
        assert board.errors == 2


class TestTables:
    async def test_whoever_opens_the_port_gets_the_names_first(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, codec="delimited")
        for _ in range(2):
            with listening(board.link) as port:
                board.report()
                board.report()
                [first, second] = csv.DictReader([(await port.line()).decode() for _ in range(3)])
            assert int(second["sequence"]) == int(first["sequence"]) + 1
            for _ in range(3):  # turns of the loop in which the board notices
                await asyncio.sleep(0)

    async def test_the_names_come_before_an_answer_too(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, codec="delimited")
        with listening(board.link) as port:
            port.write(b"SET fan 1\n")
            assert (await port.line()).startswith(b"temperature,")
            assert await port.line() == b"OK"

    async def test_a_table_without_names_has_none(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=0, codec="delimited", header=False)
        with listening(board.link) as port:
            board.report()
            assert (await port.line()).endswith(b",0,21,1")


class TestPolling:
    @pytest.mark.parametrize("codec", ["json", "key_value", "senml"])
    async def test_a_polled_line_speaks_only_when_asked(self, serial_board: SerialBoardFactory, codec: str) -> None:
        board = await serial_board(rate=1000, codec=codec, devices=3, poll=True, dead=["n2"])
        with listening(board.link) as port:
            await asyncio.sleep(0.05)  # at its rate, readings would be due by now
            assert board.sent == 0
            for node in (b"n3", b"n2", b"n9", b"n1"):
                port.write(b"READ " + node + b"\n")
            assert b"n3" in await port.line()
            assert b"n1" in await port.line()
        assert board.sent == 2

    async def test_a_polled_board_answers_a_command_and_says_no_more(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(codec="text", poll=True)
        with listening(board.link) as port:
            port.write(b"SET fan 1\nREAD\n")
            assert await port.line() == b"OK"
            assert b"fan on" in await port.line()
        assert board.sent == 2

    async def test_a_dead_node_neither_speaks_nor_obeys(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(rate=50, devices=2, dead=["n1"])
        with listening(board.link) as port:
            port.command("fan", True, 1, node="n1")
            assert {(await port.message())["node"] for _ in range(5)} == {"n2"}
        assert board.actuations == []

    async def test_polls_are_framed_like_all_else(self, serial_board: SerialBoardFactory) -> None:
        board = await serial_board(framing="slip", checksum="xor8", codec="struct", devices=2, poll=True)
        with listening(board.link) as port:
            peer = Peer(port, framing("slip", "xor8"))
            peer.say(b"READ n2")
            assert struct.unpack("<BBIhBf?f", await peer.frame())[:3] == (0x52, 2, 1)


async def test_a_receiver_talks_sentences(serial_board: SerialBoardFactory) -> None:
    board = await serial_board("gps", rate=20)
    with listening(board.link) as port:
        lines = [await port.line() for _ in range(8)]
    assert all(line.startswith(b"$GP") and line.endswith(b"\r") for line in lines)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"dead": ["n1"]}, "no device is named 'n1': there are climate"),
        ({"devices": 2, "dead": ["n3"]}, "no device is named 'n3': there are n1, n2"),
        ({"codec": "struct"}, "struct sends any byte"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SerialBoard("/nowhere/board", **settings)
