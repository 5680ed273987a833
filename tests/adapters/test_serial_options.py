"""The configuration of a serial adapter: what it takes, what it refuses and why, and what it is called."""

from pathlib import Path

import pytest

from gateway.adapters.serial import SerialOptions
from gateway.adapters.serial.schedule import Request
from gateway.adapters.wire.port import Opener, PortSettings, SerialPort, UsbBoard
from gateway.adapters.wire.socket import SocketAddress, SocketWire, parse_socket
from gateway.config import parse
from gateway.errors import ConfigurationError, LinkError


def options(text: str) -> SerialOptions:
    (found,) = parse(f"adapters: [{{id: a, type: serial, {text}}}]", "f", Path()).adapters
    assert isinstance(found, SerialOptions)
    return found


def refusals(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        options(text)
    return [problem.message for problem in caught.value.problems]


USB = 'usb: {vid: "2341", pid: "0x0043", serial: "7573"}'


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("port: /dev/ttyACM0", "serial /dev/ttyACM0 at 115200 baud, lines of json"),
        (USB, "serial usb 2341:0043 7573 at 115200 baud, lines of json"),
        ('usb: {vid: "1A86", pid: "7523"}, baudrate: 9600', "serial usb 1a86:7523 at 9600 baud, lines of json"),
        ("port: 'socket://10.0.0.5:4001'", "serial socket://10.0.0.5:4001, lines of json"),
        ("port: 'socket://[::1]:4001'", "serial socket://[::1]:4001, lines of json"),
        (
            'port: /dev/ttyUSB0, poll: {requests: [{devices: [n1, n2], send: "READ {device}"}]}',
            "serial /dev/ttyUSB0 at 115200 baud, lines of json, 2 requests",
        ),
        (
            "port: /dev/ttyUSB0, poll: {requests: [{send: READ}]}",
            "serial /dev/ttyUSB0 at 115200 baud, lines of json, 1 request",
        ),
    ],
)
def test_the_summary_says_which_line_and_what_is_on_it(text: str, summary: str) -> None:
    assert options(text).summary() == summary


def test_a_wire_is_made_as_configured() -> None:
    wire = options(f"{USB}, baudrate: 9600, parity: even, bytesize: 7, stopbits: 2, exclusive: false").wire()
    assert isinstance(wire, Opener)
    assert wire._settings == PortSettings(UsbBoard(0x2341, 0x43, "7573"), 9600, 7, "E", 2, exclusive=False)
    assert isinstance(options("port: 'socket://localhost:4001'").wire(), SocketWire)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("baudrate: 9600", "adapters.0: needs either `port` or `usb`"),
        (f"port: /dev/ttyACM0, {USB}", "adapters.0: needs either `port` or `usb`"),
        (
            "usb: {vid: 2341, pid: '0043'}",
            "adapters.0.usb.vid: must stand in quotes: without, YAML takes it for a number",
        ),
        ("usb: {vid: '2341', pid: '43'}", "adapters.0.usb.pid: '43' does not match ^(0x)?[0-9A-Fa-f]{4}$"),
        ("usb: {vid: '2341'}", "adapters.0.usb.pid: is missing"),
        (
            "port: 'rfc2217://host:1'",
            "adapters.0.port: expected a device file such as /dev/ttyACM0, or socket://HOST:PORT",
        ),
        (
            "port: 'socket://host'",
            "adapters.0.port: expected a device file such as /dev/ttyACM0, or socket://HOST:PORT",
        ),
        (
            "port: 'socket://host:70000'",
            "adapters.0.port: expected a device file such as /dev/ttyACM0, or socket://HOST:PORT",
        ),
        (
            "port: 'socket://host:1', baudrate: 9600",
            "adapters.0.baudrate: means nothing for socket://: the server there decides it",
        ),
        ("port: x, devices: {}", "adapters.0.devices: needs a `field`: without, no frame says which device sent it"),
        (
            "port: x, devices: {field: n, names: {'1': a, '2': a}}",
            "adapters.0.devices.names.1: two devices are called 'a'",
        ),
        ("port: x, poll: {}", "adapters.0.poll.requests: is missing"),
        ("port: x, poll: {requests: []}", "adapters.0.poll.requests: expected at least 1 items, found 0"),
        ("port: x, poll: {requests: [{}]}", "adapters.0.poll.requests.0: needs either `send` or `hex`"),
        (
            "port: x, poll: {requests: [{send: a, hex: '00'}]}",
            "adapters.0.poll.requests.0: needs either `send` or `hex`",
        ),
        (
            "port: x, poll: {requests: [{device: a, devices: [b], send: '{device}'}]}",
            "adapters.0.poll.requests.0: `device` and `devices` exclude each other",
        ),
        (
            "port: x, poll: {requests: [{send: 'READ {device}'}]}",
            "adapters.0.poll.requests.0.send: {device} needs a `device`, or `devices`",
        ),
        (
            "port: x, poll: {requests: [{devices: [a, b], send: READ}]}",
            "adapters.0.poll.requests.0.devices: needs {device} in `send`, or all of them are asked the same",
        ),
        (
            "port: x, poll: {requests: [{hex: 0x1g}]}",
            "adapters.0.poll.requests.0.hex: expected bytes in hexadecimal, such as 01 04 0a",
        ),
        (
            'port: x, poll: {requests: [{send: a}, {send: "a\\nb"}]}',
            "adapters.0.poll.requests.1.send: a line cannot hold a line end",
        ),
        (
            "port: x, framing: {type: lines, max: 4}, poll: {requests: [{hex: '0102030405'}]}",
            "adapters.0.poll.requests.0.hex: a line holds 1 to 4 bytes, this one has 5",
        ),
        (
            "port: x, poll: {every: 0s, requests: [{send: a}]}",
            "adapters.0.poll.every: expected a duration above 0, found 0.0",
        ),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands(text: str, refusal: str) -> None:
    assert refusals(text) == [refusal]


