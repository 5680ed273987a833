"""The northbound side: others see the devices over MQTT, and command what they may."""

from gateway.northbound.publisher import Northbound

__all__ = ["Northbound"]
