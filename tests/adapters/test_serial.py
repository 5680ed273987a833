"""The serial adapter on ptys: what a line means, what damage costs, and what becomes of commands."""

import asyncio
import json
from pathlib import Path

import pytest

from device_sims.faults import Garbage, NoAcknowledgement, Refusal, Silence
from device_sims.fixtures import SerialBoardFactory
from gateway.model import DeviceState, Quality, Sample
from tests.adapters.pty import Pty, bare_pty
from tests.adapters.rig import WITHIN, Rig, running
from tests.parts.waiting import eventually


def config(port: object, more: str = "") -> str:
    return f"""
adapters: [{{id: board, type: serial, port: "{port}"{more}}}]
devices:
  board:
    points:
      fan: {{type: boolean, writable: true}}
      text: {{type: string, writable: true}}
      step: {{type: action, writable: true}}
"""


COMMANDS = ", commands: {timeout: 0.5s}"


async def said(rig: Rig, pty: Pty, data: bytes) -> None:
    """Says it, and a last line that shows when all of it was read."""
    before = len(rig.values("end"))
    pty.say(data + b'{"end":true}\n')
    await eventually(lambda: len(rig.values("end")) > before, WITHIN, "the last line")


# ---- readings


async def test_every_reading_of_a_board_arrives_in_order(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=200)
    async with running(config(board.link)) as rig:
        await eventually(lambda: len(rig.readings) >= 200, WITHIN, "200 readings")
        sequences = rig.values("sequence")
        assert sequences == list(range(board.dropped + 1, board.dropped + 1 + len(sequences)))
        assert rig.errors() == 0


async def test_falsy_values_are_values_and_what_is_no_number_is_bad(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link)) as rig:
            await rig.up()
            await said(rig, pty, b'{"i":0,"f":0.0,"b":false,"s":""}\n{"i":NaN,"f":-inf,"x":null}\n')
            first, second, _ = rig.readings
            assert [repr(first.values[p]) for p in "ifbs"] == ["0", "0.0", "False", "''"]
            assert first.quality == {}
            assert second.values == {"i": None, "f": None, "x": None}
            assert second.quality == dict.fromkeys("ifx", Quality.BAD)
            assert rig.errors() == 0


@pytest.mark.parametrize(
    ("codec", "line", "value"),
    [("json", b"21.5", 21.5), ("json", b'"on"', "on"), ("number", b" 7 ", 7), ("text", b"21 C", "21 C")],
)
async def test_a_value_that_stands_for_itself_is_called_value(
    tmp_path: Path, codec: str, line: bytes, value: object
) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link, f", codec: {codec}")) as rig:
            await rig.up()
            pty.say(line + b"\r\n")
            assert (await rig.reading()).values == {"value": value}


async def test_a_malformed_line_is_counted_and_costs_nothing_else(tmp_path: Path) -> None:
    bad = [
        b"\xff\xfe\x00garbage",
        b"{",
        b'{"a":1',
        b"boot: ready",
        b"\x00",
        b'{"a":}',
        b"[" * 3000,
        b'{"deep":' * 30 + b"1" + b"}" * 30,
    ]
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link)) as rig:
            await rig.up()
            for number, line in enumerate(bad):
                await said(rig, pty, line + b"\n" + json.dumps({"n": number}).encode() + b"\n")
            assert rig.values("n") == list(range(len(bad)))
            assert rig.errors() == len(bad)
            assert rig.device().to_json()["link"]["errors"] == len(bad)
            assert rig.device().state is DeviceState.ONLINE


async def test_garbage_between_lines_spoils_none_and_glued_to_one_spoils_that_one(
    serial_board: SerialBoardFactory,
) -> None:
    board = await serial_board(rate=100, faults=[Garbage(every=4), Garbage(every=5, glued=True)])
    async with running(config(board.link)) as rig:
        await eventually(lambda: len(rig.readings) >= 100, WITHIN, "100 readings")
        sequences = rig.values("sequence")
        between = range(board.dropped + 1, board.dropped + len(sequences))
        assert set(between) - set(sequences) == {n for n in between if n % 5 == 0}
        assert rig.errors() >= len(sequences) // 4
        await rig.state(DeviceState.ONLINE)


