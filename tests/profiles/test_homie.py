"""Homie 5: descriptions become devices, payloads values of their datatype, and states availability."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CodecError
from gateway.model import Outgoing, Point, Sample, Value
from gateway.profiles import Available, Described, Event, Heard, Publication, Removed, Unreadable
from gateway.profiles.homie import Homie, HomieOptions
from gateway.profiles.homie.datatypes import read_property
from tests.profiles import homie_messages as shapes
from tests.profiles.homie_messages import description, message


def profile(*messages: tuple[str, Any]) -> Homie:
    """A profile that has heard these, retained."""
    built = HomieOptions().build()
    assert isinstance(built, Homie)
    for topic, payload in messages:
        told(built, topic, payload, True)
    return built


def car() -> Homie:
    """A profile that knows the car of the convention."""
    return profile(("super-car/$state", "ready"), ("super-car/$description", shapes.SUPER_CAR))


def told(to: Homie, topic: str, payload: Any, retained: bool = False) -> list[Event]:
    """What the profile makes of a message below `homie/5/`."""
    return list(to.receive(*message(topic, payload, retained)))


def value(to: Homie, topic: str, payload: str) -> Value:
    """The one value of a message."""
    (event,) = told(to, topic, payload)
    assert isinstance(event, Heard), event
    (found,) = event.sample.values.values()
    return found


def sent(to: Homie, point: str, value: Value, device: str = "super-car") -> Publication:
    """A command as a message."""
    return to.encode(Outgoing("house.x", device, point, value, 17, 1e9))


def point(**given: Any) -> Point:
    """The point of a property."""
    return read_property(given).point


class TestDescriptions:
    def test_a_device_is_described_once_both_its_state_and_its_description_are_known(self) -> None:
        known = profile()
        assert told(known, "super-car/$description", shapes.SUPER_CAR, True) == []
        found, available = told(known, "super-car/$state", "ready", True)
        assert isinstance(found, Described)
        assert (found.device, found.description.name, found.description.model) == ("super-car", "Supercar", "car")
        assert found.topics == {"homie/5/super-car"}
        assert found.identities == frozenset()
        assert available == Available("super-car", True)

    def test_its_points_are_node_and_property(self) -> None:
        known = profile(("super-car/$state", "ready"))
        found = told(known, "super-car/$description", shapes.SUPER_CAR)[0]
        assert isinstance(found, Described)
        points = found.description.points
        assert points["engine.temperature"] == Point("number", "Engine temperature", "Cel", -20.0, 120.0)
        assert points["engine.speed"] == Point("integer", None, "{rpm}", 0)
        assert points["engine.direction"] == Point(
            "enum", values=("forward", "backward", " neutral"), writable=True, confirm="verified"
        )
        assert points["lights.power"] == Point("boolean", "Power", writable=True, confirm="verified")
        assert points["lights.color"] == Point("string", writable=True, confirm="verified")
        assert points["wheels.angle"].unit == "deg"
        assert points["door.bell"] == Point("enum", values=("short", "long"))
        assert len(points) == 13

    def test_a_command_to_what_is_an_event_can_only_be_sent(self) -> None:
        assert point(datatype="boolean", settable=True, retained=False).confirm == "sent"

    @pytest.mark.parametrize(
        ("format", "low", "high"),
        [(None, None, None), (":", None, None), ("0:", 0, None), (":10", None, 10), ("2:6:2", 2, 6), ("-5:-1", -5, -1)],
    )
    def test_a_range_may_be_open(self, format: str | None, low: int | None, high: int | None) -> None:
        found = point(datatype="integer", format=format)
        assert (found.min, found.max) == (low, high)

    @pytest.mark.parametrize(
        ("unit", "code"),
        [("°C", "Cel"), ("°", "deg"), ("kWh", "kW.h"), ("rpm", "{rpm}"), ("m³", "m3"), ("kn", "[kn_i]"), ("lx", "lx"),
         ("ppm", "[ppm]"), ("MK⁻¹", "MK-1"), ("psi", "[psi]"), ("#", None), ("", None)],
    )  # fmt: skip
    def test_the_recommended_units_have_their_codes(self, unit: str, code: str | None) -> None:
        assert point(datatype="float", unit=unit).unit == code

    @pytest.mark.parametrize(
        "wrong",
        [
            7,
            {},
            {"datatype": "number"},
            {"datatype": ["float"]},
            {"datatype": "float", "format": "1"},
            {"datatype": "float", "format": "2:1"},
            {"datatype": "float", "format": "1:2:0"},
            {"datatype": "float", "format": "1:2:3:4"},
            {"datatype": "float", "format": 5},
            {"datatype": "integer", "format": "0.5:1"},
            {"datatype": "integer", "format": "0:1:"},
            {"datatype": "enum"},
            {"datatype": "enum", "format": "a,,b"},
            {"datatype": "enum", "format": "a,a"},
            {"datatype": "boolean", "format": "off"},
            {"datatype": "boolean", "format": "on,on"},
            {"datatype": "color"},
            {"datatype": "color", "format": "cmyk"},
            {"datatype": "float", "settable": "true"},
            {"datatype": "float", "retained": 0},
            {"datatype": "float", "unit": []},
        ],
        ids=str,
    )
    def test_a_property_in_which_anything_is_illegal_is_counted_and_left_out(self, wrong: Any) -> None:
        known = profile(("a/$state", "ready"))
        about = description({"n": {"properties": {"wrong": wrong, "right": {"datatype": "float"}}}})
        counted, found, _ = told(known, "a/$description", about)
        assert isinstance(counted, Unreadable)
        assert counted.device == "a"
        assert isinstance(found, Described)
        assert set(found.description.points) == {"n.right"}

    @pytest.mark.parametrize(
        "wrong",
        ["", "[", "[]", "7", {"homie": "4.0"}, {"homie": 5}, {"nodes": []}, {"name": 7}, {"root": "a/b"}, {"root": 1}],
        ids=str,
    )
    def test_a_description_that_is_illegal_leaves_the_device_as_it_was(self, wrong: Any) -> None:
        known = car()
        events = told(known, "super-car/$description", wrong)
        if wrong == "":
            assert events == [Removed("super-car")]
            return
        assert [type(event) for event in events] == [Unreadable]
        assert value(known, "super-car/lights/power", "true") is True

    def test_the_same_description_again_is_nothing(self) -> None:
        assert told(car(), "super-car/$description", shapes.SUPER_CAR, True) == []

    def test_a_description_that_changes_while_it_starts_replaces_the_points(self) -> None:
        known = car()
        told(known, "super-car/$state", "init")
        about = description({"engine": {"properties": {"oil": {"datatype": "float"}}}}, version=8)
        found = told(known, "super-car/$description", about)[0]
        assert isinstance(found, Described)
        assert set(found.description.points) == {"engine.oil"}
        assert value(known, "super-car/engine/oil", "3.5") == 3.5
        assert told(known, "super-car/engine/speed", "1") == []

    def test_all_descriptions_together_have_a_bound_and_make_room_when_they_go(self) -> None:
        known = car()
        large = json.dumps(description({}, extensions=["x" * (5 << 20)]))
        events = [event for n in range(4) for event in told(known, f"d{n}/$description", large)]
        assert [event.device for event in events if isinstance(event, Unreadable)] == ["d3"]
        told(known, "d0/$description", "")
        assert told(known, "d3/$description", large) == []
        assert told(known, "d3/$description", large + " ") == []
        assert value(known, "super-car/lights/power", "true") is True

    @pytest.mark.parametrize("id", ["", "a b", "ü", "x" * 65])
    def test_a_device_without_an_id_is_counted(self, id: str) -> None:
        assert [type(event) for event in told(profile(), f"{id}/$state", "ready")] == [Unreadable]

    def test_another_domain_may_be_configured(self) -> None:
        known = HomieOptions(topic="home/things").build()
        assert [filter for filter, _ in known.subscriptions] == [
            "home/things/5/+/$state", "home/things/5/+/$description", "home/things/5/+/+/+",
        ]  # fmt: skip
        assert list(known.receive("homie/5/a/$state", b"ready", True)) == []


class TestStates:
    @pytest.mark.parametrize(
        ("state", "online", "reason"),
        [
            ("ready", True, None),
            ("sleeping", True, None),
            ("init", False, "it is starting, and not ready yet"),
            ("disconnected", False, "the device disconnected"),
            ("lost", False, "the device lost its connection"),
        ],
    )
    def test_a_state_says_whether_it_is_there(self, state: str, online: bool, reason: str | None) -> None:
        assert told(car(), "super-car/$state", state, True) == [Available("super-car", online, reason)]

    @pytest.mark.parametrize("state", ["alert", "READY", " ready", "\0"])
    def test_anything_else_is_counted_and_changes_nothing(self, state: str) -> None:
        known = car()
        assert [type(event) for event in told(known, "super-car/$state", state)] == [Unreadable]
        assert value(known, "super-car/lights/power", "true") is True

    def test_an_empty_state_removes_the_device(self) -> None:
        known = car()
        assert told(known, "super-car/$state", "") == [Removed("super-car")]
        assert told(known, "super-car/$state", "") == []
        assert told(known, "super-car/lights/power", "true") == []
        with pytest.raises(CodecError):
            sent(known, "lights.power", True)

    def test_a_device_that_comes_back_with_its_description_still_there_is_described_again(self) -> None:
        known = car()
        told(known, "super-car/$state", "")
        assert isinstance(told(known, "super-car/$state", "init")[0], Described)

    def test_when_the_root_is_lost_so_is_every_device_of_its_tree(self) -> None:
        known = profile(*((topic.removeprefix("homie/5/"), payload.decode()) for topic, payload, _ in shapes.MESSAGES))
        through = "the device that it is reached through lost its connection"
        assert told(known, "bridge/$state", "lost") == [
            Available("bridge", False, "the device lost its connection"),
            Available("dualrelay", False, through),
            Available("light1", False, through),
        ]
        assert told(known, "light1/$state", "ready", True) == [Available("light1", False, through)]
        assert told(known, "bridge/$state", "ready")[1:] == [Available("dualrelay", True), Available("light1", True)]

    def test_a_root_that_only_disconnects_leaves_its_devices_their_own_states(self) -> None:
        known = profile(
            ("b/$state", "ready"), ("b/$description", description({})),
            ("c/$state", "ready"), ("c/$description", description({}, root="b")),
        )  # fmt: skip
        assert told(known, "b/$state", "disconnected") == [Available("b", False, "the device disconnected")]

    def test_a_device_that_leaves_a_tree_is_not_lost_with_it(self) -> None:
        known = profile(
            ("b/$state", "ready"), ("b/$description", description({})),
            ("c/$state", "ready"), ("c/$description", description({}, root="b")),
        )  # fmt: skip
        told(known, "c/$description", description({}, version=8))
        assert told(known, "b/$state", "lost") == [Available("b", False, "the device lost its connection")]


class TestValues:
    @pytest.mark.parametrize(
        ("topic", "payload", "expected"),
        [
            ("engine/speed", "3000", 3000),
            ("engine/speed", "-9223372036854775808", -(2**63)),
            ("engine/temperature", "21.5", 21.5),
            ("engine/temperature", "-1.5E-3", -0.0015),
            ("lights/power", "false", False),
            ("engine/direction", " neutral", " neutral"),
            ("lights/color", "rgb,255,0,127.5", "rgb,255,0,127.5"),
            ("lights/color", "hsv,300,50,75", "hsv,300,50,75"),
            ("lights/color", "xyz,0.25,0.34", "xyz,0.25,0.34"),
            ("engine/started", "2026-11-26T12:00:00+01:00", "2026-11-26T12:00:00+01:00"),
            ("engine/ran", "PT12H5M46S", "PT12H5M46S"),
            ("lights/scene", '{"a":[1]}', '{"a":[1]}'),
            ("lights/label", "größe", "größe"),
            ("lights/label", "\0", ""),
            ("lights/label", "", None),
        ],
    )
    def test_a_payload_is_a_value_of_its_datatype(self, topic: str, payload: str, expected: Value) -> None:
        found = value(car(), f"super-car/{topic}", payload)
        assert found == expected
        assert type(found) is type(expected)

    @pytest.mark.parametrize(
        ("topic", "payload"),
        [
            ("engine/speed", "1.0"),
            ("engine/speed", "+1"),
            ("engine/speed", "-"),
            ("engine/speed", "9223372036854775808"),
            ("engine/speed", "٣"),
            ("engine/temperature", "nan"),
            ("engine/temperature", "Infinity"),
            ("engine/temperature", "1e999"),
            ("engine/temperature", " 1"),
            ("engine/temperature", "1,5"),
            ("engine/temperature", "\0"),
            ("lights/power", "TRUE"),
            ("lights/power", "on"),
            ("engine/direction", "neutral"),
            ("lights/color", "255,0,0"),
            ("lights/color", "rgb,256,0,0"),
            ("lights/color", "rgb,1,2"),
            ("lights/color", "hex,1,2,3"),
            ("engine/started", "yesterday"),
            ("engine/ran", "PT"),
            ("engine/ran", "12 hours"),
            ("lights/scene", "7"),
            ("lights/scene", "{"),
            ("lights/label", "x" * 5000),
        ],
    )
    def test_a_payload_of_another_kind_is_counted_for_the_device(self, topic: str, payload: str) -> None:
        (event,) = told(car(), f"super-car/{topic}", payload)
        assert isinstance(event, Unreadable)
        assert event.device == "super-car"

    def test_retained_values_are_told_as_old(self) -> None:
        known = car()
        assert told(known, "super-car/engine/speed", "1", True) == [
            Heard("super-car", Sample({"engine.speed": 1}), retained=True)
        ]
        assert told(known, "super-car/door/bell", "short") == [Heard("super-car", Sample({"door.bell": "short"}))]

    def test_retained_values_that_come_before_the_description_are_not_lost(self) -> None:
        known = profile(("super-car/engine/speed", "5"), ("super-car/$state", "ready"))
        events = told(known, "super-car/$description", shapes.SUPER_CAR, True)
        assert events[2:] == [Heard("super-car", Sample({"engine.speed": 5}), retained=True)]

    def test_an_alert_is_a_text_that_is_empty_once_it_is_resolved(self) -> None:
        known = car()
        assert told(known, "super-car/$alert/battery", "Battery is low, at 8%", True) == [
            Heard("super-car", Sample({"$alert.battery": "Battery is low, at 8%"}), retained=True)
        ]
        assert value(known, "super-car/$alert/battery", "") == ""

    @pytest.mark.parametrize(
        "topic",
        ["super-car/$log/warn", "super-car/lights/power/set", "super-car/lights/power/$target", "$broadcast/a/b",
         "super-car/engine/nothing", "other/engine/speed", "super-car/$stats"],
    )  # fmt: skip
    def test_what_is_no_value_is_nothing(self, topic: str) -> None:
        assert told(car(), topic, "true") == []


class TestCommands:
    @pytest.mark.parametrize(
        ("point", "value", "payload"),
        [
            ("lights.power", True, b"true"),
            ("lights.intensity", 45.0, b"45"),
            ("engine.direction", "backward", b"backward"),
            ("lights.color", "hsv,300,50,75", b"hsv,300,50,75"),
            ("lights.label", "größe", "größe".encode()),
            ("lights.label", "", b"\0"),
            ("lights.scene", "[1,2]", b"[1,2]"),
            ("lights.horn", False, b"false"),
            ("engine.ran", "PT5M", b"PT5M"),
        ],
    )
    def test_a_command_is_the_bare_value(self, point: str, value: Value, payload: bytes) -> None:
        node, _, property = point.partition(".")
        assert sent(car(), point, value) == Publication(f"homie/5/super-car/{node}/{property}/set", payload)

    @pytest.mark.parametrize(
        ("point", "value"),
        [
            ("engine.speed", 1),
            ("engine.nothing", 1),
            ("lights.power", "true"),
            ("lights.intensity", 101),
            ("lights.intensity", 10**400),
            ("engine.direction", "neutral"),
            ("lights.color", "red"),
            ("lights.color", ""),
            ("lights.label", "\0"),
            ("lights.label", "\ud800"),
            ("lights.scene", "7"),
            ("engine.ran", "soon"),
        ],
    )
    def test_what_the_device_could_not_read_is_refused(self, point: str, value: Value) -> None:
        with pytest.raises(CodecError):
            sent(car(), point, value)

    def test_a_device_that_is_not_known_takes_none(self) -> None:
        with pytest.raises(CodecError, match="no such device"):
            sent(car(), "lights.power", True, device="other")

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_any_float_is_read_as_it_was_written(self, number: float) -> None:
        property = read_property({"datatype": "float", "settable": True})
        payload = property.payload("n.p", number)
        assert b"+" not in payload
        assert property.value(payload) == number

    @given(st.text(st.characters(codec="utf-8"), max_size=50).filter(lambda text: text != "\0"))
    def test_any_text_is_read_as_it_was_written(self, text: str) -> None:
        property = read_property({"datatype": "string", "settable": True})
        assert property.value(property.payload("n.p", text)) == text
