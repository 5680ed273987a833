"""The bridge says what zigbee2mqtt.io documents, and obeys as the real one does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sims.dialects.base import Dialect, Publication
from device_sims.dialects.zigbee2mqtt import Fleet
from device_sims.kinds import Value

Recorded = list[tuple[str, str, Value]]
NAMES = [
    "living room/lamp",
    "workshop/plug",
    "garden/sensor",
    "bedroom/blind",
    "bathroom/radiator",
    "hall switch",
    "bedside remote",
]


def fleet(devices: int = 7, seed: int = 1, *, discovery: bool = False) -> tuple[Fleet, Recorded]:
    recorded: Recorded = []
    return Fleet(devices, seed, lambda *what: recorded.append(what), discovery=discovery), recorded


def by_topic(said: list[Publication]) -> dict[str, Publication]:
    return {publication.topic: publication for publication in said}


def parsed(publication: Publication) -> Any:
    return json.loads(publication.payload)


def inventory(bridge: Fleet) -> dict[str, dict[str, Any]]:
    listed = parsed(by_topic(bridge.hello())["zigbee2mqtt/bridge/devices"])
    return {each["friendly_name"]: each for each in listed}


class TestHello:
    def test_a_fleet_is_a_dialect(self) -> None:
        dialect: Dialect = fleet()[0]
        assert list(dialect.devices) == NAMES
        assert "zigbee2mqtt/+/+/set" in dialect.subscriptions
        assert dialect.will == Publication("zigbee2mqtt/bridge/state", b'{"state":"offline"}', retain=True, qos=1)
        assert dialect.goodbye() == [dialect.will]

    def test_what_describes_is_retained_and_what_is_measured_is_not(self) -> None:
        said = by_topic(fleet()[0].hello())
        assert said["zigbee2mqtt/bridge/state"].payload == b'{"state":"online"}'
        assert parsed(said["zigbee2mqtt/bridge/info"])["permit_join"] is False
        retained = {topic for topic, each in said.items() if each.retain}
        assert retained == {topic for topic in said if "/bridge/" in topic or topic.endswith("/availability")}
        assert said["zigbee2mqtt/hall switch/availability"].payload == b'{"state":"online"}'
        assert {f"zigbee2mqtt/{name}" for name in NAMES} < set(said)

    def test_the_inventory_has_the_coordinator_and_what_is_not_supported(self) -> None:
        listed = inventory(fleet()[0])
        assert (listed["Coordinator"]["type"], listed["Coordinator"]["definition"]) == ("Coordinator", None)
        [stranger] = [each for name, each in listed.items() if name.startswith("0x")]
        assert (stranger["supported"], stranger["definition"], stranger["type"]) == (False, None, "EndDevice")
        plug = listed["workshop/plug"]
        assert plug["ieee_address"].startswith("0xa4c138")
        assert len(plug["ieee_address"]) == 18
        assert (plug["supported"], plug["definition"]["model"]) == (True, "TS011F_plug_1")
        assert len({each["ieee_address"] for each in listed.values()}) == 9

    def test_the_exposes_are_those_of_the_documentation(self) -> None:
        listed = inventory(fleet()[0])
        exposes = {name: listed[name]["definition"]["exposes"] for name in NAMES}
        assert exposes["workshop/plug"][0] == {
            "type": "switch",
            "features": [
                {
                    "type": "binary",
                    "name": "state",
                    "label": "State",
                    "property": "state",
                    "access": 7,
                    "value_on": "ON",
                    "value_off": "OFF",
                    "value_toggle": "TOGGLE",
                }
            ],
        }
        assert exposes["garden/sensor"][1] == {
            "type": "numeric",
            "name": "temperature",
            "label": "Temperature",
            "property": "temperature",
            "access": 1,
            "unit": "°C",
        }
        [left, right] = exposes["hall switch"][:2]
        assert (left["endpoint"], left["features"][0]["property"]) == ("left", "state_left")
        assert (right["endpoint"], right["features"][0]["endpoint"]) == ("right", "right")
        assert {each["type"] for each in (exposes[name][i] for name in NAMES for i in (0, 1))} == {
            "light",
            "enum",
            "switch",
            "numeric",
            "cover",
            "climate",
        }

    def test_every_state_holds_what_is_exposed_as_part_of_it(self) -> None:
        bridge, _ = fleet()
        for name, listed in inventory(bridge).items():
            if listed["definition"] is None:
                continue
            properties = {
                feature["property"]
                for expose in listed["definition"]["exposes"]
                for feature in (expose.get("features", [expose]) if "access" not in expose else [expose])
                if feature["access"] & 1
            }
            [said] = bridge.report(name, 10.0)
            assert properties <= set(parsed(said)), name

    def test_more_devices_have_names_of_their_own(self) -> None:
        bridge, _ = fleet(1000)
        assert len(set(bridge.devices)) == 1000
        assert bridge.devices[7] == "living room/lamp 2"


class TestReports:
    def test_the_same_seed_says_the_same_and_another_does_not(self) -> None:
        def said(seed: int) -> list[Publication]:
            bridge, _ = fleet(seed=seed)
            return bridge.hello() + [each for name in bridge.devices for each in bridge.report(name, 3.5)]

        assert said(1) == said(1) != said(2)

    def test_a_sensor_says_what_it_measures(self) -> None:
        [said] = fleet()[0].report("garden/sensor", 60.0)
        state = parsed(said)
        assert said.topic == "zigbee2mqtt/garden/sensor"
        assert not said.retain
        assert set(state) == {"battery", "voltage", "temperature", "humidity", "pressure", "linkquality"}
        assert 10 < state["temperature"] < 26

    def test_a_remote_is_pressed(self) -> None:
        bridge, _ = fleet()
        pressed = [parsed(bridge.report("bedside remote", age)[0])["action"] for age in (1.0, 2.0)]
        assert pressed == ["on", "off"]
        assert "action" not in parsed(by_topic(bridge.hello())["zigbee2mqtt/bedside remote"])

    def test_a_plug_that_is_off_draws_nothing(self) -> None:
        bridge, _ = fleet()
        assert parsed(bridge.report("workshop/plug", 1.0)[0])["power"] > 0
        bridge.receive("zigbee2mqtt/workshop/plug/set", b'{"state":"OFF"}')
        state = parsed(bridge.report("workshop/plug", 2.0)[0])
        assert (state["state"], state["power"], state["current"]) == ("OFF", 0, 0)


class TestSet:
    def test_a_command_is_answered_by_the_whole_state(self) -> None:
        bridge, recorded = fleet()
        [said] = bridge.receive("zigbee2mqtt/living room/lamp/set", b'{"state":"ON","brightness":120}')
        assert said.topic == "zigbee2mqtt/living room/lamp"
        assert parsed(said).items() >= {"state": "ON", "brightness": 120, "color_temp": 366}.items()
        assert recorded == [("living room/lamp", "state", "ON"), ("living room/lamp", "brightness", 120)]

    @pytest.mark.parametrize(
        ("topic", "payload", "changed"),
        [
            ("living room/lamp/set", b"ON", {"state": "ON"}),
            ("living room/lamp/set", b'{"state":"toggle"}', {"state": "ON"}),
            ("living room/lamp/set/brightness", b"17", {"brightness": 17, "state": "ON"}),
            (
                "living room/lamp/set",
                b'{"color":{"x":0.7,"y":0.3}}',
                {"color": {"x": 0.7, "y": 0.3}, "color_mode": "xy"},
            ),
            ("living room/lamp/set", b'{"color_temp":250}', {"color_temp": 250, "color_mode": "color_temp"}),
            ("workshop/plug/set/state", b"OFF", {"state": "OFF"}),
            ("workshop/plug/set", b'{"child_lock":"LOCK"}', {"child_lock": "LOCK"}),
            ("bathroom/radiator/set", b'{"occupied_heating_setpoint":26.5}', {"occupied_heating_setpoint": 26.5}),
            ("bathroom/radiator/set/system_mode", b"off", {"system_mode": "off", "running_state": "idle"}),
            ("hall switch/set", b'{"state_left":"ON"}', {"state_left": "ON", "state_right": "ON"}),
            ("hall switch/right/set", b'{"state":"OFF"}', {"state_left": "OFF", "state_right": "OFF"}),
            ("hall switch/left/set", b"ON", {"state_left": "ON"}),
        ],
    )
    def test_a_command_shows(self, topic: str, payload: bytes, changed: dict[str, object]) -> None:
        bridge, recorded = fleet()
        [said] = bridge.receive(f"zigbee2mqtt/{topic}", payload)
        assert parsed(said).items() >= changed.items()
        assert len(recorded) == 1

    @pytest.mark.parametrize(
        ("topic", "payload"),
        [
            ("living room/lamp/set", b'{"warmth":3}'),
            ("living room/lamp/set", b'{"brightness":255}'),
            ("living room/lamp/set", b'{"brightness":"17"}'),
            ("living room/lamp/set", b'{"brightness":Infinity}'),
            ("living room/lamp/set", b'{"brightness":NaN}'),
            ("living room/lamp/set", b'{"state":"maybe"}'),
            ("living room/lamp/set", b'{"color":{"x":2,"y":0}}'),
            ("living room/lamp/set", b'{"linkquality":1}'),
            ("workshop/plug/set", b'{"child_lock":""}'),
            ("garden/sensor/set", b'{"temperature":20}'),
            ("garden/sensor/get", b'{"temperature":""}'),
        ],
    )
    def test_what_cannot_be_set_is_a_line_in_the_log_of_the_bridge(self, topic: str, payload: bytes) -> None:
        bridge, recorded = fleet()
        [said] = bridge.receive(f"zigbee2mqtt/{topic}", payload)
        assert said.topic == "zigbee2mqtt/bridge/logging"
        assert parsed(said)["level"] == "error"
        assert recorded == []

    def test_an_unknown_attribute_does_not_spoil_the_others(self) -> None:
        bridge, recorded = fleet()
        log, state = bridge.receive("zigbee2mqtt/living room/lamp/set", b'{"warmth":3,"state":"ON"}')
        assert (log.topic, parsed(state)["state"]) == ("zigbee2mqtt/bridge/logging", "ON")
        assert recorded == [("living room/lamp", "state", "ON")]

    def test_a_get_is_answered_by_the_state(self) -> None:
        bridge, recorded = fleet()
        [said] = bridge.receive("zigbee2mqtt/workshop/plug/get", b'{"power":""}')
        assert "power" in parsed(said)
        assert recorded == []

    def test_a_blind_takes_its_time_and_stops_where_it_is_told(self) -> None:
        bridge, _ = fleet()

        def at(age: float) -> tuple[object, object]:
            state = parsed(bridge.report("bedroom/blind", age)[0])
            return state["state"], state["position"]

        assert at(1) == ("OPEN", 100)
        [said] = bridge.receive("zigbee2mqtt/bedroom/blind/set", b'{"position":0}')
        assert parsed(said)["position"] == 100  # it has not moved yet
        assert [at(age) for age in (2, 3, 4)] == [("OPEN", 90), ("OPEN", 80), ("OPEN", 70)]
        bridge.receive("zigbee2mqtt/bedroom/blind/set", b'{"state":"STOP"}')
        assert at(5) == ("OPEN", 70)
        bridge.receive("zigbee2mqtt/bedroom/blind/set", b'{"state":"CLOSE"}')
        assert at(20) == ("CLOSE", 0)

    @pytest.mark.parametrize(
        ("topic", "payload"),
        [
            ("zigbee2mqtt/living room/lamp/set", b'{"state":'),
            ("zigbee2mqtt/living room/lamp/set", b"\xff"),
            ("zigbee2mqtt/living room/lamp/set", b"[" * 100_000),
            ("zigbee2mqtt/cellar/lamp/set", b"ON"),
            ("zigbee2mqtt/hall switch/middle/set", b"ON"),
            ("zigbee2mqtt/living room/lamp", b"{}"),
        ],
    )
    def test_what_makes_no_sense_is_an_error(self, topic: str, payload: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - some of the words are the JSON library's
            fleet()[0].receive(topic, payload)

    @given(
        st.sampled_from(NAMES),
        st.dictionaries(
            st.sampled_from(["state", "brightness", "color", "position", "system_mode", "state_left", "x"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["x", "y"]), inner),
                max_leaves=4,
            ),
        ),
    )
    def test_no_command_breaks_the_bridge(self, name: str, asked: dict[str, object]) -> None:
        bridge, _ = fleet()
        bridge.receive(f"zigbee2mqtt/{name}/set", json.dumps(asked).encode())
        [said] = bridge.report(name, 1.0)
        json.loads(said.payload, parse_constant=pytest.fail)


class TestDiscovery:
    def test_it_is_off_unless_it_is_asked_for(self) -> None:
        bridge, _ = fleet()
        assert not [each for each in bridge.hello() if each.topic.startswith("homeassistant/")]
        assert "homeassistant/status" not in bridge.subscriptions

    def test_every_device_is_described_by_its_address(self) -> None:
        bridge, _ = fleet(discovery=True)
        addresses = {name: each["ieee_address"] for name, each in inventory(bridge).items()}
        found = [each for each in bridge.hello() if each.topic.startswith("homeassistant/")]
        assert all(each.retain for each in found)
        assert {parsed(each)["device"]["identifiers"][0] for each in found} == {
            f"zigbee2mqtt_{addresses[name]}" for name in NAMES
        }
        said = by_topic(found)
        sensor = parsed(said[f"homeassistant/sensor/{addresses['garden/sensor']}/temperature/config"])
        assert sensor["state_topic"] == "zigbee2mqtt/garden/sensor"
        assert sensor["value_template"] == "{{ value_json.temperature }}"
        assert (sensor["device_class"], sensor["unit_of_measurement"]) == ("temperature", "°C")
        assert sensor["unique_id"] == f"{addresses['garden/sensor']}_temperature_zigbee2mqtt"
        assert sensor["availability_mode"] == "all"
        assert {each.topic.split("/")[1] for each in found} == {
            "light",
            "switch",
            "sensor",
            "cover",
            "climate",
            "lock",
            "select",
            "event",
        }

    def test_what_is_no_part_of_the_state_has_no_state_topic(self) -> None:
        selects = {
            each.topic.split("/")[3]: parsed(each)
            for each in fleet(1, discovery=True)[0].hello()
            if each.topic.startswith("homeassistant/select/")
        }
        assert {name: "state_topic" in config for name, config in selects.items()} == {
            "effect": False,
            "power_on_behavior": True,
        }

    def test_its_command_topics_are_obeyed(self) -> None:
        bridge, recorded = fleet(discovery=True)
        switches = {
            each.topic.split("/")[3]: parsed(each)
            for each in bridge.hello()
            if each.topic.startswith("homeassistant/switch/")
        }
        assert set(switches) == {"switch", "switch_left", "switch_right"}
        for config in switches.values():
            bridge.receive(config["command_topic"], str(config["payload_on"]).encode())
        assert recorded == [
            ("workshop/plug", "state", "ON"),
            ("hall switch", "state_left", "ON"),
            ("hall switch", "state_right", "ON"),
        ]

    def test_it_is_said_again_when_home_assistant_is_there(self) -> None:
        bridge, _ = fleet(discovery=True)
        again = bridge.receive("homeassistant/status", b"online")
        assert again == [each for each in bridge.hello() if each.topic.startswith("homeassistant/")]
        assert bridge.receive("homeassistant/status", b"offline") == []
