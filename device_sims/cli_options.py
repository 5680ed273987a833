"""The options of the simulators on a command line, and the simulators that they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NoReturn

from device_sims.dialects.registry import ALL, ANNOUNCING, DIALECTS
from device_sims.fault_names import describe_faults, parse_fault
from device_sims.faults import MODBUS, MQTT, RTU, SERIAL, Fault
from device_sims.kinds import KINDS
from device_sims.modbus_meter import ModbusMeter
from device_sims.mqtt_fleet import DEVICES, MqttFleet, nodes_or_fleet
from device_sims.mqtt_node import MqttNodes
from device_sims.mqtt_profiles import PROFILES
from device_sims.mqtt_simulator import START_TIMEOUT
from device_sims.scenario import Play, read_scenario
from device_sims.serial_board import SerialBoard
from device_sims.wire import CHECKSUMS, CODECS, FRAMINGS

BAD_USAGE = 2

_SERIAL = """
A serial board on a pty, found at the symlink PATH, that speaks JSON lines unless it is told otherwise:

    {"temperature":21.4,"humidity":48,"fan":false,"sequence":1}    readings
    {"command":"fan","value":true,"id":17}                         what it obeys
    {"ack":17,"ok":true}                                           how it answers

Boards of text obey `SET fan 1` or `SET fan 1 #17` and answer `OK`, `OK #17` or `ERR jammed`. All give a reading when
they are asked `READ` (`READ n1` on a line of several).

SIGUSR1 unplugs the board, and the next one plugs it in again, on a new pty behind the same link. Ctrl-C ends it.
"""
_MQTT = """
MQTT nodes node1 to nodeN on a broker. Profile telemetry:

    sensors/node1/telemetry     {"temperature":21.4,"humidity":48,"fan":false,"sequence":1}
    sensors/node1/set           {"command":"fan","value":true,"id":17}
    sensors/node1/ack           {"ack":17,"ok":true}
    sensors/node1/status        online or offline (retained, and the last will)

Profile raw has a topic for each point, with the bare value, and takes commands on sensors/node1/fan/set. Up to 16
nodes have a connection and a last will each; more share one connection.

The other profiles are fleets of devices as people own them, with their own topics and names; several go together:

    --profile zigbee2mqtt
    --profile tasmota,shelly --profile homie
    --profile all

Ctrl-C ends them.
"""
_MODBUS = """
A Modbus meter, over TCP at ADDRESS or as RTU on a pty, found at the symlink PATH. Each unit has:

    input registers 0 to 22     measurements, also readable as holding registers
    holding register 100        the setpoint in W, and in 101 and 102 as a 32-bit float; they obey
    coil 0, discrete input 0    the relay, which obeys; and whether the power is above the setpoint

