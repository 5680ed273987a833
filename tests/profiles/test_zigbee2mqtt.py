"""Zigbee2MQTT: its lists become devices, its states readings, and commands what it takes."""

import json
from typing import Any

import pytest

from gateway.errors import CodecError
from gateway.model import Description, Outgoing, Point, Sample, Value
from gateway.profiles import Available, Described, Event, Heard, Ignore, Listen, Publication, Removed, Unreadable
from gateway.profiles.zigbee2mqtt import Zigbee2mqtt, Zigbee2mqttOptions
from tests.profiles import zigbee2mqtt_messages as shapes
from tests.profiles.zigbee2mqtt_messages import message


def profile(*lists: Any, **options: Any) -> Zigbee2mqtt:
    """A profile that knows these devices, and these groups."""
    built = Zigbee2mqttOptions(**options).build()
    assert isinstance(built, Zigbee2mqtt)
    for topic, entries in zip(("bridge/devices", "bridge/groups"), lists, strict=False):
        told(built, topic, entries)
    return built


def told(to: Zigbee2mqtt, topic: str, payload: Any, retained: bool = False) -> list[Event]:
    """What the profile makes of a message below the base topic."""
    return list(to.receive(*message(topic, payload, retained)))


def described(*entries: Any) -> Description:
    """What is told of the first of these devices."""
    (found,) = [event for event in told(profile(), "bridge/devices", list(entries))[:1] if isinstance(event, Described)]
    return found.description


def values(to: Zigbee2mqtt, topic: str, payload: Any) -> dict[str, Value]:
    """The values of a state."""
    (event,) = told(to, topic, payload)
    assert isinstance(event, Heard)
    return event.sample.values


def sent(to: Zigbee2mqtt, device: str, point: str, value: Value) -> tuple[str, Any]:
    """A command as topic and JSON."""
    publication = to.encode(Outgoing("house.x", device, point, value, 17, 1e9))
    return publication.topic, json.loads(publication.payload)


