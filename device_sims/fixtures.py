"""A pytest plugin: simulated devices as fixtures. They need pytest-asyncio.

async def test_a_board_speaks(serial_board):
    board = await serial_board("climate", rate=20, seed=1)
    ...  # open board.link

async def test_nodes_speak(mqtt_nodes):
    nodes = await mqtt_nodes("mqtt://127.0.0.1:1883", devices=3, rate=2)

async def test_a_house_speaks(mqtt_fleet):
    fleet = await mqtt_fleet("mqtt://127.0.0.1:1883", "zigbee2mqtt", "homie")

async def test_a_meter_answers(modbus_meter):
    meter = await modbus_meter()
    ...  # connect to meter.address

async def test_a_fleet(scenario):
    play = await scenario("fleet.yaml")
    ...  # play.devices["greenhouse"]
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from device_sims.dialects.registry import ALL
from device_sims.faults import Fault
from device_sims.modbus_meter import ModbusMeter
from device_sims.mqtt_fleet import DEVICES, MqttFleet
from device_sims.mqtt_node import MqttNodes
from device_sims.mqtt_simulator import START_TIMEOUT
from device_sims.scenario import Play, read_scenario
from device_sims.serial_board import SerialBoard

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # whoever has the simulators without it still has a pytest that starts
    async_fixture = pytest.fixture  # type: ignore[assignment]


class SerialBoardFactory(Protocol):
    """What the fixture `serial_board` gives."""

    async def __call__(
        self,
        kind: str = ...,
        *,
        link: str | os.PathLike[str] | None = ...,
        rate: float = ...,
        seed: int = ...,
        devices: int = ...,
        faults: Iterable[Fault] = ...,
        stamp: bool = ...,
        framing: str = ...,
        checksum: str = ...,
        codec: str | None = ...,
        header: bool = ...,
        poll: bool = ...,
        dead: Iterable[str] = ...,
    ) -> SerialBoard:
        """A plugged board; its link is in the test's `tmp_path` unless `link` says otherwise."""


class MqttNodesFactory(Protocol):
    """What the fixture `mqtt_nodes` gives."""

    async def __call__(
        self,
        url: str,
        *,
        devices: int = ...,
        rate: float = ...,
        seed: int = ...,
        prefix: str = ...,
        profile: str = ...,
        kind: str = ...,
        faults: Iterable[Fault] = ...,
        stamp: bool = ...,
        start_timeout: float = ...,
    ) -> MqttNodes:
        """Nodes that are connected to the broker at `url`."""


class MqttFleetFactory(Protocol):
    """What the fixture `mqtt_fleet` gives."""

    async def __call__(
        self,
        url: str,
        *profiles: str,
        devices: int = ...,
        rate: float = ...,
        seed: int = ...,
        faults: Iterable[Fault] = ...,
        discovery: bool = ...,
        start_timeout: float = ...,
    ) -> MqttFleet:
        """A fleet that is connected to the broker at `url`; of every dialect, where `profiles` names none."""


class ModbusMeterFactory(Protocol):
    """What the fixture `modbus_meter` gives."""

    async def __call__(
        self,
        listen: str | None = ...,
        *,
        link: str | os.PathLike[str] | None = ...,
        rate: float = ...,
        seed: int = ...,
        devices: int = ...,
        faults: Iterable[Fault] = ...,
    ) -> ModbusMeter:
        """A meter that answers: at a free port of the loopback, or on the line `link`."""


class ScenarioFactory(Protocol):
    """What the fixture `scenario` gives."""

    async def __call__(self, source: str | os.PathLike[str] | Mapping[str, object]) -> Play:
        """A scenario that plays, from a file or a mapping; its links are in the test's `tmp_path`."""


@async_fixture
async def serial_board(tmp_path: Path) -> AsyncIterator[SerialBoardFactory]:
    """A factory of serial boards, which are gone when the test ends."""
    async with AsyncExitStack() as boards:
        made = 0

        async def make(
            kind: str = "climate",
            *,
            link: str | os.PathLike[str] | None = None,
            rate: float = 20.0,
            seed: int = 1,
            devices: int = 1,
            faults: Iterable[Fault] = (),
            stamp: bool = False,
            framing: str = "lines",
            checksum: str = "none",
            codec: str | None = None,
            header: bool = True,
            poll: bool = False,
            dead: Iterable[str] = (),
        ) -> SerialBoard:
            nonlocal made
            made += 1
            board = SerialBoard(
                link or tmp_path / f"board{made}",
                kind=kind,
                rate=rate,
                seed=seed,
                devices=devices,
                faults=faults,
                stamp=stamp,
                framing=framing,
                checksum=checksum,
                codec=codec,
                header=header,
                poll=poll,
                dead=dead,
            )
            return await boards.enter_async_context(board)

        yield make


@async_fixture
async def mqtt_nodes() -> AsyncIterator[MqttNodesFactory]:
    """A factory of MQTT nodes, which part from their broker when the test ends."""
    async with AsyncExitStack() as groups:

        async def make(
            url: str,
            *,
            devices: int = 3,
            rate: float = 5.0,
            seed: int = 1,
            prefix: str = "sensors",
            profile: str = "telemetry",
            kind: str = "climate",
            faults: Iterable[Fault] = (),
            stamp: bool = False,
            start_timeout: float = START_TIMEOUT,
        ) -> MqttNodes:
            nodes = MqttNodes(
                url,
                devices=devices,
                rate=rate,
                seed=seed,
                prefix=prefix,
                profile=profile,
                kind=kind,
                faults=faults,
                stamp=stamp,
                start_timeout=start_timeout,
            )
            return await groups.enter_async_context(nodes)

        yield make


@async_fixture
async def mqtt_fleet() -> AsyncIterator[MqttFleetFactory]:
    """A factory of MQTT fleets, which part from their broker when the test ends."""
    async with AsyncExitStack() as fleets:

        async def make(
            url: str,
            *profiles: str,
            devices: int = DEVICES,
            rate: float = 5.0,
            seed: int = 1,
            faults: Iterable[Fault] = (),
            discovery: bool = False,
            start_timeout: float = START_TIMEOUT,
        ) -> MqttFleet:
            fleet = MqttFleet(
                url,
                profiles or (ALL,),
                devices=devices,
                rate=rate,
                seed=seed,
                faults=faults,
                discovery=discovery,
                start_timeout=start_timeout,
            )
            return await fleets.enter_async_context(fleet)

        yield make


@async_fixture
async def modbus_meter() -> AsyncIterator[ModbusMeterFactory]:
    """A factory of Modbus meters, which are gone when the test ends."""
    async with AsyncExitStack() as meters:

        async def make(
            listen: str | None = None,
            *,
            link: str | os.PathLike[str] | None = None,
            rate: float = 20.0,
            seed: int = 1,
            devices: int = 1,
            faults: Iterable[Fault] = (),
        ) -> ModbusMeter:
            if listen is None and link is None:
                listen = "127.0.0.1:0"
            meter = ModbusMeter(listen, link=link, rate=rate, seed=seed, devices=devices, faults=faults)
            return await meters.enter_async_context(meter)

        yield make


@async_fixture
async def scenario(tmp_path: Path) -> AsyncIterator[ScenarioFactory]:
    """Plays scenarios, whose devices are gone when the test ends."""
    async with AsyncExitStack() as plays:

        async def play(source: str | os.PathLike[str] | Mapping[str, object]) -> Play:
            return await plays.enter_async_context(Play(read_scenario(source, folder=tmp_path)))

        yield play
