"""Home Assistant's discovery: what devices say becomes their values, and whether they are there."""

from typing import Any

import pytest

from gateway.errors import CodecError
from gateway.model import Point, Sample, Value
from gateway.profiles import Available, Event, Heard, Listen, Unreadable
from tests.profiles.homeassistant_messages import BULB_LINK, HUMIDITY, OPENMQTT, STATE, TEMPERATURE
from tests.profiles.homeassistant_world import World, only, problems

# ---- values


@pytest.mark.parametrize(
    ("template", "payload", "value"),
    [
        ("{{ value }}", "21.5", 21.5),
        ("{{value_json.a.b}}", '{"a":{"b":21.5}}', 21.5),
        ("{{ value_json['a b'].c[1] }}", '{"a b":{"c":[1,21.5]}}', 21.5),
        ('{{ value_json["a"] | float }}', '{"a":"21.5"}', 21.5),
        ("{{ value_json.a | float(0) | round(1) }}", '{"a":21.46}', 21.5),
        ("{{ value_json.a | int }}", '{"a":"21.9"}', 21),
        ("{{ value_json.a | default(7) }}", '{"b":1}', 7),
        ("{{ value_json.a | default(none) }}", '{"b":1}', None),
        ("{{- value_json.a | is_defined -}}", '{"a":21.5}', 21.5),
        ("{{ value_json.a }}", '{"a":null}', None),
        ("{{ value_json.a }}", '{"a":"unavailable"}', None),
        ("{{ value_json }}", "21.5", 21.5),
        ("{{value_json['a'] if value_json['a'] is defined else 0}}", '{"a":21.5}', 21.5),
        ("{{ value_json.a.b if value_json.a.b is defined else '-' }}", '{"a":{"b":21.5}}', 21.5),
    ],
)
def test_a_template_that_says_where_a_value_stands_is_followed(template: str, payload: str, value: Value) -> None:
    world = only("sensor/s", stat_t="t", uniq_id="u", val_tpl=template, unit_of_meas="W")
    assert world.values("t", payload) == {"u:s": value}


@pytest.mark.parametrize(
    ("template", "payload", "value"),
    [
        ("{{ 'ON' if value_json.a else 'OFF' }}", '{"a":true}', True),
        ("{{ 'ON' if value_json.a else 'OFF' }}", '{"a":0}', False),
        ('{{ "OFF" if value_json.value == 0 else "ON" }}', '{"value":50}', True),  # as Z-Wave JS UI has it
        ('{{ "OFF" if value_json.value == 0 else "ON" }}', '{"value":0}', False),
        ("{{'ON' if value_json['a'] is defined else 'OFF'}}", '{"a":null}', True),  # as EMS-ESP has it
        ("{{'ON' if value_json['a'] is defined else 'OFF'}}", '{"b":1}', False),
        ("{{ 'ON' if value == 'open' else 'OFF' }}", "open", True),
        ("{{ 'ON' if value != 'open' else 'OFF' }}", "open", False),
        ("{{ 'ON' if value_json.a == true else 'OFF' }}", '{"a":"true"}', False),  # a text, as in Jinja
    ],
)
def test_a_template_that_chooses_between_two_words_is_followed(template: str, payload: str, value: Value) -> None:
    world = only("binary_sensor/s", stat_t="t", uniq_id="u", val_tpl=template)
    assert world.values("t", payload) == {"u:s": value}


def test_the_gateway_and_the_node_say_in_their_templates_whether_they_are_there() -> None:
    world = World()
    availability = [
        {"t": "zwave/status", "val_tpl": "{{'online' if value_json.value else 'offline'}}"},
        {"t": "zwave/n3/status", "pl_avail": "true", "pl_not_avail": "false"},
    ]
    world.configure("sensor/s", {"stat_t": "t", "uniq_id": "u", "avty": availability, "avty_mode": "all"})
    assert online(world.say("zwave/status", '{"value":true}')) == []
    assert online(world.say("zwave/n3/status", "true")) == [True]
    assert online(world.say("zwave/status", '{"value":false}')) == [False]


@pytest.mark.parametrize(
    ("template", "payload"),
    [
        ("{{ value_json.a }}", '{"b":1}'),
        ("{{ 5 if value_json.a else 6 }}", '{"b":1}'),
        ("{{ 5 if value_json.a == 1 else 6 }}", '{"b":1}'),
        ("{{ value_json.a | is_defined }}", '{"b":1}'),
        ("{{ value_json.a | float(0) }}", '{"a":"-"}'),  # the zero would be made up
        ("{{ value_json.a | default('') }}", '{"b":1}'),
        ("{{ value_json.a[3] }}", '{"a":[1]}'),
        ("{{value_json['a'] if value_json['a'] is defined else 0}}", '{"b":1}'),  # as EMS-ESP has it
        ("{{ value }}", ""),
    ],
)
def test_a_message_without_the_value_is_no_news(template: str, payload: str) -> None:
    world = only("sensor/s", stat_t="t", uniq_id="u", val_tpl=template, unit_of_meas="W")
    assert world.say("t", payload) == []


