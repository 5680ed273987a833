"""Zigbee2MQTT: the devices of a Zigbee network, as one bridge speaks for them all (https://www.zigbee2mqtt.io).

zigbee2mqtt/bridge/devices           [{"ieee_address": "0x…", "friendly_name": "lamp", "definition": {"exposes": […]}}]
zigbee2mqtt/lamp                     {"state": "ON", "brightness": 215}
zigbee2mqtt/lamp/availability        {"state": "online"}
zigbee2mqtt/lamp/set                 {"state": "OFF"}
"""

from __future__ import annotations

from typing import Literal

from gateway.profiles.base import Profile, ProfileOptions
from gateway.profiles.topic import BaseTopic
from gateway.profiles.zigbee2mqtt.profile import Zigbee2mqtt

__all__ = ["Zigbee2mqtt", "Zigbee2mqttOptions"]


class Zigbee2mqttOptions(ProfileOptions):
    """`zigbee2mqtt`, or with the `base_topic` and the `output` of its own configuration."""

    type: str = "zigbee2mqtt"
    topic: BaseTopic = "zigbee2mqtt"
    output: Literal["json", "attribute"] = "json"

    def build(self) -> Profile:
        """The profile."""
        return Zigbee2mqtt(self.topic, attributes=self.output == "attribute")