class TestDevices:
    def test_a_device_has_its_name_model_vendor_and_address(self) -> None:
        (found,) = told(profile(), "bridge/devices", [shapes.COORDINATOR, shapes.PLUG], True)
        assert isinstance(found, Described)
        assert found.device == "my_plug"
        assert found.identities == {"ieee:00158d00018255df"}
        assert found.topics == {"zigbee2mqtt/my_plug"}
        about = found.description
        assert (about.name, about.model, about.vendor) == ("my_plug", "ZNCZ02LM", "Xiaomi")

    def test_a_device_that_nobody_named_is_called_by_what_it_is(self) -> None:
        assert described(shapes.SENSOR).name == "MiJia temperature & humidity sensor 126a"

    def test_a_plug_with_a_meter(self) -> None:
        assert described(shapes.PLUG).points == {
            "state": Point("boolean", "State", writable=True, confirm="verified"),
            "power": Point("number", "Power", "W"),
            "energy": Point("number", "Energy", "kW.h"),
            "device_temperature": Point("number", "Device_temperature", "Cel"),
            "power_outage_memory": Point("enum", values=("on", "off", "restore"), writable=True, confirm="verified"),
            "led_disabled_night": Point("boolean", "State", writable=True, confirm="verified"),
            "linkquality": Point("integer", "Linkquality", "{lqi}", 0, 255),
        }

    def test_a_light_has_its_colour_as_points_with_dots_and_its_effect_only_sent(self) -> None:
        points = described(shapes.BULB).points
        assert points["brightness"] == Point("integer", "Brightness", None, 0, 254, writable=True, confirm="verified")
        assert points["color_temp"].unit == "MK-1"
        assert {name for name in points if name.startswith("color.")} == {
            "color.x", "color.y", "color.hue", "color.saturation",
        }  # fmt: skip
        assert points["effect"].confirm == "sent"

    def test_a_closed_contact_is_true_although_its_on_is_false(self) -> None:
        contact = {"access": 1, "name": "contact", "property": "contact", "type": "binary",
                   "value_on": False, "value_off": True}  # fmt: skip
        door = shapes.device("door", "0x1", "MCCGQ11LM", "Aqara", "Door and window sensor", [contact], "EndDevice")
        built = profile([door])
        assert values(built, "door", {"contact": True}) == {"contact": True}
        assert values(built, "door", {"contact": False}) == {"contact": False}
        assert values(profile([door], output="attribute"), "door/contact", "true") == {"contact": True}

    def test_a_preset_outside_of_the_range_can_be_commanded_and_read(self) -> None:
        assert described(shapes.BULB).points["color_temp_startup"].max == 65535

    def test_a_preset_below_the_range_counts_too(self) -> None:
        presets = [{"name": "off", "value": -1}, {"name": "odd"}, 7]
        level = shapes.numeric("level", access=7, value_min=1, value_max=5, presets=presets)
        point = described(shapes.device("a", "0x1", "M", "V", "D", [level])).points["level"]
        assert (point.min, point.max) == (-1, 5)

    def test_a_cover_travels_for_longer_than_anyone_waits_so_its_commands_are_only_sent(self) -> None:
        points = described(shapes.COVER).points
        assert points["state"] == Point("enum", values=("OPEN", "CLOSE", "STOP"), writable=True, confirm="sent")
        assert points["position"].confirm == "sent"

    def test_a_thermostat(self) -> None:
        points = described(shapes.VALVE).points
        assert points["occupied_heating_setpoint"] == Point(
            "number", "Occupied_heating_setpoint", "Cel", 5, 35, writable=True, confirm="verified"
        )
        assert not points["local_temperature"].writable
        assert points["running_state"].values == ("idle", "heat")
        assert points["day_of_week"].values == ("0", "1", "2", "3", "4", "5", "6", "7")
        assert points["schedule"] == Point("string", writable=True, confirm="sent")

    def test_two_gangs_are_two_points(self) -> None:
        assert [name for name, point in described(shapes.TWO_GANG).points.items() if point.writable] == [
            "state_l1",
            "state_l2",
        ]

    def test_a_remote_has_its_actions(self) -> None:
        assert described(shapes.REMOTE).points["action"] == Point(
            "enum", values=("on-press", "on-hold", "up-press", "down-press", "off-press")
        )

    def test_actions_of_any_number_are_text(self) -> None:
        remote = shapes.device("r", "0x0017880104e45517", "M", "V", "D", [shapes.enum("action", ["recall_*"], 1)])
        assert described(remote).points["action"] == Point("string")

    def test_a_device_that_is_not_supported_is_there_with_what_is_known(self) -> None:
        about = described(shapes.UNSUPPORTED)
        assert (about.points, about.name, about.model, about.vendor) == ({}, "my_sensor", "Harambe", "Evil Corp")

    def test_what_it_exposes_of_a_type_of_tomorrow_is_left_to_the_state(self) -> None:
        tomorrow = {"type": "hologram", "name": "face", "property": "face", "access": 7}
        found = told(profile(), "bridge/devices", [shapes.device("a", "0x1", "M", "V", "D", [tomorrow])])
        assert [type(event) for event in found] == [Described]

    @pytest.mark.parametrize(
        "wrong",
        [
            7,
            {"type": "numeric"},
            {"type": "binary", "name": "b", "property": "b"},
            {"type": "binary", "name": "b", "property": "b", "value_on": "ON", "value_off": "ON"},
            {"type": "enum", "name": "e", "property": "e", "values": []},
            {"type": "enum", "name": "e", "property": "e", "values": [None]},
            {"type": "light"},
            {"type": "numeric", "name": "a\nb", "property": "a\nb"},
        ],
        ids=str,
    )
    def test_a_feature_that_makes_no_sense_is_counted_and_costs_no_other(self, wrong: Any) -> None:
        entry = shapes.device("a", "0x0017880104e45517", "M", "V", "D", [wrong, shapes.BATTERY])
        first, second = told(profile(), "bridge/devices", [entry])
        assert isinstance(first, Unreadable)
        assert first.device == "a"
        assert isinstance(second, Described)
        assert set(second.description.points) == {"battery", "linkquality"}

    @pytest.mark.parametrize(
        "name",
        ["", "bridge", "bridge/x", "a/set", "get", "a+", "#", "a\0", "x" * 257, 7, None, "a\n", "a\x85", "\uffff/a"],
        ids=repr,
    )
    def test_a_name_that_would_be_mistaken_for_another_topic_is_refused(self, name: Any) -> None:
        found = told(profile(), "bridge/devices", [{**shapes.PLUG, "friendly_name": name}, shapes.LOCK])
        assert [type(event) for event in found] == [Unreadable, Described]

    def test_two_of_one_name_are_one_device_and_counted(self) -> None:
        found = told(profile(), "bridge/devices", [shapes.PLUG, {**shapes.LOCK, "friendly_name": "my_plug"}])
        assert [type(event) for event in found] == [Unreadable, Described]

    @pytest.mark.parametrize("payload", ["", "{}", "[", "7", "null", "[1]"])
    def test_a_list_that_is_none_is_counted(self, payload: str) -> None:
        assert [type(event) for event in told(profile(), "bridge/devices", payload)] == [Unreadable]

    def test_a_broken_list_leaves_the_devices_as_they_are(self) -> None:
        known = profile([shapes.PLUG])
        told(known, "bridge/devices", '[{"friendly_name"')
        assert values(known, "my_plug", {"power": 1}) == {"power": 1}


