"""Home Assistant's discovery: what each component is made of, and how it is commanded."""

from typing import Any

import pytest

from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles import Publication
from tests.profiles.homeassistant_messages import BULB, BULB_LIGHT, BULB_LINK, BULB_STARTUP, KITCHEN, STATE
from tests.profiles.homeassistant_world import World, only, problems

# ---- components and their commands


def test_a_light_in_json_is_commanded_as_home_assistant_does() -> None:
    world = World()
    world.configure("light/kitchen", KITCHEN)
    assert world.points("kitchen_light") == {
        "light": Point("boolean", title="Kitchen", writable=True, confirm="verified"),
        "light.brightness": Point(
            "number", title="Kitchen brightness", min=0, max=255, writable=True, confirm="verified"
        ),
    }
    topic = "homeassistant/light/kitchen/set"
    assert world.order("kitchen_light", "light", True) == Publication(topic, b'{"state":"ON"}')
    assert world.order("kitchen_light", "light", False) == Publication(topic, b'{"state":"OFF"}')
    assert world.order("kitchen_light", "light.brightness", 120.0) == Publication(
        topic, b'{"state":"ON","brightness":120}'
    )
    assert world.values("homeassistant/light/kitchen/state", '{"state":"ON","brightness":255}') == {
        "kitchen_light:light": True,
        "kitchen_light:light.brightness": 255,
    }
    assert world.values("homeassistant/light/kitchen/state", '{"state":"OFF"}') == {"kitchen_light:light": False}


def test_a_bulb_of_zigbee2mqtt_has_all_its_parts() -> None:
    world = World()
    for place, config in (("light", BULB_LIGHT), ("sensor", BULB_LINK), ("select", BULB_STARTUP)):
        name = {"light": "light", "sensor": "linkquality", "select": "power_on_behavior"}[place]
        world.configure(f"{place}/0x00158d0001a2b3c4/{name}", config)
    points = world.points(BULB)
    assert {name: (point.type, point.unit, point.writable) for name, point in points.items()} == {
        "light": ("boolean", None, True),
        "light.brightness": ("number", None, True),
        "light.color_temp": ("number", "MK-1", True),
        "light.effect": ("enum", None, True),
        "linkquality": ("number", "{lqi}", False),
        "power_on_behavior": ("enum", None, True),
    }
    assert (points["light.color_temp"].min, points["light.color_temp"].max) == (250, 454)
    assert world.values(STATE, '{"brightness":120,"linkquality":87,"power_on_behavior":"on","state":"ON"}') == {
        f"{BULB}:light": True,
        f"{BULB}:light.brightness": 120,
        f"{BULB}:linkquality": 87,
        f"{BULB}:power_on_behavior": "on",
    }
    assert world.order(BULB, "power_on_behavior", "toggle") == Publication(f"{STATE}/set/power_on_behavior", b"toggle")
    assert world.order(BULB, "light.effect", "blink").payload == b'{"state":"ON","effect":"blink"}'


def test_a_light_by_topics_has_one_for_each_part() -> None:
    world = only(
        "light/l",
        uniq_id="u",
        cmd_t="l/set",
        stat_t="l",
        stat_val_tpl="{{ value_json.s }}",
        pl_on="1",
        pl_off="0",
        bri_cmd_t="l/bri/set",
        bri_stat_t="l/bri",
        bri_scl=100,
        clr_temp_cmd_t="l/ct/set",
        fx_cmd_t="l/fx/set",
        fx_list=["rainbow"],
    )
    assert world.values("l", '{"s":"1"}') == {"u:l": True}
    assert world.values("l/bri", "40") == {"u:l.brightness": 40}
    assert world.order("u", "l", True) == Publication("l/set", b"1")
    assert world.order("u", "l.brightness", 12.0) == Publication("l/bri/set", b"12")
    assert world.order("u", "l.effect", "rainbow") == Publication("l/fx/set", b"rainbow")
    assert world.points("u")["l.color_temp"].confirm == "sent"


def test_a_light_that_is_switched_on_by_its_brightness_is_not_sent_the_word_for_on() -> None:
    topics = {"cmd_t": "l/set", "stat_t": "l", "bri_cmd_t": "l/bri/set", "bri_stat_t": "l/bri", "bri_scl": 99}
    world = only("light/l", uniq_id="u", on_cmd_type="brightness", **topics)
    assert world.order("u", "l", False) == Publication("l/set", b"OFF")
    with pytest.raises(CodecError, match="by its brightness alone"):
        world.order("u", "l", True)
    assert world.order("u", "l.brightness", 99) == Publication("l/bri/set", b"99")


def test_a_climate_may_have_no_preset_although_none_is_never_listed() -> None:
    world = only("climate/x", uniq_id="u", pr_mode_cmd_t="p/set", pr_mode_stat_t="p", pr_modes=["eco", "comfort"])
    assert world.values("p", "none") == {"u:x.preset_mode": "none"}
    assert world.order("u", "x.preset_mode", "none") == Publication("p/set", b"none")


