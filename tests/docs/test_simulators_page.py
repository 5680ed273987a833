"""Every option, kind, fault and fixture of the simulators is explained, and the page's tests pass."""

import argparse
import dataclasses
import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import device_sims
from device_sims import KINDS, ModbusMeter, MqttFleet, MqttNodes, Play, SerialBoard, read_scenario
from device_sims.cli_options import make_parser
from device_sims.dialects.registry import ALL, DIALECTS, dialect_of
from device_sims.fault_names import FAULTS
from device_sims.faults import MODBUS, MQTT, RTU, SERIAL
from device_sims.fixtures import (
    ModbusMeterFactory,
    MqttFleetFactory,
    MqttNodesFactory,
    ScenarioFactory,
    SerialBoardFactory,
)
from device_sims.modbus_registers import COMMANDED, MEASURED
from device_sims.mqtt_fleet import DEVICES
from device_sims.mqtt_simulator import MqttSimulator
from device_sims.scenario import sections
from device_sims.wire import CHECKSUMS, CODECS, FRAMINGS, wire_of
from device_sims.wire.framings import framing_named
from device_sims.wire.struct_codec import Struct
from tests.docs.markdown import doc
from tests.parts.process import Process
from tests.parts.waiting import eventually

PAGE = doc("simulators")


def test_every_option_is_explained() -> None:
    rows = PAGE.rows("Options")
    actions = make_parser()._subparsers
    assert actions is not None
    [choices] = [action.choices for action in actions._group_actions]
    assert isinstance(choices, dict)
    told = set()
    for name, parser in choices.items():
        assert isinstance(parser, argparse.ArgumentParser)
        for action in parser._actions:
            if action.option_strings and (option := action.option_strings[-1]) != "--help":
                assert name in rows[option][0].split(", "), option
                told.add((option, name))
    assert told == {(option, name) for option, cells in rows.items() for name in cells[0].split(", ")}


def test_every_kind_is_explained_with_its_points() -> None:
    rows = PAGE.rows("Kinds")
    for name, kind in KINDS.items():
        assert {f"`{point}`" for point in kind.sensors} <= set(rows[name][0].replace(",", "").split())
        assert all(f"`{point}`" in rows[name][1] for point in kind.actuators)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_explained_with_its_settings(name: str) -> None:
    settings, where, *_ = PAGE.rows("Faults")[name]
    kind: Any = FAULTS[name]
    words = {SERIAL: "serial", MQTT: "mqtt", MODBUS: "modbus", RTU: "a Modbus line"}
    assert where == ("all" if {SERIAL, MQTT, MODBUS} <= set(kind.where) else ", ".join(words[w] for w in kind.where))
    for field in dataclasses.fields(kind):
        if field.init:
            default = f"{field.default:g}" if isinstance(field.default, float) else str(field.default).lower()
            assert f"`{field.name}:{default}`" in settings


@pytest.mark.parametrize(
    ("fixture", "factory"),
    [
        ("serial_board", SerialBoardFactory),
        ("mqtt_nodes", MqttNodesFactory),
        ("mqtt_fleet", MqttFleetFactory),
        ("modbus_meter", ModbusMeterFactory),
        ("scenario", ScenarioFactory),
    ],
)
def test_a_fixture_is_explained_with_its_arguments(fixture: str, factory: type) -> None:
    told = PAGE.rows("In pytest")[fixture][0]
    for argument in inspect.signature(factory.__call__).parameters:
        assert argument == "self" or f"`{argument}" in told, argument


@pytest.mark.parametrize("made", [SerialBoard, MqttSimulator, MqttNodes, MqttFleet, ModbusMeter, Play])
def test_what_a_simulator_can_do_is_named(made: type) -> None:
    section = PAGE.section("In pytest")
    for name in vars(made):
        assert name.startswith("_") or name == "running" or f"{name}(" in section or f"`{name}`" in section, name


def test_every_fault_has_its_class_named() -> None:
    section = PAGE.section("In pytest")
    for kind in FAULTS.values():
        assert f"`{kind.__name__}`" in section
        assert getattr(device_sims, kind.__name__) is kind


@pytest.mark.parametrize("name", FRAMINGS)
def test_a_framing_is_shown_as_it_is(name: str) -> None:
    shown = PAGE.rows("Framings and codecs", "`--framing`")[name][0]
    payload = b"fan=1"
    framing = framing_named(name, None, size=len(payload))
    assert framing.wrap(payload) == bytes.fromhex(shown.strip("`"))


def test_a_line_with_a_checksum_is_shown_as_it_is() -> None:
    [shown] = re.findall(r"`(\S+)` with `xor8`", PAGE.section("Framings and codecs"))
    assert framing_named("lines", CHECKSUMS["xor8"]).wrap(b"fan=1") == shown.encode() + b"\n"


