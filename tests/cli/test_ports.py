"""`fieldgate ports`."""

import os
from pathlib import Path

from gateway.adapters.wire.holders import holders
from gateway.adapters.wire.port import SerialPort, list_ports
from gateway.cli.ports import row
from tests.cli.command import Fieldgate

UNO = SerialPort(
    path="/dev/ttyACM0",
    link="/dev/serial/by-id/usb-Arduino_Uno-if00",
    vid=0x2341,
    pid=0x43,
    serial_number="7573",
    maker="Arduino\x1b[2J",
    product=None,
)


async def test_every_port_of_this_machine_is_a_line_of_columns(fieldgate: Fieldgate) -> None:
    ended = await fieldgate.run("ports")
    assert ended.code == 0
    assert [line.split("\t")[0] for line in ended.out.splitlines()] == [port.path for port in list_ports()]
    assert all(len(line.split("\t")) == 7 for line in ended.out.splitlines())
    assert ended.out or ended.err.startswith("fieldgate: no serial ports")


def test_the_columns_tell_what_is_known_and_never_steer_the_terminal() -> None:
    assert row(UNO, ["python (17)", "picocom (18)"]) == [
        "/dev/ttyACM0",
        "/dev/serial/by-id/usb-Arduino_Uno-if00",
        "2341:0043",
        "7573",
        "Arduino\\x1b[2J",
        "-",
        "python (17), picocom (18)",
    ]


def test_a_port_that_this_process_has_open_is_held_by_it() -> None:
    master, slave = os.openpty()
    try:
        path = os.ttyname(slave)
        held = holders({path, "/dev/null/nothing"})
        assert [holder.rpartition(" ")[2] for holder in held[path]] == [f"({os.getpid()})"]
    finally:
        os.close(slave)
        os.close(master)
    assert path not in holders({path})


def test_a_link_is_found_for_the_port_behind_it(tmp_path: Path) -> None:
    for port in list_ports():  # as many as this machine has, maybe none
        link = tmp_path / Path(port.path).name
        link.symlink_to(port.path)
        assert {found.path: found.link for found in list_ports(tmp_path)}[port.path] == str(link)
