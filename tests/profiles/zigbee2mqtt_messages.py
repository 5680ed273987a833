"""What Zigbee2MQTT publishes, in the shapes of https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html."""

import json
from collections.abc import Iterable
from typing import Any

Message = tuple[str, bytes, bool]
Json = dict[str, Any]

STATE: Json = {
    "access": 7, "label": "State", "name": "state", "property": "state", "type": "binary",
    "value_off": "OFF", "value_on": "ON", "value_toggle": "TOGGLE",
}  # fmt: skip
LINK: Json = {
    "access": 1, "category": "diagnostic", "description": "Link quality", "label": "Linkquality", "name": "linkquality",
    "property": "linkquality", "type": "numeric", "unit": "lqi", "value_max": 255, "value_min": 0,
}  # fmt: skip
BATTERY: Json = {
    "access": 1, "description": "Remaining battery in %", "label": "Battery", "name": "battery", "property": "battery",
    "type": "numeric", "unit": "%", "value_max": 100, "value_min": 0,
}  # fmt: skip


def numeric(name: str, unit: str | None = None, access: int = 1, **more: Any) -> Json:
    """A numeric expose."""
    told = {"access": access, "label": name.capitalize(), "name": name, "property": name, "type": "numeric", **more}
    return told if unit is None else {**told, "unit": unit}


def enum(name: str, values: list[Any], access: int = 7, **more: Any) -> Json:
    """An enum expose."""
    return {"access": access, "name": name, "property": name, "type": "enum", "values": values, **more}


def device(
    name: str, ieee: str, model: str, vendor: str, description: str, exposes: list[Json], kind: str = "Router"
) -> Json:
    """An entry of `bridge/devices`."""
    return {
        "date_code": "20180410",
        "definition": {
            "description": description,
            "exposes": [*exposes, LINK],
            "model": model,
            "options": [numeric("transition", access=2, value_min=0)],
            "supports_ota": True,
            "vendor": vendor,
        },
        "disabled": False,
        "endpoints": {"1": {"bindings": [], "clusters": {"input": ["genOnOff"], "output": []}, "scenes": []}},
        "friendly_name": name,
        "ieee_address": ieee,
        "interview_completed": True,
        "interviewing": False,
        "manufacturer": vendor,
        "model_id": model,
        "network_address": 57440,
        "power_source": "Mains (single phase)",
        "supported": True,
        "type": kind,
    }


COORDINATOR: Json = {
    "definition": None, "endpoints": {}, "friendly_name": "Coordinator", "ieee_address": "0x00124b00120144ae",
    "interview_completed": True, "network_address": 0, "supported": False, "type": "Coordinator",
}  # fmt: skip
PLUG = device(
    "my_plug", "0x00158d00018255df", "ZNCZ02LM", "Xiaomi", "Mi power plug ZigBee",
    [
        {"type": "switch", "features": [STATE]},
        numeric("power", "W", 5), numeric("energy", "kWh"), numeric("device_temperature", "°C"),
        enum("power_outage_memory", ["on", "off", "restore"]),
        {**STATE, "name": "led_disabled_night", "property": "led_disabled_night", "value_on": True, "value_off": False},
    ],
)  # fmt: skip
BULB = device(
    "kitchen/floor_light", "0x90fd9ffffe6494fc", "7146060PH", "Philips", "Hue Go",
    [
        {
            "type": "light",
            "features": [
                STATE,
                numeric("brightness", access=7, value_min=0, value_max=254),
                numeric("color_temp", "mired", 7, value_min=153, value_max=500, presets=[
                    {"name": "coolest", "value": 153, "description": "Coolest temperature supported"}]),
                numeric("color_temp_startup", "mired", 7, value_min=153, value_max=500, presets=[
                    {"name": "previous", "value": 65535, "description": "Restore on cold power on"}]),
                {
                    "type": "composite", "name": "color_xy", "property": "color", "label": "Color (X/Y)",
                    "features": [numeric("x", access=7), numeric("y", access=7)],
                },
                {
                    "type": "composite", "name": "color_hs", "property": "color", "label": "Color (HS)",
                    "features": [numeric("hue", access=7), numeric("saturation", access=7)],
                },
            ],
        },
        enum("effect", ["blink", "breathe", "okay", "channel_change", "stop_effect"], 2),
    ],
)  # fmt: skip
SENSOR = device(
    "0x00158d0001dc126a", "0x00158d0001dc126a", "WSDCGQ01LM", "Xiaomi", "MiJia temperature & humidity sensor",
    [BATTERY, numeric("temperature", "°C"), numeric("humidity", "%"), numeric("voltage", "mV")], "EndDevice",
)  # fmt: skip
COVER = device(
    "blind", "0x847127fffe3e1b55", "E1757", "IKEA", "FYRTUR roller blind",
    [
        BATTERY,
        {
            "type": "cover",
            "features": [
                enum("state", ["OPEN", "CLOSE", "STOP"]),
                numeric("position", "%", 7, value_min=0, value_max=100),
            ],
        },
    ],
    "EndDevice",
)  # fmt: skip
VALVE = device(
    "bath/radiator", "0xcc86ecfffec34ab7", "014G2461", "Danfoss", "Ally thermostat",
    [
        BATTERY,
        {
            "type": "climate",
            "features": [
                numeric("occupied_heating_setpoint", "°C", 7, value_min=5, value_max=35, value_step=0.5),
                numeric("local_temperature", "°C", 5),
                enum("system_mode", ["heat"]),
                enum("running_state", ["idle", "heat"], 5),
                numeric("pi_heating_demand", "%", 5, value_min=0, value_max=100),
            ],
        },
        enum("programming_operation_mode", ["setpoint", "schedule", "eco"]),
        enum("day_of_week", [0, 1, 2, 3, 4, 5, 6, 7]),
        {"access": 7, "name": "window_open_external", "property": "window_open_external", "type": "binary",
         "value_off": 0, "value_on": 1},
        {
            "access": 3, "name": "schedule", "property": "schedule", "type": "list", "length_min": 1, "length_max": 10,
            "item_type": {"type": "composite", "name": "day_time", "features": [enum("day", ["monday"], 3)]},
        },
        {"access": 7, "name": "note", "property": "note", "type": "text"},
    ],
    "EndDevice",
)  # fmt: skip
TWO_GANG = device(
    "hall switch", "0x5c0272fffec89ec2", "QS-Zigbee-S04-2C-LN", "Lonsonho", "2 gang switch module with neutral wire",
    [
        {"type": "switch", "endpoint": gang, "features": [{**STATE, "endpoint": gang, "property": f"state_{gang}"}]}
        for gang in ("l1", "l2")
    ],
)  # fmt: skip
REMOTE = device(
    "remote", "0x0017880104e45517", "324131092621", "Philips", "Hue dimmer switch",
    [BATTERY, enum("action", ["on-press", "on-hold", "up-press", "down-press", "off-press"], 1)], "EndDevice",
)  # fmt: skip
LOCK = device(
    "front door", "0x000d6f0011030508", "YRD226HA2619", "Yale", "Assure lock",
    [
        {
            "type": "lock",
            "features": [
                {**STATE, "value_on": "LOCK", "value_off": "UNLOCK"},
                enum("lock_state", ["not_fully_locked", "locked", "unlocked"], 1),
            ],
        },
        BATTERY,
    ],
    "EndDevice",
)  # fmt: skip
UNSUPPORTED: Json = {
    "ieee_address": "0x00169a00022256da", "type": "EndDevice", "network_address": 22160, "supported": False,
    "friendly_name": "my_sensor", "definition": None, "power_source": "Battery", "manufacturer": "Evil Corp",
    "model_id": "Harambe", "interviewing": False, "interview_completed": True, "endpoints": {}, "disabled": False,
}  # fmt: skip
SECOND_BULB = {**BULB, "friendly_name": "desk", "ieee_address": "0x90fd9ffffe6494fd"}

