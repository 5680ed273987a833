"""The Modbus adapter on TCP: what it reads, how it asks, and what devices that fail cost the others."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType

from gateway.model import DeviceState, Quality
from tests.adapters.modbus_site import Site, serving
from tests.adapters.rig import WITHIN, Rig, running
from tests.parts.ports import free_port
from tests.parts.waiting import eventually

MANY = """
      a: {unit: 1, points: {x: {input: 0}}}
      b: {unit: 2, points: {x: {input: 0}}}
      c: {unit: 3, points: {x: {input: 0}}}
"""


def one(site: Site, points: str, more: str = "", devices: str = "") -> str:
    """An adapter that is one device."""
    url = f"tcp://127.0.0.1:{site.port}"
    every = "" if "every:" in more else ", every: 50ms"
    return f"adapters: [{{id: plant, type: modbus, url: '{url}'{every}{more}, points: {{{points}}}}}]\n{devices}"


def many(site: Site, devices: str, more: str) -> str:
    """An adapter of several devices."""
    return f"""
adapters:
  - id: plant
    type: modbus
    url: tcp://127.0.0.1:{site.port}
    every: 50ms
    {more}
    devices: {devices}
"""


@asynccontextmanager
async def plant(points: str, more: str = "", devices: str = "", **site: Any) -> AsyncIterator[tuple[Site, Rig]]:
    """A server and the adapter of its one device, running."""
    async with serving(**site) as served, running(one(served, points, more, devices)) as rig:
        yield served, rig


@asynccontextmanager
async def line(devices: str = MANY, more: str = "timeout: 200ms", **site: Any) -> AsyncIterator[tuple[Site, Rig]]:
    """A server and the adapter of its several devices, running."""
    async with serving(**site) as served, running(many(served, devices, more)) as rig:
        yield served, rig


async def rounds(rig: Rig, count: int, name: str | None = None) -> None:
    """Waits for so many readings of a device."""
    id = f"{rig.id}.{name}" if name else rig.id
    before = sum(r.device == id for r in rig.readings)
    await eventually(
        lambda: sum(r.device == id for r in rig.readings) >= before + count, WITHIN, f"{count} readings of {id}"
    )


# ---- what is read


async def test_every_kind_and_format_is_read_and_told_as_one_reading() -> None:
    async with serving() as site:
        site.set(30, [0xFFFE, 0x0001, 0x0002, 0x0002, 0x0001, 0x4148, 0x0000, 0x4142, 0x4300, 0xFFFF])
        points = """
          relay: {coil: 3}, door: {discrete: 0}, temperature: {input: 7},
          signed: {holding: 30, format: int16}, long: {holding: 31, format: uint32},
          swapped: {holding: 33, format: uint32, order: little-swapped}, level: {holding: 35, format: float32},
          serial: {holding: 37, format: text, registers: 3}, alarm: {holding: 31, bit: 0}, quiet: {holding: 31, bit: 1}
        """
        async with running(one(site, points)) as rig:
            reading = await rig.reading()
            assert reading.device == "plant"
            assert reading.values == {
                "relay": False, "door": True, "temperature": 1007, "signed": -2, "long": 0x10002, "swapped": 0x10002,
                "level": 12.5, "serial": "ABC", "alarm": True, "quiet": False,
            }  # fmt: skip
            assert list(reading.values)[:3] == ["relay", "door", "temperature"]
            await rig.state(DeviceState.ONLINE)
            assert rig.errors() == 0
            assert rig.link.info.bytes > 0


async def test_what_is_no_number_is_bad() -> None:
    async with serving() as site:
        site.set(0, [0x7FC0, 0])
        async with running(one(site, "x: {holding: 0, format: float32}")) as rig:
            reading = await rig.reading()
            assert (reading.values, reading.quality) == ({"x": None}, {"x": Quality.BAD})


async def test_neighbours_are_read_by_one_request_each_cycle() -> None:
    async with serving() as site:
        points = ", ".join(f"p{n}: {{input: {n}}}" for n in range(0, 40, 4))
        async with running(one(site, points)) as rig:
            await rounds(rig, 3)
            assert set(site.asked()) == {(4, 0, 37)}


async def test_the_scale_and_range_are_those_of_the_section_devices() -> None:
    devices = "devices: {plant: {points: {t: {unit: Cel, scale: 0.1, offset: -50, max: 50.5}}}}"
    async with plant("t: {input: 7}, u: {input: 3}", devices=devices) as (_, rig):
        reading = await rig.reading()
        assert reading.values == {"t": 50.7, "u": 1003}
        assert reading.quality == {"t": Quality.BAD}


async def test_devices_of_one_line_have_their_own_periods_and_orders() -> None:
    devices = """
      quick: {unit: 1, every: 50ms, points: {x: {holding: 0, format: uint32}}}
      slow: {unit: 2, every: 1h, order: little-swapped, points: {x: {holding: 0, format: uint32}}}
