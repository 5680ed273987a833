"""Fieldgate: a gateway between serial and MQTT devices and WebSocket dashboards."""

__version__ = "0.1.0"
