"""ESPHome: nodes by their status, their answers and the states of their components."""

import json
import math
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.errors import CodecError
from gateway.model import Point, Value
from gateway.profiles import Described, Heard, Ignore, Listen, Profile, Publication, Removed, Unreadable
from gateway.profiles.base import MAX_DEVICES
from gateway.profiles.esphome import EsphomeOptions
from tests.profiles.esphome_messages import HALL, MESSAGES, MIXED, OPTIONS
from tests.profiles.told import availability, command, complaints, devices, fresh, only, told, values


def build(**options: Any) -> Profile:
    return EsphomeOptions.model_validate({**OPTIONS, **options}).build()


def known() -> Profile:
    """A profile that knows every documented node."""
    profile = build()
    told(profile, MESSAGES)
    return profile


def test_the_documented_messages_give_the_nodes_with_their_names() -> None:
    found = devices(told(build(), MESSAGES))
    assert {key: (device.name, device.model, device.vendor) for key, device in found.items()} == {
        "hall-climate": ("Hall climate", "esp32dev", "ESPHome"),
        "workshop": ("workshop", "cabinet", "acme"),
        "home/garden": (None, None, None),
    }


def test_a_node_is_known_by_its_mac_and_its_prefix() -> None:
    (*_, event) = [event for event in only(Described, told(build(), MESSAGES)) if event.device == "workshop"]
    assert event.identities == {"mac:84f3eb112233"}
    assert event.topics == {"workshop"}


def test_a_point_is_named_after_its_component_and_object() -> None:
    points = devices(told(build(), MESSAGES))["workshop"].points
    assert points["binary_sensor.door"] == Point("boolean")
    assert points["switch.pump"] == Point("boolean", writable=True, confirm="verified")
    assert points["cover.blind.position"] == Point("integer", unit="%", min=0, max=100, writable=True, confirm="sent")
    assert points["cover.gate"].type == "string"
    assert points["cover.gate.open"] == Point("action", writable=True, confirm="sent")
    assert points["fan.exhaust.oscillation"].type == "boolean"
    assert points["fan.exhaust.direction"].values == ("forward", "reverse")
    assert points["light.strip"].type == "boolean"
    assert points["light.strip.color.r"].confirm == "sent"
    assert points["lock.cabinet"].type == "enum"
    assert points["select.mode"].writable
    assert points["event.bell"] == Point("string")
    assert not points["alarm_control_panel.alarm"].writable


def test_only_a_climate_has_a_unit_of_its_own() -> None:
    points = devices(told(build(), MESSAGES))["hall-climate"].points
    assert points["climate.thermostat.target_temperature"].unit == "Cel"
    assert points["climate.thermostat.current_temperature"] == Point("number", unit="Cel")
    assert points["sensor.hall_temperature"] == Point("number")


@pytest.mark.parametrize(
    ("below", "payload", "expected"),
    [
        ("sensor/t/state", b"21.5", {"sensor.t": 21.5}),
        ("sensor/t/state", b"-3", {"sensor.t": -3}),
        ("sensor/version/state", b"2026.10.1", {"sensor.version": "2026.10.1"}),
        ("binary_sensor/d/state", b"ON", {"binary_sensor.d": True}),
        ("light/l/state", b'{"state":"OFF","brightness":7,"color":{"g":9},"effect":"Rainbow","transition":3}',
         {"light.l": False, "light.l.brightness": 7, "light.l.color.g": 9, "light.l.effect": "Rainbow"}),
        ("fan/f/oscillation/state", b"oscillate_on", {"fan.f.oscillation": True}),
        ("fan/f/speed_level/state", b"3", {"fan.f.speed_level": 3}),
        ("climate/c/mode/state", b"heat_cool", {"climate.c.mode": "heat_cool"}),
        ("climate/c/target_temperature_low/state", b"19.0", {"climate.c.target_temperature_low": 19.0}),
        ("cover/c/state", b"opening", {"cover.c": "opening"}),
        ("lock/l/state", b"JAMMED", {"lock.l": "JAMMED"}),
        ("event/e/state", b'{"event_type":"double_press"}', {"event.e": "double_press"}),
        ("text/x/state", b"21", {"text.x": "21"}),
    ],
)  # fmt: skip
def test_a_state_topic_gives_its_values(below: str, payload: bytes, expected: dict[str, Value]) -> None:
    assert values(fresh(known(), f"workshop/{below}", payload)) == expected


