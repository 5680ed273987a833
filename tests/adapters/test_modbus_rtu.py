"""The Modbus adapter on a serial line: a real pty pair, pymodbus's server on its far end."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.ledger import Outcome, State
from gateway.model import DeviceState
from tests.adapters.modbus_site import Alter, Cable, Site, cable
from tests.adapters.rig import WITHIN, Rig, running
from tests.parts.leaks import descriptors
from tests.parts.waiting import eventually


def config(port: object, more: str = "") -> str:
    return f"""
adapters:
  - id: line
    type: modbus
    port: {port}
    baudrate: 115200
    every: 50ms
    timeout: 150ms
    {more}
    devices:
      a: {{unit: 1, points: {{x: {{input: 7}}, s: {{holding: 3}}}}}}
      b: {{unit: 2, points: {{x: {{input: 8}}, relay: {{coil: 0}}}}}}
devices:
  line.a: {{points: {{s: {{type: integer, writable: true}}}}}}
  line.b: {{points: {{relay: {{type: boolean, writable: true}}}}}}
"""


@asynccontextmanager
async def line(
    link: Path, more: str = "", to_near: Alter = bytes, **site: Any
) -> AsyncIterator[tuple[Site, Rig, Cable]]:
    """Two units on a cable, and their adapter."""
    with cable(link, to_near) as wire:
        served = Site(units=(1, 2), **site)
        await served.start(wire.far)
        try:
            async with running(config(link, more)) as rig:
                yield served, rig, wire
        finally:
            await served.stop()


async def rounds(rig: Rig, count: int, name: str) -> None:
    """Waits for so many readings of a device."""
    before = len(rig.values("x", name))
    await eventually(lambda: len(rig.values("x", name)) >= before + count, WITHIN, f"{count} readings of {name}")


async def test_units_of_a_line_are_read_and_commanded(tmp_path: Path) -> None:
    async with line(tmp_path / "port") as (site, rig, _):
        await rounds(rig, 3, "a")
        await rounds(rig, 3, "b")
        assert (rig.values("x", "a")[0], rig.values("x", "b")[0]) == (1007, 1008)
        command = await rig.command("s", 42, "a")
        assert (command.state, command.outcome) == (State.VERIFIED, Outcome.EXECUTED)
        assert (await rig.command("relay", True, "b")).state is State.VERIFIED
        assert site.writes(1) == [(6, 3)]
        assert site.writes(2) == [(5, 0)]
        assert site.holds(3) == [42]
        assert rig.errors() == 0


async def test_a_dead_unit_is_told_and_the_other_is_read_on(tmp_path: Path) -> None:
    async with line(tmp_path / "port", silent={2}) as (_, rig, __):
        device = await rig.state(DeviceState.OFFLINE, "b")
        assert device.reason == "does not answer"
        began = time.monotonic()
        await rounds(rig, 10, "a")
        assert time.monotonic() - began < 2
        assert rig.device("a").state is DeviceState.ONLINE
        assert rig.device("a").errors == 0


async def test_noise_on_the_line_costs_no_reading(tmp_path: Path) -> None:
    async with line(tmp_path / "port", to_near=lambda data: b"\xff\1" + data + b"\0") as (_, rig, __):
        await rounds(rig, 5, "a")
        await rounds(rig, 5, "b")
        assert set(rig.values("x", "a")) == {1007}
        assert rig.link.info.resyncs >= 10
        assert rig.errors() == 0


async def test_a_damaged_answer_is_counted_and_asked_for_again(tmp_path: Path) -> None:
    damage = iter([False, False, True] + [False] * 10_000)

    def alter(data: bytes) -> bytes:
        return data[:-1] + bytes([data[-1] ^ 1]) if next(damage) else data

    async with line(tmp_path / "port", to_near=alter) as (_, rig, __):
        await rounds(rig, 5, "a")
        await rounds(rig, 5, "b")
        stats = [device.to_json()["link"] for device in rig.devices]
        assert max(link["checksum_errors"] for link in stats) == 1
        assert set(rig.values("x", "a")) == {1007}
        assert set(rig.values("x", "b")) == {1008}


async def test_a_line_that_echoes_confirms_nothing_by_its_echo(tmp_path: Path) -> None:
    async with line(tmp_path / "port") as (site, rig, wire):
        wire.echoes = True
        await rounds(rig, 3, "b")
        assert (await rig.command("relay", True, "b")).state is State.VERIFIED
        site.silent.add(2)
        command = await rig.command("relay", False, "b", confirm="acked")
        assert (command.state, command.outcome) == (State.LOST, Outcome.UNKNOWN)


async def test_a_late_answer_is_not_taken_for_that_of_the_next_request(tmp_path: Path) -> None:
    """Nothing in an answer on RTU says to which request it belongs: the next one waits until it has come and gone."""
    held: list[bytes] = []
    with cable(tmp_path / "port") as wire:

        def alter(data: bytes) -> bytes:
            if held:
                return data
            held.append(data)
            # It comes while the second register is asked for, if that is not held back.
            asyncio.get_running_loop().call_later(0.175, os.write, wire.masters[0], data)
            return b""

        wire.to_near = alter
        site = Site(delay=0.05)
        await site.start(wire.far)
        try:
            text = f"""
