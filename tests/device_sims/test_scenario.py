"""Scenarios are read strictly, and played as they are written."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from device_sims.faults import Garbage, Silence
from device_sims.fixtures import ScenarioFactory
from device_sims.modbus_meter import ModbusMeter
from device_sims.mqtt_fleet import MqttFleet
from device_sims.mqtt_node import MqttNodes
from device_sims.scenario import Play, ScenarioError, read_scenario
from device_sims.scenario.reading import duration
from device_sims.serial_board import SerialBoard
from tests.device_sims.listener import DEADLINE, listening
from tests.parts.waiting import eventually

WHOLE = """\
devices:
  - {serial: greenhouse, board: climate, codec: key_value, rate: 2}
  - serial: line
    name: bus
    board: power
    framing: cobs
    checksum: crc16-modbus
    codec: struct
    devices: 3
    poll: true
    dead: [n2]
    seed: 4
    stamp: true
    faults: ["no-ack=every:3"]
  - {serial: table, codec: delimited, header: false}
  - {mqtt: mqtt://localhost, devices: 2, kind: tank, prefix: home, profile: raw, wait: 500ms}
  - {mqtt: mqtt://localhost, name: house, devices: 2, profile: [homie, "zigbee2mqtt,shelly"], discovery: true, wait: 1}
  - {modbus: 127.0.0.1:0, devices: 2}
  - {modbus: ./meter, name: cellar, rate: 5}
script:
  - {at: 10s, device: greenhouse, fault: unplug, for: 5s}
  - {at: 30s, device: bus, fault: "garbage=every:3", for: 20s}
  - {at: 500ms, device: modbus, fault: exception}
repeat: 1m
"""


def errors(source: Path | dict[str, Any]) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(source)
    return caught.value.lines


class TestReading:
    def test_a_file_says_which_devices_there_are_and_what_befalls_them(self, tmp_path: Path) -> None:
        file = tmp_path / "fleet.yaml"
        file.write_text(WHOLE)
        scenario = read_scenario(file, folder=tmp_path)
        assert list(scenario.devices) == ["greenhouse", "bus", "table", "mqtt", "house", "modbus", "cellar"]
        greenhouse, bus, _, nodes, fleet, meter, cellar = scenario.devices.values()
        assert isinstance(greenhouse, SerialBoard)
        assert greenhouse.link == tmp_path / "greenhouse"
        assert isinstance(bus, SerialBoard)
        assert (bus.kind.name, len(bus.devices), len(bus.faults)) == ("power", 3, 1)
        assert isinstance(nodes, MqttNodes)
        assert (nodes.prefix, len(nodes.devices)) == ("home", 2)
        assert isinstance(fleet, MqttFleet)
        assert {name: len(devices) for name, devices in fleet.devices.items()} == {
            "homie": 2,
            "zigbee2mqtt": 2,
            "shelly": 2,
        }
        assert isinstance(meter, ModbusMeter)
        assert (meter.address, len(meter.devices)) == (("127.0.0.1", 0), 2)
        assert isinstance(cellar, ModbusMeter)
        assert cellar.link == tmp_path / "meter"
        assert [(step.at, step.device, step.fault, step.seconds) for step in scenario.script] == [
            (10, "greenhouse", "unplug", 5),
            (30, "bus", "garbage=every:3", 20),
            (0.5, "modbus", "exception", None),
        ]
        assert scenario.repeat == 60

    def test_a_mapping_is_the_same(self, tmp_path: Path) -> None:
        scenario = read_scenario({"devices": [{"serial": str(tmp_path / "a"), "rate": 5}]})
        assert list(scenario.devices) == ["a"]
        assert (scenario.script, scenario.repeat) == ((), None)

    def test_all_that_is_wrong_is_told_at_once_with_its_line(self, tmp_path: Path) -> None:
        file = tmp_path / "fleet.yaml"
        file.write_text(
            "devices:\n"
            "  - {serial: /tmp/a, board: climat, rate: fast}\n"
            "  - {serial: /tmp/b, checksun: none}\n"
            "script:\n"
            "  - {at: soon, device: a, fault: unplug}\n"
            "  - {device: a}\n"
            "repeat: -1\n"
        )
        assert errors(file) == [
            f"{file}:2:29: devices.0.board: 'climat' is not one of climate, power, tank, gps, boat"
            " (did you mean 'climate'?)",
            f"{file}:2:43: devices.0.rate: expected a number, not 'fast'",
            f"{file}:3:22: devices.1.checksun: unknown key: 'checksun' is not one of serial, name, rate, seed, devices,"
            " faults, board, framing, checksum, codec, header, poll, dead, stamp (did you mean 'checksum'?)",
            f"{file}:5:10: script.0.at: 'soon' is no duration, such as 5s, 500ms or 2m",
            f"{file}:6:5: script.1: 'at' is missing",
            f"{file}:6:5: script.1: 'fault' is missing",
            f"{file}:7:9: repeat: -1 is no duration, such as 5s, 500ms or 2m",
        ]

    @pytest.mark.parametrize(
        ("device", "says"),
        [
            ("{serial: a, mqtt: b}", "1:11: devices.0: expected a mapping with one of serial, mqtt, modbus"),
            ("greenhouse", "1:11: devices.0: expected a mapping with one of serial, mqtt, modbus"),
            ("{serial: ''}", "1:20: devices.0.serial: expected a text, not ''"),
            ("{serial: a, devices: 1.5}", "1:32: devices.0.devices: expected a whole number, not 1.5"),
            ("{serial: a, poll: 1}", "1:29: devices.0.poll: expected true or false, not 1"),
            ("{serial: a, dead: n1}", "1:29: devices.0.dead: expected a list, not 'n1'"),
            ("{serial: a, rate: yes}", "1:29: devices.0.rate: expected a number, not 'yes'"),
            (
                "{serial: a, framing: fixed}",
                "1:11: devices.0: fixed frames have one length, and those of json have many",
            ),
            ("{serial: a, faults: [gremlins]}", "1:11: devices.0: no fault is named 'gremlins': there are garbage"),
            (
                "{mqtt: mqtt://h, profile: homy}",
                "1:37: devices.0.profile: no profile is named 'homy': there are telemetry, raw, zigbee2mqtt",
            ),
            ("{mqtt: mqtt://h, profile: 7}", "1:37: devices.0.profile: expected a list, not 7"),
            (
                "{mqtt: mqtt://h, profile: [raw, homie]}",
                "1:11: devices.0: telemetry and raw are for nodes of one profile",
            ),
            ("{mqtt: mqtt://h, profile: homie, stamp: true}", "1:11: devices.0: a fleet has no stamp"),
            ("{mqtt: localhost}", "1:11: devices.0: a broker's address looks like mqtt://host:1883"),
            ("{mqtt: mqtt://h, faults: [split]}", "1:11: devices.0: split is a fault of serial boards"),
            ("{modbus: nowhere}", "1:11: devices.0: an address looks like 127.0.0.1:5020, not 'nowhere'"),
            ("{modbus: 127.0.0.1:0, kind: tank}", "1:33: devices.0.kind: unknown key: 'kind' is not one of modbus"),
        ],
    )
    def test_a_device_that_cannot_be_says_why(self, tmp_path: Path, device: str, says: str) -> None:
        file = tmp_path / "fleet.yaml"
        file.write_text(f"devices: [{device}]\n")
        [error] = errors(file)
        assert error.startswith(f"{file}:{says}")

    @pytest.mark.parametrize(
        ("step", "says"),
        [
            ("{at: 1s, device: b, fault: unplug}", "2:27: script.0.device: 'b' is not one of a"),
            (
                "{at: 1s, device: a, fault: unplog}",
                "2:37: script.0.fault: no fault is named 'unplog': there are garbage",
            ),
            ("{at: 1s, device: a, fault: exception}", "2:37: script.0.fault: exception is a fault of Modbus meters"),
            ("{at: 1s, device: a, fault: unplug, for: 0}", "2:50: script.0.for: must be more than 0"),
            ("{at: 5s, device: a, fault: unplug}", "2:15: script.0.at: the script begins anew after 5 s"),
            ("{at: 1s, device: a, fault: unplug, until: 3s}", "2:45: script.0.until: unknown key"),
            ("unplug", "2:10: script.0: expected a mapping with at, device, fault, for"),
        ],
    )
    def test_a_step_that_cannot_be_says_why(self, tmp_path: Path, step: str, says: str) -> None:
        file = tmp_path / "fleet.yaml"
        file.write_text(f"devices: [{{serial: /tmp/a}}]\nscript: [{step}]\nrepeat: 5s\n")
        assert errors(file)[0].startswith(f"{file}:{says}")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", ": expected a mapping with devices, script, repeat"),
            ("[]", ": expected a mapping with devices, script, repeat"),
            ("{}", ":1:1: 'devices' is missing"),
            ("devices: []", ":1:10: devices: there is none"),
            ("devices: 7", ":1:10: devices: expected a list"),
            ("devices: [{serial: a}]\nrepeat: 0", ":2:9: repeat: must be more than 0"),
            ("devices: [{serial: a}, {serial: b/a}]", ":1:24: devices.1: a device before it is named 'a' too"),
            ("devices: [", ":1:11: "),
            ("devices: [{serial: a}]\ndevices: []", ":2:1: found duplicate key"),
            ("a: \x00", ": unacceptable character"),
        ],
    )
    def test_a_file_that_is_no_scenario_says_why(self, tmp_path: Path, text: str, says: str) -> None:
        file = tmp_path / "fleet.yaml"
        file.write_text(text)
        assert errors(file)[0].startswith(f"{file}{says}")

    def test_a_file_that_is_not_there_says_so(self, tmp_path: Path) -> None:
        assert errors(tmp_path / "fleet.yaml") == [f"{tmp_path}/fleet.yaml: No such file or directory"]

    def test_a_mapping_has_no_lines(self) -> None:
        [error] = errors({"devices": [{"serial": "/tmp/a", "board": "toaster"}]})
        assert error.startswith("scenario: devices.0.board: 'toaster' is not one of climate, power")

    @pytest.mark.parametrize(
        ("given", "seconds"), [("5s", 5), ("500ms", 0.5), ("1.5m", 90), ("2h", 7200), (3, 3), (0.25, 0.25), (0, 0)]
    )
    def test_durations(self, given: object, seconds: float) -> None:
        assert duration(given) == seconds

    @pytest.mark.parametrize("given", ["5", "s", "-5s", "5 s", "5d", "", True, None, -1, float("nan"), float("inf")])
    def test_what_is_no_duration(self, given: object) -> None:
        with pytest.raises(ValueError, match="is no duration"):
            duration(given)


class TestPlaying:
    async def test_a_board_goes_and_comes_back_as_the_script_says(self, scenario: ScenarioFactory) -> None:
        play = await scenario(
            {
                "devices": [{"serial": "greenhouse", "rate": 50}, {"modbus": "127.0.0.1:0"}],
                "script": [{"at": 0.2, "device": "greenhouse", "fault": "unplug", "for": "300ms"}],
            }
        )
        board, meter = play.devices["greenhouse"], play.devices["modbus"]
        assert isinstance(board, SerialBoard)
        assert isinstance(meter, ModbusMeter)
        assert board.plugged
        loop = asyncio.get_running_loop()
        await eventually(lambda: not board.plugged)
        gone = loop.time()
        assert meter.plugged
        await eventually(lambda: board.plugged)
        assert loop.time() - gone > 0.2
        async with asyncio.timeout(DEADLINE):
            await play.finished()
        assert (play.rounds, list(board.faults)) == (1, [])

    async def test_a_script_that_repeats_switches_everything_off_at_its_end(self, scenario: ScenarioFactory) -> None:
        play = await scenario(
            {
                "devices": [{"serial": "a", "rate": 0}],
                "script": [
                    {"at": 0, "device": "a", "fault": "silence"},
                    {"at": "50ms", "device": "a", "fault": "garbage=every:3", "for": 10},
                ],
                "repeat": "200ms",
            }
        )
        faults = play.devices["a"].faults
        await eventually(lambda: len(faults) == 2)
        assert isinstance(faults[0], Silence)
        assert isinstance(faults[1], Garbage)
        assert (faults[1].every, faults[1].since > 0) == (3, True)
        first = faults[0]
        await eventually(lambda: play.rounds >= 2 and len(faults) == 2)
        assert first not in [fault for fault in faults if fault is first]

    async def test_two_steps_of_the_same_words_are_two(self, scenario: ScenarioFactory) -> None:
        step = {"at": 0, "device": "a", "fault": "no-ack", "for": "100ms"}
        play = await scenario({"devices": [{"serial": "a"}], "script": [step, {**step, "for": "200ms"}]})
        faults = play.devices["a"].faults
        await eventually(lambda: len(faults) == 2)
        await eventually(lambda: len(faults) == 1)
        await eventually(lambda: not faults)

    async def test_a_reboot_happens_once(self, scenario: ScenarioFactory) -> None:
        play = await scenario(
            {
                "devices": [{"serial": "a", "rate": 100}],
                "script": [{"at": "100ms", "device": "a", "fault": "reboot", "for": "200ms"}],
            }
        )
        board = play.devices["a"]
        assert isinstance(board, SerialBoard)
        with listening(board.link) as port:
            while not (await port.line()).startswith(b"boot: "):
                pass
            await play.finished()
            lines = [await port.line() for _ in range(10)]
        assert not any(line.startswith(b"boot: ") for line in lines)

    async def test_the_log_tells_what_happens(
        self, scenario: ScenarioFactory, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "device_sims.scenario")
        play = await scenario(
            {
                "devices": [{"serial": "a"}],
                "script": [{"at": 0, "device": "a", "fault": "slow=3", "for": "10ms"}],
            }
        )
        async with asyncio.timeout(DEADLINE):
            await play.finished()
        assert caplog.messages == ["a: slow=3 begins", "a: slow=3 ends"]

    async def test_a_device_that_cannot_start_leaves_none_behind(self, tmp_path: Path) -> None:
        (tmp_path / "precious").write_text("")
        scenario = read_scenario({"devices": [{"serial": "a"}, {"serial": "precious"}]}, folder=tmp_path)
        tasks = asyncio.all_tasks()
        with pytest.raises(FileExistsError):
            async with Play(scenario):
                pass
        assert not (tmp_path / "a").is_symlink()
        assert asyncio.all_tasks() == tasks

    async def test_a_device_that_fails_ends_the_play(self, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        script = [{"at": 0, "device": "a", "fault": "unplug", "for": "200ms"}]
        scenario = read_scenario({"devices": [{"serial": "a"}], "script": script}, folder=folder)

        async def lose_the_folder() -> None:
            async with asyncio.timeout(DEADLINE), Play(scenario) as play:
                board = play.devices["a"]
                assert isinstance(board, SerialBoard)
                await eventually(lambda: not board.plugged)
                folder.rmdir()
                await play.running()

        with pytest.raises(FileNotFoundError):
            await lose_the_folder()
