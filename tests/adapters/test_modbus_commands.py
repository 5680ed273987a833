"""Commands by Modbus: what is written, what proves it, and what is known when nothing does."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus.constants import ExcCodes

from gateway.commands.ledger import Outcome, State
from gateway.config import parse
from gateway.errors import NotSentError, UncertainError
from gateway.model import DeviceState, Outgoing
from tests.adapters.modbus_site import Site, serving
from tests.adapters.rig import WITHIN, Rig, running
from tests.parts.waiting import eventually

POINTS = """
      relay: {coil: 3}
      door: {discrete: 0}
      level: {input: 5}
      setpoint: {holding: 30, format: int16}
      total: {holding: 32, format: int32, order: little-swapped}
      gain: {holding: 34, format: float32}
      name: {holding: 36, format: text, registers: 4}
      pump: {holding: 40, bit: 2}
      mode: {holding: 45}
      reset: {coil: 9, read: false}
"""
DEVICES = """
devices:
  plant:
    points:
      relay: {type: boolean, writable: true}
      door: {type: boolean, writable: true}
      level: {type: number, writable: true}
      setpoint: {type: number, writable: true, scale: 0.1, min: -50, max: 5000}
      total: {type: integer, writable: true}
      gain: {type: number, writable: true}
      name: {type: string, writable: true}
      pump: {type: boolean, writable: true}
      mode: {values: {0: "off", 2: heat, 7: eco}, writable: true}
      reset: {type: action, writable: true, confirm: acked}
      nowhere: {type: boolean, writable: true}
"""


def config(site: Site, more: str = "", every: str = "50ms") -> str:
    """The adapter of a server's one device."""
    return f"""
adapters:
  - id: plant
    type: modbus
    url: tcp://127.0.0.1:{site.port}
    every: {every}
    timeout: 200ms
    {more}
    points: {POINTS}
{DEVICES}
"""


@asynccontextmanager
async def plant(more: str = "", every: str = "50ms", **site: Any) -> AsyncIterator[tuple[Site, Rig]]:
    """A server and its adapter, up and read once."""
    async with serving(**site) as served, running(config(served, more, every)) as rig:
        await rig.reading()
        yield served, rig


# ---- what is written


@pytest.mark.parametrize(
    ("point", "value", "written", "registers"),
    [
        ("setpoint", 21.5, (6, 30), (30, [215])),
        ("setpoint", -1, (6, 30), (30, [0xFFF6])),
        ("total", 0x10002, (16, 32), (32, [2, 1])),
        ("gain", 12.5, (16, 34), (34, [0x4148, 0])),
        ("name", "héllo", (16, 36), (36, [0x68C3, 0xA96C, 0x6C6F, 0])),
        ("pump", True, (22, 40), (40, [4])),
    ],
)
async def test_a_command_is_written_once_and_its_read_back_verifies_it(
    point: str, value: Any, written: tuple[int, int], registers: tuple[int, list[int]]
) -> None:
    async with plant() as (site, rig):
        command = await rig.command(point, value)
        assert (command.state, command.outcome) == (State.VERIFIED, Outcome.EXECUTED)
        assert site.writes() == [written]
        assert site.holds(registers[0], len(registers[1])) == registers[1]
        assert rig.values(point)[-1] == value


async def test_a_coil_is_switched() -> None:
    async with plant() as (site, rig):
        for on in (True, False):
            assert (await rig.command("relay", on)).state is State.VERIFIED
            assert rig.values("relay")[-1] is on
        assert site.writes() == [(5, 3), (5, 3)]


async def test_one_bit_is_set_and_the_others_of_its_register_stay() -> None:
    async with plant() as (site, rig):
        site.set(40, [0xF0F0])
        assert (await rig.command("pump", True)).state is State.VERIFIED
        assert site.holds(40) == [0xF0F4]
        assert (await rig.command("pump", False)).state is State.VERIFIED
        assert site.holds(40) == [0xF0F0]


async def test_an_action_switches_its_coil_on_and_is_not_read_back() -> None:
    async with plant() as (site, rig):
        command = await rig.command("reset", None)
        assert (command.state, command.outcome) == (State.ACKED, Outcome.EXECUTED)
        assert site.writes() == [(5, 9)]
        assert "reset" not in rig.device().latest


async def test_a_register_of_codes_is_read_and_commanded_by_their_names() -> None:
    async with plant() as (site, rig):
        site.set(45, [2])
        await eventually(lambda: rig.values("mode")[-1] == "heat", WITHIN, "the name")
        assert (await rig.command("mode", "eco")).state is State.VERIFIED
        assert site.holds(45) == [7]
        site.set(45, [5])
        await eventually(lambda: rig.readings[-1].quality.get("mode") == "bad", WITHIN, "a code without a name")