adapters:
  - id: line
    type: modbus
    port: {tmp_path / "port"}
    baudrate: 115200
    every: 50ms
    timeout: 150ms
    points: {{x: {{input: 7}}, y: {{input: 200}}}}
"""
            async with running(text) as rig:
                await eventually(lambda: len(rig.values("y")) >= 3, WITHIN, "readings")
                assert set(rig.values("x")) == {1007}
                assert set(rig.values("y")) == {1200}
                assert rig.errors() == 1
        finally:
            await site.stop()


async def test_an_adapter_that_is_pulled_comes_back_and_leaves_no_descriptor(tmp_path: Path) -> None:
    link = tmp_path / "port"
    before = descriptors()
    async with line(link) as (site, rig, wire):
        await rounds(rig, 2, "a")
        wire.cut()
        assert await rig.down() == "the port went away: unplugged?"
        await rig.state(DeviceState.OFFLINE, "a")
        assert not any(wire.near in name for name in descriptors() - before)
        await site.stop()
        link.unlink()
        await eventually(lambda: rig.link.reason == f"{link} is not there: unplugged?", WITHIN, "another attempt")
        with cable(link) as anew:
            await site.start(anew.far)
            await rig.up()
            await rounds(rig, 2, "a")
            assert rig.link.info.reconnects == 1
            await site.stop()


async def test_a_port_that_is_in_use_is_not_shared(tmp_path: Path) -> None:
    async with line(tmp_path / "port") as (_, rig, __):
        await rig.up()
        async with running(config(tmp_path / "port")) as other:
            assert "is in use by" in await other.down()


async def test_a_port_that_is_not_there_is_said_and_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    async with running(config(tmp_path / "nothing")) as rig:
        assert await rig.down() == f"{tmp_path / 'nothing'} is not there: unplugged?"


async def test_the_line_is_quiet_for_the_pause_between_an_answer_and_the_next_request(tmp_path: Path) -> None:
    times: list[tuple[str, float]] = []

    def note(what: str) -> Alter:
        def alter(data: bytes) -> bytes:
            times.append((what, time.monotonic()))
            return data

        return alter

    async with line(tmp_path / "port", "pause: 40ms", to_near=note("answer")) as (_, rig, wire):
        wire.to_far = note("request")
        await rounds(rig, 3, "a")
    gaps = [
        after - before
        for (first, before), (second, after) in pairwise(times)
        if (first, second) == ("answer", "request")
    ]
    assert len(gaps) >= 4
    assert min(gaps) >= 0.039


@pytest.mark.parametrize("baudrate", [9600, 115200])
async def test_slow_lines_have_the_time_that_their_bytes_take(baudrate: int, tmp_path: Path) -> None:
    """60 registers take 145 ms at 9600 baud, which is no silence; here the answer comes as late as that."""
    points = ", ".join(f"p{n}: {{input: {n}}}" for n in range(60))
    with cable(tmp_path / "port") as wire:
        site = Site(delay=0.08)
        await site.start(wire.far)
        try:
            text = f"""
adapters:
  - id: line
    type: modbus
    port: {tmp_path / "port"}
    baudrate: {baudrate}
    every: 50ms
    timeout: 50ms
    points: {{{points}}}
"""
            async with running(text) as rig:
                if baudrate == 9600:
                    assert (await rig.reading()).values["p59"] == 1059
                else:
                    await rig.state(DeviceState.OFFLINE)
        finally:
            await site.stop()