class TestChanges:
    def test_the_same_list_again_is_nothing(self) -> None:
        known = profile(shapes.DEVICES)
        assert told(known, "bridge/devices", shapes.DEVICES, True) == []

    def test_what_is_wrong_in_a_list_is_not_counted_again_at_every_connect(self) -> None:
        known = profile()
        assert len(told(known, "bridge/devices", [7, shapes.PLUG], True)) == 2
        assert told(known, "bridge/devices", [7, shapes.PLUG], True) == []

    def test_a_list_that_differs_in_what_is_no_business_of_ours_changes_no_device(self) -> None:
        known = profile([shapes.PLUG])
        assert told(known, "bridge/devices", [{**shapes.PLUG, "network_address": 1}]) == []

    def test_a_rename_removes_the_old_name_and_describes_the_new_one(self) -> None:
        known = profile([shapes.PLUG, shapes.LOCK])
        events = told(known, "bridge/devices", [{**shapes.PLUG, "friendly_name": "desk plug"}, shapes.LOCK])
        assert [(type(event), event.device) for event in events if isinstance(event, Removed | Described)] == [
            (Removed, "my_plug"),
            (Described, "desk plug"),
        ]
        assert values(known, "desk plug", {"power": 1}) == {"power": 1}
        assert told(known, "my_plug", {"power": 1}) == []

    def test_two_devices_that_swap_their_names_are_both_new(self) -> None:
        known = profile([shapes.PLUG, shapes.LOCK])
        events = told(
            known,
            "bridge/devices",
            [{**shapes.PLUG, "friendly_name": "front door"}, {**shapes.LOCK, "friendly_name": "my_plug"}],
        )
        assert [type(event) for event in events] == [Removed, Removed, Described, Described]

    def test_a_device_that_left_is_removed(self) -> None:
        known = profile([shapes.PLUG, shapes.LOCK])
        assert told(known, "bridge/devices", [shapes.LOCK]) == [Removed("my_plug")]

    def test_a_new_definition_is_told_once(self) -> None:
        known = profile([shapes.PLUG, shapes.LOCK])
        changed = {**shapes.PLUG, "definition": {**shapes.PLUG["definition"], "exposes": [shapes.STATE]}}
        (event,) = told(known, "bridge/devices", [changed, shapes.LOCK])
        assert isinstance(event, Described)
        assert set(event.description.points) == {"state"}


