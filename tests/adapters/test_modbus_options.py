"""How a Modbus adapter is configured: what is taken, what is refused and where, and what it costs those without."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.adapters.modbus import ModbusOptions
from gateway.adapters.modbus.address import parse_url
from gateway.config import parse
from gateway.errors import ConfigurationError

ROOT = Path(__file__).parent.parent.parent
POINTS = "points: {x: {input: 0}}"
DEVICES = f"devices: {{a: {{{POINTS}}}, b: {{unit: 2, {POINTS}}}}}"


def options(members: str) -> ModbusOptions:
    (adapter,) = parse(f"adapters: [{{id: plant, type: modbus, {members}}}]", "f.yaml", Path()).adapters
    assert isinstance(adapter, ModbusOptions)
    return adapter


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (POINTS, "adapters.0: needs one of `url`, `port` and `usb`"),
        (f"port: /dev/x, url: 'tcp://h', {POINTS}", "adapters.0: needs one of `url`, `port` and `usb`"),
        (f"url: 'tcp://h', baudrate: 9600, {POINTS}", "adapters.0.baudrate: means nothing with a `url`"),
        (f"url: 'tcp://h', parity: even, {POINTS}", "adapters.0.parity: means nothing with a `url`"),
        ("url: 'tcp://h'", "adapters.0: needs either `points` of one device, or `devices`"),
        (f"url: 'tcp://h', {POINTS}, {DEVICES}", "needs either `points` of one device, or `devices`"),
        (f"url: 'tcp://h', unit: 2, {DEVICES}", "adapters.0.unit: each of the `devices` has its own"),
        (f"port: /dev/x, unit: 0, {POINTS}", "adapters.0.unit: expected a unit from 1 to 247, found 0"),
        (f"port: /dev/x, devices: {{a: {{unit: 255, {POINTS}}}}}", "devices.a.unit: expected a unit from 1 to 247"),
        (f"url: 'rtu+tcp://h:1', unit: 255, {POINTS}", "adapters.0.unit: expected a unit from 1 to 247"),
        (f"url: 'tcp://h', unit: 256, {POINTS}", "adapters.0.unit: expected a number of at most 255, found 256"),
        (f"url: 'http://h', {POINTS}", "adapters.0.url: expected tcp://HOST:PORT, or rtu+tcp://HOST:PORT"),
        (f"url: 'tcp://h:0', {POINTS}", "adapters.0.url: expected tcp://HOST:PORT"),
        (f"url: 'rtu+tcp://h', {POINTS}", "adapters.0.url: expected tcp://HOST:PORT, or rtu+tcp://HOST:PORT"),
        (f"url: 'tcp://h', every: 1ms, {POINTS}", "adapters.0.every: expected a number of at least 0.01"),
        ("url: 'tcp://h', points: {}", "adapters.0.points: expected at least 1 items"),
        ("url: 'tcp://h', devices: {'a b': {points: {x: {coil: 0}}}}", "'a b' does not match"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(members: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        options(members)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("point", "told"),
    [
        ("{}", "points.x: needs one of `coil`, `discrete`, `input` and `holding`"),
        ("{coil: 0, input: 0}", "points.x: needs one of `coil`, `discrete`, `input` and"),
        ("{input: 65536}", "points.x.input: expected a number below 65536, found 65536"),
        ("{input: 65535, format: int32}", "points.x.input: reaches beyond the last address"),
        ("{input: 1, format: int8}", "points.x.format: 'int8' is not one of uint16, int16"),
        ("{coil: 1, format: int16}", "points.x.format: means nothing here: a `coil` is one bit"),
        ("{discrete: 1, bit: 1}", "points.x.bit: means nothing here: a `discrete` is one bit"),
        ("{input: 1, bit: 16}", "points.x.bit: expected a number of at most 15"),
        ("{input: 1, bit: 1, format: int16}", "points.x.format: means nothing here: a `bit`"),
        ("{input: 1, format: text}", "points.x.format: a text needs `registers`"),
        ("{input: 1, registers: 2}", "points.x.registers: only a text has them"),
        ("{input: 1, read: false}", "points.x.read: must be true here: a `input` can only be read"),
        ("{holding: 1, order: middle}", "points.x.order: 'middle' is not one of big, little"),
        ("{holding: 1, scale: 2}", "points.x.scale: unknown key, expected one of coil,"),
    ],
)
def test_what_is_wrong_with_a_point_is_said_where_it_stands(point: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        options(f"url: 'tcp://h', points: {{x: {point}}}")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tcp://192.168.1.20", "tcp://192.168.1.20:502"),
        ("tcp://heat-pump.lan:1502", "tcp://heat-pump.lan:1502"),
        ("tcp://[fe80::1%eth0]", "tcp://[fe80::1%eth0]:502"),
        ("tcp://[::1]:5020", "tcp://[::1]:5020"),
        ("rtu+tcp://10.0.0.5:4001", "rtu+tcp://10.0.0.5:4001"),
        ("rtu+tcp://10.0.0.5", "None"),
        ("tcp://", "None"),
        ("tcp://h:99999", "None"),
        ("tcp://h:1:2", "None"),
        ("tcp://user@h", "None"),
        ("socket://h:1", "None"),
    ],
)
def test_a_url_has_its_address(url: str, address: str) -> None:
    assert str(parse_url(url)) == address


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (f"url: 'tcp://h', {POINTS}", "modbus tcp://h: unit 1"),
        (f"port: /dev/x, baudrate: 19200, {DEVICES}", "modbus /dev/x at 19200 baud: a, b"),
        (f"usb: {{vid: '0403', pid: '6001'}}, {POINTS}", "modbus usb 0403:6001 at 9600 baud: unit 1"),
    ],
)
def test_check_prints_where_and_who(members: str, told: str) -> None:
    assert options(members).summary() == told


@pytest.mark.parametrize(
    ("members", "pause"),
    [
        ("url: 'tcp://h'", 0.0),
        ("port: /dev/x", 3.5 * 11 / 9600),
        ("port: /dev/x, baudrate: 115200", 0.00175),
        ("url: 'rtu+tcp://h:1'", 0.00175),
        ("port: /dev/x, pause: 20ms", 0.02),
        ("port: /dev/x, pause: 0", 0.0),
    ],
)
def test_a_line_is_quiet_for_as_long_as_the_specification_says(members: str, pause: float) -> None:
    assert options(f"{members}, {POINTS}").timing().pause == pytest.approx(pause)


def test_a_gateway_without_modbus_does_not_load_pymodbus() -> None:
    code = """
import sys
import gateway.cli
from gateway.app import Gateway
from gateway.config import load
from pathlib import Path
load(Path("config/serial.yaml"))
assert not [name for name in sys.modules if name.startswith("pymodbus")]
load(Path("config/modbus.yaml"))
assert "pymodbus.framer" in sys.modules
# Only the messages: neither its clients nor its servers, which are most of it.
assert not {"pymodbus.client", "pymodbus.server"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