async def test_an_urgent_command_goes_before_those_that_wait() -> None:
    async with serving() as site:
        rig = Rig(parse(config(site), "fieldgate.yaml", Path()))
        running = asyncio.create_task(rig.adapter.run(), name="adapter:plant")
        await rig.reading()
        deadline = time.monotonic() + 5
        commands = [
            Outgoing("plant", None, "relay", True, 1, deadline),
            Outgoing("plant", None, "setpoint", 5, 2, deadline),
            Outgoing("plant", None, "pump", False, 3, deadline, urgent=True),
        ]
        await asyncio.gather(*(rig.adapter.write(command) for command in commands))
        running.cancel()
        await asyncio.wait([running])
        assert site.writes() == [(22, 40), (5, 3), (6, 30)]


async def test_a_device_that_knows_no_function_6_is_written_by_16_from_then_on() -> None:
    async with plant(refuse={6: ExcCodes.ILLEGAL_FUNCTION}) as (site, rig):
        for value in (3, 4):
            assert (await rig.command("setpoint", value)).state is State.VERIFIED
        assert site.writes() == [(6, 30), (16, 30), (16, 30)]


async def test_the_best_proof_is_offered_where_none_is_configured() -> None:
    async with plant() as (_, rig):
        assert rig.device().points["relay"].confirm == "verified"
        assert (await rig.command("relay", True, confirm="acked")).state is State.ACKED


# ---- what is not


@pytest.mark.parametrize(
    ("point", "value", "told"),
    [
        ("setpoint", 21.55, "the register takes whole numbers, not 215.5"),
        ("setpoint", 4000, "40000 does not fit into int16"),
        ("total", 1 << 40, "does not fit into int32"),
        ("name", "x" * 9, "the registers hold 8 bytes, and this text has 9"),
        ("door", True, "discrete input 0 can only be read"),
        ("level", 3, "input register 5 can only be read"),
        ("nowhere", True, "the adapter knows no coil and no register of nowhere"),
    ],
)
async def test_what_cannot_be_written_is_rejected_and_said(point: str, value: Any, told: str) -> None:
    async with plant() as (site, rig):
        command = await rig.command(point, value)
        assert (command.state, command.outcome) == (State.REJECTED, Outcome.NOT_EXECUTED)
        assert told in str(command.detail)
        assert site.writes() == []


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (ExcCodes.ILLEGAL_VALUE, "illegal data value"),
        (ExcCodes.ILLEGAL_ADDRESS, "illegal data address"),
        (ExcCodes.DEVICE_BUSY, "device busy"),
        (ExcCodes.GATEWAY_PATH_UNAVIABLE, "gateway path unavailable"),
    ],
)
async def test_a_refusal_is_the_devices_own_answer(code: ExcCodes, told: str) -> None:
    async with plant(refuse={6: code}) as (site, rig):
        command = await rig.command("setpoint", 3)
        assert (command.state, command.outcome, command.detail) == (State.FAILED, Outcome.NOT_EXECUTED, told)
        assert site.writes() == [(6, 30)]
        assert rig.device().errors == 0


async def test_a_device_without_mask_writes_says_that_it_cannot_set_a_bit() -> None:
    async with plant(refuse={22: ExcCodes.ILLEGAL_FUNCTION}) as (site, rig):
        command = await rig.command("pump", True)
        assert (command.state, command.outcome) == (State.FAILED, Outcome.NOT_EXECUTED)
        assert command.detail == "illegal function: the device cannot set a single bit (function 22)"
        assert site.writes() == [(22, 40)]


async def test_a_device_that_ignores_a_write_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.adapters.modbus.options.ModbusAdapter.answer_timeout", 0.3)
    async with plant(ignores_writes=True) as (site, rig):
        for point, value, shown in (("setpoint", 9, 0.0), ("relay", True, False)):
            command = await rig.command(point, value)
            assert (command.state, command.outcome) == (State.MISMATCH, Outcome.NOT_EXECUTED)
            assert command.detail == f"the device reports {shown!r}"
        assert len(site.writes()) == 2


async def test_a_device_that_takes_its_time_is_read_until_it_shows_the_value() -> None:
    """Even where it is polled seldom."""
    async with plant(every="1h", ignores_writes=True) as (site, rig):
        command = rig.submit("setpoint", 7)
        await eventually(lambda: len(site.asked(1, 3)) >= 4, WITHIN, "a second look")
        site.set(30, [70])
        async with asyncio.timeout(WITHIN):
            await rig.commands.finished(command)
        assert command.state is State.VERIFIED
        looks = len(site.asked(1, 3))
        await rig.command("relay", False)
        assert len(site.asked(1, 3)) == looks  # it showed the value: no more is asked


# ---- what nobody knows


async def test_a_command_without_an_answer_is_lost_and_never_sent_again() -> None:
    async with plant("retries: 5") as (site, rig):
        site.silent.add(1)
        command = await rig.command("relay", True)
        assert (command.state, command.outcome) == (State.LOST, Outcome.UNKNOWN)
        assert command.detail == "no answer within 0.2 s"
        assert site.writes() == [(5, 3)]


async def test_a_gateway_without_an_answer_from_the_device_knows_nothing_either() -> None:
    async with plant(refuse={5: ExcCodes.GATEWAY_NO_RESPONSE}) as (site, rig):
        command = await rig.command("relay", True)
        assert (command.state, command.outcome) == (State.LOST, Outcome.UNKNOWN)
        assert site.writes() == [(5, 3)]


