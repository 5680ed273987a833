"""Lights, in the three forms that they may speak: one topic a property, JSON, or templates."""

from __future__ import annotations

from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles.homeassistant.conversions import (
    as_json,
    as_json_state,
    counted,
    number,
    one_of,
    said,
    switched,
    text,
    words,
)
from gateway.profiles.homeassistant.entity import Convert, Entity, Keys, Write, of

_PLAIN = Keys("state_topic", "", "command_topic", "")
_STATE = Keys("state_topic", "state_value_template", "command_topic", "")


def light(entity: Entity) -> None:
    """The light itself, its brightness, colour temperature and effect. Colours are no points."""
    schema = entity.text("schema", "basic")
    if schema in ("basic", "default"):
        _basic(entity)
    elif schema == "json":
        _json(entity)
    elif schema == "template":
        _template(entity)
    else:
        entity.problems.append(f"the schema {schema!r} of a light is not understood")


def _basic(entity: Entity) -> None:
    on, off = entity.text("payload_on", "ON"), entity.text("payload_off", "OFF")
    by_brightness = entity.text("on_command_type") == "brightness"  # it does not know the word for on
    write = _off_alone(off) if by_brightness else switched(on, off)
    entity.add("", Point("boolean"), _STATE, words({on: True, off: False}), write)
    brightness = Point("number", min=0, max=entity.number("brightness_scale", 255))
    entity.add("brightness", brightness, of("brightness"), number, counted)
    entity.add("color_temp", _color_temperature(entity), of("color_temp"), number, counted)
    _effect(entity, of("effect"), said, None)


def _off_alone(off: str) -> Write:
    def write(value: Value) -> str:
        if value:
            raise CodecError("it is switched on by its brightness alone")
        return off

    return write


def _json(entity: Entity) -> None:
    on_off = words({"ON": True, "OFF": False})
    entity.add("", Point("boolean"), _PLAIN, on_off, as_json_state(switched("ON", "OFF")), place="state")
    modes = entity.texts("supported_color_modes")
    if entity.flag("brightness") or any(mode not in ("onoff", "unknown") for mode in modes):
        brightness = Point("number", min=0, max=entity.number("brightness_scale", 255))
        entity.add("brightness", brightness, _PLAIN, number, as_json(state="ON", brightness=...), place="brightness")
    if "color_temp" in modes or entity.flag("color_temp"):
        write = as_json(state="ON", color_temp=...)
        entity.add("color_temp", _color_temperature(entity), _PLAIN, number, write, place="color_temp")
    if entity.flag("effect"):
        _effect(entity, _PLAIN, as_json(state="ON", effect=...), "effect")


def _template(entity: Entity) -> None:
    """Read only: its commands are programs."""
    keys = Keys("state_topic", "state_template")
    if entity.config.get(keys.template):
        entity.add("", Point("boolean"), keys, words({"on": True, "off": False}))
    if entity.config.get("brightness_template"):
        brightness = Point("number", min=0, max=255)
        entity.add("brightness", brightness, Keys("state_topic", "brightness_template"), number)


def _color_temperature(entity: Entity) -> Point:
    """In mired, which is a million by kelvin, or in kelvin."""
    if entity.flag("color_temp_kelvin"):
        return Point("number", unit="K", min=entity.number("min_kelvin"), max=entity.number("max_kelvin"))
    return Point("number", unit="MK-1", min=entity.number("min_mireds"), max=entity.number("max_mireds"))


def _effect(entity: Entity, keys: Keys, write: Write, place: str | None) -> None:
    effects = entity.texts("effect_list")
    point = Point("enum", values=effects) if effects else Point("string")
    convert: Convert = one_of(effects) if effects else text
    entity.add("effect", point, keys, convert, write, place=place)