"""
    async with serving(units=(1, 2)) as site:
        for unit in (1, 2):
            site.set(0, [1, 2], unit)
        async with running(many(site, devices, "")) as rig:
            await rounds(rig, 4, "quick")
            assert set(rig.values("x", "quick")) == {0x10002}
            assert rig.values("x", "slow") == [0x20001]


async def test_rtu_over_tcp_is_read_and_commanded() -> None:
    devices = "devices: {plant: {points: {s: {type: number, writable: true}}}}"
    async with serving(framer=FramerType.RTU) as site:
        config = one(site, "x: {input: 7}, s: {holding: 3}", devices=devices).replace("tcp:", "rtu+tcp:")
        async with running(config) as rig:
            await rounds(rig, 2)
            assert rig.values("x")[0] == 1007
            assert (await rig.command("s", 9)).state == "verified"


# ---- what devices refuse


async def test_a_gap_that_is_refused_is_not_read_again_and_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway")
    async with plant("a: {input: 98}, b: {input: 99}, c: {input: 110}", ", bridge: 20") as (site, rig):
        assert (await rig.reading()).values == {"a": 1098, "b": 1099, "c": 1110}
        await rounds(rig, 3)
        assert site.asked()[:5] == [(4, 98, 13), (4, 98, 2), (4, 110, 1), (4, 98, 2), (4, 110, 1)]
        assert site.asked().count((4, 98, 13)) == 1
        assert rig.errors() == 0
    assert "plant: input registers 98 to 110 are read in 2 parts from now on" in caplog.text


async def test_a_device_that_gives_only_so_much_at_once_is_asked_for_less() -> None:
    async with serving(most=30) as site:
        points = ", ".join(f"p{n}: {{input: {n}}}" for n in range(100))
        async with running(one(site, points)) as rig:
            reading = await rig.reading()
            assert reading.values == {f"p{n}": 1000 + n for n in range(100)}
            await rounds(rig, 3)
            assert site.asked()[-4:] == [(4, start, 25) for start in (0, 25, 50, 75)]


async def test_a_register_that_is_not_there_costs_its_own_point_only_and_is_counted() -> None:
    async with plant("a: {input: 98}, b: {input: 99}, gone: {input: 100}, d: {input: 110}") as (site, rig):
        assert (await rig.reading()).values == {"a": 1098, "b": 1099, "d": 1110}
        await rounds(rig, 10)
        assert rig.device().errors >= 1
        assert site.asked().count((4, 100, 1)) < 6  # it is asked for more and more seldom
        assert rig.device().state is DeviceState.ONLINE


async def test_a_device_that_refuses_everything_for_a_while_is_read_whole_again() -> None:
    async with plant("a: {input: 0}, b: {input: 1}, c: {input: 5}", refuse={4: ExcCodes.ILLEGAL_ADDRESS}) as (
        site,
        rig,
    ):
        await eventually(lambda: rig.errors() >= 1, WITHIN, "a fault")
        del site.refuse[4]
        await rounds(rig, 1)
        assert site.asked()[-1] == (4, 0, 6)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (ExcCodes.ILLEGAL_FUNCTION, "illegal function: input register 0"),
        (ExcCodes.DEVICE_FAILURE, "device failure: input register 0"),
        (ExcCodes.DEVICE_BUSY, "device busy: input register 0"),
    ],
)
async def test_a_refusal_is_a_fault_of_that_device_with_its_plain_name(
    code: ExcCodes, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    devices = """
      a: {unit: 1, points: {x: {input: 0}, y: {coil: 0}}}
      b: {unit: 2, points: {x: {holding: 0}}}
