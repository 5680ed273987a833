"""What devices say of themselves: below what is declared, above what is learnt."""

from typing import Any

import pytest

from gateway.bus import Link
from gateway.model import Description, Point
from tests.bus.parts import Bus, sample

LAMP = Description(
    {
        "state": Point("boolean", writable=True, confirm="verified"),
        "brightness": Point("integer", min=0, max=254, writable=True, confirm="verified"),
        "power": Point("number", unit="W", title="Power"),
        "effect": Point("enum", values=("blink", "breathe"), writable=True, confirm="sent"),
    },
    name="Kitchen lamp",
    model="LED1545G12",
    vendor="IKEA",
)


def linked(declared: dict[str, Any] | None = None) -> tuple[Bus, Link]:
    bus = Bus(declared)
    link = bus.link(single=False)
    link.up()
    return bus, link


def test_a_device_has_the_points_name_and_model_that_it_says() -> None:
    bus, link = linked()
    link.describe("lamp", LAMP, commandable=True)
    told = bus.told()[-1]
    assert (told["name"], told["vendor"], told["model"]) == ("Kitchen lamp", "IKEA", "LED1545G12")
    assert told["points"] == {
        "state": {"type": "boolean", "writable": True, "confirm": "verified"},
        "brightness": {"type": "integer", "min": 0, "max": 254, "writable": True, "confirm": "verified"},
        "power": {"type": "number", "unit": "W", "title": "Power"},
        "effect": {"type": "enum", "values": ["blink", "breathe"], "writable": True, "confirm": "sent"},
    }


def test_a_device_that_says_nothing_of_its_maker_has_no_such_members() -> None:
    bus, link = linked()
    link.receive("n", sample(t=1))
    assert not {"vendor", "model"} & bus.device("a.n").to_json().keys()


def test_actuators_are_read_only_unless_commands_are_allowed() -> None:
    bus, link = linked()
    link.describe("lamp", LAMP, commandable=False)
    assert not any(point.writable or point.confirm for point in bus.device("a.lamp").points.values())


@pytest.mark.parametrize(("whole", "one", "writable"), [(False, True, True), (True, False, False)])
def test_what_is_declared_of_one_device_stands_above_its_profile(whole: bool, one: bool, writable: bool) -> None:
    bus, link = linked({"a.lamp": {"commands": one}})
    link.describe("lamp", LAMP, commandable=whole)
    assert bus.device("a.lamp").points["state"].writable is writable


def test_a_point_that_is_declared_writable_is_so_alone() -> None:
    bus, link = linked({"a.lamp": {"points": {"state": {"type": "boolean", "writable": True}}}})
    link.describe("lamp", LAMP, commandable=False)
    points = bus.device("a.lamp").points
    assert [name for name, point in points.items() if point.writable] == ["state"]


def test_a_declaration_changes_what_it_names_and_nothing_else() -> None:
    declared = {"points": {"brightness": {"max": 100}, "power": {"title": "Draw"}}, "name": "Over the sink"}
    bus, link = linked({"a.lamp": declared})
    link.describe("lamp", LAMP, commandable=True)
    device = bus.device("a.lamp")
    assert device.name == "Over the sink"
    assert device.points["brightness"] == Point("integer", min=0, max=100, writable=True, confirm="verified")
    assert device.points["power"] == Point("number", unit="W", title="Draw")


def test_values_are_judged_by_what_the_device_says() -> None:
    bus, link = linked()
    link.describe("lamp", LAMP, commandable=False)
    bus.told()
    link.receive("lamp", sample(state="ON", brightness=300, power=2.5, effect="dance"))
    reading = bus.told()[-1]
    assert reading["values"] == {"state": True, "brightness": 300, "power": 2.5, "effect": "dance"}
    assert reading["quality"] == {"brightness": "bad", "effect": "bad"}


def test_a_description_that_comes_after_values_types_the_next_ones() -> None:
    bus, link = linked()
    link.receive("lamp", sample(state="ON", other=1))
    assert bus.device("a.lamp").points["state"] == Point("string")
    link.describe("lamp", LAMP, commandable=False)
    device = bus.device("a.lamp")
    assert device.points["state"] == Point("boolean")
    assert device.points["other"] == Point("number")
    link.receive("lamp", sample(state="ON"))
    assert device.latest["state"][0] is True


def test_the_same_description_again_is_no_news() -> None:
    bus, link = linked()
    link.describe("lamp", LAMP, commandable=True)
    link.receive("lamp", sample(power=1))
    bus.told()
    link.describe("lamp", LAMP, commandable=True)
    assert bus.told() == []


def test_a_new_description_takes_points_away_and_keeps_values_of_the_others() -> None:
    bus, link = linked({"a.lamp": {"points": {"effect": {"title": "Effect"}}}})
    link.describe("lamp", LAMP, commandable=True)
    link.receive("lamp", sample(state="ON", brightness=10, effect="blink"))
    link.describe("lamp", Description({"state": Point("boolean")}), commandable=True)
    device = bus.device("a.lamp")
    assert set(device.points) == {"state", "effect"}  # what is declared stays
    assert set(device.latest) == {"state", "effect"}
    assert device.points["effect"] == Point("string", title="Effect")
    assert not device.points["state"].writable
    assert device.name == "lamp"


def test_values_that_the_device_says_grow_stale_do() -> None:
    bus, link = linked()
    link.describe("door", Description({"open": Point("boolean", stale_after=60.0)}), commandable=False)
    link.receive("door", sample(open=True))
    bus.clock.seconds += 61
    bus.devices.tick()
    assert bus.told()[-1]["values"]["open"]["quality"] == "stale"


def test_a_device_that_is_removed_goes_and_may_come_again() -> None:
    bus, link = linked()
    link.describe("lamp", LAMP, commandable=False)
    link.remove("lamp", "its bridge forgot it")
    assert bus.told()[-1] == {"id": "a.lamp", "removed": True}
    assert bus.devices.get("a.lamp") is None
    link.receive("lamp", sample(state="ON"))
    assert bus.device("a.lamp").points["state"] == Point("string")


def test_a_device_that_is_declared_stays_when_it_is_removed_and_says_why() -> None:
    bus, link = linked({"a.lamp": {}})
    link.describe("lamp", LAMP, commandable=False)
    link.receive("lamp", sample(state="ON"))
    link.remove("lamp", "its bridge forgot it")
    assert bus.state("a.lamp") == ("offline", "its bridge forgot it")


def test_what_was_never_there_can_be_removed() -> None:
    bus, link = linked()
    link.remove("nobody", "gone")
    assert bus.told() == []
