"""The command line of the simulators: `python -m device_sims serial …` and `python -m device_sims mqtt …`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from device_sims.fault_names import describe_faults, parse_fault
from device_sims.faults import OneByteAtATime
from device_sims.kinds import KINDS
from device_sims.mqtt_node import START_TIMEOUT, BrokerUnreachableError, MqttNodes
from device_sims.mqtt_profiles import PROFILES
from device_sims.serial_board import SerialBoard

FAILED = 1
BAD_USAGE = 2

_SERIAL = """
A serial board on a pty, found at the symlink PATH, that speaks JSON lines:

    {"temperature":21.4,"humidity":48,"fan":false,"sequence":1}    readings
    {"command":"fan","value":true,"id":17}                         what it obeys
    {"ack":17,"ok":true}                                           how it answers

SIGUSR1 unplugs the board, and the next one plugs it in again, on a new pty behind the same link. Ctrl-C ends it.
"""
_MQTT = """
MQTT nodes node1 to nodeN on a broker. Profile telemetry:

    sensors/node1/telemetry     {"temperature":21.4,"humidity":48,"fan":false,"sequence":1}
    sensors/node1/set           {"command":"fan","value":true,"id":17}
    sensors/node1/ack           {"ack":17,"ok":true}
    sensors/node1/status        online or offline (retained, and the last will)

Profile raw has a topic for each point, with the bare value, and takes commands on sensors/node1/fan/set. Up to 16
nodes have a connection and a last will each; more share one connection. Ctrl-C ends them.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a simulator until it is told to stop; the exit code is 0, 1 for a failure, 2 for bad usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        simulator = _board(options) if options.simulator == "serial" else _nodes(options)
    except ValueError as error:
        parser.error(str(error))
    try:
        return asyncio.run(_run(simulator))
    except (BrokerUnreachableError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m device_sims", description="Simulated devices: serial boards and MQTT nodes.")
    commands = parser.add_subparsers(dest="simulator", required=True, metavar="serial|mqtt")
    epilog = "faults, with their settings and defaults (KIND, KIND=5,16 or KIND=every:5,size:16):\n" + describe_faults()

    serial = commands.add_parser(
        "serial",
        help="a serial board on a pty behind a symlink",
        description=_SERIAL,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serial.add_argument("--link", required=True, metavar="PATH", help="the symlink under which the board is found")
    serial.add_argument("--board", default="climate", choices=KINDS, help="kind of board (default: %(default)s)")
    _add_common(serial, devices=1, devices_help="devices on the line; several are n1 to nN, named in `node`")

    mqtt = commands.add_parser(
        "mqtt",
        help="MQTT nodes on a broker",
        description=_MQTT,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    mqtt.add_argument("--url", required=True, help="the broker: mqtt://[user[:password]@]host[:port], or mqtts://")
    mqtt.add_argument("--kind", default="climate", choices=KINDS, help="kind of node (default: %(default)s)")
    mqtt.add_argument("--prefix", default="sensors", help="topic above the nodes (default: %(default)s)")
    mqtt.add_argument(
        "--profile", default="telemetry", choices=PROFILES, help="how the nodes speak (default: %(default)s)"
    )
    mqtt.add_argument(
        "--wait",
        type=float,
        default=START_TIMEOUT,
        metavar="SECONDS",
        help="how long to try to reach the broker at the start (default: %(default)g)",
    )
    _add_common(mqtt, devices=3, devices_help="number of nodes")
    return parser


def _add_common(parser: argparse.ArgumentParser, *, devices: int, devices_help: str) -> None:
    parser.add_argument(
        "--devices", type=int, default=devices, metavar="N", help=f"{devices_help} (default: %(default)s)"
    )
    parser.add_argument(
        "--rate", type=float, default=1.0, metavar="HZ", help="readings a second of each device (default: %(default)g)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same readings (default: 0)")
    parser.add_argument("--stamp", action="store_true", help="add the wall clock to each reading, as `time`")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND[=ARGS]", help="see below; repeatable")


def _board(options: argparse.Namespace) -> SerialBoard:
    return SerialBoard(
        options.link,
        kind=options.board,
        rate=options.rate,
        seed=options.seed,
        devices=options.devices,
        faults=[parse_fault(text, options.seed) for text in options.fault],
        stamp=options.stamp,
    )


def _nodes(options: argparse.Namespace) -> MqttNodes:
    faults = [parse_fault(text, options.seed) for text in options.fault]
    if any(isinstance(fault, OneByteAtATime) for fault in faults):
        raise ValueError("one-byte is a fault of serial boards")
    return MqttNodes(
        options.url,
        devices=options.devices,
        rate=options.rate,
        seed=options.seed,
        prefix=options.prefix,
        profile=options.profile,
        kind=options.kind,
        faults=faults,
        stamp=options.stamp,
        start_timeout=options.wait,
    )


async def _run(simulator: SerialBoard | MqttNodes) -> int:
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()
    assert this is not None  # noqa: S101 - a coroutine runs in a task
    # Before anything is opened: a signal that comes early must find the clean way out as well.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, this.cancel)
    try:
        async with simulator:
            if isinstance(simulator, SerialBoard):
                loop.add_signal_handler(signal.SIGUSR1, _toggle, simulator)
            print(_ready(simulator), flush=True)
            await simulator.running()
    except asyncio.CancelledError:
        return 0
    return 0


def _toggle(board: SerialBoard) -> None:
    if board.plugged:
        board.unplug()
        print(f"board {board.kind.name} unplugged", file=sys.stderr)
    else:
        board.replug()
        print(_ready(board), file=sys.stderr)


def _ready(simulator: SerialBoard | MqttNodes) -> str:
    if isinstance(simulator, SerialBoard):
        return f"board {simulator.kind.name} on {simulator.link} -> {simulator.path}"
    count = len(simulator.devices)
    return f"{count} node{'s' if count != 1 else ''} on {simulator.url} below {simulator.prefix}/"