def test_a_sensor_that_measured_nothing_is_still_a_number() -> None:
    profile = known()
    events = fresh(profile, "workshop/sensor/new/state", b"nan")
    assert devices(events)["workshop"].points["sensor.new"] == Point("number")
    value = values(events)["sensor.new"]
    assert isinstance(value, float)
    assert math.isnan(value)


def test_a_text_that_looked_like_a_number_is_a_text_from_then_on() -> None:
    profile = known()
    fresh(profile, "workshop/sensor/code/state", b"2026")
    events = fresh(profile, "workshop/sensor/code/state", b"2026b")
    assert devices(events)["workshop"].points["sensor.code"] == Point("string")
    assert values(fresh(profile, "workshop/sensor/code/state", b"2027")) == {"sensor.code": "2027"}
    assert values(fresh(profile, "workshop/sensor/code/state", b"")) == {"sensor.code": ""}


def test_a_topic_that_was_cleared_says_nothing() -> None:
    profile = known()
    assert fresh(profile, "workshop/switch/pump/state", b"") == []
    assert fresh(profile, "workshop/sensor/later/state", b"") == []


def test_retained_values_stay_marked() -> None:
    (event,) = only(Heard, told(known(), [("workshop/switch/pump/state", b"ON", True)]))
    assert event.retained


def test_all_nodes_are_asked_who_they_are_at_every_connect() -> None:
    assert list(build().greetings()) == [Publication("esphome/discover", b"")]


def test_a_status_makes_a_prefix_listened_to_and_a_state_makes_it_a_node() -> None:
    profile = build()
    filters = (("attic/+/+/state", 0), ("attic/+/+/+/state", 0))
    assert told(profile, [("attic/status", b"offline", True)]) == [Listen(filters)]
    assert set(filters) <= set(profile.subscriptions)
    events = told(profile, [("attic/sensor/t/state", b"21.5", True)])
    assert list(devices(events)) == ["attic"]
    assert availability(events) == [("attic", False)]
    assert availability(fresh(profile, "attic/status", b"online")) == [("attic", True)]


def test_an_answer_makes_a_prefix_listened_to_too() -> None:
    profile = build()
    events = told(profile, [("esphome/discover/hall-climate", HALL, True)])
    assert events == [Listen((("hall-climate/+/+/state", 0), ("hall-climate/+/+/+/state", 0)))]
    description = devices(told(profile, [("hall-climate/sensor/t/state", b"21.5", True)]))["hall-climate"]
    assert (description.name, description.vendor) == ("Hall climate", "ESPHome")


def test_a_prefix_is_considered_once() -> None:
    profile = build()
    told(profile, [("hall-climate/status", b"online", True)])
    assert told(profile, [("esphome/discover/hall-climate", HALL, True)]) == []
    first = fresh(profile, "hall-climate/sensor/a/state", b"1")
    assert availability(first) == [("hall-climate", True)]
    assert availability(fresh(profile, "hall-climate/sensor/b/state", b"2")) == []


def test_a_component_that_cannot_be_a_point_makes_no_node() -> None:
    profile = build()
    told(profile, [("attic/status", b"online", True)])
    events = fresh(profile, f"attic/sensor/{'x' * 200}/state", b"1")
    assert len(complaints(events)) == len(events) == 1


def test_an_answer_names_the_node_whose_prefix_ends_with_its_name() -> None:
    profile = known()
    answer = json.dumps({"name": "garden", "friendly_name": "Garden", "mac": "a4cf12f00d43", "board": "esp32"}).encode()
    assert devices(fresh(profile, "esphome/discover/garden", answer))["home/garden"].name == "Garden"