async def test_an_overlong_line_is_thrown_away_whole_and_counted_once(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link, ", framing: {type: lines, max: 100}")) as rig:
            await rig.up()
            for _ in range(5):  # 3.5 KB in all, which the kernel holds even where nothing is read meanwhile
                pty.say(b'{"x":1}' * 100)
                await asyncio.sleep(0)
            await said(rig, pty, b'\n{"n":1}\n')
            assert rig.values("n") == [1]
            assert rig.values("x") == []
            assert rig.errors() == 1


async def test_lines_may_come_in_single_bytes_or_many_at_once(tmp_path: Path) -> None:
    lines = b"".join(b'{"n":%d}\n' % n for n in range(300))
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link)) as rig:
            await rig.up()
            for place in range(200):
                pty.say(lines[place : place + 1])
                await asyncio.sleep(0)
            pty.say(lines[200:])
            await eventually(lambda: len(rig.readings) == 300, WITHIN, "all lines")
            assert rig.values("n") == list(range(300))
            assert rig.errors() == 0


async def test_half_a_line_from_before_a_reconnect_is_not_glued_to_the_next(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0)
    async with running(config(board.link)) as rig:
        await rig.up()
        board.send(b'{"n":1}\n{"n":99')
        await rig.reading()
        board.unplug()
        await rig.down()
        board.replug()
        await rig.up()
        board.send(b'{"n":2}\n')
        await eventually(lambda: rig.values("n") == [1, 2], WITHIN, "the second line")
        assert rig.errors() == 0


async def test_a_silent_board_is_degraded_and_online_again_when_it_speaks(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=50)
    async with running(config(board.link, ", silence: 300ms")) as rig:
        await rig.state(DeviceState.ONLINE)
        with board.faults.during(Silence()):
            device = await rig.state(DeviceState.DEGRADED)
            assert device.reason == "silent for more than 0.3 s"
        assert (await rig.state(DeviceState.ONLINE)).reason is None
        assert rig.link.info.reconnects == 0


async def test_a_codec_that_breaks_costs_its_frame_and_is_said_once_in_a_while(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def decode(self, frame: bytes) -> list[Sample]:
            if frame.startswith(b"!"):
                raise ZeroDivisionError
            return [Sample({"n": int(frame)})]

    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link)) as rig:
            monkeypatch.setattr(rig.adapter, "_codec", Broken())  # as a plug-in may be
            await rig.up()
            pty.say(b"!\n" * 100 + b"7\n")
            await rig.reading()
            assert rig.values("n") == [7]
            assert rig.errors() == 100
            assert rig.link.is_up
            assert rig.link.info.reconnects == 0
    assert caplog.text.count("such errors so far") == len((1, 2, 4, 8, 16, 32, 64))
    assert "ZeroDivisionError" in caplog.text


async def test_a_framing_that_breaks_does_not_leave_a_deaf_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link)) as rig:
            await rig.up()
            with monkeypatch.context() as broken:
                broken.setattr(rig.adapter._framing, "receive_data", lambda data: 1 / 0)  # type: ignore[attr-defined]
                pty.say(b"x")
                assert await rig.down() == "internal error, see the log"
            await rig.up()
            pty.say(b'{"n":1}\n')
            await rig.reading()


# ---- commands


async def test_a_command_is_acknowledged_refused_or_unknown_as_the_board_has_it(
    serial_board: SerialBoardFactory,
) -> None:
    board = await serial_board(rate=50)
    async with running(config(board.link, COMMANDS)) as rig:
        await rig.state(DeviceState.ONLINE)
        done = await rig.command("fan", True)
        assert (done.state, done.outcome) == ("acked", "executed")
        with board.faults.during(Refusal(error="jammed")):
            refused = await rig.command("fan", False)
        assert (refused.state, refused.outcome, refused.detail) == ("failed", "not_executed", "jammed")
        with board.faults.during(NoAcknowledgement()):
            silent = await rig.command("fan", False)
        assert (silent.state, silent.outcome) == ("timeout", "unknown")
        assert silent.detail == "no answer within 0.5 s"
        assert [a.value for a in board.actuations] == [True, False]


async def test_a_commands_value_is_seen_in_the_next_reading(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=0)
    async with running(config(board.link, COMMANDS)) as rig:
        await rig.up()
        await rig.command("fan", True)
        await eventually(lambda: rig.values("fan") == [True], WITHIN, "the reading")