def test_a_light_by_templates_is_shown_and_not_commanded() -> None:
    world = only(
        "light/l",
        schema="template",
        uniq_id="u",
        stat_t="l",
        cmd_t="l/set",
        cmd_on_tpl="on,{{ brightness|d }}",
        cmd_off_tpl="off",
        stat_tpl="{{ value_json.state }}",
        bri_tpl="{{ value_json.bri }}",
    )
    assert world.values("l", '{"state":"on","bri":7}') == {"u:l": True, "u:l.brightness": 7}
    assert not any(point.writable for point in world.points("u").values())


Case = tuple[str, dict[str, Any], str, Value, str, bytes]
CASES: list[Case] = [
    ("switch", {"cmd_t": "c"}, "x", True, "c", b"ON"),
    ("switch", {"cmd_t": "c", "pl_on": "1", "pl_off": 0}, "x", False, "c", b"0"),
    ("switch", {"cmd_t": "c", "cmd_tpl": '{"POWER": "{{ value }}"}'}, "x", True, "c", b'{"POWER": "ON"}'),
    ("number", {"cmd_t": "c", "min": 0, "max": 30}, "x", 21.0, "c", b"21"),
    ("number", {"cmd_t": "c"}, "x", 21.5, "c", b"21.5"),
    ("number", {"cmd_t": "c", "cmd_tpl": '{"sp": {{ value }} }'}, "x", 7, "c", b'{"sp": 7 }'),
    ("number", {"cmd_t": "c", "cmd_tpl": '{"sp": {{ value | tojson }}}'}, "x", 7, "c", b'{"sp": 7}'),
    ("select", {"cmd_t": "c", "ops": ["a", "b"]}, "x", "b", "c", b"b"),
    ("text", {"cmd_t": "c"}, "x", 'say "hi"', "c", b'say "hi"'),
    ("text", {"cmd_t": "c", "cmd_tpl": '{"t":{{ value|to_json }}}'}, "x", 'a"b', "c", b'{"t":"a\\"b"}'),
    ("button", {"cmd_t": "c"}, "x", None, "c", b"PRESS"),
    ("button", {"cmd_t": "c", "pl_prs": "restart"}, "x", None, "c", b"restart"),
    ("scene", {"cmd_t": "c", "pl_on": "movie"}, "x", None, "c", b"movie"),
    ("siren", {"cmd_t": "c"}, "x", True, "c", b'{"state":"ON"}'),
    ("siren", {"cmd_t": "c", "cmd_tpl": "{{ value }}"}, "x", True, "c", b"ON"),
    ("cover", {"cmd_t": "c"}, "x.open", None, "c", b"OPEN"),
    ("cover", {"cmd_t": "c", "pl_stop": "HALT"}, "x.stop", None, "c", b"HALT"),
    ("cover", {"set_pos_t": "p"}, "x.position", 40, "p", b"40"),
    ("cover", {"tilt_cmd_t": "t"}, "x.tilt", 40, "t", b"40"),
    ("valve", {"cmd_t": "c", "reports_position": True}, "x", 40, "c", b"40"),
    ("valve", {"cmd_t": "c"}, "x.close", None, "c", b"CLOSE"),
    ("lock", {"cmd_t": "c"}, "x", True, "c", b"LOCK"),
    ("lock", {"cmd_t": "c", "pl_open": "OPEN"}, "x.open", None, "c", b"OPEN"),
    ("fan", {"cmd_t": "c"}, "x", True, "c", b"ON"),
    ("fan", {"cmd_t": "c", "pct_cmd_t": "p", "spd_rng_max": 10}, "x.percentage", 10, "p", b"10"),
    ("fan", {"cmd_t": "c", "pr_mode_cmd_t": "p", "pr_modes": ["eco"]}, "x.preset_mode", "eco", "p", b"eco"),
    ("fan", {"cmd_t": "c", "osc_cmd_t": "o"}, "x.oscillation", True, "o", b"oscillate_on"),
    ("climate", {"mode_cmd_t": "m", "modes": ["off", "heat"]}, "x.mode", "heat", "m", b"heat"),
    ("climate", {"temp_cmd_t": "t"}, "x.temperature", 21.5, "t", b"21.5"),
    ("climate", {"fan_mode_cmd_t": "f"}, "x.fan_mode", "low", "f", b"low"),
    ("climate", {"pow_cmd_t": "p"}, "x.power", True, "p", b"ON"),
    ("humidifier", {"cmd_t": "c", "hum_cmd_t": "h"}, "x.target_humidity", 45, "h", b"45"),
    ("water_heater", {"mode_cmd_t": "m"}, "x.mode", "eco", "m", b"eco"),
]


