"""Pulling the board out and putting it back, again and again: it heals within two seconds and nothing grows."""

import asyncio
import time
from typing import Any

import pytest
import serial

from device_sims.faults import Unplug
from device_sims.fixtures import SerialBoardFactory
from gateway.model import DeviceState
from tests.adapters.held import held
from tests.adapters.rig import running
from tests.adapters.test_serial import config
from tests.parts.waiting import eventually


def percentile(seconds: list[float], part: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * part))]


@pytest.mark.parametrize("times", [15, pytest.param(1000, marks=pytest.mark.long)])
async def test_a_board_that_is_pulled_and_returned_is_open_again_within_two_seconds(
    serial_board: SerialBoardFactory, times: int
) -> None:
    board = await serial_board(rate=50)
    seen_gone, open_again = [], []
    async with running(config(board.link)) as rig:
        await rig.state(DeviceState.ONLINE)
        before = held()
        for number in range(1, times + 1):
            began = time.monotonic()
            board.unplug()
            await rig.state(DeviceState.OFFLINE)
            seen_gone.append(time.monotonic() - began)
            began = time.monotonic()
            board.replug()
            await rig.state(DeviceState.ONLINE)
            open_again.append(time.monotonic() - began)
            assert rig.link.info.reconnects == number
        assert percentile(seen_gone, 0.99) < 2
        assert percentile(open_again, 0.99) < 2
        assert held() == before
        assert rig.errors() <= times, "a pull may tear the line that is on its way, and no more"
    assert held().tasks < before.tasks


async def test_the_reason_says_that_it_was_pulled_and_what_is_looked_for(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=50)
    async with running(config(board.link)) as rig:
        await rig.state(DeviceState.ONLINE)
        board.unplug()
        device = await rig.state(DeviceState.OFFLINE)
        assert device.reason in ("the port went away: unplugged?", f"{board.link} is not there: unplugged?")
        await eventually(lambda: device.reason == f"{board.link} is not there: unplugged?", 5, "the second reason")


async def test_a_board_that_flaps_by_itself_is_followed(serial_board: SerialBoardFactory) -> None:
    board = await serial_board(rate=50, faults=[Unplug(after=0.3, seconds=0.1)])
    async with running(config(board.link)) as rig:
        before = held()
        await eventually(lambda: rig.link.info.reconnects >= 4, 20, "four returns")
        await rig.state(DeviceState.ONLINE)
        assert held().tasks == before.tasks


@pytest.mark.parametrize("seconds", [2.0, pytest.param(30.0, marks=pytest.mark.long)])
async def test_while_the_board_is_gone_the_processor_is_left_alone(
    serial_board: SerialBoardFactory, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    attempts, opens = 0, serial.Serial

    def counted(*args: Any, **options: Any) -> serial.Serial:
        nonlocal attempts
        attempts += 1
        return opens(*args, **options)

    monkeypatch.setattr(serial, "Serial", counted)
    board = await serial_board(rate=0)
    async with running(config(board.link)) as rig:
        await rig.up()
        board.unplug()
        await eventually(lambda: rig.link.reason == f"{board.link} is not there: unplugged?", 5, "the attempt")
        before, began, attempts = time.process_time(), time.monotonic(), 0
        # The rig's clock ticks all the while, and the board looks whether it has faults: they take a part of it too.
        await asyncio.sleep(seconds)
        assert time.process_time() - before < 0.05 * (time.monotonic() - began)
        # Up to four at first, then one in two seconds and more, should the kernel have failed to tell.
        assert attempts <= 4 + seconds / 2
        board.replug()
        began = time.monotonic()
        await rig.up()
        assert time.monotonic() - began < 0.5, "the kernel told of it"