async def test_only_the_answer_with_its_id_ends_a_command(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link, ", commands: {timeout: 5s}")) as rig:
            await rig.up()
            command = rig.submit("fan", True)
            (line,) = await pty.line()
            sent = json.loads(line)
            assert sent == {"command": "fan", "value": True, "id": sent["id"]}
            id = sent["id"]
            for other in (
                {"ack": id + 1, "ok": False},
                {"ack": str(id), "ok": False},
                {"ack": float(id), "ok": False},
                {"ack": id, "ok": "no"},
                {"ack": id},
                {"ack": True, "ok": False},
            ):
                await said(rig, pty, json.dumps(other).encode() + b"\n")
                assert command.state == "sent", other
            pty.say(b'{"ack":%d,"ok":true}\n{"ack":%d,"ok":false}\n' % (id, id))
            async with asyncio.timeout(WITHIN):
                await rig.commands.finished(command)
            assert command.outcome == "executed", "the first answer counts"
            await said(rig, pty, b"")


@pytest.mark.parametrize(
    "value", ["a\nb", "a\r\nb", '\n{"command":"fan","value":true,"id":1}\n', "\r", "é\x85\u2028", "\0"]
)
async def test_no_value_makes_a_second_line(tmp_path: Path, value: str) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link, COMMANDS)) as rig:
            await rig.up()
            command = rig.submit("text", value)
            (line,) = await pty.line()
            sent = json.loads(line)
            assert sent["value"] == value
            pty.say(b'{"ack":%d,"ok":true}\n' % sent["id"])
            async with asyncio.timeout(WITHIN):
                await rig.commands.finished(command)
            heard = pty.listen()
            assert (heard.count(b"\n"), heard.count(b"\r")) == (1, 0)


async def test_commands_to_one_device_go_out_one_at_a_time_in_order(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link, ", commands: {timeout: 5s}")) as rig:
            await rig.up()
            commands = [rig.submit("text", "first"), *(rig.submit("step", None) for _ in range(4))]
            for n in range(5):
                line = json.loads((await pty.line(n + 1))[n])
                assert line["command"] == ("step" if n else "text")
                assert pty.listen().count(b"\n") == n + 1, "the next waits for this one's answer"
                pty.say(b'{"ack":%d,"ok":true}\n' % line["id"])
            async with asyncio.timeout(WITHIN):
                await rig.commands.finished(commands[-1])


async def test_a_board_pulled_after_the_command_leaves_its_outcome_unknown(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=20, faults=[NoAcknowledgement()])
    async with running(config(board.link, ", commands: {timeout: 30s}")) as rig:
        await rig.state(DeviceState.ONLINE)
        command, waiting = rig.submit("fan", True), rig.submit("text", "later")
        async with asyncio.timeout(WITHIN):
            await board.actuated()
            board.unplug()
            await rig.commands.finished(command)
            await rig.commands.finished(waiting)
        assert (command.state, command.outcome) == ("lost", "unknown")
        assert (waiting.state, waiting.outcome) == ("rejected", "not_executed")
        assert waiting.detail is not None
        assert waiting.detail.startswith("the device is offline: ")
        board.replug()
        await rig.state(DeviceState.ONLINE)
        assert len(board.actuations) == 1, "nothing is sent after an outage"


async def test_without_a_commands_section_nothing_is_written_and_the_reason_is_told(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link)) as rig:
            await rig.up()
            command = await rig.command("fan", True)
            assert (command.state, command.outcome) == ("rejected", "not_executed")
            assert command.detail == "this adapter takes no commands: it has no `commands` section"
            assert pty.listen() == b""


async def test_a_command_that_does_not_fit_into_a_line_is_rejected_with_the_reason(tmp_path: Path) -> None:
    with bare_pty(tmp_path / "port") as pty:
        async with running(config(pty.link, COMMANDS + ", framing: {type: lines, max: 64}")) as rig:
            await rig.up()
            command = await rig.command("text", "x" * 100)
            assert (command.state, command.outcome) == ("rejected", "not_executed")
            assert "64 bytes" in str(command.detail)
            assert pty.listen() == b""
