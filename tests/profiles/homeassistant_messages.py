"""Messages of Home Assistant's MQTT discovery as its documentation and well-known senders have them.

Written from home-assistant.io (MQTT, and the pages of its components), from what Zigbee2MQTT, ESPHome and
OpenMQTTGateway document of theirs.
"""

import json
from collections.abc import Iterator

BULB = "zigbee2mqtt_0x00158d0001a2b3c4"
STATE = "zigbee2mqtt/living room/lamp"

# The garden, the bedroom and the kitchen of home-assistant.io.
MOTION = {
    "name": None,
    "device_class": "motion",
    "state_topic": "homeassistant/binary_sensor/garden/state",
    "unique_id": "motion01ad",
    "device": {"identifiers": ["01ad"], "name": "Garden"},
}
TEMPERATURE = {
    "device_class": "temperature",
    "state_topic": "homeassistant/sensor/sensorBedroom/state",
    "unit_of_measurement": "°C",
    "value_template": "{{ value_json.temperature}}",
    "unique_id": "temp01ae",
    "device": {
        "identifiers": ["bedroom01ae"],
        "name": "Bedroom",
        "manufacturer": "Example sensors Ltd.",
        "model": "Example Sensor",
        "model_id": "K9",
        "serial_number": "12AE3010545",
        "hw_version": "1.01a",
        "sw_version": "2024.1.0",
        "configuration_url": "https://example.com/sensor_portal/config",
    },
}
HUMIDITY = {
    "device_class": "humidity",
    "state_topic": "homeassistant/sensor/sensorBedroom/state",
    "unit_of_measurement": "%",
    "value_template": "{{ value_json.humidity}}",
    "unique_id": "hum01ae",
    "device": {"identifiers": ["bedroom01ae"]},
}
IRRIGATION = {
    "~": "homeassistant/switch/irrigation",
    "name": "Irrigation",
    "cmd_t": "~/set",
    "stat_t": "~/state",
    "uniq_id": "irr01ad",
}
KITCHEN = {
    "~": "homeassistant/light/kitchen",
    "name": "Kitchen",
    "unique_id": "kitchen_light",
    "cmd_t": "~/set",
    "stat_t": "~/state",
    "schema": "json",
    "brightness": True,
    "bri_scl": 255,
}
DEVICE = {
    "dev": {
        "ids": "ea334450945afc",
        "name": "Kitchen",
        "mf": "Bla electronics",
        "mdl": "xya",
        "sw": "1.0",
        "sn": "ea334450945afc",
        "hw": "1.0rev2",
    },
    "o": {"name": "bla2mqtt", "sw": "2.1", "url": "https://bla2mqtt.example.com/support"},
    "cmps": {
        "some_unique_component_id1": {
            "p": "sensor",
            "device_class": "temperature",
            "unit_of_measurement": "°C",
            "value_template": "{{ value_json.temperature }}",
            "unique_id": "temp01ae_t",
        },
        "some_unique_id2": {
            "p": "sensor",
            "device_class": "humidity",
            "unit_of_measurement": "%",
            "value_template": "{{ value_json.humidity }}",
            "unique_id": "temp01ae_h",
        },
        "bla1": {
            "p": "device_automation",
            "automation_type": "trigger",
            "payload": "short_press",
            "topic": "foobar/triggers/button1",
            "type": "button_short_press",
            "subtype": "button_1",
        },
    },
    "state_topic": "sensorBedroom/state",
    "qos": 2,
}

# A lamp and a door of Zigbee2MQTT.
_ZIGBEE = {
    "availability": [
        {"topic": "zigbee2mqtt/bridge/state", "value_template": "{{ value_json.state }}"},
        {"topic": f"{STATE}/availability", "value_template": "{{ value_json.state }}"},
    ],
    "availability_mode": "all",
    "device": {
        "identifiers": [BULB],
        "manufacturer": "IKEA",
        "model": "TRADFRI bulb E27",
        "name": "living room/lamp",
        "via_device": "zigbee2mqtt_bridge_0x00124b0001a2b3c4",
    },
    "origin": {"name": "Zigbee2MQTT", "sw": "2.1.0", "url": "https://www.zigbee2mqtt.io"},
}
BULB_LIGHT = _ZIGBEE | {
    "name": None,
    "unique_id": "0x00158d0001a2b3c4_light_zigbee2mqtt",
    "schema": "json",
    "state_topic": STATE,
    "command_topic": f"{STATE}/set",
    "brightness": True,
    "brightness_scale": 254,
    "supported_color_modes": ["color_temp"],
    "min_mireds": 250,
    "max_mireds": 454,
    "effect": True,
    "effect_list": ["blink", "breathe", "okay"],
}
BULB_LINK = _ZIGBEE | {
    "name": "Linkquality",
    "unique_id": "0x00158d0001a2b3c4_linkquality_zigbee2mqtt",
    "state_topic": STATE,
    "state_class": "measurement",
    "unit_of_measurement": "lqi",
    "value_template": "{{ value_json['linkquality'] }}",
    "entity_category": "diagnostic",
}
BULB_STARTUP = _ZIGBEE | {
    "name": "Power-on behavior",
    "unique_id": "0x00158d0001a2b3c4_power_on_behavior_zigbee2mqtt",
    "state_topic": STATE,
    "command_topic": f"{STATE}/set/power_on_behavior",
    "options": ["off", "on", "toggle"],
    "value_template": "{{ value_json['power_on_behavior'] }}",
}

