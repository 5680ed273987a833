"""A board that is found by what it says of itself on USB, wherever it is plugged in."""

import time
from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

from gateway.adapters.wire import names as port_names
from gateway.adapters.wire import port as serial_port
from tests.adapters.pty import Pty, bare_pty
from tests.adapters.rig import running
from tests.parts.waiting import eventually


class Plugged:
    """The boards on USB, as pyserial lists them; each stands in a folder of devices as a link to its pty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.serials: dict[str, str] = {}

    def plug(self, pty: Pty, name: str, serial: str = "7573") -> None:
        self.serials[str(self.folder / name)] = serial
        (self.folder / name).symlink_to(pty.path)

    def comports(self) -> list[ListPortInfo]:
        found = []
        for path in map(str, self.folder.glob("tty*")):
            info = ListPortInfo(path)
            info.vid, info.pid, info.serial_number = 0x2341, 0x43, self.serials[path]
            found.append(info)
        return found


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugged:
    folder = tmp_path / "dev"
    folder.mkdir()
    made = Plugged(folder)
    monkeypatch.setattr(port_names, "_DEVICES", folder)
    monkeypatch.setattr(serial_port, "comports", made.comports)
    return made


def usb(serial: str = "") -> str:
    section = f'usb: {{vid: "2341", pid: "0043"{serial}}}'
    return f"adapters: [{{id: board, type: serial, {section}}}]"


async def test_a_board_is_opened_by_what_it_says_of_itself_wherever_it_is_plugged_in(
    tmp_path: Path, plugged: Plugged
) -> None:
    async with running(usb()) as rig:
        assert await rig.down() == "usb 2341:0043 is not there: unplugged?"
        for name in ("ttyACM0", "ttyACM7"):
            with bare_pty(tmp_path / name) as pty:
                began = time.monotonic()
                plugged.plug(pty, name)
                await rig.up()
                assert time.monotonic() - began < 1
                pty.say(b'{"n":%b}\n' % name[-1:].encode())
                await eventually(lambda: rig.values("n")[-1:] == [int(name[-1])], 5, "the reading")  # noqa: B023  at once
                (plugged.folder / name).unlink()
            await eventually(lambda: rig.link.reason == "usb 2341:0043 is not there: unplugged?", 5, "its end")


async def test_of_several_boards_the_serial_number_tells_which(tmp_path: Path, plugged: Plugged) -> None:
    with bare_pty(tmp_path / "one") as one, bare_pty(tmp_path / "two") as two:
        plugged.plug(one, "ttyACM0", "A")
        plugged.plug(two, "ttyACM1", "B")
        async with running(usb()) as rig:
            reason = await rig.down()
            assert reason.startswith("usb 2341:0043 is 2 ports: ")
            assert "ttyACM1 (serial B)" in reason
        async with running(usb(", serial: B")) as rig:
            await rig.up()
            two.say(b'{"n":2}\n')
            await rig.reading()