class TestTopics:
    def test_the_logging_of_the_bridge_is_not_subscribed_to(self) -> None:
        assert dict(profile().subscriptions) == {
            "zigbee2mqtt/bridge/devices": 1,
            "zigbee2mqtt/bridge/groups": 1,
            "zigbee2mqtt/bridge/state": 1,
            "zigbee2mqtt/+": 0,
            "zigbee2mqtt/+/availability": 1,
        }

    def test_a_name_with_a_slash_is_listened_to_as_long_as_it_is_known(self) -> None:
        known = profile()
        lamp = (("zigbee2mqtt/kitchen/floor_light", 0), ("zigbee2mqtt/kitchen/floor_light/availability", 1))
        assert told(known, "bridge/devices", [shapes.BULB])[-1] == Listen(lamp)
        assert set(lamp) <= set(known.subscriptions)
        gone = told(known, "bridge/devices", [])
        assert gone == [Removed("kitchen/floor_light"), Ignore(tuple(filter for filter, _ in lamp))]
        assert not set(lamp) & set(known.subscriptions)

    def test_the_base_topic_may_have_several_levels(self) -> None:
        known = profile(topic="home/zigbee")
        found = list(known.receive("home/zigbee/bridge/devices", json.dumps([shapes.PLUG]).encode(), True))
        assert isinstance(found[0], Described)
        assert found[0].topics == {"home/zigbee/my_plug"}
        assert list(known.receive("home/zigbee/my_plug", b'{"power":1}', False)) == [
            Heard("my_plug", Sample({"power": 1}))
        ]

    def test_a_device_below_whose_topic_another_speaks_owns_no_topic(self) -> None:
        pair = [{**shapes.PLUG, "friendly_name": "a"}, {**shapes.LOCK, "friendly_name": "a/b"}]
        found = [event for event in told(profile(), "bridge/devices", pair) if isinstance(event, Described)]
        assert [event.topics for event in found] == [frozenset(), {"zigbee2mqtt/a/b"}]

    def test_a_device_called_like_an_availability_is_told_apart_by_the_whole_topic(self) -> None:
        known = profile([{**shapes.PLUG, "friendly_name": "a"}, {**shapes.LOCK, "friendly_name": "a/availability"}])
        assert told(known, "a/availability", {"state": "LOCK"}) == [Heard("a/availability", Sample({"state": True}))]

    def test_what_is_retained_of_a_device_and_comes_before_the_list_is_not_lost(self) -> None:
        known = profile()
        assert told(known, "my_plug", {"power": 3}, True) == []
        assert told(known, "my_plug/availability", {"state": "offline"}, True) == []
        events = told(known, "bridge/devices", [shapes.PLUG], True)
        assert events[1:] == [
            Heard("my_plug", Sample({"power": 3}), retained=True),
            Available("my_plug", False, "Zigbee2MQTT cannot reach it"),
        ]

    @pytest.mark.parametrize(
        "topic",
        ["my_plug/set", "my_plug/get", "my_plug/set/state", "bridge/logging", "bridge/request/device/remove",
         "bridge/response/device/remove", "bridge/event", "bridge/info", "somebody else"],
    )  # fmt: skip
    def test_what_is_no_state_is_nothing(self, topic: str) -> None:
        assert told(profile([shapes.PLUG]), topic, {"state": "ON"}) == []


