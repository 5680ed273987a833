"""The MQTT adapter: messages of a broker become readings, commands become messages."""

from gateway.adapters.mqtt.adapter import MqttOptions
from gateway.adapters.mqtt.fleet import Fleet

__all__ = ["Fleet", "MqttOptions"]
