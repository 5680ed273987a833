"""Simulated devices for tests and demonstrations, with faults on demand: on serial lines, MQTT brokers and Modbus.

They share no code with the gateway, so that a mistake in its codecs meets an independent second opinion.
"""

from device_sims.actuations import Actuation, ActuationLog
from device_sims.faults import (
    BadChecksum,
    DoubleAcknowledgement,
    Duplicate,
    Fault,
    Faults,
    Garbage,
    Glued,
    LateAcknowledgement,
    ModbusException,
    NoAcknowledgement,
    OneByteAtATime,
    Reboot,
    Refusal,
    Silence,
    SlowAcknowledgement,
    Split,
    Truncate,
    Unplug,
)
from device_sims.kinds import KINDS, Kind
from device_sims.modbus_meter import ModbusMeter
from device_sims.mqtt_fleet import MqttFleet
from device_sims.mqtt_node import MqttNodes
from device_sims.mqtt_simulator import BrokerUnreachableError
from device_sims.scenario import Play, ScenarioError, read_scenario
from device_sims.serial_board import SerialBoard

__all__ = [
    "KINDS",
    "Actuation",
    "ActuationLog",
    "BadChecksum",
    "BrokerUnreachableError",
    "DoubleAcknowledgement",
    "Duplicate",
    "Fault",
    "Faults",
    "Garbage",
    "Glued",
    "Kind",
    "LateAcknowledgement",
    "ModbusException",
    "ModbusMeter",
    "MqttFleet",
    "MqttNodes",
    "NoAcknowledgement",
    "OneByteAtATime",
    "Play",
    "Reboot",
    "Refusal",
    "ScenarioError",
    "SerialBoard",
    "Silence",
    "SlowAcknowledgement",
    "Split",
    "Truncate",
    "Unplug",
    "read_scenario",
]