# A board of ESPHome, a thermometer behind OpenMQTTGateway.
ESPHOME = {
    "dev_cla": "temperature",
    "unit_of_meas": "°C",
    "stat_cla": "measurement",
    "name": "Living Room Temperature",
    "stat_t": "livingroom/sensor/living_room_temperature/state",
    "avty_t": "livingroom/status",
    "uniq_id": "ESPsensorliving_room_temperature",
    "dev": {
        "ids": "a4cf12c3d4e5",
        "name": "livingroom",
        "sw": "esphome v2026.10.0",
        "mdl": "nodemcuv2",
        "mf": "espressif",
        "cns": [["mac", "a4:cf:12:c3:d4:e5"]],
    },
}
OPENMQTT = {
    "stat_t": "+/+/BTtoMQTT/A4C138112233",
    "name": "MiThermometer-tempc",
    "uniq_id": "A4C138112233-tempc",
    "dev_cla": "temperature",
    "val_tpl": "{{ value_json.tempc | is_defined }}",
    "unit_of_meas": "°C",
    "stat_cla": "measurement",
    "device": {
        "ids": ["A4C138112233"],
        "cns": [["mac", "A4C138112233"]],
        "mf": "Xiaomi",
        "mdl": "LYWSD03MMC",
        "name": "MiThermometer",
    },
}


def config(place: str, **members: object) -> tuple[str, bytes, bool]:
    """A retained configuration, `place` being what stands between prefix and `config`."""
    return f"homeassistant/{place}/config", json.dumps(members).encode(), True


MESSAGES: list[tuple[str, bytes, bool]] = [
    config("binary_sensor/garden", **MOTION),
    ("homeassistant/binary_sensor/garden/state", b"ON", False),
    config("sensor/sensorBedroomT", **TEMPERATURE),
    config("sensor/sensorBedroomH", **HUMIDITY),
    ("homeassistant/sensor/sensorBedroom/state", b'{ "temperature": 23.20, "humidity": 43.70 }', True),
    config("switch/irrigation", **IRRIGATION),
    ("homeassistant/switch/irrigation/state", b"OFF", True),
    config("light/kitchen", **KITCHEN),
    ("homeassistant/light/kitchen/state", b'{"state": "ON", "brightness": 255}', False),
    config("device/ea334450945afc", **DEVICE),
    ("sensorBedroom/state", b'{"temperature": 21.5, "humidity": 48}', False),
    config("light/0x00158d0001a2b3c4/light", **BULB_LIGHT),
    config("sensor/0x00158d0001a2b3c4/linkquality", **BULB_LINK),
    config("select/0x00158d0001a2b3c4/power_on_behavior", **BULB_STARTUP),
    ("zigbee2mqtt/bridge/state", b'{"state":"online"}', True),
    (f"{STATE}/availability", b'{"state":"online"}', True),
    (STATE, b'{"brightness":120,"color_temp":370,"linkquality":87,"power_on_behavior":"on","state":"ON"}', False),
    config("sensor/livingroom/living_room_temperature", **ESPHOME),
    ("livingroom/status", b"online", True),
    ("livingroom/sensor/living_room_temperature/state", b"21.4", False),
    config("sensor/A4C138112233-tempc", **OPENMQTT),
    ("home/OpenMQTTGateway/BTtoMQTT/A4C138112233", b'{"id":"A4:C1:38:11:22:33","tempc":19.6,"hum":51}', False),
    ("homeassistant/switch/irrigation/config", b"", False),
]


def many(count: int) -> Iterator[tuple[str, bytes, bool]]:
    """As many devices of one sensor each."""
    for number in range(count):
        yield config(f"sensor/n{number}", stat_t="all", uniq_id=f"n{number}", val_tpl=f"{{{{ value_json.n{number} }}}}")


def wide(count: int) -> Iterator[tuple[str, bytes, bool]]:
    """A device of as many sensors."""
    for number in range(count):
        yield config(f"sensor/wide/p{number}", stat_t=f"t/{number}", dev={"ids": "wide"})