def test_the_checksums_are_shown_as_they_are() -> None:
    rows = PAGE.rows("Framings and codecs", "`--checksum`")
    assert set(rows) == set(CHECKSUMS)
    for name, checksum in CHECKSUMS.items():
        shown = checksum.of_bytes(b"123456789") if checksum else b""
        assert bytes.fromhex(rows[name][0].strip("`")) == shown


@pytest.mark.parametrize("name", [name for name in CODECS if name != "nmea0183"])
def test_a_codec_is_shown_as_it_is(name: str) -> None:
    alone, shared = (re.findall(r"`([^`]+)`", cell) for cell in PAGE.rows("Framings and codecs", "`--codec`")[name])
    values: dict[str, bool | int | float | str] = {
        "temperature": 21.4,
        "humidity": 48,
        "pressure": 1013.2,
        "fan": False,
        "setpoint": 21,
        "sequence": 1,
    }
    for shown, devices in ((alone, 1), (shared, 2)):
        if not shown:
            continue
        _, codec = wire_of(
            KINDS["climate"],
            framing="cobs" if name == "struct" else "lines",
            checksum="none",
            codec=name,
            devices=devices,
            header=True,
            stamp=False,
        )
        [said] = codec.reading(values, "n1" if devices > 1 else None)
        text = said.hex() if name == "struct" else said.decode()
        wanted = shown[0].replace(" ", "") if name == "struct" else shown[0]
        parts = [re.escape(part) for part in wanted.split("…")]
        assert re.fullmatch(".*".join(parts), text), text


def test_the_layouts_are_shown_as_they_are() -> None:
    rows = PAGE.rows("Framings and codecs", "board")
    assert set(rows) == set(KINDS)
    for name, kind in KINDS.items():
        assert rows[name][0] == f"`{Struct(kind, shared=False, stamp=False).layout}`"


def test_the_registers_of_the_meter_are_shown_as_they_are() -> None:
    words = {"H": "uint16", "h": "int16", "i": "int32", "I": "uint32", "f": "float32", "Q": "uint64"}
    shown = {}
    for line in PAGE.section("A Modbus meter").splitlines():
        for address, point in re.findall(r"(\d+) `(\w+)`", line):
            shown[point, int(address)] = line.split("|")[2]
    for register in MEASURED + COMMANDED:
        assert words[register.format] in shown.pop((register.point, register.address)).split(",")[0]
    assert set(shown) == {("relay", 0)}


def test_every_fleet_is_explained_with_the_names_of_its_devices() -> None:
    rows = PAGE.rows("Fleets", "`--profile`")
    assert set(rows) == {*DIALECTS, ALL}
    for name in DIALECTS:
        kinds = set()
        for device in dialect_of(name, DEVICES, 0, lambda *_: None).devices:
            # Where an address is part of the name, the page has an ellipsis in its place.
            shown = re.sub(r"[0-9A-Fa-f]{6,}$", "…", device)
            kind = re.sub(r"[- ]?\d+$", "", shown)
            assert kind in kinds or f"`{shown}`" in rows[name][0], device
            kinds.add(kind)


def test_every_key_of_a_scenario_is_explained() -> None:
    assert set(PAGE.rows("Scenarios", "key")) == set(sections.SCENARIO_KEYS)
    assert set(PAGE.rows("Scenarios", "key of a step")) == set(sections.STEP_KEYS)
    told = PAGE.rows("Scenarios", "device")
    common = {"name", "devices", "rate", "seed", "faults"}
    for name, keys in (
        ("serial", sections.SERIAL_KEYS),
        ("mqtt", sections.MQTT_KEYS),
        ("modbus", sections.MODBUS_KEYS),
    ):
        cell = next(cells[0] for first, cells in told.items() if first.startswith(name))
        assert {name, *common, *re.findall(r"`(\w+)`", cell)} == set(keys)


def test_the_scenario_of_the_page_is_one(tmp_path: Path) -> None:
    [block] = [block for block in PAGE.blocks if block.comment and "it is a scenario" in block.comment]
    (tmp_path / "fleet.yaml").write_text(block.text)
    assert list(read_scenario(tmp_path / "fleet.yaml").devices) == ["greenhouse", "mqtt", "modbus"]


async def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    programs = [block.text for block in PAGE.blocks if block.language == "python"]
    assert len(programs) == 2
    for number, program in enumerate(programs):
        (tmp_path / f"test_page{number}.py").write_text(program, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    pytest_ = Process("pytest", tmp_path)
    pytest_.start([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], directory=tmp_path)
    try:
        await eventually(lambda: not pytest_.running, 60, "the end of the page's tests")
    finally:
        pytest_.kill()
    assert pytest_.exit_code == 0, pytest_.stdout_text()
    assert "4 passed" in pytest_.stdout_text()