def test_requests_are_framed_and_call_a_device_what_the_wire_calls_it() -> None:
    found = options(
        """
        port: x,
        framing: {type: lines, terminator: "\\r"},
        devices: {names: {'7': cellar}},
        poll: {every: 2s, timeout: 100ms, requests: [
            {devices: [cellar, attic], send: "READ {device}"}, {device: attic, hex: "41 42", every: 5s, timeout: 1s}]}
        """
    )
    assert found._requests(found.framing.build()) == [
        Request("cellar", b"READ 7", b"READ 7\r", 2, 0.1),
        Request("attic", b"READ attic", b"READ attic\r", 2, 0.1),
        Request("attic", b"AB", b"AB\r", 5, 1),
    ]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("socket://localhost:4001", SocketAddress("localhost", 4001)),
        ("socket://pi_1.local:1", SocketAddress("pi_1.local", 1)),
        ("socket://[fe80::1%eth0]:65535", SocketAddress("fe80::1%eth0", 65535)),
        ("socket://:4001", None),
        ("socket://host:0", None),
        ("socket://host:port", None),
        ("socket://user@host:1", None),
        ("socket://host:1/path", None),
        ("/dev/socket://host:1", None),
    ],
)
def test_an_address_is_a_host_and_a_port(url: str, address: SocketAddress | None) -> None:
    assert parse_socket(url) == address
    if address is not None:
        assert str(address) == url


# ---- a board by what it says of itself


def port(path: str, serial: str | None, pid: int = 0x43) -> SerialPort:
    return SerialPort(path, None, 0x2341, pid, serial, None, None)


PORTS = [port("/dev/ttyACM0", "A"), port("/dev/ttyACM1", "B"), port("/dev/ttyACM2", None, 0x10)]


@pytest.mark.parametrize(
    ("board", "path"),
    [
        (UsbBoard(0x2341, 0x43, "A"), "/dev/ttyACM0"),
        (UsbBoard(0x2341, 0x43, "B"), "/dev/ttyACM1"),
        (UsbBoard(0x2341, 0x10), "/dev/ttyACM2"),
    ],
)
def test_a_board_is_found_among_the_ports(board: UsbBoard, path: str) -> None:
    assert board.among(PORTS) == path


@pytest.mark.parametrize(
    ("board", "reason"),
    [
        (UsbBoard(0x2341, 0x43, "C"), "usb 2341:0043 C is not there: unplugged?"),
        (UsbBoard(0x1A86, 0x43), "usb 1a86:0043 is not there: unplugged?"),
        (
            UsbBoard(0x2341, 0x43),
            "usb 2341:0043 is 2 ports: /dev/ttyACM0 (serial A), /dev/ttyACM1 (serial B); "
            "say which by `serial`, or by `port`",
        ),
    ],
)
def test_a_board_that_is_not_there_or_several_is_said_in_one_line(board: UsbBoard, reason: str) -> None:
    with pytest.raises(LinkError) as caught:
        board.among(PORTS)
    assert str(caught.value) == reason
