"""The serial adapter: frames of a line become readings, commands and requests become frames."""

from gateway.adapters.serial.options import SerialOptions

__all__ = ["SerialOptions"]
