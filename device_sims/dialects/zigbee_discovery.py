"""How a Zigbee2MQTT bridge describes its devices to Home Assistant, where it is told to: a message for each entity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from device_sims.dialects.zigbee_devices import Device
from device_sims.dialects.zigbee_exposes import SET, STATE, Expose

# What Home Assistant calls a kind of measurement.
CLASSES = {
    "battery": "battery",
    "current": "current",
    "device_temperature": "temperature",
    "energy": "energy",
    "humidity": "humidity",
    "power": "power",
    "pressure": "atmospheric_pressure",
    "temperature": "temperature",
    "voltage": "voltage",
}
Entity = tuple[str, str, dict[str, Any]]  # component, object id and what is its own of the configuration


def discovery_of(device: Device, base: str, version: str, bridge: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Topics and configurations of all entities of the device."""
    topic = f"{base}/{device.name}"
    common = {
        "availability": [
            {"topic": f"{base}/bridge/state", "value_template": "{{ value_json.state }}"},
            {"topic": f"{topic}/availability", "value_template": "{{ value_json.state }}"},
        ],
        "availability_mode": "all",
        "device": {
            "identifiers": [f"{base}_{device.address}"],
            "name": device.name,
            "manufacturer": device.model.vendor,
            "model": device.model.description,
            "model_id": device.model.model,
            "via_device": f"{base}_bridge_{bridge}",
        },
        "origin": {"name": "Zigbee2MQTT", "sw": version, "url": "https://www.zigbee2mqtt.io"},
        "state_topic": topic,
    }
    for expose in device.model.exposes:
        for component, name, own in _entities(device, expose, topic):
            config = (
                common | {"object_id": f"{device.name}_{name}", "unique_id": f"{device.address}_{name}_{base}"} | own
            )
            if not expose.get("access", STATE) & STATE:
                del config["state_topic"]
            yield f"homeassistant/{component}/{device.address}/{name}/config", config


def _entities(device: Device, expose: Expose, topic: str) -> Iterator[Entity]:
    match expose["type"]:
        case "light":
            yield "light", "light", _light(device, topic)
        case "switch":
            yield _switch(expose, topic)
        case "lock":
            yield "lock", expose["features"][0]["property"], _lock(expose["features"][0], topic)
        case "cover":
            yield "cover", "cover", _cover(topic)
        case "climate":
            yield "climate", "climate", _climate(expose, topic)
        case "numeric":
            yield "sensor", expose["name"], _sensor(expose)
        case "enum" if expose["access"] & SET:
            yield "select", expose["name"], _select(expose, topic)
        case "enum":
            yield "event", expose["name"], {"event_types": expose["values"], "value_template": _of(expose)}


def _of(feature: Mapping[str, Any]) -> str:
    return f"{{{{ value_json.{feature['property']} }}}}"


def _light(device: Device, topic: str) -> dict[str, Any]:
    return {
        "schema": "json",
        "name": None,
        "command_topic": f"{topic}/set",
        "brightness": True,
        "brightness_scale": 254,
        "supported_color_modes": ["xy", "color_temp"],
        "min_mireds": 153,
        "max_mireds": 500,
        "effect": True,
        "effect_list": device.features["effect"]["values"],
    }


def _switch(expose: Expose, topic: str) -> Entity:
    [state] = expose["features"]
    at = expose.get("endpoint")
    own = {
        "name": at.capitalize() if at else None,
        "command_topic": f"{topic}/{at}/set" if at else f"{topic}/set",
        "payload_on": state["value_on"],
        "payload_off": state["value_off"],
        "value_template": _of(state),
    }
    return "switch", f"switch_{at}" if at else "switch", own


def _lock(state: Mapping[str, Any], topic: str) -> dict[str, Any]:
    return {
        "name": "Child lock",
        "command_topic": f"{topic}/set/{state['property']}",
        "payload_lock": state["value_on"],
        "payload_unlock": state["value_off"],
        "state_locked": state["value_on"],
        "state_unlocked": state["value_off"],
        "value_template": _of(state),
    }


def _cover(topic: str) -> dict[str, Any]:
    return {
        "name": None,
        "command_topic": f"{topic}/set",
        "value_template": "{{ value_json.state }}",
        "state_open": "OPEN",
        "state_closed": "CLOSE",
        "state_stopped": "STOP",
        "position_topic": topic,
        "position_template": "{{ value_json.position }}",
        "set_position_topic": f"{topic}/set",
        "set_position_template": '{ "position": {{ position }} }',
    }


def _climate(expose: Expose, topic: str) -> dict[str, Any]:
    features = {feature["name"]: feature for feature in expose["features"]}
    setpoint = features["occupied_heating_setpoint"]
    return {
        "name": None,
        "temperature_unit": "C",
        "min_temp": str(setpoint["value_min"]),
        "max_temp": str(setpoint["value_max"]),
        "temp_step": setpoint["value_step"],
        "temperature_command_topic": f"{topic}/set/{setpoint['property']}",
        "temperature_state_topic": topic,
        "temperature_state_template": _of(setpoint),
        "current_temperature_topic": topic,
        "current_temperature_template": _of(features["local_temperature"]),
        "modes": features["system_mode"]["values"],
        "mode_command_topic": f"{topic}/set/system_mode",
        "mode_state_topic": topic,
        "mode_state_template": _of(features["system_mode"]),
        "action_topic": topic,
        "action_template": "{% set values = {None:None,'idle':'idle','heat':'heating'} %}"
        "{{ values[value_json.running_state] }}",
    }


def _sensor(expose: Expose) -> dict[str, Any]:
    own = {
        "unit_of_measurement": expose["unit"],
        "value_template": _of(expose),
        "state_class": "total_increasing" if expose["name"] == "energy" else "measurement",
    }
    class_ = CLASSES.get(expose["name"])
    return own | ({"device_class": class_} if class_ else {"name": expose["label"]})


def _select(expose: Expose, topic: str) -> dict[str, Any]:
    return {
        "name": expose["label"],
        "command_topic": f"{topic}/set/{expose['property']}",
        "options": expose["values"],
        **({"value_template": _of(expose)} if expose["access"] & STATE else {}),
    }
