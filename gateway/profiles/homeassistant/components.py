"""What each component of Home Assistant is made of (home-assistant.io, MQTT: the page of each component)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.codecs.units import unit_code
from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles.homeassistant.conversions import (
    as_json_state,
    counted,
    fixed,
    number,
    one_of,
    said,
    state_in_json,
    switched,
    text,
    words,
)
from gateway.profiles.homeassistant.entity import MAIN, Entity, Keys, of
from gateway.profiles.homeassistant.lights import light
from gateway.profiles.homeassistant.templates import ValueTemplate

_NO_NUMBERS = frozenset({"date", "timestamp", "enum", "uptime"})  # classes of sensors
_MODES = ("auto", "off", "cool", "heat", "dry", "fan_only")
_ACTIONS = ("off", "preheating", "heating", "cooling", "drying", "idle", "fan", "defrosting")
_WATER_HEATER = ("off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance")
_COMMAND = Keys(command="command_topic", command_template="command_template")
_STATE = Keys("state_topic", "state_value_template", "command_topic", "command_template")
_COVER = ("open", "opening", "closed", "closing", "stopped")


def _unit(entity: Entity) -> str | None:
    return unit_code(entity.text("unit_of_measurement").strip())


def _stale_after(entity: Entity) -> float | None:
    """After how many seconds a value is none any more: it expires, or Home Assistant takes it for off by itself."""
    seconds = entity.number("expire_after") or entity.number("off_delay")
    return float(seconds) if seconds and seconds > 0 else None


def _on_off(entity: Entity, keys: Keys = MAIN) -> None:
    on, off = entity.text("payload_on", "ON"), entity.text("payload_off", "OFF")
    shown: dict[str, Value] = {entity.text("state_on", on): True, entity.text("state_off", off): False}
    entity.add("", Point("boolean"), keys, words(shown), switched(on, off))


def _numbered(entity: Entity, suffix: str, keys: Keys, point: Point) -> None:
    entity.add(suffix, point, keys, number, counted)


def _chosen(entity: Entity, suffix: str, keys: Keys, values: tuple[str, ...]) -> None:
    if values:
        entity.add(suffix, Point("enum", values=values), keys, one_of(values), said)


def _pressed(entity: Entity, suffix: str, key: str, payload: str) -> None:
    """An action, unless the configuration says null for its payload."""
    if key not in entity.config or entity.config[key] is not None:
        entity.add(suffix, Point("action"), _COMMAND, None, fixed(entity.text(key, payload)))


def _sensor(entity: Entity) -> None:
    unit, kind, stale_after = _unit(entity), entity.text("device_class"), _stale_after(entity)
    options = entity.texts("options")
    if options:
        entity.add("", Point("enum", values=options, stale_after=stale_after), MAIN, one_of(options))
    elif kind in _NO_NUMBERS or not (unit or kind or _told(entity, "state_class") or _computes(entity)):
        entity.add("", Point("string", stale_after=stale_after), MAIN, text)
    else:
        entity.add("", Point("number", unit=unit, stale_after=stale_after), MAIN, number)


def _told(entity: Entity, *keys: str) -> bool:
    told = ("suggested_display_precision", "unit_of_measurement", *keys)
    return any(entity.config.get(key) not in (None, "") for key in told)


def _computes(entity: Entity) -> bool:
    template = entity.config.get("value_template")
    try:
        return isinstance(template, str) and ValueTemplate.parse(template).numeric
    except CodecError:
        return False


def _binary_sensor(entity: Entity) -> None:
    shown: dict[str, Value] = {entity.text("payload_on", "ON"): True, entity.text("payload_off", "OFF"): False}
    entity.add("", Point("boolean", stale_after=_stale_after(entity)), MAIN, words(shown))


def _siren(entity: Entity) -> None:
    """On and off alone, in JSON unless a template says otherwise; tones, volume and duration stay as they are."""
    on, off = entity.text("payload_on", "ON"), entity.text("payload_off", "OFF")
    shown: dict[str, Value] = {entity.text("state_on", on): True, entity.text("state_off", off): False}
    said_so = switched(on, off)
    if not entity.config.get("command_template"):
        said_so = as_json_state(said_so)
    entity.add("", Point("boolean"), _STATE, state_in_json(words(shown)), said_so)


def _number(entity: Entity) -> None:
    point = Point("number", unit=_unit(entity), min=entity.number("min", 1), max=entity.number("max", 100))
    _numbered(entity, "", MAIN, point)


def _select(entity: Entity) -> None:
    _chosen(entity, "", MAIN, entity.texts("options"))


def _text(entity: Entity) -> None:
    """What is a password is never shown."""
    entity.add("", Point("string"), MAIN, None if entity.text("mode") == "password" else text, said)


def _button(entity: Entity) -> None:
    _pressed(entity, "", "payload_press", "PRESS")


def _scene(entity: Entity) -> None:
    _pressed(entity, "", "payload_on", "ON")


def _event(entity: Entity) -> None:
    types = entity.texts("event_types")
    if not types:
        return
    if entity.config.get("value_template"):
        entity.problems.append("an event with a template is not understood")
        return
    point = Point("enum", values=types)
    entity.add("", point, Keys("state_topic"), one_of(types), place="event_type", momentary=True)


def _cover(entity: Entity) -> None:
    shown: dict[str, Value] = {entity.text(f"state_{state}", state): state for state in _COVER}
    entity.add("", Point("enum", values=_COVER), MAIN, words(shown))
    for word in ("open", "close", "stop"):
        _pressed(entity, word, f"payload_{word}", word.upper())
    position = Keys("position_topic", "position_template", "set_position_topic", "set_position_template")
    _numbered(entity, "position", position, _range(entity, "position_closed", "position_open"))
    tilt = Keys(
        "tilt_status_topic", "tilt_status_template", "tilt_command_topic", "tilt_command_template", "tilt_optimistic"
    )
    _numbered(entity, "tilt", tilt, _range(entity, "tilt_min", "tilt_max"))


def _valve(entity: Entity) -> None:
    if entity.flag("reports_position"):
        _numbered(entity, "", MAIN, _range(entity, "position_closed", "position_open"))
        return
    states = _COVER[:4]
    shown: dict[str, Value] = {entity.text(f"state_{state}", state): state for state in states}
    entity.add("", Point("enum", values=states), MAIN, words(shown))
    for word in ("open", "close"):
        _pressed(entity, word, f"payload_{word}", word.upper())
    if entity.config.get("payload_stop") is not None:
        _pressed(entity, "stop", "payload_stop", "STOP")


def _range(entity: Entity, low: str, high: str) -> Point:
    """Where the device counts 0 to 100, it is percent; else the device's own numbers.

    It travels there for longer than anyone waits for proof.
    """
    ends = sorted((entity.number(low, 0) or 0, entity.number(high, 100) or 0))
    return Point("number", unit="%" if ends == [0, 100] else None, min=ends[0], max=ends[1], confirm="sent")


def _lock(entity: Entity) -> None:
    """True is locked. On its way it is neither, and jammed it is unknown."""
    shown: dict[str, Value] = {
        entity.text("state_locked", "LOCKED"): True,
        entity.text("state_unlocked", "UNLOCKED"): False,
        entity.text("state_jammed", "JAMMED"): None,
    }
    passing = (entity.text("state_locking", "LOCKING"), entity.text("state_unlocking", "UNLOCKING"))
    needs_code = bool(entity.config.get("code_format"))
    write = switched(entity.text("payload_lock", "LOCK"), entity.text("payload_unlock", "UNLOCK"))
    entity.add("", Point("boolean"), MAIN, words(shown, passing=passing), None if needs_code else write)
    if entity.config.get("payload_open") and not needs_code:
        _pressed(entity, "open", "payload_open", "OPEN")


def _fan(entity: Entity) -> None:
    _on_off(entity, _STATE)
    low, high = entity.number("speed_range_min", 1) or 0, entity.number("speed_range_max", 100)
    _numbered(entity, "percentage", of("percentage"), Point("number", min=low - 1, max=high))
    _chosen(entity, "preset_mode", of("preset_mode"), entity.texts("preset_modes"))
    _chosen(entity, "direction", of("direction"), ("forward", "reverse"))
    swinging, still = (
        entity.text("payload_oscillation_on", "oscillate_on"),
        entity.text("payload_oscillation_off", "oscillate_off"),
    )
    oscillates = words({swinging: True, still: False})
    entity.add("oscillation", Point("boolean"), of("oscillation"), oscillates, switched(swinging, still))


def _current(entity: Entity, what: str, unit: str) -> None:
    keys = Keys(f"current_{what}_topic", f"current_{what}_template")
    entity.add(f"current_{what}", Point("number", unit=unit), keys, number)


def _degrees(entity: Entity) -> str:
    return {"F": "[degF]", "K": "K"}.get(entity.text("temperature_unit"), "Cel")


def _humidity(entity: Entity) -> None:
    point = Point("number", unit="%", min=entity.number("min_humidity", 30), max=entity.number("max_humidity", 99))
    _numbered(entity, "target_humidity", of("target_humidity", "state_template"), point)


def _climate(entity: Entity) -> None:
    unit = _degrees(entity)
    target = Point("number", unit=unit, min=entity.number("min_temp"), max=entity.number("max_temp"))
    _chosen(entity, "mode", of("mode", "state_template"), entity.texts("modes", _MODES))
    for part in ("temperature", "temperature_high", "temperature_low"):
        _numbered(entity, part, of(part, "state_template"), target)
    _humidity(entity)
    _current(entity, "temperature", unit)
    _current(entity, "humidity", "%")
    entity.add("action", Point("enum", values=_ACTIONS), Keys("action_topic", "action_template"), one_of(_ACTIONS))
    _chosen(
        entity, "fan_mode", of("fan_mode", "state_template"),
        entity.texts("fan_modes", ("auto", "low", "medium", "high")),
    )  # fmt: skip
    _chosen(entity, "swing_mode", of("swing_mode", "state_template"), entity.texts("swing_modes", ("on", "off")))
    presets = entity.texts("preset_modes")
    _chosen(entity, "preset_mode", of("preset_mode"), ("none", *presets) if presets else ())  # "none" is never listed
    _power(entity)


def _power(entity: Entity) -> None:
    """It has no state of its own: the mode tells."""
    on, off = entity.text("payload_on", "ON"), entity.text("payload_off", "OFF")
    keys = Keys(command="power_command_topic", command_template="power_command_template")
    entity.add("power", Point("boolean"), keys, None, switched(on, off))


def _water_heater(entity: Entity) -> None:
    unit = _degrees(entity)
    target = Point("number", unit=unit, min=entity.number("min_temp"), max=entity.number("max_temp"))
    _chosen(entity, "mode", of("mode", "state_template"), entity.texts("modes", _WATER_HEATER))
    _numbered(entity, "temperature", of("temperature", "state_template"), target)
    _current(entity, "temperature", unit)
    _power(entity)


def _humidifier(entity: Entity) -> None:
    _on_off(entity, _STATE)
    _humidity(entity)
    _chosen(entity, "mode", of("mode", "state_template"), entity.texts("modes"))
    _current(entity, "humidity", "%")


def _shown_text(entity: Entity) -> None:
    """A state that is shown and not commanded: an alarm wants a code, and a tracker takes nothing."""
    entity.add("", Point("string"), Keys("state_topic", "value_template"), text)


# Others (triggers, updates, cameras, vacuums…) are left out.
COMPONENTS: Mapping[str, Callable[[Entity], None]] = {
    "alarm_control_panel": _shown_text,
    "binary_sensor": _binary_sensor,
    "button": _button,
    "climate": _climate,
    "cover": _cover,
    "device_tracker": _shown_text,
    "event": _event,
    "fan": _fan,
    "humidifier": _humidifier,
    "light": light,
    "lock": _lock,
    "number": _number,
    "scene": _scene,
    "select": _select,
    "sensor": _sensor,
    "siren": _siren,
    "switch": _on_off,
    "text": _text,
    "valve": _valve,
    "water_heater": _water_heater,
}
