"""Home Assistant's discovery: what senders announce becomes devices, and what is taken back goes."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CodecError
from gateway.model import Point, Sample, Value
from gateway.profiles import Heard, Ignore, Listen, Publication, Removed
from tests.contract.hostile import HOSTILE
from tests.contract.parts import EXAMPLES, tried
from tests.profiles.homeassistant_messages import (
    BULB,
    BULB_LIGHT,
    BULB_STARTUP,
    DEVICE,
    ESPHOME,
    HUMIDITY,
    IRRIGATION,
    KITCHEN,
    MESSAGES,
    MOTION,
    OPENMQTT,
    STATE,
    TEMPERATURE,
)
from tests.profiles.homeassistant_world import World, only, problems

# ---- devices


def test_the_documented_entities_of_one_device_are_its_points() -> None:
    world = World()
    world.configure("sensor/sensorBedroomT", TEMPERATURE)
    world.configure("sensor/sensorBedroomH", HUMIDITY)
    told = world.devices["bedroom01ae"].description
    assert (told.name, told.model, told.vendor) == ("Bedroom", "Example Sensor", "Example sensors Ltd.")
    assert told.points == {"sensorBedroomT": Point("number", unit="Cel"), "sensorBedroomH": Point("number", unit="%")}
    assert world.say("homeassistant/sensor/sensorBedroom/state", '{ "temperature": 23.20, "humidity": 43.70 }') == [
        Heard("bedroom01ae", Sample({"sensorBedroomH": 43.7, "sensorBedroomT": 23.2}))
    ]


def test_an_entity_whose_name_is_null_is_the_main_thing_of_its_device() -> None:
    world = World()
    world.configure("binary_sensor/garden", MOTION)
    assert world.points("01ad") == {"binary_sensor": Point("boolean")}
    assert world.values("homeassistant/binary_sensor/garden/state", "ON") == {"01ad:binary_sensor": True}


def test_an_entity_without_a_device_is_one_of_its_own_and_short_keys_and_base_topic_are_spelt_out() -> None:
    world = World()
    events = world.configure("switch/irrigation", IRRIGATION)
    (device,) = world.devices
    assert device == "irr01ad"
    assert world.devices[device].description.name == "Irrigation"
    assert world.points(device) == {"switch": Point("boolean", title="Irrigation", writable=True, confirm="verified")}
    assert Listen((("homeassistant/switch/irrigation/state", 0),)) in events
    assert world.values("homeassistant/switch/irrigation/state", "ON") == {"irr01ad:switch": True}
    assert world.order(device, "switch", False) == Publication("homeassistant/switch/irrigation/set", b"OFF")


def test_the_base_topic_may_stand_at_the_end_of_a_topic_and_in_an_availability() -> None:
    world = only(
        "switch/a",
        **{"~": "house/a", "uniq_id": "a", "cmd_t": "cmnd/~", "stat_t": "stat/~", "avty": [{"t": "~/LWT"}]},
    )
    assert world.filters == {"stat/house/a", "house/a/LWT"}
    assert world.order("a", "switch", True).topic == "cmnd/house/a"


def test_the_device_form_gives_its_components_what_they_share() -> None:
    world = World()
    events = world.configure("device/ea334450945afc", DEVICE)
    assert problems(events) == []  # the trigger is left out without a word
    told = world.devices["ea334450945afc"].description
    assert (told.name, told.model, told.vendor) == ("Kitchen", "xya", "Bla electronics")
    assert set(told.points) == {"some_unique_component_id1", "some_unique_id2"}
    assert world.values("sensorBedroom/state", '{"temperature": 21.5, "humidity": 48}') == {
        "ea334450945afc:some_unique_component_id1": 21.5,
        "ea334450945afc:some_unique_id2": 48,
    }


def test_a_component_with_a_platform_alone_is_removed() -> None:
    world = World()
    world.configure("device/ea334450945afc", DEVICE)
    less = DEVICE | {"cmps": DEVICE["cmps"] | {"some_unique_id2": {"p": "sensor"}}}  # type: ignore[operator]
    world.configure("device/ea334450945afc", less)
    assert set(world.points("ea334450945afc")) == {"some_unique_component_id1"}


def test_an_empty_message_removes_and_the_last_entity_takes_the_device_with_it() -> None:
    world = World()
    world.configure("sensor/sensorBedroomT", TEMPERATURE)
    world.configure("sensor/sensorBedroomH", HUMIDITY)
    world.say("homeassistant/sensor/sensorBedroomT/config", b"")
    assert set(world.points("bedroom01ae")) == {"sensorBedroomH"}
    assert world.filters == {"homeassistant/sensor/sensorBedroom/state"}
    assert world.say("homeassistant/sensor/sensorBedroomH/config", b"") == [
        Removed("bedroom01ae"),
        Ignore(("homeassistant/sensor/sensorBedroom/state",)),
    ]
    assert list(world.profile.subscriptions) == [
        ("homeassistant/+/+/config", 1),
        ("homeassistant/+/+/+/config", 1),
    ]


def test_entities_meet_by_any_identifier_or_connection_that_they_share() -> None:
    world = World()
    parts = [
        {"ids": ["a"]},
        {"ids": ["a"], "cns": [["mac", "aa:bb:cc:dd:ee:ff"]]},
        {"cns": [["mac", "aa:bb:cc:dd:ee:ff"]]},
    ]
    for number, device in enumerate(parts):
        world.configure(f"sensor/s{number}", {"stat_t": f"t/{number}", "uniq_id": f"u{number}", "dev": device})
    assert set(world.devices) == {"a"}
    assert set(world.points("a")) == {"s0", "s1", "s2"}
    assert world.devices["a"].identities == {"mac:aabbccddeeff"}


@pytest.mark.parametrize(
    ("device", "identities"),
    [
        ({"ids": BULB}, {"ieee:00158d0001a2b3c4"}),
        ({"ids": ["0x00158D0001A2B3C4"]}, {"ieee:00158d0001a2b3c4"}),
        ({"ids": ["AABBCCDDEEFF"]}, {"mac:aabbccddeeff"}),
        ({"ids": ["x"], "cns": [["mac", "AA-BB-CC-DD-EE-FF"]]}, {"mac:aabbccddeeff"}),
        ({"ids": ["x"], "cns": [["upnp", "aa:bb:cc:dd:ee:ff"]]}, set()),
        ({"ids": ["aabbccddeeff_probe1"]}, set()),  # a part of the device at that address
        ({"ids": ["zigbee2mqtt_bridge_0x00158d0001a2b3c4"]}, set()),
        ({"ids": ["DC4F22"]}, set()),
    ],
)
def test_an_address_is_known_by_its_form(device: dict[str, Any], identities: set[str]) -> None:
    world = only("sensor/s", stat_t="t", uniq_id="u", dev=device)
    (told,) = world.devices.values()
    assert told.identities == identities


def test_the_topics_of_its_values_and_commands_tell_which_device_it_is() -> None:
    world = World()
    world.configure("light/0x00158d0001a2b3c4/light", BULB_LIGHT)
    world.configure("select/0x00158d0001a2b3c4/power_on_behavior", BULB_STARTUP)
    assert world.devices[BULB].topics == {STATE, f"{STATE}/set", f"{STATE}/set/power_on_behavior"}


@pytest.mark.parametrize("origin", [{"name": "fieldgate", "sw": "0.6.0", "url": "https://x"}, {"name": "Fieldgate"}])
def test_what_a_fieldgate_publishes_is_left_out(origin: dict[str, str]) -> None:
    world = World()
    assert world.configure("device/ea334450945afc", DEVICE | {"o": origin}) == []
    assert world.configure("switch/irrigation", IRRIGATION | {"origin": origin}) == []


def test_the_same_message_once_more_is_no_news_and_another_is() -> None:
    world = World()
    world.configure("sensor/sensorBedroomT", TEMPERATURE)
    assert world.configure("sensor/sensorBedroomT", TEMPERATURE) == []
    world.configure("sensor/sensorBedroomT", TEMPERATURE | {"state_topic": "elsewhere"})
    assert world.filters == {"elsewhere"}


def test_an_entity_may_move_to_another_device() -> None:
    world = World()
    world.configure("switch/irrigation", IRRIGATION | {"dev": {"ids": "one"}})
    events = world.configure("switch/irrigation", IRRIGATION | {"dev": {"ids": "two"}})
    assert Removed("one") in events
    assert set(world.devices) == {"two"}


def test_a_migration_takes_the_entity_out_until_the_device_form_comes() -> None:
    world = World()
    world.configure("switch/irrigation", IRRIGATION)
    assert Removed("irr01ad") in world.configure("switch/irrigation", {"migrate_discovery": True})


def test_the_prefix_may_be_another_one() -> None:
    world = World(prefix="smart/home")
    assert ("smart/home/+/+/config", 1) in list(world.profile.subscriptions)
    world.say("smart/home/switch/irrigation/config", json.dumps(IRRIGATION))
    assert set(world.devices) == {"irr01ad"}


def test_it_asks_nothing_because_the_birth_message_is_of_home_assistant() -> None:
    assert list(World().profile.greetings()) == []


def test_unknown_components_are_left_out_without_a_word() -> None:
    world = World()
    for component in ("device_automation", "tag", "update", "camera", "vacuum", "something_new"):
        assert world.configure(f"{component}/x", {"topic": "t", "stat_t": "s", "dev": {"ids": "x"}}) == []


# ---- names of points


def names(*entities: tuple[str, str]) -> set[str]:
    world = World()
    for number, (place, name) in enumerate(entities):
        world.configure(
            place, {"stat_t": f"t{number}", "name": name, "dev": {"ids": ["DC4F22"], "name": "Office Plug"}}
        )
    return set(world.points("DC4F22"))


def test_a_point_is_called_by_its_object_without_what_repeats_the_device() -> None:
    assert names(("sensor/DC4F22_AM2301_Temperature", "T"), ("sensor/office_plug_power", "P")) == {
        "AM2301_Temperature",
        "power",
    }
    assert names(("sensor/plug/plug_voltage", "V"), ("switch/plug/plug", "S")) == {"voltage", "switch"}


def test_two_of_one_name_are_told_apart_in_whatever_order_they_come() -> None:
    pair = (("sensor/plug/state", "a"), ("switch/plug/state", "b"))
    assert names(*pair) == names(*reversed(pair)) == {"sensor_state", "switch_state"}
    third = (*pair, ("sensor/plug/sensor_state", "c"))
    assert names(*third) == names(*reversed(third)) == {"switch_state", "sensor_plug_state", "sensor_state"}
    same = (("sensor/one/state", "a"), ("sensor/two/state", "b"))
    assert names(*same) == names(*reversed(same)) == {"sensor_one_state", "sensor_two_state"}


# ---- bad input


@pytest.mark.parametrize(
    ("place", "config"),
    [
        ("switch/x", {"cmd_t": 5}),
        ("switch/x", {"cmd_t": "a/+/b"}),
        # For each of these a broker ends the connection.
        ("switch/x", {"cmd_t": "a\a"}),
        ("switch/x", {"cmd_t": "c", "stat_t": "a\x85/b"}),
        ("switch/x", {"cmd_t": "c", "stat_t": "a/\uffff"}),
        ("switch/x", {"cmd_t": "c", "avty_t": "$share/a"}),
        ("switch/x", {"cmd_t": "c", "stat_t": "t" * 600}),
        ("switch/x", {"cmd_t": "c", "pl_on": {"a": 1}}),
        ("switch/x", {"cmd_t": "c", "dev": []}),
        ("switch/x", {"cmd_t": "c", "dev": {"ids": [{"a": 1}]}}),
        ("switch/x", {"cmd_t": "c", "dev": {"ids": "x" * 300}}),
        ("switch/x", {"cmd_t": "c", "dev": {"cns": ["mac"]}}),
        ("switch/x", {"cmd_t": "c", "avty": "online"}),
        ("number/x", {"cmd_t": "c", "min": "low"}),
        ("number/x", {"cmd_t": "c", "min": 5, "max": 1}),
        ("select/x", {"cmd_t": "c", "ops": {"a": 1}}),
        ("device/x", {"dev": {"ids": "x"}, "cmps": []}),
        ("device/x", {"dev": {"ids": "x"}, "cmps": {"a": 5}}),
        ("device/x", {"dev": {"ids": "x"}, "cmps": {"a": {"stat_t": "t"}}}),
        ("device/x", {"cmps": {"a": {"p": "sensor", "stat_t": "t"}}}),
        ("switch/a b", {"cmd_t": "c"}),
    ],
)
def test_a_configuration_that_makes_no_sense_is_counted_and_changes_nothing(place: str, config: dict[str, Any]) -> None:
    world = World()
    world.configure("switch/x", IRRIGATION)
    before = dict(world.devices)
    assert len(problems(world.configure(place, config))) == 1
    assert world.devices == before


def test_devices_points_and_topics_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.profiles.homeassistant.profile.MAX_DEVICES", 3)
    monkeypatch.setattr("gateway.profiles.homeassistant.profile._MAX_MESSAGES", 6)
    monkeypatch.setattr("gateway.profiles.homeassistant.device.MAX_POINTS", 2)
    for module in ("feeds", "profile"):
        monkeypatch.setattr(f"gateway.profiles.homeassistant.{module}.MAX_FEEDS", 4)
    world = World()

    def refused(number: int, device: str) -> list[str]:
        config = {"stat_t": f"t/{number}", "uniq_id": f"u{number}", "dev": {"ids": device}}
        return problems(world.configure(f"sensor/s{number}", config))

    assert [refused(number, device) for number, device in enumerate("aab")] == [[], [], []]
    assert "points of one device" in refused(3, "a")[0]
    assert refused(4, "c") == []
    assert "more than 3 devices" in refused(5, "d")[0]
    assert "more than 4 topics" in refused(6, "b")[0]
    assert set(world.devices) == {"a", "b", "c"}
    assert len(world.filters) == 4
    assert world.values("t/2", "x") == {"b:s2": "x"}


def test_what_went_leaves_nothing_behind() -> None:
    world = World()
    for topic, payload, retained in MESSAGES:
        world.say(topic, payload, retained=retained)
    for topic, _, _ in MESSAGES:
        if topic.endswith("/config"):
            world.say(topic, b"")
    assert world.devices == {}
    assert world.filters == set()
    profile: Any = world.profile
    assert (profile._devices, profile._by_key, profile._messages) == ({}, {}, {})
    assert (profile._feeds._feeds, profile._feeds._wild, profile._feeds._of, profile._feeds.known) == ({}, {}, {}, {})


CONFIGS: list[dict[str, Any]] = [MOTION, TEMPERATURE, IRRIGATION, KITCHEN, DEVICE, BULB_LIGHT, ESPHOME, OPENMQTT]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted({key for config in CONFIGS for key in config} | {"avty", "val_tpl", "cmd_tpl", "ops", "min", "e", "opt"})
VALUES: dict[str, Value] = {"boolean": True, "number": 1, "string": "a"}
COMPONENTS = st.sampled_from(
    [
        "sensor",
        "binary_sensor",
        "switch",
        "light",
        "climate",
        "cover",
        "fan",
        "lock",
        "number",
        "select",
        "event",
        "device",
    ]
)


@EXAMPLES
def test_no_configuration_and_no_message_raises(examples: int) -> None:
    @tried(examples)
    @given(
        st.lists(
            st.tuples(
                COMPONENTS,
                st.sampled_from(CONFIGS),
                st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3),
                st.sampled_from([payload for _, payload, _ in MESSAGES] + [h for h in HOSTILE if len(h) < 1000])
                | st.binary(max_size=40),
            ),
            max_size=4,
        )
    )
    def check(steps: list[tuple[str, dict[str, Any], dict[str, Any], bytes]]) -> None:
        world = World()
        for component, config, changes, payload in steps:
            changed = json.dumps(config | changes)
            world.say(f"homeassistant/{component}/x/config", changed, retained=True)
            for filter in list(world.filters):
                world.say(filter.replace("+", "x"), payload)
            world.say(f"homeassistant/{component}/y/config", payload)
            subscribed = {filter for filter, _ in world.profile.subscriptions}
            assert subscribed - world.filters == {"homeassistant/+/+/config", "homeassistant/+/+/+/config"}
        for name, told in world.devices.items():
            for point, described in told.description.points.items():
                if described.writable:
                    with contextlib.suppress(CodecError):
                        world.order(name, point, VALUES.get(described.type))

    check()