Ctrl-C ends it.
"""
_PLAY = """
A scenario: a YAML file that says which devices there are, and which faults they have when:

    devices:
      - {serial: /tmp/greenhouse, board: climate, codec: key_value, rate: 2}
      - {mqtt: mqtt://localhost, devices: 3}
      - {modbus: 127.0.0.1:5020}
    script:
      - {at: 10s, device: greenhouse, fault: unplug, for: 5s}
      - {at: 30s, device: greenhouse, fault: "garbage=every:3", for: 20s}
    repeat: 60s

Ctrl-C ends it.
"""

Simulator = SerialBoard | MqttNodes | MqttFleet | ModbusMeter | Play


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_USAGE, f"{self.prog}: {message}\n")


def make_parser() -> Parser:
    """The parser of everything that follows `python -m device_sims`."""
    parser = Parser(prog="python -m device_sims", description="Simulated devices, with faults on demand.")
    commands = parser.add_subparsers(dest="simulator", required=True, metavar="serial|mqtt|modbus|play")
    _add_serial(_command(commands, "serial", "a serial board on a pty behind a symlink", _SERIAL, SERIAL))
    _add_mqtt(_command(commands, "mqtt", "MQTT nodes, or fleets of devices, on a broker", _MQTT, MQTT))
    _add_modbus(_command(commands, "modbus", "a Modbus meter, over TCP or on a pty", _MODBUS, MODBUS, RTU))
    play = _command(commands, "play", "all devices of a scenario", _PLAY, SERIAL, MQTT, MODBUS)
    play.add_argument("scenario", metavar="FILE", help="the scenario")
    return parser


def _command(
    commands: argparse._SubParsersAction[Parser], name: str, help: str, description: str, *simulators: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=help,
        description=description,
        epilog="faults, with their settings and defaults (KIND, KIND=5,16 or KIND=every:5,size:16):\n"
        + describe_faults(*simulators),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_serial(serial: argparse.ArgumentParser) -> None:
    serial.add_argument("--link", required=True, metavar="PATH", help="the symlink under which the board is found")
    serial.add_argument("--board", default="climate", choices=KINDS, help="kind of board (default: %(default)s)")
    serial.add_argument("--framing", default="lines", choices=FRAMINGS, help="how it frames (default: %(default)s)")
    serial.add_argument("--checksum", default="none", choices=CHECKSUMS, help="of each frame (default: %(default)s)")
    serial.add_argument("--codec", choices=CODECS, help="how it speaks (default: json, or nmea0183 for gps and boat)")
    serial.add_argument("--no-header", action="store_true", help="a delimited table without its row of names")
    serial.add_argument("--poll", action="store_true", help="give readings only when asked: READ, or READ n1")
    serial.add_argument("--dead", default="", metavar="NODES", help="devices that never answer, such as n2,n5")
    _add_common(serial, devices=1, devices_help="devices on the line; several are n1 to nN, named in each frame")
    _add_stamp(serial)


def _add_mqtt(mqtt: argparse.ArgumentParser) -> None:
    mqtt.add_argument("--url", required=True, help="the broker: mqtt://[user[:password]@]host[:port], or mqtts://")
    mqtt.add_argument("--kind", choices=KINDS, help="kind of node (default: climate)")
    mqtt.add_argument("--prefix", help="topic above the nodes (default: sensors)")
    names = ", ".join((*PROFILES, *DIALECTS, ALL))
    mqtt.add_argument(
        "--profile",
        action="append",
        metavar="NAMES",
        help=f"how they speak, repeatable: {names} (default: telemetry)",
    )
    mqtt.add_argument(
        "--discovery",
        action="store_true",
        help=f"describe the devices of {', '.join(ANNOUNCING)} to Home Assistant too",
    )
    mqtt.add_argument(
        "--wait",
        type=float,
        default=START_TIMEOUT,
        metavar="SECONDS",
        help="how long to try to reach the broker at the start (default: %(default)g)",
    )
    _add_common(mqtt, devices=None, devices_help=f"number of nodes (default: 3), or of each fleet (default: {DEVICES})")
    _add_stamp(mqtt)


def _add_modbus(modbus: argparse.ArgumentParser) -> None:
    line = modbus.add_mutually_exclusive_group(required=True)
    line.add_argument("--listen", metavar="ADDRESS", help="host:port for Modbus TCP; port 0 takes a free one")
    line.add_argument("--link", metavar="PATH", help="the symlink under which the line is found, for Modbus RTU")
    _add_common(modbus, devices=1, devices_help="meters on the line, as units 1 to N")


def _add_common(parser: argparse.ArgumentParser, *, devices: int | None, devices_help: str) -> None:
    default = "" if devices is None else " (default: %(default)s)"
    parser.add_argument("--devices", type=int, default=devices, metavar="N", help=f"{devices_help}{default}")
    parser.add_argument(
        "--rate", type=float, default=1.0, metavar="HZ", help="readings a second of each device (default: %(default)g)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same readings (default: 0)")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND[=ARGS]", help="see below; repeatable")


def _add_stamp(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stamp", action="store_true", help="add the wall clock to each reading, as `time`")


def simulator_of(options: argparse.Namespace) -> Simulator:
    """The simulator that the options describe; `ValueError` for what cannot be."""
    return _MAKERS[options.simulator](options)


def _faults(options: argparse.Namespace) -> list[Fault]:
    return [parse_fault(text, options.seed) for text in options.fault]


def _board(options: argparse.Namespace) -> SerialBoard:
    return SerialBoard(
        options.link,
        kind=options.board,
        rate=options.rate,
        seed=options.seed,
        devices=options.devices,
        faults=_faults(options),
        stamp=options.stamp,
        framing=options.framing,
        checksum=options.checksum,
        codec=options.codec,
        header=not options.no_header,
        poll=options.poll,
        dead=[name for name in options.dead.split(",") if name],
    )


def _nodes(options: argparse.Namespace) -> MqttNodes | MqttFleet:
    given = {
        "devices": options.devices,
        "rate": options.rate,
        "seed": options.seed,
        "prefix": options.prefix,
        "kind": options.kind,
        "faults": _faults(options),
        "stamp": options.stamp or None,
        "discovery": options.discovery or None,
        "start_timeout": options.wait,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    return nodes_or_fleet(options.url, options.profile or ["telemetry"], settings)


def _meter(options: argparse.Namespace) -> ModbusMeter:
    return ModbusMeter(
        options.listen,
        link=options.link,
        rate=options.rate,
        seed=options.seed,
        devices=options.devices,
        faults=_faults(options),
    )


def _play(options: argparse.Namespace) -> Play:
    return Play(read_scenario(options.scenario))


_MAKERS: Mapping[str, Callable[[argparse.Namespace], Simulator]] = {
    "serial": _board,
    "mqtt": _nodes,
    "modbus": _meter,
    "play": _play,
}