class TestStates:
    def test_words_become_true_and_false_and_numbers_stay_what_they_are(self) -> None:
        known = profile(shapes.DEVICES)
        assert values(known, "my_plug", {"state": "OFF", "power": 8.9, "led_disabled_night": True}) == {
            "state": False,
            "power": 8.9,
            "led_disabled_night": True,
        }
        assert values(known, "front door", {"state": "LOCK"}) == {"state": True}
        assert values(known, "bath/radiator", {"window_open_external": 1, "day_of_week": 4}) == {
            "window_open_external": True,
            "day_of_week": "4",
        }
        assert type(values(known, "desk", {"brightness": 215})["brightness"]) is int

    def test_what_is_nested_has_dots(self) -> None:
        state = {"color": {"x": 0.3, "hue": 240}, "update": {"state": "idle", "installed_version": 1}}
        assert values(profile(shapes.DEVICES), "desk", state) == {
            "color.x": 0.3,
            "color.hue": 240,
            "update.state": "idle",
            "update.installed_version": 1,
        }

    def test_a_list_is_its_json_text(self) -> None:
        assert values(profile(shapes.DEVICES), "bath/radiator", {"schedule": [{"day": "monday"}]}) == {
            "schedule": '[{"day":"monday"}]'
        }

    def test_null_is_a_value_that_is_not_there(self) -> None:
        assert values(profile(shapes.DEVICES), "blind", {"battery": None}) == {"battery": None}

    def test_points_that_nobody_described_are_heard_too(self) -> None:
        assert values(profile([shapes.UNSUPPORTED]), "my_sensor", {"occupancy": True, "raw": {"a": 1}}) == {
            "occupancy": True,
            "raw.a": 1,
        }

    def test_an_action_is_heard_and_that_it_is_over_is_not(self) -> None:
        known = profile([shapes.REMOTE])
        assert values(known, "remote", {"action": "on-press"}) == {"action": "on-press"}
        assert values(known, "remote", {"action": "", "battery": 80}) == {"battery": 80}
        assert told(known, "remote", {"action": None}) == []

    @pytest.mark.parametrize("seen", ["2026-11-26T12:00:00Z", "2026-11-26T13:00:00+01:00", 1795694400000])
    def test_when_it_was_last_seen_is_its_own_time(self, seen: Any) -> None:
        (event,) = told(profile([shapes.PLUG]), "my_plug", {"power": 1, "last_seen": seen})
        assert event == Heard("my_plug", Sample({"power": 1}, 1795694400.0))

    def test_what_was_retained_is_told_as_old(self) -> None:
        assert told(profile([shapes.PLUG]), "my_plug", {"power": 1}, True) == [
            Heard("my_plug", Sample({"power": 1}), retained=True)
        ]

    def test_a_state_that_names_its_own_device_is_read_without_that(self) -> None:
        state = {"power": 1, "device": {"ieeeAddr": "0x00158D00018255DF", "friendlyName": "my_plug"}}
        assert values(profile([shapes.PLUG]), "my_plug", state) == {"power": 1}

    def test_a_state_that_names_another_device_is_refused(self) -> None:
        state = {"state": "OFF", "device": {"ieeeAddr": "0x000d6f0011030508"}}
        (event,) = told(profile([shapes.PLUG, shapes.LOCK]), "my_plug", state)
        assert isinstance(event, Unreadable)
        assert event.device == "my_plug"
        assert "another device" in event.message

    @pytest.mark.parametrize("payload", ["ON", "[]", "7", '{"a":', "{" * 40, '{"a":NaN}', "null"])
    def test_what_is_no_state_is_counted_for_the_device(self, payload: str) -> None:
        (event,) = told(profile([shapes.PLUG]), "my_plug", payload)
        assert isinstance(event, Unreadable)
        assert event.device == "my_plug"

    def test_more_values_than_a_device_has_points_are_refused(self) -> None:
        (event,) = told(profile([shapes.PLUG]), "my_plug", {f"p{n}": n for n in range(513)})
        assert isinstance(event, Unreadable)

    def test_a_retained_state_that_is_taken_away_is_nothing(self) -> None:
        assert told(profile([shapes.PLUG]), "my_plug", "") == []


class TestAttributes:
    def known(self) -> Zigbee2mqtt:
        return profile(shapes.DEVICES, output="attribute")

    def test_each_device_is_listened_to_for_its_attributes(self) -> None:
        filters = dict(self.known().subscriptions)
        assert "zigbee2mqtt/my_plug/+" in filters
        assert "zigbee2mqtt/kitchen/floor_light/+" in filters
        assert "zigbee2mqtt/+" not in filters

    @pytest.mark.parametrize(
        ("topic", "payload", "point", "value"),
        [
            ("my_plug/state", "ON", "state", True),
            ("my_plug/power", "8.9", "power", 8.9),
            ("my_plug/led_disabled_night", "false", "led_disabled_night", False),
            ("my_plug/power_outage_memory", "on", "power_outage_memory", "on"),
            ("kitchen/floor_light/color-x", "0.3", "color.x", 0.3),
            ("bath/radiator/note", "17", "note", "17"),
            ("bath/radiator/day_of_week", "4", "day_of_week", "4"),
            ("blind/battery", "", "battery", None),
            ("my_sensor/occupancy", "true", "occupancy", True),
            ("my_sensor/mode", "eco", "mode", "eco"),
        ],
    )
    def test_an_attribute_is_a_bare_value(self, topic: str, payload: str, point: str, value: Value) -> None:
        (event,) = told(self.known(), topic, payload)
        assert isinstance(event, Heard)
        assert event.sample.values == {point: value}
        assert type(event.sample.values[point]) is type(value)

    @pytest.mark.parametrize("topic", ["my_plug/set", "my_plug/get", "remote/action"])
    def test_commands_and_actions_that_are_over_are_nothing(self, topic: str) -> None:
        assert told(self.known(), topic, "") == []

    def test_availability_is_no_attribute(self) -> None:
        assert told(self.known(), "my_plug/availability", "online") == [Available("my_plug", True)]

    def test_what_is_no_text_is_counted_for_the_device(self) -> None:
        (event,) = self.known().receive("zigbee2mqtt/my_plug/power", b"\xff", False)
        assert isinstance(event, Unreadable)
        assert event.device == "my_plug"


