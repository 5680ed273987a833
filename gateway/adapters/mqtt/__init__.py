"""The MQTT adapter: messages of a broker become readings, commands become messages."""

from gateway.adapters.mqtt.adapter import MessageSource, MqttOptions

__all__ = ["MessageSource", "MqttOptions"]