async def test_a_link_that_breaks_before_the_answer_leaves_the_outcome_open() -> None:
    async with plant() as (site, rig):
        site.delay = 0.1
        command = rig.submit("relay", True)
        await eventually(site.writes, WITHIN, "the write")
        await site.stop()
        async with asyncio.timeout(WITHIN):
            await rig.commands.finished(command)
        assert (command.state, command.outcome) == (State.LOST, Outcome.UNKNOWN)
        await rig.down()
        command = await rig.command("relay", True)
        assert (command.state, command.outcome) == (State.REJECTED, Outcome.NOT_EXECUTED)


async def test_nothing_is_sent_after_the_deadline_while_another_request_holds_the_line() -> None:
    async with plant("retries: 0") as (site, rig):
        site.delay = 0.15
        asked = len(site.requests)
        await eventually(lambda: len(site.requests) > asked, WITHIN, "a poll on its way")
        with pytest.raises(NotSentError, match="time to live"):
            await rig.adapter.write(Outgoing("plant", None, "relay", True, 1, time.monotonic() + 0.02))
        assert site.writes() == []


async def test_without_a_connection_nothing_is_sent() -> None:
    async with plant() as (site, rig):
        await site.stop()
        await rig.down()
        with pytest.raises(NotSentError):
            await rig.adapter.write(Outgoing("plant", None, "relay", True, 1, time.monotonic() + 5))


async def test_a_command_goes_before_the_polls_that_wait() -> None:
    """Each of the 40 requests of a cycle takes 20 ms here, and the command waits for one of them at most."""
    points = "\n".join(f"      p{n}: {{input: {n}}}" for n in range(0, 99, 2))
    async with serving(most=1, delay=0.02) as site:
        text = f"""
adapters:
  - id: plant
    type: modbus
    url: tcp://127.0.0.1:{site.port}
    every: 20ms
    bridge: 0
    points:
      relay: {{coil: 3}}
{points}
devices: {{plant: {{points: {{relay: {{type: boolean, writable: true}}}}}}}}
"""
        async with running(text) as rig:
            await eventually(lambda: len(site.requests) > 5, WITHIN, "a cycle under way")
            before = len(site.requests)
            command = await rig.command("relay", True)
            assert command.state is State.VERIFIED
            functions = [function for _, function, _, _ in site.requests[before:]]
            assert functions.index(5) <= 1
            assert functions[functions.index(5) + 1] == 1  # read back at once


async def test_an_old_value_is_never_told_after_the_new_one() -> None:
    """Also where the command comes in the middle of a cycle that has read the point already."""
    async with serving(delay=0.005) as site:
        text = f"""
adapters:
  - id: plant
    type: modbus
    url: tcp://127.0.0.1:{site.port}
    every: 10ms
    bridge: 0
    points: {{s: {{holding: 0}}, a: {{input: 0}}, b: {{input: 5}}, c: {{input: 10}}, d: {{input: 15}}}}
devices: {{plant: {{points: {{s: {{type: integer, writable: true}}}}}}}}
"""
        async with running(text) as rig:
            await rig.reading()
            for value in range(1, 30):
                assert (await rig.command("s", value)).state is State.VERIFIED
            values = rig.values("s")
            assert values == sorted(values)  # type: ignore[type-var]


async def test_commands_to_two_devices_of_a_line_share_it_and_neither_is_lost() -> None:
    async with serving(units=(1, 2), delay=0.01) as site:
        text = f"""
adapters:
  - id: plant
    type: modbus
    url: tcp://127.0.0.1:{site.port}
    every: 20ms
    devices:
      a: {{unit: 1, points: {{s: {{holding: 0}}}}}}
      b: {{unit: 2, points: {{s: {{holding: 0}}}}}}
devices:
  plant.a: {{points: {{s: {{type: integer, writable: true}}}}}}
  plant.b: {{points: {{s: {{type: integer, writable: true}}}}}}
"""
        async with running(text) as rig:
            await rig.state(DeviceState.ONLINE, "a")
            await rig.state(DeviceState.ONLINE, "b")
            for value in range(1, 6):
                both = await asyncio.gather(rig.command("s", value, "a"), rig.command("s", 10 * value, "b"))
                assert [command.state for command in both] == [State.VERIFIED] * 2
            assert site.holds(0, 1, 1) == [5]
            assert site.holds(0, 1, 2) == [50]


async def test_the_end_of_the_adapter_in_the_middle_of_a_write_leaves_the_outcome_open() -> None:
    async with serving() as site:
        rig = Rig(parse(config(site), "fieldgate.yaml", Path()))
        running = asyncio.create_task(rig.adapter.run(), name="adapter:plant")
        await rig.reading()
        site.delay = 0.15
        command = Outgoing("plant", None, "relay", True, 1, time.monotonic() + 5)
        writing = asyncio.create_task(rig.adapter.write(command), name="write")
        await eventually(site.writes, WITHIN, "the write")
        running.cancel()
        with pytest.raises(UncertainError, match="ended while it was being sent"):
            await writing
        await asyncio.wait([running])