@pytest.mark.parametrize(
    "messages",
    [
        [("homeassistant/status", b"online", True), ("homeassistant/sensor/t/state", b"21.5", True)],
        [("statestream/sensor/t/state", b"21.5", True)],
        [("other/status", b"online", True), ("other/boiler/t/state", b"21.5", True)],
        [("other/status", b"running", True), ("other/sensor/t/state", b"21.5", True)],
        [("other/status", b'{"state":"online"}', True), ("other/sensor/t/state", b"21.5", True)],
        [("other/status", b"online", True), ("other/sensor/t/extra/state", b"21.5", True)],
        [("/status", b"online", True)],
        [("other/status", b"online", True), ("other/state", b"21.5", True), ("state", b"21.5", True)],
        [("other/status", b"online", True), ("other/sensor/state", b"21.5", True), ("sensor/t/state", b"21.5", True)],
    ],
)
def test_what_may_be_somebody_elses_makes_no_node(messages: list[tuple[str, bytes, bool]]) -> None:
    assert [event for event in told(build(), messages) if not isinstance(event, Listen)] == []


def test_home_assistants_own_prefix_counts_where_it_is_configured() -> None:
    profile = build(prefixes=["homeassistant"])
    events = told(profile, [("homeassistant/status", b"online", True), ("homeassistant/sensor/t/state", b"21.5", True)])
    assert list(devices(events)) == ["homeassistant"]
    assert availability(events) == [("homeassistant", True)]


def test_a_configured_prefix_needs_no_status() -> None:
    profile = build(prefixes=["a/b/c"])
    assert ("a/b/c/+/+/state", 0) in list(profile.subscriptions)
    assert list(devices(fresh(profile, "a/b/c/switch/x/state", b"ON"))) == ["a/b/c"]


@pytest.mark.parametrize(
    ("device", "point", "value", "topic", "payload"),
    [
        ("workshop", "switch.pump", True, "switch/pump/command", b"ON"),
        ("workshop", "switch.pump", False, "switch/pump/command", b"OFF"),
        ("workshop", "light.strip", True, "light/strip/command", b'{"state":"ON"}'),
        ("workshop", "light.strip.brightness", 128, "light/strip/command", b'{"brightness":128}'),
        ("workshop", "light.strip.color.g", 9, "light/strip/command", b'{"color":{"g":9}}'),
        ("workshop", "light.strip.effect", "Rainbow", "light/strip/command", b'{"effect":"Rainbow"}'),
        ("workshop", "cover.gate.open", None, "cover/gate/command", b"OPEN"),
        ("workshop", "cover.gate.stop", None, "cover/gate/command", b"STOP"),
        ("workshop", "cover.blind.position", 30.0, "cover/blind/position/command", b"30"),
        ("workshop", "fan.exhaust", True, "fan/exhaust/command", b"ON"),
        ("workshop", "fan.exhaust.oscillation", True, "fan/exhaust/oscillation/command", b"oscillate_on"),
        ("workshop", "fan.exhaust.speed_level", 2, "fan/exhaust/speed_level/command", b"2"),
        ("workshop", "number.setpoint", 12.5, "number/setpoint/command", b"12.5"),
        ("workshop", "select.mode", "Eco", "select/mode/command", b"Eco"),
        ("workshop", "text.label", "Größe", "text/label/command", "Größe".encode()),
        ("workshop", "lock.cabinet", "UNLOCKED", "lock/cabinet/command", b"UNLOCK"),
        ("hall-climate", "climate.thermostat.mode", "off", "climate/thermostat/mode/command", b"off"),
        ("hall-climate", "climate.thermostat.target_temperature", 21.5,
         "climate/thermostat/target_temperature/command", b"21.5"),
    ],
)  # fmt: skip
def test_a_command_goes_to_the_command_topic_beside_the_state(
    device: str, point: str, value: Value, topic: str, payload: bytes
) -> None:
    assert known().encode(command(device, point, value)) == Publication(f"{device}/{topic}", payload)