@pytest.mark.parametrize(("component", "config", "point", "value", "topic", "payload"), CASES)
def test_a_command_is_what_home_assistant_would_publish(
    component: str, config: dict[str, Any], point: str, value: Value, topic: str, payload: bytes
) -> None:
    world = only(f"{component}/x", uniq_id="u", retain=True, **config)
    assert world.points("u")[point].writable
    assert world.order("u", point, value) == Publication(topic, payload)


STATES: list[tuple[str, dict[str, Any], str, dict[str, Value]]] = [
    ("switch", {"stat_t": "t", "stat_on": "up", "stat_off": "down"}, "up", {"u:x": True}),
    ("switch", {"stat_t": "t"}, "None", {"u:x": None}),
    ("number", {"stat_t": "t"}, "21.5", {"u:x": 21.5}),
    ("select", {"stat_t": "t", "ops": ["a", "b"]}, "b", {"u:x": "b"}),
    ("text", {"stat_t": "t", "cmd_t": "c"}, "hello", {"u:x": "hello"}),
    ("text", {"stat_t": "t", "cmd_t": "c", "mode": "password"}, "secret", {}),
    ("siren", {"stat_t": "t"}, '{"state":"ON","tone":"bell"}', {"u:x": True}),
    ("siren", {"stat_t": "t"}, "OFF", {"u:x": False}),
    ("cover", {"stat_t": "t"}, "opening", {"u:x": "opening"}),
    ("cover", {"pos_t": "t"}, "40", {"u:x.position": 40}),
    ("lock", {"stat_t": "t"}, "LOCKED", {"u:x": True}),
    ("lock", {"stat_t": "t"}, "LOCKING", {}),
    ("lock", {"stat_t": "t"}, "JAMMED", {"u:x": None}),
    ("fan", {"stat_t": "t"}, "ON", {"u:x": True}),
    ("climate", {"curr_temp_t": "t", "temp_unit": "F"}, "70", {"u:x.current_temperature": 70}),
    ("climate", {"mode_stat_t": "t", "mode_stat_tpl": "{{ value_json.m }}"}, '{"m":"heat"}', {"u:x.mode": "heat"}),
    ("climate", {"act_t": "t"}, "idle", {"u:x.action": "idle"}),
    ("humidifier", {"hum_stat_t": "t"}, "45", {"u:x.target_humidity": 45}),
    ("alarm_control_panel", {"stat_t": "t", "cmd_t": "c"}, "armed_away", {"u:x": "armed_away"}),
    ("device_tracker", {"stat_t": "t"}, "home", {"u:x": "home"}),
]


@pytest.mark.parametrize(("component", "config", "payload", "values"), STATES)
def test_a_state_is_what_home_assistant_would_show(
    component: str, config: dict[str, Any], payload: str, values: dict[str, Value]
) -> None:
    world = only(f"{component}/x", uniq_id="u", **config)
    assert problems(world.say("t", payload)) == []
    assert world.values("t", payload) == values


@pytest.mark.parametrize(
    ("config", "confirm"),
    [
        ({"stat_t": "t"}, "verified"),
        ({}, "sent"),
        ({"stat_t": "t", "opt": True}, "sent"),
        ({"stat_t": "c"}, "sent"),  # the command would be its own proof
    ],
)
def test_success_is_seen_where_the_device_tells_its_state(config: dict[str, Any], confirm: str) -> None:
    world = only("switch/x", uniq_id="u", cmd_t="c", **config)
    assert world.points("u")["x"].confirm == confirm


@pytest.mark.parametrize(
    ("point", "value"),
    [("x", "c"), ("x", 7), ("x", None), ("y", "a")],
)
def test_what_a_point_does_not_take_is_refused(point: str, value: Value) -> None:
    world = only("select/x", uniq_id="u", cmd_t="c", ops=["a", "b"])
    with pytest.raises(CodecError):
        world.order("u", point, value)
    with pytest.raises(CodecError):
        world.order("nobody", "x", "a")


def test_a_text_cannot_break_out_of_the_command_around_it() -> None:
    world = only("text/x", uniq_id="u", cmd_t="c", cmd_tpl='{"text":"{{ value }}"}')
    assert world.order("u", "x", "hello").payload == b'{"text":"hello"}'
    with pytest.raises(CodecError):
        world.order("u", "x", 'a","door":"open')


def test_a_lock_that_wants_a_code_is_not_commanded() -> None:
    world = only("lock/x", uniq_id="u", cmd_t="c", stat_t="t", code_format="^\\d{4}$")
    assert not world.points("u")["x"].writable


def test_a_command_template_that_is_a_program_leaves_the_state_readable() -> None:
    world = World()
    config = {"uniq_id": "u", "cmd_t": "c", "stat_t": "t", "cmd_tpl": "{% if value %}x{% endif %}"}
    assert len(problems(world.configure("switch/x", config))) == 1
    assert not world.points("u")["x"].writable
    assert world.values("t", "ON") == {"u:x": True}
