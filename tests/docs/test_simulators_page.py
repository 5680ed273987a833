"""Every option, kind, fault and fixture of the simulators is explained, and the page's tests pass."""

import argparse
import dataclasses
import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

from device_sims import KINDS, MqttNodes, SerialBoard
from device_sims.cli import _parser
from device_sims.fault_names import FAULTS
from device_sims.fixtures import MqttNodesFactory, SerialBoardFactory
from tests.docs.markdown import doc
from tests.parts.process import Process
from tests.parts.waiting import eventually

PAGE = doc("simulators")


def test_every_option_is_explained() -> None:
    rows = PAGE.rows("Options")
    actions = _parser()._subparsers
    assert actions is not None
    [choices] = [action.choices for action in actions._group_actions]
    assert isinstance(choices, dict)
    told = set()
    for name, parser in choices.items():
        assert isinstance(parser, argparse.ArgumentParser)
        for action in parser._actions:
            option = action.option_strings[-1]
            if option != "--help":
                assert rows[option][0] in (name, "both"), option
                told.add(option)
    assert set(rows) == told


def test_every_kind_is_explained_with_its_points() -> None:
    rows = PAGE.rows("Kinds")
    for name, kind in KINDS.items():
        assert {f"`{point}`" for point in kind.sensors} <= set(rows[name][0].replace(",", "").split())
        assert all(f"`{point}`" in rows[name][1] for point in kind.actuators)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_explained_with_its_settings(name: str) -> None:
    settings = PAGE.rows("Faults")[name][0]
    kind: Any = FAULTS[name]
    for field in dataclasses.fields(kind):
        if field.init:
            default = f"{field.default:g}" if isinstance(field.default, float) else str(field.default).lower()
            assert f"`{field.name}:{default}`" in settings


@pytest.mark.parametrize(
    ("fixture", "factory"), [("serial_board", SerialBoardFactory), ("mqtt_nodes", MqttNodesFactory)]
)
def test_a_fixture_is_explained_with_its_arguments(fixture: str, factory: type) -> None:
    told = PAGE.rows("In pytest")[fixture][0]
    for argument in inspect.signature(factory.__call__).parameters:
        assert argument == "self" or f"`{argument}" in told, argument


@pytest.mark.parametrize("made", [SerialBoard, MqttNodes])
def test_what_a_simulator_can_do_is_named(made: type) -> None:
    section = PAGE.section("In pytest")
    for name in vars(made):
        assert name.startswith("_") or name == "running" or f"{name}(" in section or f"`{name}`" in section, name


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
    assert "3 passed" in pytest_.stdout_text()