class TestAvailability:
    @pytest.mark.parametrize("payload", ["offline", {"state": "offline"}])
    def test_both_forms_are_understood(self, payload: Any) -> None:
        known = profile([shapes.PLUG])
        assert told(known, "my_plug/availability", payload, True) == [
            Available("my_plug", False, "Zigbee2MQTT cannot reach it")
        ]
        assert told(known, "bridge/state", payload) == [Available("my_plug", False, "Zigbee2MQTT is offline")]

    @pytest.mark.parametrize("payload", ["", "maybe", {"state": []}, {"state": "ON"}, '{"state"'])
    def test_anything_else_is_counted(self, payload: Any) -> None:
        known = profile([shapes.PLUG])
        assert [type(event) for event in told(known, "my_plug/availability", payload)] == [Unreadable]
        assert [type(event) for event in told(known, "bridge/state", payload)] == [Unreadable]

    def test_while_the_bridge_is_offline_no_device_is_there_whatever_was_said_of_it(self) -> None:
        known = profile([shapes.PLUG, shapes.LOCK])
        told(known, "bridge/state", "offline")
        offline = Available("my_plug", False, "Zigbee2MQTT is offline")
        assert told(known, "my_plug/availability", "online", True) == [offline]
        new = told(known, "bridge/devices", [shapes.PLUG, shapes.LOCK, shapes.REMOTE])
        assert new[-1] == Available("remote", False, "Zigbee2MQTT is offline")

    def test_when_the_bridge_is_back_each_device_is_as_it_was_said_to_be(self) -> None:
        known = profile([shapes.PLUG, shapes.LOCK])
        told(known, "my_plug/availability", "offline", True)
        told(known, "bridge/state", "offline")
        assert told(known, "bridge/state", {"state": "online"}) == [
            Available("my_plug", False, "Zigbee2MQTT cannot reach it"),
            Available("front door", True),
        ]

    def test_a_new_list_does_not_forget_what_was_said_of_a_device(self) -> None:
        known = profile([shapes.PLUG])
        told(known, "my_plug/availability", "offline", True)
        told(known, "bridge/devices", [shapes.PLUG, shapes.LOCK])
        told(known, "bridge/state", "offline")
        assert told(known, "bridge/state", "online")[0] == Available("my_plug", False, "Zigbee2MQTT cannot reach it")

    def test_that_the_bridge_is_online_says_nothing_of_its_devices(self) -> None:
        assert told(profile([shapes.PLUG]), "bridge/state", "online", True) == []

    def test_a_disabled_device_is_not_there(self) -> None:
        off = {**shapes.PLUG, "disabled": True}
        assert told(profile(), "bridge/devices", [off])[-1] == Available(
            "my_plug", False, "it is disabled in Zigbee2MQTT"
        )
        assert told(profile([off]), "bridge/devices", [shapes.PLUG]) == [Available("my_plug", True)]


