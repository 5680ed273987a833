"""A Modbus meter answers bytes of the standard, on TCP and on a line, and shows its faults."""

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from device_sims.faults import BadChecksum, ModbusException, Silence, SlowAcknowledgement, Split, Truncate, Unplug
from device_sims.fixtures import ModbusMeterFactory
from device_sims.modbus_meter import ModbusMeter
from tests.device_sims.listener import DEADLINE, listening
from tests.parts.leaks import descriptors
from tests.parts.waiting import eventually

Ask = Callable[[bytes], Awaitable[bytes]]


class Wire:
    """A connection to a meter, which speaks in whole PDUs to one unit."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0

    async def ask(self, pdu: bytes, unit: int = 1) -> bytes:
        """The PDU that answers."""
        self._number += 1
        self._writer.write(struct.pack(">HHHB", self._number, 0, len(pdu) + 1, unit) + pdu)
        return await self.answer(self._number, unit)

    async def answer(self, number: int, unit: int = 1) -> bytes:
        """The PDU of the next answer, which must be that one."""
        async with asyncio.timeout(DEADLINE):
            head = await self._reader.readexactly(7)
            transaction, protocol, length, answering = struct.unpack(">HHHB", head)
            assert (transaction, protocol, answering) == (number, 0, unit)
            return await self._reader.readexactly(length - 1)

    async def ended(self) -> bool:
        """Waits for the end of the connection."""
        async with asyncio.timeout(DEADLINE):
            try:
                return await self._reader.read() == b""
            except ConnectionResetError:
                return True


@asynccontextmanager
async def connected(meter: ModbusMeter) -> AsyncIterator[Wire]:
    assert meter.address is not None
    reader, writer = await asyncio.open_connection(*meter.address)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def voltage_of(meter: ModbusMeter) -> float:
    """What the first unit of a meter whose values do not change measures."""
    meter.devices[0].sequence = 0
    return float(meter.devices[0].reading()["voltage"])


def crc(frame: bytes) -> bytes:
    """MODBUS over Serial Line V1.02 §6.2.2, as it is written there."""
    register = 0xFFFF
    for byte in frame:
        register ^= byte
        for _ in range(8):
            register, carry = register >> 1, register & 1
            if carry:
                register ^= 0xA001
    return bytes([register & 0xFF, register >> 8])


def sealed(frame: bytes) -> bytes:
    return frame + crc(frame)


def read(function: int, address: int, count: int) -> bytes:
    return struct.pack(">BHH", function, address, count)


class TestTcp:
    async def test_measurements_are_in_input_and_holding_registers(self, modbus_meter: ModbusMeterFactory) -> None:
        meter = await modbus_meter(rate=0)
        async with connected(meter) as wire:
            answer = await wire.ask(read(4, 0, 23))
            assert await wire.ask(read(3, 0, 23)) == b"\x03" + answer[1:]
        assert answer[:2] == bytes([4, 46])
        volts, amperes, watts, hours, *floats = struct.unpack(">HhiIffff", answer[2:30])
        assert floats[0] == pytest.approx(volts / 10)
        assert floats[1] == pytest.approx(amperes / 100)
        assert floats[2] == pytest.approx(watts / 10)
        assert 220 < floats[0] < 240
        assert floats[2] == pytest.approx(floats[0] * floats[1], rel=0.02)
        low, high, long, temperature, sequence = struct.unpack(">HHQhI", answer[30:])
        assert struct.unpack(">f", struct.pack(">HH", high, low))[0] == floats[2]
        assert long == hours == floats[3]
        assert -120 < temperature < 120
        assert sequence == 1

    async def test_values_change_at_the_rate_however_often_they_are_asked_for(
        self, modbus_meter: ModbusMeterFactory
    ) -> None:
        meter = await modbus_meter(rate=50)
        async with connected(meter) as wire:

            async def sequence() -> int:
                return int(struct.unpack(">I", (await wire.ask(read(4, 21, 2)))[2:])[0])

            first = await sequence()
            assert await sequence() - first < 10
            while await sequence() < first + 10:
                await asyncio.sleep(0.01)
        assert meter.age >= 0.2

    async def test_the_relay_obeys(self, modbus_meter: ModbusMeterFactory) -> None:
        meter = await modbus_meter(rate=0)
        async with connected(meter) as wire:
            assert await wire.ask(read(1, 0, 1)) == b"\x01\x01\x01"
            assert await wire.ask(b"\x05\x00\x00\x00\x00") == b"\x05\x00\x00\x00\x00"
            assert await wire.ask(read(1, 0, 1)) == b"\x01\x01\x00"
            assert struct.unpack(">hi", (await wire.ask(read(4, 1, 3)))[2:]) == (0, 0)  # no current, no power
            assert await wire.ask(b"\x0f\x00\x00\x00\x01\x01\x01") == b"\x0f\x00\x00\x00\x01"
            assert await wire.ask(read(1, 0, 1)) == b"\x01\x01\x01"
        assert [(a.device, a.point, a.value) for a in meter.actuations] == [
            ("u1", "relay", False),
            ("u1", "relay", True),
        ]

    async def test_the_setpoint_obeys_as_a_whole_number_and_as_a_float(self, modbus_meter: ModbusMeterFactory) -> None:
        meter = await modbus_meter(rate=0)
        async with connected(meter) as wire:

            async def setpoint() -> tuple[int, float]:
                whole, real = struct.unpack(">Hf", (await wire.ask(read(3, 100, 3)))[2:])
                return whole, real

            assert await setpoint() == (2000, 2000)
            assert await wire.ask(struct.pack(">BHH", 6, 100, 1500)) == struct.pack(">BHH", 6, 100, 1500)
            assert await setpoint() == (1500, 1500)
            written = struct.pack(">BHHBf", 16, 101, 2, 4, 12.5)
            assert await wire.ask(written) == struct.pack(">BHH", 16, 101, 2)
            assert await setpoint() == (12, 12.5)
            assert await wire.ask(read(2, 0, 1)) == b"\x02\x01\x01"  # the power is above that
        async with asyncio.timeout(DEADLINE):
            assert [a.value for a in await meter.actuated(2)] == [1500, 12.5]

    @pytest.mark.parametrize(
        ("request_", "code"),
        [
            (struct.pack(">BHH", 6, 100, 9999), 3),  # more than the dial goes to
            (struct.pack(">BHHBf", 16, 101, 2, 4, float("nan")), 3),
            (struct.pack(">BHH", 6, 0, 230), 2),  # a measurement
            (read(4, 22, 2), 2),  # beyond the end
            (read(4, 100, 1), 2),
            (read(3, 50, 1), 2),
            (read(1, 1, 1), 2),
            (b"\x05\x00\x01\xff\x00", 2),
        ],
    )
    async def test_what_cannot_be_is_an_exception_and_moves_nothing(
        self, modbus_meter: ModbusMeterFactory, request_: bytes, code: int
    ) -> None:
        meter = await modbus_meter()
        async with connected(meter) as wire:
            assert await wire.ask(request_) == bytes([request_[0] | 0x80, code])
            assert await wire.ask(read(1, 0, 1)) == b"\x01\x01\x01"
        assert meter.actuations == []

    async def test_units_are_meters_of_their_own(self, modbus_meter: ModbusMeterFactory) -> None:
        meter = await modbus_meter(devices=2, rate=0)
        async with connected(meter) as wire:
            assert await wire.ask(read(4, 0, 2), unit=1) != await wire.ask(read(4, 0, 2), unit=2)
            await wire.ask(b"\x05\x00\x00\x00\x00", unit=2)
            assert await wire.ask(read(1, 0, 1), unit=1) == b"\x01\x01\x01"
            assert await wire.ask(read(1, 0, 1), unit=2) == b"\x01\x01\x00"
            assert await wire.ask(read(1, 0, 1), unit=3) == b"\x81\x0b"  # gateway target device failed to respond
        assert [a.device for a in meter.actuations] == ["u2"]

    async def test_a_client_of_others_reads_it(self, modbus_meter: ModbusMeterFactory) -> None:
        meter = await modbus_meter(rate=0)
        assert meter.address is not None
        client = AsyncModbusTcpClient(meter.address[0], port=meter.address[1], timeout=DEADLINE, retries=0)
        try:
            assert await client.connect()
            answer = await client.read_input_registers(6, count=2, device_id=1)
            volts = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
            assert volts == pytest.approx(voltage_of(meter))
            await client.write_coil(0, False, device_id=1)
        finally:
            client.close()
        assert [a.value for a in meter.actuations] == [False]

    async def test_two_clients_have_a_connection_each(self, modbus_meter: ModbusMeterFactory) -> None:
        meter = await modbus_meter()
        async with connected(meter) as one, connected(meter) as two:
            answers = await asyncio.gather(*(wire.ask(read(1, 0, 1)) for wire in (one, two)))
        assert answers == [b"\x01\x01\x01"] * 2
        assert (meter.requests, meter.sent) == (2, 2)


class TestRtu:
    async def test_a_line_takes_and_gives_frames_with_a_crc(
        self, modbus_meter: ModbusMeterFactory, tmp_path: Path
    ) -> None:
        await modbus_meter(link=tmp_path / "meter", devices=2)
        with listening(tmp_path / "meter") as port:
            port.write(sealed(b"\x02" + read(1, 0, 1)))
            await eventually(lambda: b"".join(port.chunks) == sealed(b"\x02\x01\x01\x01"))

    async def test_nobody_answers_for_another_unit_or_a_wrong_crc(
        self, modbus_meter: ModbusMeterFactory, tmp_path: Path
    ) -> None:
        meter = await modbus_meter(link=tmp_path / "meter")
        with listening(tmp_path / "meter") as port:
            port.write(sealed(b"\x09" + read(1, 0, 1)))
            await eventually(lambda: meter.requests == 1)
            port.write(b"\x01" + read(1, 0, 1) + b"\x00\x00")
            await asyncio.sleep(0.02)  # a pause of the line, or it would all be one request
            port.write(sealed(b"\x01" + read(1, 0, 1)))
            await eventually(lambda: port.chunks)
        assert b"".join(port.chunks) == sealed(b"\x01\x01\x01\x01")
        assert (meter.requests, meter.sent) == (2, 1)

    async def test_a_client_of_others_reads_and_commands_it(
        self, modbus_meter: ModbusMeterFactory, tmp_path: Path
    ) -> None:
        meter = await modbus_meter(link=tmp_path / "meter", rate=0, faults=[Split(size=3, seconds=0.001)])
        client = AsyncModbusSerialClient(
            str(tmp_path / "meter"), framer=FramerType.RTU, timeout=DEADLINE, retries=0, baudrate=115200
        )
        try:
            assert await client.connect()
            answer = await client.read_holding_registers(0, count=23, device_id=1)
            assert answer.registers[0] == round(voltage_of(meter) * 10)
            await client.write_register(100, 1234, device_id=1)
        finally:
            client.close()
        assert [a.value for a in meter.actuations] == [1234]

    async def test_a_half_request_does_not_outlive_its_sender(
        self, modbus_meter: ModbusMeterFactory, tmp_path: Path
    ) -> None:
        await modbus_meter(link=tmp_path / "meter")
        with listening(tmp_path / "meter") as port:
            port.write(b"\x01\x10\x00\x65\x00\x02\x04")
            await asyncio.sleep(0)
        for _ in range(3):  # turns of the loop in which the meter notices
            await asyncio.sleep(0)
        with listening(tmp_path / "meter") as port:
            port.write(sealed(b"\x01" + read(1, 0, 1)))
            await eventually(lambda: b"".join(port.chunks) == sealed(b"\x01\x01\x01\x01"))

    async def test_checksums_and_frames_are_spoilt_in_their_turn(
        self, modbus_meter: ModbusMeterFactory, tmp_path: Path
    ) -> None:
        faults = [BadChecksum(every=2), Truncate(every=3, lost=2)]
        await modbus_meter(link=tmp_path / "meter", faults=faults)
        right = sealed(b"\x01\x01\x01\x01")
        answers = []
        with listening(tmp_path / "meter") as port:
            for _ in range(3):
                port.write(sealed(b"\x01" + read(1, 0, 1)))
                await eventually(lambda: port.chunks)
                answers.append(b"".join(port.chunks))
                port.chunks.clear()
        assert answers == [right, right[:-1] + bytes([right[-1] ^ 1]), right[:-2]]


class TestFaults:
    async def test_every_nth_request_is_an_exception_and_not_carried_out(
        self, modbus_meter: ModbusMeterFactory
    ) -> None:
        meter = await modbus_meter(faults=[ModbusException(every=2, code=6)])
        async with connected(meter) as wire:
            answers = [await wire.ask(struct.pack(">BHH", 6, 100, value)) for value in (1, 2, 3, 4)]
        assert [answer[0] for answer in answers] == [6, 0x86, 6, 0x86]
        assert answers[1] == b"\x86\x06"
        assert [a.value for a in meter.actuations] == [1, 3]

    async def test_a_silent_meter_obeys_and_does_not_answer(self, modbus_meter: ModbusMeterFactory) -> None:
        meter = await modbus_meter()
        async with connected(meter) as wire:
            with meter.faults.during(Silence()):
                asking = asyncio.create_task(wire.ask(b"\x05\x00\x00\x00\x00"))
                async with asyncio.timeout(DEADLINE):
                    await meter.actuated(1)
            asking.cancel()
            await asyncio.wait({asking})
            assert await wire.ask(read(1, 0, 1)) == b"\x01\x01\x00"
        assert meter.sent == 1

    async def test_a_slow_meter_answers_late_and_in_order(self, modbus_meter: ModbusMeterFactory) -> None:
        meter = await modbus_meter(faults=[SlowAcknowledgement(seconds=0.2)])
        loop = asyncio.get_running_loop()
        async with connected(meter) as wire:
            began = loop.time()
            assert await wire.ask(read(1, 0, 1)) == b"\x01\x01\x01"
            assert 0.2 <= loop.time() - began < DEADLINE

    async def test_an_unplugged_meter_ends_connections_and_refuses_new_ones(
        self, modbus_meter: ModbusMeterFactory
    ) -> None:
        meter = await modbus_meter()
        async with connected(meter) as wire:
            await wire.ask(read(1, 0, 1))
            meter.unplug()
            assert not meter.plugged
            assert await wire.ended()
        with pytest.raises(ConnectionRefusedError):
            async with connected(meter):
                pass
        await meter.replug()
        async with connected(meter) as wire:
            assert await wire.ask(read(1, 0, 1)) == b"\x01\x01\x01"

    @pytest.mark.parametrize("line", ["tcp", "rtu"])
    async def test_unplug_in_turns_pulls_and_plugs_by_itself(
        self, modbus_meter: ModbusMeterFactory, tmp_path: Path, line: str
    ) -> None:
        link = tmp_path / "meter" if line == "rtu" else None
        meter = await modbus_meter(link=link, faults=[Unplug(after=0.2, seconds=0.2)])
        await eventually(lambda: not meter.plugged)
        await eventually(lambda: meter.plugged)
        await eventually(lambda: not meter.plugged)


async def test_leaving_leaves_nothing(tmp_path: Path) -> None:
    before, tasks = descriptors(), asyncio.all_tasks()
    for settings in ({"listen": "127.0.0.1:0"}, {"link": tmp_path / "meter"}):
        async with ModbusMeter(**settings, faults=[SlowAcknowledgement(seconds=60)]) as meter:
            assert len(asyncio.all_tasks() - tasks) == 1
            if meter.address is not None:
                async with connected(meter) as wire:
                    asking = asyncio.create_task(wire.ask(read(1, 0, 1)))
                    await eventually(lambda meter=meter: meter.requests)  # type: ignore[misc]
                    asking.cancel()
                    await asyncio.wait({asking})
    await eventually(lambda: asyncio.all_tasks() == tasks)
    assert not (tmp_path / "meter").is_symlink()
    await eventually(lambda: descriptors() == before)


async def test_noise_costs_nothing_else(modbus_meter: ModbusMeterFactory, caplog: pytest.LogCaptureFixture) -> None:
    meter = await modbus_meter()
    for noise in (b"\xff" * 300, b"GET / HTTP/1.0\r\n\r\n", b"\0\1\0\0\0\2\1\x63", bytes(1000)):
        async with connected(meter) as wire:
            wire._writer.write(noise)
            await asyncio.sleep(0.01)
    async with connected(meter) as wire:
        assert await wire.ask(read(1, 0, 1)) == b"\x01\x01\x01"
    assert not [record for record in caplog.records if record.name == "asyncio" and record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "either an address to listen on or a link"),
        ({"listen": "127.0.0.1:0", "link": "x"}, "either an address to listen on or a link"),
        ({"listen": "127.0.0.1"}, "an address looks like"),
        ({"listen": "127.0.0.1:x"}, "an address looks like"),
        ({"listen": ":5020"}, "an address looks like"),
        ({"listen": "127.0.0.1:0", "devices": 0}, "devices must be at least 1"),
        ({"listen": "127.0.0.1:0", "faults": [Split()]}, "split is a fault of"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ModbusMeter(**settings)  # type: ignore[arg-type]
