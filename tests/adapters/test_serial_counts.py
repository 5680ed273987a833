"""What the framing counts is told as it comes: bytes, damage, wrong checksums, resyncs, and pauses that end a frame."""

import asyncio
from pathlib import Path

import pytest

from gateway.model import Sample
from tests.adapters.pty import bare_pty
from tests.adapters.rig import WITHIN, Rig, running
from tests.adapters.test_serial import config
from tests.parts.waiting import eventually


class Counting:
    """A framing of single bytes, as a plug-in may be: `#` is a wrong checksum, `!` other damage, `?` a resync."""

    def __init__(self, gap: float | None = None) -> None:
        self.errors = self.checksum_errors = self.resyncs = 0
        self.gap = gap
        self.broken_off = 0

    def receive_data(self, data: bytes) -> list[bytes]:
        self.checksum_errors += data.count(b"#")
        self.errors += data.count(b"#") + data.count(b"!")
        self.resyncs += data.count(b"?")
        return [b'{"n":%c}' % byte for byte in data if chr(byte).isdigit()]

    def encode(self, frame: bytes) -> bytes:
        return frame

    def break_off(self) -> None:
        self.broken_off += 1
        self.errors += 1

    def reset(self) -> None:
        pass


def counted(rig: Rig) -> tuple[object, ...]:
    link = rig.device().to_json()["link"]
    return tuple(link[key] for key in ("bytes", "errors", "checksum_errors", "resyncs"))


async def test_bytes_and_damage_are_told_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link)) as rig:
            framing = Counting()
            monkeypatch.setattr(rig.adapter, "_framing", framing)
            await rig.up()
            pty.say(b"1#!?")
            await eventually(lambda: counted(rig) == (4, 2, 1, 1), WITHIN, "the counts")
            pty.say(b"##?")
            await eventually(lambda: counted(rig) == (7, 4, 3, 2), WITHIN, "the counts")
            pty.say(b"2")
            await eventually(lambda: rig.values("n") == [1, 2], WITHIN, "the readings")
            assert counted(rig) == (8, 4, 3, 2), "nothing is told twice"


async def test_a_pause_that_is_longer_than_the_gap_ends_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link)) as rig:
            framing = Counting(gap=0.2)
            monkeypatch.setattr(rig.adapter, "_framing", framing)
            await rig.up()
            pty.say(b"1")
            await eventually(lambda: len(rig.readings) == 1, WITHIN, "the first")
            first, began = framing.broken_off, asyncio.get_running_loop().time()
            await eventually(lambda: asyncio.get_running_loop().time() - began > 0.25, WITHIN, "the pause")
            pty.say(b"2")
            await eventually(lambda: len(rig.readings) == 2, WITHIN, "the second")
            assert framing.broken_off == first + 1
            framing.gap = 60.0
            pty.say(b"3")
            await eventually(lambda: len(rig.readings) == 3, WITHIN, "the third")
            assert framing.broken_off == first + 1
            assert counted(rig)[1] == framing.errors


async def test_a_frame_that_is_no_reading_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Table:
        def decode(self, frame: bytes) -> list[Sample]:
            return [] if frame.startswith(b"#") else [Sample({"n": int(frame)})]

    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link)) as rig:
            monkeypatch.setattr(rig.adapter, "_codec", Table())
            await rig.up()
            pty.say(b"# n\n7\n")
            assert (await rig.reading()).values == {"n": 7}
            assert rig.errors() == 0
