"""Faults on demand: tiny classes that spoil one thing each, the same way for the same seed.

A device carries its faults in a `Faults` list and asks it at the moments that matter. Seconds count from the device's
start, or from when a script switched the fault on.
"""

from device_sims.faults.answers import (
    DoubleAcknowledgement,
    LateAcknowledgement,
    ModbusException,
    NoAcknowledgement,
    Refusal,
    SlowAcknowledgement,
)
from device_sims.faults.base import MODBUS, MQTT, RTU, SERIAL, Fault, Faults
from device_sims.faults.life import Duplicate, Reboot, Silence, Unplug
from device_sims.faults.line import BadChecksum, Garbage, Glued, OneByteAtATime, Split, Truncate

__all__ = [
    "MODBUS",
    "MQTT",
    "RTU",
    "SERIAL",
    "BadChecksum",
    "DoubleAcknowledgement",
    "Duplicate",
    "Fault",
    "Faults",
    "Garbage",
    "Glued",
    "LateAcknowledgement",
    "ModbusException",
    "NoAcknowledgement",
    "OneByteAtATime",
    "Reboot",
    "Refusal",
    "Silence",
    "SlowAcknowledgement",
    "Split",
    "Truncate",
    "Unplug",
]