@pytest.mark.parametrize(
    "template",
    [
        "{{ value_json.a / 10 }}",
        "{{ 'ON' if value_json.a > 3 else 'OFF' }}",
        "{{ 'ON' if value_json.a == value_json.b else 'OFF' }}",
        "{{ 'ON' if value_json.a and value_json.b else 'OFF' }}",
        "{{ value_json.a if value_json.b is defined else 0 }}",
        "{% if value_json.a %}{{ value }}{% endif %}",
        "{{ value_json.a }} {{ value_json.b }}",
        "{{ value_json.a | multiply(2) }}",
        "{{ value_json.a | round(1, 'floor') }}",
        "{{ value_json.get('a') }}",
        "{{ value.split(',')[0] }}",
        "{{ states('sensor.x') }}",
        "W: {{ value }}",
        "value",
    ],
)
def test_an_entity_whose_template_is_more_is_described_without_values_and_counted_once(template: str) -> None:
    world = World()
    config = {"stat_t": "t", "cmd_t": "c", "uniq_id": "u", "val_tpl": template, "name": "Pump"}
    assert len(problems(world.configure("switch/s", config))) == 1
    assert world.points("u") == {"s": Point("boolean", title="Pump")}
    assert world.filters == set()
    assert world.say("t", '{"a":1}') == []
    assert world.configure("switch/s", config) == []
    with pytest.raises(CodecError):
        world.order("u", "s", True)


def test_a_value_that_makes_no_sense_is_counted_and_costs_no_other() -> None:
    world = World()
    world.configure("sensor/sensorBedroomT", TEMPERATURE)
    world.configure("sensor/sensorBedroomH", HUMIDITY)
    events = world.say("homeassistant/sensor/sensorBedroom/state", '{"temperature": "warm", "humidity": 43.7}')
    assert events[0] == Heard("bedroom01ae", Sample({"sensorBedroomH": 43.7}))
    assert isinstance(events[1], Unreadable)
    assert "'warm' is not a number" in events[1].message
    assert len(problems(world.say("homeassistant/sensor/sensorBedroom/state", "{"))) == 1
    assert len(problems(world.say("homeassistant/sensor/sensorBedroom/state", b"\xff\xfe"))) == 1


@pytest.mark.parametrize(
    ("config", "point"),
    [
        ({"unit_of_meas": "°C"}, Point("number", unit="Cel")),
        ({"unit_of_meas": "kWh", "stat_cla": "total_increasing"}, Point("number", unit="kW.h")),
        ({"dev_cla": "aqi"}, Point("number")),
        ({"stat_cla": "measurement"}, Point("number")),
        ({"val_tpl": "{{ value_json.a | int }}"}, Point("number")),
        ({}, Point("string")),
        ({"dev_cla": "timestamp"}, Point("string")),
        ({"dev_cla": "enum", "ops": ["a", "b"]}, Point("enum", values=("a", "b"))),
        ({"unit_of_meas": "W", "exp_aft": 30}, Point("number", unit="W", stale_after=30.0)),
    ],
)
def test_a_sensor_is_a_number_where_its_configuration_says_so(config: dict[str, Any], point: Point) -> None:
    assert only("sensor/s", stat_t="t", uniq_id="u", **config).points("u") == {"s": point}


def test_what_falls_back_to_off_by_itself_is_stale_after_that_time() -> None:
    world = only("binary_sensor/s", stat_t="t", uniq_id="u", off_dly=5)
    assert world.points("u") == {"s": Point("boolean", stale_after=5.0)}


def test_the_words_of_a_state_may_be_of_any_json_type() -> None:
    config = {"pl_on": False, "pl_off": True, "val_tpl": "{{ value_json.contact }}"}
    world = only("binary_sensor/door", stat_t="t", uniq_id="u", **config)
    assert world.values("t", '{"contact":false}') == {"u:door": True}
    assert world.values("t", '{"contact":true}') == {"u:door": False}
    assert world.values("t", '{"contact":null}') == {"u:door": None}
    assert "none of False, True" in problems(world.say("t", '{"contact":"ajar"}'))[0]


def test_a_filter_with_levels_left_open_is_heard_and_one_of_everything_is_refused() -> None:
    world = World()
    world.configure("sensor/A4C138112233-tempc", OPENMQTT)
    assert world.points("A4C138112233") == {"tempc": Point("number", title="MiThermometer-tempc", unit="Cel")}
    topic = "home/OpenMQTTGateway/BTtoMQTT/A4C138112233"
    assert world.values(topic, '{"tempc":19.6,"hum":51}') == {"A4C138112233:tempc": 19.6}
    assert world.values("home/x/BTtoMQTT/other", '{"tempc":19.6}') == {}
    assert world.devices["A4C138112233"].topics == frozenset()
    for wide in ("#", "+", "home/+", "home/#", "a+/b"):
        assert len(problems(world.configure("sensor/wide", OPENMQTT | {"stat_t": wide}))) == 1
    world.say("homeassistant/sensor/A4C138112233-tempc/config", b"")
    assert world.values(topic, '{"tempc":19.6}') == {}


