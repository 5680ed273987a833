"""The command line of the simulators: `python -m device_sims serial …` and its like."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from device_sims.cli_options import BAD_USAGE, Simulator, make_parser, simulator_of
from device_sims.modbus_meter import ModbusMeter
from device_sims.mqtt_fleet import MqttFleet
from device_sims.mqtt_node import MqttNodes
from device_sims.mqtt_simulator import BrokerUnreachableError
from device_sims.scenario import Play, ScenarioError
from device_sims.serial_board import SerialBoard

FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a simulator until it is told to stop; the exit code is 0, 1 for a failure, 2 for bad usage."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("device_sims.scenario").setLevel(logging.INFO)  # what a script does is for whoever watches
    try:
        simulator = simulator_of(options)
    except ScenarioError as error:
        print(error, file=sys.stderr)
        return BAD_USAGE
    except ValueError as error:
        parser.error(str(error))
    try:
        return asyncio.run(_run(simulator))
    except (BrokerUnreachableError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED


async def _run(simulator: Simulator) -> int:
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
            if isinstance(simulator, Play):
                for device in simulator.devices.values():
                    print(_ready(device))
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


def _ready(simulator: Simulator) -> str:
    match simulator:
        case SerialBoard():
            return f"board {simulator.kind.name} on {simulator.link} -> {simulator.path}"
        case ModbusMeter():
            return f"meter on {simulator.line}"
        case MqttNodes():
            count = len(simulator.devices)
            return f"{count} node{'s' if count != 1 else ''} on {simulator.url} below {simulator.prefix}/"
        case MqttFleet():
            fleets = ", ".join(f"{name} ({len(devices)})" for name, devices in simulator.devices.items())
            return f"devices on {simulator.url}: {fleets}"
        case Play():
            return f"playing {simulator.scenario.source}"
