"""The command line: what it prints, how it ends."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from device_sims.cli import main
from device_sims.fault_names import FAULTS
from device_sims.faults import MODBUS, MQTT, RTU, SERIAL
from tests.device_sims.listener import listening
from tests.parts.mosquitto import Mosquitto
from tests.parts.ports import free_port
from tests.parts.waiting import eventually

DEADLINE = 15.0  # seconds


class Simulator:
    """`python -m device_sims …` as a child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        """The next line of its standard output."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def complaint(self) -> str:
        """The next line of its standard error."""
        assert self.process.stderr is not None
        async with asyncio.timeout(DEADLINE):
            return (await self.process.stderr.readline()).decode().rstrip("\n")

    async def end(self, number: signal.Signals | None = None) -> tuple[int | None, str, str]:
        """Its exit code and what else it printed, after the signal where there is one."""
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE):
            out, err = await self.process.communicate()
        return self.process.returncode, out.decode(), err.decode()


class Simulators:
    """Starts simulators."""

    def __init__(self) -> None:
        self.started: list[Simulator] = []

    async def start(self, *arguments: object) -> Simulator:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "device_sims",
            *(str(argument) for argument in arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.started.append(Simulator(process))
        return self.started[-1]


@pytest.fixture
async def simulators() -> AsyncIterator[Simulators]:
    """Simulators that are ended with the test."""
    simulators = Simulators()
    yield simulators
    for simulator in simulators.started:
        if simulator.process.returncode is None:
            simulator.process.kill()
            await simulator.process.communicate()


class TestSerial:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_a_board_says_where_it_is_and_ends_cleanly(
        self, simulators: Simulators, tmp_path: Path, number: signal.Signals
    ) -> None:
        link = tmp_path / "board"
        simulator = await simulators.start("serial", "--link", link, "--rate", 50, "--board", "power")
        assert await simulator.line() == f"board power on {link} -> {os.readlink(link)}"
        with listening(link) as port:
            assert "voltage" in await port.message()
            port.command("relay", False, 1)
            assert await port.acknowledgement() == {"ack": 1, "ok": True}
        assert await simulator.end(number) == (0, "", "")
        assert not link.is_symlink()

    async def test_the_settings_arrive(self, simulators: Simulators, tmp_path: Path) -> None:
        link = tmp_path / "board"
        arguments = ("--link", link, "--rate", 50, "--devices", 2, "--stamp", "--fault", "refuse", "--seed", 4)
        simulator = await simulators.start("serial", *arguments, "--fault", "garbage=every:2")
        await simulator.line()
        with listening(link) as port:
            lines = [await port.line() for _ in range(20)]
            port.command("fan", True, 1, node="n1")
            while b'"ack"' not in (line := await port.line()):
                pass
        assert any(line.startswith(b"\xff") for line in lines)
        readings = [json.loads(line) for line in lines if line.startswith(b"{")]
        assert {reading["node"] for reading in readings} == {"n1", "n2"}
        assert all("time" in reading for reading in readings)
        assert json.loads(line) == {"ack": 1, "ok": False, "error": "jammed"}

    async def test_sigusr1_unplugs_and_plugs_in_again(self, simulators: Simulators, tmp_path: Path) -> None:
        link = tmp_path / "board"
        simulator = await simulators.start("serial", "--link", link)
        await simulator.line()
        simulator.process.send_signal(signal.SIGUSR1)
        assert await simulator.complaint() == "board climate unplugged"
        assert not link.is_symlink()
        simulator.process.send_signal(signal.SIGUSR1)
        assert await simulator.complaint() == f"board climate on {link} -> {os.readlink(link)}"
        assert (await simulator.end(signal.SIGTERM))[0] == 0

    async def test_a_file_in_the_way_is_one_line_and_exit_1(self, simulators: Simulators, tmp_path: Path) -> None:
        link = tmp_path / "board"
        link.write_text("precious")
        simulator = await simulators.start("serial", "--link", link)
        code, out, err = await simulator.end()
        assert (code, out) == (1, "")
        assert err == f"python -m device_sims: {link} exists and is not a symlink\n"

    async def test_a_board_speaks_as_it_is_told_to(self, simulators: Simulators, tmp_path: Path) -> None:
        link = tmp_path / "board"
        wire = ("--framing", "lines", "--checksum", "xor8", "--codec", "delimited", "--no-header")
        line = ("--devices", 2, "--poll", "--dead", "n2")
        simulator = await simulators.start("serial", "--link", link, *wire, *line)
        await simulator.line()
        with listening(link) as port:
            port.write(b"READ n2*6E\nREAD n1*6D\n")
            assert (await port.line()).startswith(b"n1,")
        assert await simulator.end(signal.SIGINT) == (0, "", "")


class TestModbus:
    async def test_a_meter_says_where_it_is_and_answers(self, simulators: Simulators) -> None:
        simulator = await simulators.start("modbus", "--listen", "127.0.0.1:0", "--devices", 2)
        ready = await simulator.line()
        assert ready.startswith("meter on 127.0.0.1:")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(ready.rpartition(":")[2]))
        async with asyncio.timeout(DEADLINE):
            writer.write(bytes.fromhex("0001 0000 0006 02 01 0000 0001"))
            assert (await reader.readexactly(10)).hex(" ", 2) == "0001 0000 0004 0201 0101"  # the relay is on
        writer.close()
        assert await simulator.end(signal.SIGINT) == (0, "", "")

    async def test_a_meter_on_a_line_says_where_it_is(self, simulators: Simulators, tmp_path: Path) -> None:
        link = tmp_path / "meter"
        simulator = await simulators.start("modbus", "--link", link)
        assert await simulator.line() == f"meter on {link} -> {os.readlink(link)}"
        assert await simulator.end(signal.SIGTERM) == (0, "", "")
        assert not link.is_symlink()

    async def test_an_address_that_is_taken_is_one_line_and_exit_1(self, simulators: Simulators) -> None:
        first = await simulators.start("modbus", "--listen", "127.0.0.1:0")
        address = (await first.line()).removeprefix("meter on ")
        code, out, err = await (await simulators.start("modbus", "--listen", address)).end()
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "address already in use" in err


class TestPlay:
    async def test_a_scenario_is_played_until_it_is_ended(self, simulators: Simulators, tmp_path: Path) -> None:
        link, file = tmp_path / "greenhouse", tmp_path / "fleet.yaml"
        file.write_text(
            f"devices:\n  - {{serial: {link}, rate: 50}}\n  - {{modbus: 127.0.0.1:0}}\n"
            "script:\n  - {at: 0.2s, device: greenhouse, fault: unplug}\n"
        )
        simulator = await simulators.start("play", file)
        assert (await simulator.line()).startswith(f"board climate on {link} -> ")
        assert (await simulator.line()).startswith("meter on 127.0.0.1:")
        assert await simulator.line() == f"playing {file}"
        assert await simulator.complaint() == "greenhouse: unplug begins"
        await eventually(lambda: not link.is_symlink())
        assert await simulator.end(signal.SIGINT) == (0, "", "")

    async def test_a_scenario_that_cannot_be_read_is_a_line_for_each_reason_and_exit_2(
        self, simulators: Simulators, tmp_path: Path
    ) -> None:
        file = tmp_path / "fleet.yaml"
        file.write_text("devices:\n  - {serial: /tmp/x, board: climat}\nscripts: []\n")
        code, out, err = await (await simulators.start("play", file)).end()
        assert (code, out) == (2, "")
        assert err == (
            f"{file}:2:29: devices.0.board: 'climat' is not one of climate, power, tank, gps, boat"
            " (did you mean 'climate'?)\n"
            f"{file}:3:1: scripts: unknown key: 'scripts' is not one of devices, script, repeat"
            " (did you mean 'script'?)\n"
        )

    async def test_a_device_that_cannot_be_started_is_one_line_and_exit_1(
        self, simulators: Simulators, tmp_path: Path
    ) -> None:
        (tmp_path / "precious").write_text("")
        file = tmp_path / "fleet.yaml"
        file.write_text(f"devices: [{{serial: {tmp_path}/a}}, {{serial: {tmp_path}/precious}}]\n")
        code, out, err = await (await simulators.start("play", file)).end()
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "precious exists and is not a symlink" in err
        assert not (tmp_path / "a").is_symlink()


class TestMqtt:
    async def test_nodes_say_where_they_are_and_part_politely(
        self, simulators: Simulators, mosquitto: Mosquitto
    ) -> None:
        arguments = ("--url", mosquitto.url, "--devices", 2, "--prefix", "home", "--profile", "raw", "--rate", 20)
        simulator = await simulators.start("mqtt", *arguments)
        assert await simulator.line() == f"2 nodes on {mosquitto.url} below home/"
        async with asyncio.timeout(DEADLINE), aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            await client.subscribe("home/node2/temperature")
            await anext(client.messages)
            assert (await simulator.end(signal.SIGTERM))[0] == 0
            await client.unsubscribe("home/node2/temperature")
            await client.subscribe("home/node2/status")
            async for message in client.messages:
                if message.retain:
                    assert message.payload == b"offline"
                    break

    async def test_a_fleet_says_what_it_has_and_parts_politely(
        self, simulators: Simulators, mosquitto: Mosquitto
    ) -> None:
        profiles = ("--profile", "homie,zigbee2mqtt", "--profile", "homeassistant", "--discovery")
        simulator = await simulators.start("mqtt", "--url", mosquitto.url, "--devices", 2, *profiles)
        ready = f"devices on {mosquitto.url}: homie (2), zigbee2mqtt (2), homeassistant (2)"
        assert await simulator.line() == ready
        async with asyncio.timeout(DEADLINE), aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            await client.subscribe("homeassistant/light/+/light/config")
            await anext(client.messages)
            assert await simulator.end(signal.SIGTERM) == (0, "", "")
            await client.subscribe("homie/5/hub/$state")
            assert (await anext(client.messages)).payload == b"disconnected"

    async def test_an_unreachable_broker_is_told_and_is_exit_1(self, simulators: Simulators) -> None:
        url = f"mqtt://me:secret@127.0.0.1:{free_port()}"
        simulator = await simulators.start("mqtt", "--url", url, "--wait", 0.5, "--devices", 1)
        code, out, err = await simulator.end()
        assert (code, out) == (1, "")
        lines = err.splitlines()
        assert len(lines) == 2
        assert lines[0].endswith("Connection refused; trying again")
        assert lines[1].startswith("python -m device_sims: no connection to mqtt://me@127.0.0.1")
        assert "secret" not in err

    async def test_a_signal_while_it_waits_for_the_broker_ends_it(self, simulators: Simulators) -> None:
        simulator = await simulators.start("mqtt", "--url", f"mqtt://127.0.0.1:{free_port()}", "--devices", 1)
        assert "trying again" in await simulator.complaint()
        assert await simulator.end(signal.SIGTERM) == (0, "", "")

    async def test_a_broker_that_went_away_is_told_once_and_found_again(
        self, simulators: Simulators, mosquitto: Mosquitto
    ) -> None:
        simulator = await simulators.start("mqtt", "--url", mosquitto.url, "--devices", 1)
        await simulator.line()
        mosquitto.kill()
        assert "trying again" in await simulator.complaint()
        mosquitto.start()
        async with asyncio.timeout(DEADLINE), aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            await client.subscribe("sensors/node1/telemetry")
            await anext(client.messages)
        code, _, err = await simulator.end(signal.SIGINT)
        assert code == 0
        assert len(err.splitlines()) <= 1  # that nobody answered, once


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("", "the following arguments are required: serial|mqtt|modbus|play"),
        ("serial", "the following arguments are required: --link"),
        ("mqtt", "the following arguments are required: --url"),
        ("zigbee", "invalid choice: 'zigbee'"),
        ("play", "the following arguments are required: FILE"),
        ("modbus", "one of the arguments --listen --link is required"),
        ("modbus --listen 127.0.0.1:0 --link x", "not allowed with argument --listen"),
        ("modbus --listen nowhere", "an address looks like 127.0.0.1:5020, not 'nowhere'"),
        ("modbus --listen 127.0.0.1:0 --devices 248", "devices must be at most 247"),
        (
            "modbus --listen 127.0.0.1:0 --fault bad-checksum",
            "bad-checksum is a fault of serial boards and Modbus meters",
        ),
        ("modbus --link x --fault duplicate", "duplicate is a fault of serial boards"),
        ("serial --link x --fault exception", "exception is a fault of Modbus meters"),
        ("serial --link x --framing fixed", "fixed frames have one length"),
        ("serial --link x --framing line", "invalid choice: 'line'"),
        ("serial --link x --codec struct", "struct sends any byte"),
        ("serial --link x --devices 2 --dead n3", "no device is named 'n3': there are n1, n2"),
        ("serial --link x --board toaster", "invalid choice: 'toaster'"),
        ("serial --link x --rate fast", "argument --rate: invalid float value: 'fast'"),
        ("serial --link x --rate -1", "rate must be 0 or more readings a second"),
        ("serial --link x --devices 0", "devices must be at least 1"),
        ("serial --link x --fault gremlins", "no fault is named 'gremlins'"),
        ("serial --link x --fault garbage=0", "garbage: every must be at least 1"),
        ("mqtt --url localhost", "a broker's address looks like mqtt://host:1883"),
        ("mqtt --url mqtt://h --fault one-byte", "one-byte is a fault of serial boards"),
        (
            "mqtt --url mqtt://h --profile homy",
            "no profile is named 'homy': there are telemetry, raw, zigbee2mqtt, tasmota",
        ),
        ("mqtt --url mqtt://h --profile homie,zigbee", "'zigbee': there are telemetry, raw, "),
        ("mqtt --url mqtt://h --profile homie --profile raw", "telemetry and raw are for nodes of one profile"),
        ("mqtt --url mqtt://h --profile homie --discovery", "only zigbee2mqtt and esphome can describe their devices"),
        ("mqtt --url mqtt://h --profile homie --kind power", "a fleet has no kind"),
        ("mqtt --url mqtt://h --discovery", "the profile telemetry has no discovery"),
        ("mqtt --url mqtt://h --prefix a/#", "the prefix is a topic, without wildcards"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(arguments: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments.split())
    output = capsys.readouterr()
    assert stop.value.code == 2
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert says in output.err


WHERE = {"serial": {SERIAL}, "mqtt": {MQTT}, "modbus": {MODBUS, RTU}, "play": {SERIAL, MQTT, MODBUS}}


@pytest.mark.parametrize("simulator", WHERE)
def test_help_names_every_fault(simulator: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([simulator, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    named = {name for name, fault in FAULTS.items() if WHERE[simulator] & set(fault.where)}
    assert set(re.findall(r"^  ([a-z-]+)(?:=\S*)?$", text, re.MULTILINE)) == named