class TestCommands:
    @pytest.mark.parametrize(
        ("device", "point", "value", "body"),
        [
            ("my_plug", "state", True, {"state": "ON"}),
            ("my_plug", "led_disabled_night", False, {"led_disabled_night": False}),
            ("my_plug", "power_outage_memory", "restore", {"power_outage_memory": "restore"}),
            ("kitchen/floor_light", "brightness", 127.0, {"brightness": 127}),
            ("kitchen/floor_light", "color.hue", 240, {"color": {"hue": 240}}),
            ("kitchen/floor_light", "effect", "blink", {"effect": "blink"}),
            ("front door", "state", False, {"state": "UNLOCK"}),
            ("blind", "state", "STOP", {"state": "STOP"}),
            ("hall switch", "state_l2", True, {"state_l2": "ON"}),
            ("bath/radiator", "occupied_heating_setpoint", 21.5, {"occupied_heating_setpoint": 21.5}),
            ("bath/radiator", "window_open_external", True, {"window_open_external": 1}),
            ("bath/radiator", "day_of_week", "4", {"day_of_week": 4}),
            ("bath/radiator", "schedule", '[{"day":"monday"}]', {"schedule": [{"day": "monday"}]}),
            ("bath/radiator", "note", '","state":"ON', {"note": '","state":"ON'}),
        ],
    )
    def test_a_command_is_what_the_device_takes(self, device: str, point: str, value: Value, body: Any) -> None:
        assert sent(profile(shapes.DEVICES), device, point, value) == (f"zigbee2mqtt/{device}/set", body)

    def test_a_whole_number_is_written_as_one(self) -> None:
        command = Outgoing("house.x", "kitchen/floor_light", "brightness", 127.0, 17, 1e9)
        assert profile(shapes.DEVICES).encode(command) == Publication(
            "zigbee2mqtt/kitchen/floor_light/set", b'{"brightness":127}'
        )

    def test_half_a_colour_is_sent_with_the_other_half_as_it_was_heard(self) -> None:
        known = profile(shapes.DEVICES)
        told(known, "desk", {"color": {"x": 0.1, "y": 0.2}})
        assert sent(known, "desk", "color.x", 0.3)[1] == {"color": {"x": 0.3, "y": 0.2}}
        told(known, "bridge/devices", [*shapes.DEVICES, {**shapes.PLUG, "friendly_name": "new"}])
        assert sent(known, "desk", "color.y", 0.4)[1] == {"color": {"x": 0.1, "y": 0.4}}

    def test_half_a_colour_is_refused_while_the_other_is_not_known(self) -> None:
        with pytest.raises(CodecError, match=r"'color\.y' was not heard yet"):
            sent(profile(shapes.DEVICES), "desk", "color.x", 0.3)

    @pytest.mark.parametrize(
        ("device", "point", "value"),
        [
            ("nobody", "state", True),
            ("my_plug", "nothing", True),
            ("my_plug", "power", 1),
            ("my_plug", "state", "ON"),
            ("kitchen/floor_light", "brightness", 255),
            ("kitchen/floor_light", "brightness", 1.5),
            ("kitchen/floor_light", "brightness", 10**400),
            ("blind", "state", "TOGGLE"),
            ("bath/radiator", "schedule", "{}"),
            ("bath/radiator", "schedule", "[1"),
            ("bath/radiator", "note", "\ud800"),
        ],
    )
    def test_what_it_cannot_take_is_refused(self, device: str, point: str, value: Value) -> None:
        with pytest.raises(CodecError):
            sent(profile(shapes.DEVICES), device, point, value)


class TestGroups:
    def test_a_group_has_the_points_that_all_its_members_share(self) -> None:
        (found,) = [
            event for event in told(profile(shapes.DEVICES), "bridge/groups", shapes.GROUPS)
            if isinstance(event, Described)
        ]  # fmt: skip
        assert found.device == "all lights"
        assert found.identities == set()
        assert set(found.description.points) == {
            "state", "brightness", "color_temp", "color.x", "color.y", "color.hue", "color.saturation",
        }  # fmt: skip

    def test_members_that_are_no_lights_take_the_colour_out_of_it(self) -> None:
        members = [{"ieee_address": entry["ieee_address"], "endpoint": 1} for entry in (shapes.BULB, shapes.PLUG)]
        mixed = [{"id": 2, "friendly_name": "g", "members": members}]
        (found,) = told(profile(shapes.DEVICES), "bridge/groups", mixed)
        assert isinstance(found, Described)
        assert set(found.description.points) == {"state"}

    def test_a_group_that_came_before_its_members_has_their_points_once_they_are_known(self) -> None:
        known = profile()
        told(known, "bridge/groups", shapes.GROUPS, True)
        told(known, "bridge/devices", shapes.DEVICES, True)
        assert sent(known, "all lights", "state", True) == ("zigbee2mqtt/all lights/set", {"state": "ON"})
        assert values(known, "all lights", {"state": "OFF"}) == {"state": False}

    def test_a_group_that_is_gone_is_removed(self) -> None:
        assert told(profile(shapes.DEVICES, shapes.GROUPS), "bridge/groups", []) == [Removed("all lights")]

    def test_a_group_with_the_name_of_a_device_is_counted(self) -> None:
        found = told(profile([shapes.PLUG]), "bridge/groups", [{"friendly_name": "my_plug", "members": []}])
        assert [type(event) for event in found] == [Unreadable]
