"""`fieldgate detect`, beside a simulated board: what it prints runs as it is, and it says so where it is not sure."""

import os
import random
from contextlib import suppress
from pathlib import Path

import pytest

from device_sims.fixtures import SerialBoardFactory
from gateway.config import parse
from tests.adapters.pty import bare_pty
from tests.adapters.rig import running
from tests.cli.command import Fieldgate
from tests.parts.waiting import eventually


@pytest.mark.parametrize(
    ("framing", "checksum", "codec", "found"),
    [
        ("lines", "none", "json", "lines of json"),
        ("lines", "xor8", "key_value", "lines of key_value"),
        ("cobs", "crc16-modbus", "struct", "cobs of struct"),
        ("length_prefixed", "crc32", "json", "length_prefixed of json"),
    ],
)
async def test_what_it_prints_runs_as_it_is(
    fieldgate: Fieldgate, serial_board: SerialBoardFactory, framing: str, checksum: str, codec: str, found: str
) -> None:
    board = await serial_board(rate=20, framing=framing, checksum=checksum, codec=codec)
    ended = await fieldgate.run("detect", str(board.link), "--seconds", "3")
    assert ended.code == 0, ended.err
    (adapter,) = parse(ended.out, "stdout", Path()).adapters
    assert adapter.summary().endswith(found)
    (fieldgate.directory / "found.yaml").write_text(ended.out)
    assert (await fieldgate.run("check", "found.yaml")).code == 0
    await eventually(lambda: not board.is_open, 5, "the port to be free")
    async with running(ended.out) as rig:
        await rig.reading()
        assert rig.errors() <= 1, "the frame that was under way when the port was opened"


async def test_noise_is_not_claimed_to_be_anything(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        process = fieldgate.start("detect", str(pty.link), "--seconds", "1")
        noise = random.Random(1)

        def babble() -> bool:
            with suppress(OSError):  # nobody has it open yet, or nobody reads
                os.write(pty.master, noise.randbytes(noise.randrange(1, 200)))
            return not process.running

        await eventually(babble, 20, "the command's end")
        ended = await fieldgate.ended(process)
    assert (ended.code, ended.out) == (1, "")
    assert "not sure" in ended.err


async def test_a_silent_board_is_told_apart_from_one_that_is_not_understood(
    fieldgate: Fieldgate, tmp_path: Path
) -> None:
    with bare_pty(tmp_path / "port") as pty:
        ended = await fieldgate.run("detect", str(pty.link), "--seconds", "0.5")
        assert (ended.code, ended.out) == (1, "")
        assert "--probe" in ended.err
        assert pty.listen() == b"", "it only listens"


async def test_a_probe_is_sent_only_where_it_was_asked_for(fieldgate: Fieldgate, tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        await fieldgate.run("detect", str(pty.link), "--seconds", "0.5", "--probe")
        assert pty.listen().replace(b"\r", b"").replace(b"\n", b"").strip(b"?") == b""
        assert pty.heard


async def test_a_port_that_is_not_there_is_one_line(fieldgate: Fieldgate) -> None:
    ended = await fieldgate.run("detect", "/dev/nowhere")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == "fieldgate: /dev/nowhere is not there: unplugged?"
