"""The connection to an MQTT broker: its options, and its life."""

from gateway.mqtt.options import BrokerOptions, broker
from gateway.mqtt.properties import MessageProperties
from gateway.mqtt.source import Conversation, MessageSource, Receive, ReceiveWithProperties

__all__ = [
    "BrokerOptions",
    "Conversation",
    "MessageProperties",
    "MessageSource",
    "Receive",
    "ReceiveWithProperties",
    "broker",
]
