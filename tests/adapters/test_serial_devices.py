"""Several devices on one serial line: the frame says which one sent it, and a command which one is meant."""

import asyncio
import json
from pathlib import Path

from device_sims.fixtures import SerialBoardFactory
from gateway.model import DeviceState
from tests.adapters.pty import bare_pty
from tests.adapters.rig import WITHIN, running
from tests.parts.waiting import eventually


def shared_line(port: object, *points: str) -> str:
    declared = "".join(f"  {device}: {{points: {{fan: {{type: boolean, writable: true}}}}}}\n" for device in points)
    adapter = f'{{id: board, type: serial, port: "{port}", devices: {{field: node}}, commands: {{timeout: 2s}}}}'
    return f"adapters: [{adapter}]\n" + (f"devices:\n{declared}" if declared else "")


async def test_a_line_with_several_devices_is_told_apart_by_the_field(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=50, devices=3)
    async with running(shared_line(board.link)) as rig:
        await eventually(lambda: all(len(rig.values("sequence", f"n{n}")) > 5 for n in (1, 2, 3)), WITHIN, "all three")
        for n in (1, 2, 3):
            first, *rest = rig.values("sequence", f"n{n}")
            assert isinstance(first, int)
            assert rest == list(range(first + 1, first + 1 + len(rest)))
            assert "node" not in rig.device(f"n{n}").points
        assert sorted(device.id for device in rig.devices) == ["board.n1", "board.n2", "board.n3"]


async def test_a_frame_that_names_no_device_is_an_error_of_the_link(tmp_path: Path) -> None:
    nameless = [b'{"x":1}', b'{"node":null,"x":1}', b'{"node":"","x":1}', b'{"node":true,"x":1}', b'{"node":1.5,"x":1}']
    with bare_pty(tmp_path / "port") as pty:
        async with running(shared_line(pty.link)) as rig:
            await rig.up()
            pty.say(b"\n".join(nameless) + b'\n{"node":7,"x":1}\n{"node":"a/b","x":2}\n')
            await eventually(lambda: len(rig.readings) == 2, WITHIN, "the named ones")
            first, second = (reading.device for reading in rig.readings)
            assert first == "board.7"
            assert second.startswith("board.a_b-")
            assert rig.link.info.errors == len(nameless)
            assert rig.device("7").to_json()["link"]["errors"] == len(nameless)


async def test_devices_on_one_line_are_commanded_side_by_side(serial_board: SerialBoardFactory) -> None:
    """One command must not be refused because another is being written."""
    board = await serial_board(rate=20, devices=8)
    async with running(shared_line(board.link, *(f"board.n{n}" for n in range(1, 9)))) as rig:
        await rig.state(DeviceState.ONLINE, "n8")
        for value in (True, False):
            commands = [rig.submit("fan", value, f"n{n}") for n in range(1, 9)]
            for command in commands:
                async with asyncio.timeout(WITHIN):
                    await rig.commands.finished(command)
                assert (command.state, command.outcome) == ("acked", "executed"), command.detail
        assert [(a.device, a.value) for a in board.actuations] == [
            (f"n{n}", value) for value in (True, False) for n in range(1, 9)
        ]


async def test_what_the_wire_calls_a_device_may_have_another_name(tmp_path: Path) -> None:
    text = f"""
adapters:
  - id: line
    type: serial
    port: "{tmp_path / "port"}"
    devices: {{field: node, names: {{"1": cellar}}}}
    commands: {{}}
devices: {{line.cellar: {{points: {{fan: {{type: boolean, writable: true}}}}}}}}
"""
    with bare_pty(tmp_path / "port") as pty:
        async with running(text) as rig:
            await rig.up()
            pty.say(b'{"node":1,"t":20}\n{"node":"2","t":21}\n')
            await eventually(lambda: len(rig.readings) == 2, WITHIN, "both")
            assert [reading.device for reading in rig.readings] == ["line.cellar", "line.2"]
            rig.submit("fan", True, "cellar")
            (line,) = await pty.line()
            assert json.loads(line)["node"] == "1"