def test_retained_values_are_marked_and_a_retained_event_never_happens() -> None:
    world = only("event/bell", stat_t="t", uniq_id="u", evt_typ=["press", "hold"])
    assert world.points("u") == {"bell": Point("enum", values=("press", "hold"))}
    assert world.say("t", '{"event_type":"press"}', retained=True) == []
    assert world.say("t", '{"event_type":"press"}') == [Heard("u", Sample({"bell": "press"}))]
    world = only("sensor/s", stat_t="t", uniq_id="u", unit_of_meas="W")
    assert world.say("t", "5", retained=True) == [Heard("u", Sample({"s": 5}), retained=True)]


# ---- availability


def online(events: list[Event]) -> list[bool]:
    return [event.online for event in events if isinstance(event, Available)]


def test_all_topics_must_say_that_a_device_is_there() -> None:
    world = World()
    world.configure("sensor/0x00158d0001a2b3c4/linkquality", BULB_LINK)
    assert online(world.say("zigbee2mqtt/bridge/state", '{"state":"online"}', retained=True)) == []
    assert online(world.say(f"{STATE}/availability", '{"state":"online"}', retained=True)) == [True]
    assert online(world.say("zigbee2mqtt/bridge/state", '{"state":"offline"}')) == [False]
    assert online(world.say(f"{STATE}/availability", '{"state":"online"}')) == [False]


def test_a_device_that_is_found_later_knows_what_the_others_heard() -> None:
    world = World()
    world.configure("sensor/0x00158d0001a2b3c4/linkquality", BULB_LINK)
    world.say("zigbee2mqtt/bridge/state", '{"state":"offline"}', retained=True)
    later = BULB_LINK | {"device": {"identifiers": ["later"]}}
    assert Available("later", False) in world.configure("sensor/later/linkquality", later)


@pytest.mark.parametrize(
    ("mode", "said", "expected"),
    [
        ("any", ["a:online", "b:offline", "a:offline", "b:online"], [True, True, False, True]),
        ("any", ["a:offline", "b:offline"], [None, False]),
        ("latest", ["a:online", "b:offline", "a:online"], [True, False, True]),
        ("all", ["a:online", "b:online", "a:offline"], [None, True, False]),
    ],
)
def test_the_mode_decides_between_several_topics(mode: str, said: list[str], expected: list[bool | None]) -> None:
    world = only("sensor/s", stat_t="t", uniq_id="u", avty=[{"t": "a"}, {"t": "b"}], avty_mode=mode)
    for message, verdict in zip(said, expected, strict=True):
        topic, _, word = message.partition(":")
        assert online(world.say(topic, word)) == ([] if verdict is None else [verdict])


def test_one_topic_with_its_own_words_and_template() -> None:
    world = only(
        "sensor/s",
        stat_t="t",
        uniq_id="u",
        avty_t="a",
        avty_tpl="{{ value_json.alive }}",
        pl_avail="yes",
        pl_not_avail="no",
    )
    assert online(world.say("a", '{"alive":"yes"}')) == [True]
    assert online(world.say("a", '{"alive":"no"}')) == [False]
    assert "neither 'yes' nor 'no'" in problems(world.say("a", '{"alive":"perhaps"}'))[0]
    assert ("a", 1) in list(world.profile.subscriptions)


def test_where_one_template_of_all_is_not_understood_nobody_is_claimed_to_be_there() -> None:
    world = World()
    availability = [{"t": "a"}, {"t": "b", "val_tpl": "{{ 'online' if value > 3 else 'offline' }}"}]
    config = {"stat_t": "t", "uniq_id": "u", "avty": availability, "avty_mode": "all"}
    assert len(problems(world.configure("sensor/s", config))) == 1
    assert online(world.say("a", "online")) == []
    assert online(world.say("a", "offline")) == [False]


def test_a_device_is_there_as_soon_as_one_of_its_entities_is() -> None:
    world = World()
    for name in ("a", "b"):
        world.configure(f"sensor/{name}", {"stat_t": f"t/{name}", "avty_t": f"{name}/up", "dev": {"ids": "d"}})
    assert online(world.say("a/up", "offline")) == []
    assert online(world.say("b/up", "online")) == [True]
    assert online(world.say("b/up", "offline")) == [False]


def test_a_topic_that_comes_to_tell_of_availability_is_listened_to_with_more_care() -> None:
    world = World()
    assert Listen((("a", 0),)) in world.configure("sensor/s", {"stat_t": "a", "uniq_id": "s"})
    assert Listen((("a", 1), ("b", 0))) in world.configure("sensor/t", {"stat_t": "b", "uniq_id": "t", "avty_t": "a"})