@pytest.mark.parametrize(
    ("device", "point", "value"),
    [
        ("nobody", "switch.pump", True),
        ("workshop", "switch.none", True),
        ("workshop", "switch.pump", "ON"),
        ("workshop", "binary_sensor.door", True),
        ("workshop", "cover.gate", "open"),
        ("workshop", "lock.cabinet", "JAMMED"),
        ("workshop", "light.strip.brightness", 256),
        ("workshop", "select.mode", "\ud800"),
        ("workshop", "number.setpoint", math.nan),
        ("hall-climate", "climate.thermostat.mode", "hot"),
        ("hall-climate", "sensor.hall_temperature", 21),
    ],
)
def test_what_cannot_be_commanded_is_refused(device: str, point: str, value: Value) -> None:
    with pytest.raises(CodecError):
        known().encode(command(device, point, value))


@pytest.mark.parametrize(
    ("below", "payload"),
    [
        ("switch/pump/state", b"maybe"),
        ("number/setpoint/state", b"a lot"),
        ("light/strip/state", b"ON"),
        ("event/bell/state", b"{}"),
        ("lock/cabinet/state", b"open"),
        ("text/label/state", b"\xff"),
        ("text/label/state", b"x" * 5000),
        ("fan/exhaust/direction/state", b"sideways"),
    ],
)
def test_what_makes_no_sense_is_counted_for_its_node(below: str, payload: bytes) -> None:
    (event,) = fresh(known(), f"workshop/{below}", payload)
    assert isinstance(event, Unreadable)
    assert event.device == "workshop"


def test_an_answer_that_is_cleared_before_the_node_spoke_is_forgotten() -> None:
    profile = build()
    told(profile, [("esphome/discover/hall-climate", HALL, True)])
    events = fresh(profile, "esphome/discover/hall-climate", b"")
    assert events == [Ignore(("hall-climate/+/+/state", "hall-climate/+/+/+/state"))]


def test_a_node_without_a_name_is_counted() -> None:
    assert complaints(fresh(build(), "esphome/discover/", b'{"name":""}'))


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"name":1}', MIXED])
def test_an_answer_that_is_not_its_nodes_is_counted(payload: bytes) -> None:
    profile = build()
    assert complaints(fresh(profile, "esphome/discover/hall-climate", payload))
    assert complaints(fresh(profile, "workshop/status", b"online")) == []


def test_a_node_whose_answer_is_cleared_is_gone() -> None:
    profile = known()
    events = fresh(profile, "esphome/discover/workshop", b"")
    assert events == [Removed("workshop"), Ignore(("workshop/+/+/state", "workshop/+/+/+/state"))]
    assert not [filter for filter, _ in profile.subscriptions if filter.startswith("workshop")]
    assert fresh(profile, "workshop/switch/pump/state", b"ON") == []
    with pytest.raises(CodecError):
        profile.encode(command("workshop", "switch.pump", True))


def test_prefixes_that_may_be_a_nodes_are_not_listened_to_without_end() -> None:
    profile = build()
    events = told(profile, [(f"x{number}/status", b"online", True) for number in range(MAX_DEVICES + 5)])
    assert len(only(Listen, events)) == MAX_DEVICES - len(OPTIONS["prefixes"])
    assert len(complaints(events)) == 5 + len(OPTIONS["prefixes"])


@pytest.mark.parametrize("prefix", ["#", "a/+", "", "$SYS", "a//b", "a\0"])
def test_prefixes_are_topics(prefix: str) -> None:
    with pytest.raises(ValidationError):
        EsphomeOptions.model_validate({"prefixes": [prefix]})


def test_a_number_that_is_not_known_does_not_make_a_text_of_its_sensor() -> None:
    profile = build()
    told(profile, [("pond/status", b"online", True), ("pond/sensor/depth/state", b"41.5", False)])
    assert values(fresh(profile, "pond/sensor/depth/state", b"None")) == {"sensor.depth": None}  # publish_nan_as_none
    assert values(fresh(profile, "pond/sensor/depth/state", b"42.5")) == {"sensor.depth": 42.5}