"""
    async with line(devices, units=(1, 2), refuse={4: code}) as (_, rig):
        await rounds(rig, 2, "a")
        await rounds(rig, 2, "b")
        assert rig.device("a").errors >= 1
        assert rig.device("b").errors == 0
        assert rig.device("a").state is DeviceState.ONLINE
    assert told in caplog.text


# ---- devices that do not answer


async def test_a_dead_unit_is_said_to_be_gone_and_does_not_slow_the_others() -> None:
    async with line(units=(1, 2, 3), silent={2}) as (site, rig):
        device = await rig.state(DeviceState.OFFLINE, "b")
        assert device.reason == "does not answer"
        assert (device.errors, rig.link.info.errors) == (3, 0)
        before = {name: len(rig.values("x", name)) for name in "ac"}
        began = time.monotonic()
        await rounds(rig, 20, "c")
        assert time.monotonic() - began < 20 * 0.05 * 2
        assert len(rig.values("x", "a")) - before["a"] >= 18
        assert rig.device("a").errors == rig.device("c").errors == 0
        assert rig.link.is_up
        assert len(site.asked(2)) < 8  # asked more and more seldom


async def test_a_unit_is_there_again_with_its_first_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.adapters.modbus.unit._LONGEST", 0.2)
    async with line(units=(1, 2, 3)) as (site, rig):
        await rounds(rig, 1, "b")
        site.silent.add(2)
        await rig.state(DeviceState.OFFLINE, "b")
        errors = rig.device("b").errors
        assert errors >= 2
        site.silent.clear()
        await rounds(rig, 1, "b")
        await rig.state(DeviceState.ONLINE, "b")
        await rounds(rig, 3, "b")
        assert rig.device("b").errors == errors


async def test_a_unit_that_comes_back_with_nothing_but_refusals_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.adapters.modbus.unit._LONGEST", 0.2)
    async with plant("x: {input: 0}", ", timeout: 50ms", silent={1}) as (site, rig):
        await rig.state(DeviceState.OFFLINE)
        site.refuse[4] = ExcCodes.DEVICE_BUSY
        site.silent.clear()
        await rig.state(DeviceState.ONLINE)


async def test_a_gateway_that_speaks_for_a_dead_device_is_understood() -> None:
    async with plant("x: {input: 0}", refuse={4: ExcCodes.GATEWAY_NO_RESPONSE}) as (_, rig):
        device = await rig.state(DeviceState.OFFLINE)
        assert device.reason == "does not answer: the gateway's target device does not answer"


async def test_a_lost_answer_is_asked_for_again_at_once() -> None:
    async with plant("x: {input: 0}", ", timeout: 100ms") as (site, rig):
        await rounds(rig, 2)
        site.silent.add(1)
        asked = len(site.requests)
        await eventually(lambda: len(site.requests) > asked, WITHIN, "a request")
        site.silent.clear()
        await rounds(rig, 1)
        assert rig.errors() == 0


async def test_a_device_that_says_nothing_to_some_requests_is_still_there() -> None:
    class Choosy(Site):
        def _pass(self, sending: bool, packet: bytes) -> bytes:
            return b"" if sending and packet[7] == 2 else packet

    site = Choosy()
    await site.start()
    try:
        async with running(one(site, "a: {coil: 0}, b: {discrete: 0}, c: {input: 0}", ", timeout: 50ms")) as rig:
            await rounds(rig, 10)
            assert all(reading.values.keys() == {"a", "c"} for reading in rig.readings)
            assert rig.device().errors >= 1
            assert len(site.asked(1, 2)) < 8
            assert rig.device().state is DeviceState.ONLINE
    finally:
        await site.stop()


# ---- the connection


async def test_a_server_that_goes_is_told_in_one_line_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    async with plant("x: {input: 0}") as (site, rig):
        await rounds(rig, 1)
        await site.stop()
        assert await rig.down() == "the far end closed the connection"
        await rig.state(DeviceState.OFFLINE)
        refused = f"tcp://127.0.0.1:{site.port} refuses the connection: does a Modbus server run there?"
        await eventually(lambda: rig.link.reason == refused, WITHIN, "another attempt")
        await site.start()
        await rig.up()
        await rounds(rig, 2)
        assert rig.device().to_json()["link"]["reconnects"] == 1
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert lines == ["plant: the far end closed the connection", f"plant: {refused}"]


async def test_a_connection_that_goes_while_nothing_is_due_is_noticed_at_once() -> None:
    async with plant("x: {input: 0}", ", every: 1h") as (site, rig):
        await rounds(rig, 1)
        await site.stop()
        assert await rig.down() == "the far end closed the connection"


async def test_a_port_where_nobody_listens_is_said_plainly() -> None:
    port = free_port()
    config = f"adapters: [{{id: p, type: modbus, url: 'tcp://localhost:{port}', points: {{x: {{coil: 0}}}}}}]"
    async with running(config) as rig:
        assert await rig.down() == f"tcp://localhost:{port} refuses the connection: does a Modbus server run there?"


async def test_something_else_than_modbus_ends_the_connection_and_is_said() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    config = f"adapters: [{{id: plant, type: modbus, url: '{url}', points: {{x: {{coil: 0}}}}}}]"
    async with server, running(config) as rig:
        assert await rig.down() == "what comes is no Modbus TCP: is it `rtu+tcp://`?"


async def test_an_answer_that_comes_too_late_is_counted_and_is_not_the_next_ones() -> None:
    """By a server of the test's own: pymodbus's gives a late answer the number of the newest request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            held = b""
            for number in range(1 << 30):
                asked = await reader.readexactly(12)
                value = asked[9].to_bytes(2, "big")  # the address, as its value
                answer = asked[:4] + b"\0\5" + asked[6:8] + b"\2" + value
                if number % 3 == 0:
                    held = answer
                else:
                    writer.write(held + answer)
                    held = b""
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = f"""
adapters:
  - id: plant
    type: modbus
    url: tcp://127.0.0.1:{port}
    every: 20ms
    timeout: 50ms
    devices: {{a: {{points: {{x: {{input: 3}}}}}}, b: {{unit: 2, points: {{x: {{input: 5}}}}}}}}
"""
    async with server, running(config) as rig:
        await eventually(lambda: rig.link.info.errors >= 5, WITHIN, "late answers")
        await rounds(rig, 2, "a")
        await rounds(rig, 2, "b")
        assert set(rig.values("x", "a")) == {3}
        assert set(rig.values("x", "b")) == {5}


async def test_a_connection_on_which_nothing_comes_for_long_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.adapters.modbus.options._DEAF_AFTER", 0.3)
    async with plant("x: {input: 0}", ", timeout: 50ms") as (site, rig):
        await rounds(rig, 1)
        site.silent.add(1)
        assert "connecting anew" in await rig.down()
        site.silent.clear()
        await rig.up()
        await rounds(rig, 1)


async def test_the_library_below_says_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with plant("x: {input: 0}, y: {coil: 0}", refuse={4: ExcCodes.DEVICE_FAILURE}) as (_, rig):
        await rounds(rig, 2)
    assert not [record for record in caplog.records if record.name.startswith("pymodbus")]


async def test_a_bug_in_reading_costs_one_connection_and_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    async with serving() as site:
        with monkeypatch.context() as patched:
            patched.setattr("gateway.adapters.modbus.blocks.Block.decode", broken)
            async with running(one(site, "x: {input: 0}")) as rig:
                assert await rig.down() == "internal error, see the log"
                patched.undo()
                await rounds(rig, 1)
    assert "RuntimeError: a bug" in caplog.text
