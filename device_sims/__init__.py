"""Simulated devices for tests and demonstrations: serial boards on ptys and MQTT nodes, with faults on demand.

They share no code with the gateway, so that a mistake in its codecs meets an independent second opinion.
"""

from device_sims.actuations import Actuation, ActuationLog
from device_sims.faults import Fault, Faults, Garbage, NoAcknowledgement, OneByteAtATime, Refusal, Silence, Unplug
from device_sims.kinds import KINDS, Kind
from device_sims.mqtt_node import BrokerUnreachableError, MqttNodes
from device_sims.serial_board import SerialBoard

__all__ = [
    "KINDS",
    "Actuation",
    "ActuationLog",
    "BrokerUnreachableError",
    "Fault",
    "Faults",
    "Garbage",
    "Kind",
    "MqttNodes",
    "NoAcknowledgement",
    "OneByteAtATime",
    "Refusal",
    "SerialBoard",
    "Silence",
    "Unplug",
]
