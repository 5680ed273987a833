"""What Home Assistant is told of a device, point by point."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bus import Device, Devices, Link, Log
from gateway.config.models import DeviceSection
from gateway.config.points import PointSection
from gateway.config.publish import HomeAssistantSection, PublishSection
from gateway.model import Sample, Value
from gateway.northbound.discovery import components_of, describe, device_of
from gateway.northbound.topics import Topics
from gateway.northbound.units import quantity
from tests.northbound.consumer import lengthened, rendered

BARE = Topics(PublishSection(url="mqtt://x", homeassistant=HomeAssistantSection()), "workshop")
OBJECTS = Topics(PublishSection(url="mqtt://x", topic="f/{device}", homeassistant=HomeAssistantSection()), "workshop")


def device(values: dict[str, Value] | None = None, **points: PointSection) -> Device:
    devices = Devices(Log(100, 60), {"board": DeviceSection(name="Greenhouse", points=points)})
    link = Link("board", devices, single=True)
    if values:
        link.up()
        link.receive(None, Sample(values))
    found = devices.get("board")
    assert found is not None
    return found


def told(of: Device, topics: Topics = BARE, *, takes: bool = True, **more: Any) -> dict[str, Any]:
    """What it is told, in whole words."""
    found: dict[str, Any] = lengthened(describe(of, topics, "1.0", takes=takes, **more))
    return found


def component(of: Device, key: str, topics: Topics = BARE, *, takes: bool = True) -> Mapping[str, Any]:
    found: Mapping[str, Any] = told(of, topics, takes=takes)["components"][key]
    return found


def test_a_device_has_its_name_its_origin_and_all_that_its_availability_hangs_on() -> None:
    found = told(device({"x": 1}))
    assert found["device"] == {"identifiers": [BARE.home_id("board")], "name": "Greenhouse"}
    assert found["origin"] == {"name": "fieldgate", "sw_version": "1.0"}
    assert [one["topic"] for one in found["availability"]] == [
        "fieldgate/workshop/status",
        "fieldgate/workshop/board/$state",
    ]
    assert found["availability_mode"] == "all"


@pytest.mark.parametrize(
    ("point", "read_only", "commanded"),
    [
        (PointSection(type="number", writable=True), "sensor", "number"),
        (PointSection(type="integer", writable=True), "sensor", "number"),
        (PointSection(type="boolean", writable=True), "binary_sensor", "switch"),
        (PointSection(type="enum", values=("a", "b"), writable=True), "sensor", "select"),
        (PointSection(type="string", writable=True), "sensor", "text"),
        (PointSection(type="action", writable=True), None, "button"),
    ],
)
def test_a_point_is_what_its_type_and_our_rights_make_of_it(
    point: PointSection, read_only: str | None, commanded: str
) -> None:
    of = device({"other": 1}, it=point)
    keys = set(told(of, takes=False)["components"])
    assert keys == {"sensor.other"} | ({f"{read_only}.it"} if read_only else set())
    assert not any("command_topic" in one for one in told(of, takes=False)["components"].values())
    assert component(of, f"{commanded}.it")["command_topic"] == "fieldgate/workshop/board/it/set"


def test_a_number_has_its_bounds_and_a_step_that_leaves_no_value_out() -> None:
    of = device(
        it=PointSection(type="number", min=5, max=30, writable=True), free=PointSection(type="integer", writable=True)
    )
    bounded, free = component(of, "number.it"), component(of, "number.free")
    assert (bounded["min"], bounded["max"], bounded["step"]) == (5, 30, 0.001)
    assert (free["min"], free["max"], free["step"]) == (-1_000_000, 1_000_000, 1)


def test_units_and_classes_are_given_where_they_are_certain() -> None:
    assert quantity("Cel", "t") == ("°C", "temperature", "measurement")
    assert quantity("kW.h", "meter") == ("kWh", "energy", None)
    assert quantity("%", "air.humidity") == ("%", "humidity", "measurement")
    assert quantity("%", "valve") == ("%", None, "measurement")
    assert quantity("[ppm]", "co2") == ("ppm", "carbon_dioxide", "measurement")
    assert quantity("foot.pound", "x") == ("foot.pound", None, None)
    assert quantity(None, "state") == (None, None, None)


def test_values_are_found_in_objects_whatever_they_are_called() -> None:
    names = ["plain", "air.humidity", "items", "it's", "back\\slash", "0", "värme", "a b"]
    of = device(dict.fromkeys(names, 1.5))
    payload = json.dumps({name: n for n, name in enumerate(names)})
    for one in told(of, OBJECTS)["components"].values():
        assert one["state_topic"] == "f/board"
        assert rendered(one["value_template"], payload) == str(names.index(one["name"]))


def test_no_value_is_understood_where_a_point_has_a_topic_of_its_own() -> None:
    of = device({"x": 1.5})
    assert rendered(component(of, "sensor.x")["value_template"], "null") == "None"
    assert rendered(component(of, "sensor.x")["value_template"], "1.5") == "1.5"


def test_what_was_told_and_is_no_more_is_taken_out_once() -> None:
    found = told(device({"x": 1}), told=["sensor.x", "switch.fan"])
    assert found["components"]["switch.fan"] == {"platform": "switch"}
    assert set(components_of(describe(device({"x": 1}), BARE, "1", takes=True, told=["switch.fan"]))) == {"sensor.x"}


def test_points_of_the_process_before_are_kept_until_they_are_known_to_be_others() -> None:
    earlier = {
        "sensor.humidity": {"p": "sensor", "name": "humidity", "stat_t": BARE.values("board", "humidity")},
        "sensor.moved": {"p": "sensor", "name": "moved", "stat_t": "elsewhere"},
        "switch.lamp": {"p": "switch", "stat_t": BARE.values("board", "lamp"), "cmd_t": BARE.command("board", "lamp")},
        "binary_sensor.fan": {"p": "binary_sensor", "stat_t": BARE.values("board", "fan")},
    }
    of = device(fan=PointSection(type="boolean", writable=True))
    found = told(of, earlier=earlier)["components"]
    assert found["sensor.humidity"]["name"] == "humidity"
    assert found["sensor.moved"] == {"platform": "sensor"}
    assert found["binary_sensor.fan"] == {"platform": "binary_sensor"}, "it is a switch now"
    assert found["switch.lamp"]["command_topic"]
    assert told(of, earlier=earlier, takes=False)["components"]["switch.lamp"] == {"platform": "switch"}


def test_a_device_is_known_again_by_what_was_told_of_it() -> None:
    assert device_of(describe(device({"x": 1}), BARE, "1.0", takes=True), BARE) == "board"
    other = Topics(PublishSection(url="mqtt://x", homeassistant=HomeAssistantSection()), "attic")
    assert device_of(describe(device({"x": 1}), other, "1.0", takes=True), BARE) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["avty", "cmps", "t", "p", "o"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(told=JSON, components=JSON)
@settings(max_examples=200)
def test_whatever_is_retained_in_our_name_is_read_or_is_none_of_ours(told: Any, components: Any) -> None:
    assert device_of(told, BARE) is None
    status, state = {"t": "fieldgate/workshop/status"}, {"t": "fieldgate/workshop/board/$state"}
    forged = {"avty": [status, state], "cmps": components}
    if device_of(forged, BARE) is not None:
        found = components_of(forged)
        describe(device({"x": 1}), BARE, "1.0", takes=True, earlier=found)