DEVICES = [COORDINATOR, PLUG, BULB, SENSOR, COVER, VALVE, TWO_GANG, REMOTE, LOCK, UNSUPPORTED, SECOND_BULB]
GROUPS: list[Json] = [
    {
        "friendly_name": "all lights",
        "id": 1,
        "members": [
            {"endpoint": 11, "ieee_address": "0x90fd9ffffe6494fc"},
            {"endpoint": 11, "ieee_address": "0x90fd9ffffe6494fd"},
        ],
        "scenes": [{"id": 1, "name": "Scene 1"}],
    }
]


def message(topic: str, payload: Any, retained: bool = False) -> Message:
    """A message below the base topic; what is no text is JSON."""
    written = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return f"zigbee2mqtt/{topic}", written.encode(), retained


COLOR = {"hue": 240, "saturation": 100, "x": 0.1355, "y": 0.0399}
MESSAGES: list[Message] = [
    message("bridge/state", {"state": "online"}, True),
    message("bridge/devices", DEVICES, True),
    message("bridge/groups", GROUPS, True),
    message("my_plug/availability", {"state": "online"}, True),
    message("my_plug", {"state": "ON", "power": 8.9, "energy": 12.34, "device_temperature": 31, "linkquality": 120,
                        "power_outage_memory": "restore", "led_disabled_night": False, "update_available": False}),
    message("kitchen/floor_light/availability", "online", True),
    message("kitchen/floor_light", {"state": "ON", "brightness": 215, "color_temp": 325, "color": COLOR,
                                    "color_mode": "xy", "update": {"state": "idle", "installed_version": 16783874,
                                                                   "latest_version": 16783874}}),
    message("0x00158d0001dc126a", {"temperature": 27.34, "humidity": 44.72, "battery": 91.5, "voltage": 2985,
                                   "last_seen": "2026-11-26T12:00:00+00:00"}),
    message("blind", {"state": "OPEN", "position": 100, "battery": None}),
    message("bath/radiator", {"occupied_heating_setpoint": 21.5, "local_temperature": 20.98, "system_mode": "heat",
                              "running_state": "idle", "pi_heating_demand": 12, "day_of_week": 4, "note": "",
                              "window_open_external": 0, "schedule": [{"day": "monday"}], "battery": 64}),
    message("hall switch", {"state_l1": "ON", "state_l2": "OFF", "linkquality": 63}),
    message("remote", {"action": "on-press", "battery": 80, "linkquality": 42}),
    message("remote", {"action": "", "battery": 80, "linkquality": 42}),
    message("front door", {"state": "LOCK", "lock_state": "locked", "battery": 77}),
    message("my_sensor", {"linkquality": 18, "raw": {"attribute": 17, "list": [1, 2]}, "occupancy": True}),
    message("desk", {"state": "OFF", "brightness": 1, "color": COLOR}, True),
    message("all lights", {"state": "ON", "brightness": 100, "color": COLOR}),
]  # fmt: skip


def many(count: int) -> Iterable[Message]:
    """That many devices."""
    yield message(
        "bridge/devices",
        [
            {"friendly_name": f"d{n}", "ieee_address": f"0x{n:016x}", "type": "Router", "definition": None}
            for n in range(count)
        ],
        True,
    )


def wide(count: int) -> Iterable[Message]:
    """One device of that many points."""
    exposes = [numeric(f"p{n}") for n in range(count)]
    yield message("bridge/devices", [device("wide", "0x00158d00018255df", "M", "V", "D", exposes)], True)
