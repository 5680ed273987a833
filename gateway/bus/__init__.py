"""The pub/sub bus: the log of all readings, the registry of devices, and the adapters' handle onto both."""

from gateway.bus.device import Device
from gateway.bus.devices import Devices
from gateway.bus.link import Link
from gateway.bus.log import Entry, Log

__all__ = ["Device", "Devices", "Entry", "Link", "Log"]
