"""The Modbus adapter: registers and coils are points, read in blocks and written as commands."""

from gateway.adapters.modbus.options import ModbusOptions

__all__ = ["ModbusOptions"]
