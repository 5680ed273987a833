import logging
import math
from typing import Any

import orjson
import pytest

from gateway.model import Quality, Sample, Value
from tests.bus.parts import Bus, sample


def heard(bus: Bus, **values: Value) -> dict[str, Any]:
    """The reading that clients get of these values."""
    bus.told()
    bus.devices.receive(bus.device(), Sample(dict(values)))
    reading = bus.told()[-1]
    assert "values" in reading
    return reading


def bus_with(point: dict[str, Any], name: str = "p") -> Bus:
    bus = Bus({"a": {"points": {name: point}}})
    bus.link().up()
    return bus


class TestValues:
    @pytest.mark.parametrize("value", [0, 0.0, -0.0, False, "", True, 1, 21.5, "on", -(1 << 63), (1 << 63) - 1])
    def test_a_value_arrives_as_it_is(self, value: Value) -> None:
        bus = Bus()
        bus.link().up()
        reading = heard(bus, p=value)
        assert reading["values"] == {"p": value}
        assert type(reading["values"]["p"]) is type(value)
        assert "quality" not in reading
        assert bus.device().to_json()["values"]["p"] == {"value": value, "time": bus.clock.now(), "quality": "good"}

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, 10**400])
    @pytest.mark.parametrize("point", [None, {"type": "number", "scale": 0.1}, {"type": "integer"}, {"type": "string"}])
    def test_what_is_no_value_arrives_as_null_and_bad(self, value: Value, point: dict[str, Any] | None) -> None:
        bus = Bus() if point is None else bus_with(point)
        if point is None:
            bus.link().up()
        reading = heard(bus, p=value, q=1)
        assert reading["values"] == {"p": None, "q": 1}
        assert reading["quality"] == {"p": "bad"}
        assert bus.device().to_json()["values"]["p"]["quality"] == "bad"

    @pytest.mark.parametrize("value", [1 << 63, -(1 << 63) - 1, 10**30])
    def test_a_huge_integer_arrives_as_a_float(self, value: int) -> None:
        bus = Bus()
        bus.link().up()
        assert heard(bus, p=value)["values"]["p"] == float(value)

    def test_the_devices_own_time_travels_beside_ours(self) -> None:
        bus = Bus()
        bus.link().up()
        bus.told()
        bus.devices.receive(bus.device(), Sample({"p": 1}, device_time=5.0))
        assert bus.told()[-1] == {"device": "a", "time": bus.clock.now(), "values": {"p": 1}, "device_time": 5.0}

    def test_a_frame_without_values_is_no_reading(self) -> None:
        bus = Bus()
        bus.link().up()
        bus.told()
        bus.devices.receive(bus.device(), Sample({}))
        assert bus.told() == []

    def test_a_tap_gets_each_reading_after_its_values_are_in_place(self) -> None:
        bus = Bus()
        bus.link().up()
        seen: list[object] = []
        bus.devices.taps.append(
            lambda reading: seen.append((reading.values, bus.device().to_json()["values"]["p"]["value"]))
        )
        bus.devices.receive(bus.device(), sample(p=1))
        bus.devices.receive(bus.device(), sample(p=0))
        assert seen == [({"p": 1}, 1), ({"p": 0}, 0)]


class TestRules:
    @pytest.mark.parametrize(
        ("point", "wire", "value", "quality"),
        [
            ({"scale": 0.1}, 214, 21.4, "good"),
            ({"scale": 0.1}, 3, 0.3, "good"),
            ({"scale": 0.1, "offset": -40}, 0, -40, "good"),
            ({"scale": 2}, "21.5", 43, "good"),
            ({"scale": 1e300}, 1e300, None, "bad"),
            ({"unit": "Cel"}, "warm", None, "bad"),
            ({"unit": "Cel"}, True, None, "bad"),
            ({"unit": "Cel"}, "nan", None, "bad"),
            ({"min": -40, "max": 85}, -40, -40, "good"),
            ({"min": -40, "max": 85}, 85, 85, "good"),
            ({"min": -40, "max": 85}, 85.1, 85.1, "bad"),
            ({"min": 0}, -1, -1, "bad"),
            ({"min": 0, "scale": -1}, 1, -1, "bad"),
            ({"type": "integer"}, 5.0, 5, "good"),
            ({"type": "integer"}, 5.5, 5.5, "bad"),
            ({"type": "integer"}, "7", 7, "good"),
            ({"type": "integer"}, 1e300, 1e300, "good"),
            ({"type": "integer"}, (1 << 53) + 1, (1 << 53) + 1, "good"),
            ({"type": "boolean"}, 0, False, "good"),
            ({"type": "boolean"}, 1.0, True, "good"),
            ({"type": "boolean"}, " ON ", True, "good"),
            ({"type": "boolean"}, "off", False, "good"),
            ({"type": "boolean"}, "", None, "bad"),
            ({"type": "boolean"}, 2, None, "bad"),
            ({"type": "boolean"}, None, None, "bad"),
            ({"values": ["auto", "day"]}, "day", "day", "good"),
            ({"values": ["auto", "day"]}, "night", "night", "bad"),
            ({"values": ["auto", "day"]}, 0, 0, "bad"),
            ({"values": ["auto", "day"]}, math.nan, None, "bad"),
            ({"values": ["auto", "day"]}, 10**400, None, "bad"),
            ({"values": {0: "off", 1: "heating"}}, 1, "heating", "good"),
            ({"values": {0: "off", 1: "heating"}}, 0.0, "off", "good"),
            ({"values": {0: "off", 1: "heating"}}, " 1\r", "heating", "good"),
            ({"values": {0: "off", 1: "heating"}}, True, "heating", "good"),
            ({"values": {0: "off", 1: "heating"}}, 7, 7, "bad"),
            ({"values": {0: "off", 1: "heating"}}, 0.5, 0.5, "bad"),
            ({"values": {0: "off", 1: "heating"}}, "off", "off", "bad"),
            ({"values": {0: "off", 1: "heating"}}, None, None, "bad"),
            ({"values": {0: "off", 1: "heating"}}, math.nan, None, "bad"),
            ({"values": {0: "off", 1: "heating"}}, 10**400, None, "bad"),
            ({"values": {"A": "auto", "2": "day"}}, "A", "auto", "good"),
            ({"values": {"A": "auto", "2": "day"}}, 2, "day", "good"),
            ({"values": {"A": "auto", "2": "day"}}, "a", "a", "bad"),
            ({"values": {2: "number", "2": "text"}}, "2", "text", "good"),
            ({"values": {2: "number", "2": "text"}}, 2, "number", "good"),
            ({"type": "string"}, "", "", "good"),
            ({"type": "string"}, 5, "5", "good"),
            ({"type": "string"}, False, "false", "good"),
            ({"type": "string"}, math.nan, None, "bad"),
        ],
    )
    def test_a_declared_point_scales_bounds_and_types(
        self, point: dict[str, Any], wire: Value, value: Value, quality: str
    ) -> None:
        bus = bus_with(point)
        reading = heard(bus, p=wire)
        assert reading["values"]["p"] == value
        assert type(reading["values"]["p"]) is type(value) or isinstance(value, int | float)
        assert reading.get("quality", {}).get("p", "good") == quality

    def test_scale_and_offset_stay_inside_the_gateway(self) -> None:
        bus = bus_with({"scale": 0.1, "offset": 1, "unit": "Cel", "title": "T", "min": 0, "max": 9, "stale_after": 30})
        assert bus.device().to_json()["points"] == {
            "p": {"type": "number", "title": "T", "unit": "Cel", "min": 0, "max": 9, "stale_after": 30}
        }


class TestLearning:
    def test_points_are_learnt_from_the_first_reading_and_told_before_it(self) -> None:
        bus = Bus()
        bus.link().up()
        bus.told()
        bus.devices.receive(bus.device(), sample(b=False, n=0, f=0.5, s="", z=None))
        device, reading = bus.told()
        assert {point: told["type"] for point, told in device["points"].items()} == {
            "b": "boolean", "n": "number", "f": "number", "s": "string", "z": "number"
        }  # fmt: skip
        assert reading["values"] == {"b": False, "n": 0, "f": 0.5, "s": "", "z": None}
        bus.devices.receive(bus.device(), sample(b=True))
        assert [set(told) & {"points", "values"} for told in bus.told()] == [{"values"}]  # nothing new to learn

    def test_a_null_shows_no_type_and_the_first_value_does(self) -> None:
        for declared in ({}, {"a": {"points": {"mode": {"title": "Mode"}}}}):
            bus = Bus(declared)
            bus.link().up()
            heard(bus, mode=None)
            assert bus.device().points["mode"].type == "number"
            bus.devices.receive(bus.device(), sample(mode=None))
            assert len(bus.told()) == 1
            bus.devices.receive(bus.device(), sample(mode="auto"))
            device, reading = bus.told()
            assert device["points"]["mode"]["type"] == "string"
            assert reading["values"] == {"mode": "auto"}
            assert "quality" not in reading
            bus.devices.receive(bus.device(), sample(mode=5))
            assert len(bus.told()) == 1  # learnt once

    def test_declared_points_are_there_before_any_reading(self) -> None:
        bus = Bus({"a": {"name": "A", "points": {"fan": {"type": "boolean", "writable": True}, "x": {"title": "X"}}}})
        bus.link(offers=lambda name: "acked")
        (device,) = bus.told()
        assert device["name"] == "A"
        assert device["points"] == {"fan": {"type": "boolean", "writable": True, "confirm": "acked"}}
        assert device["values"] == {}

    def test_a_declared_confirmation_stands(self) -> None:
        bus = Bus({"a": {"points": {"fan": {"type": "boolean", "writable": True, "confirm": "verified"}}}})
        bus.link(offers=lambda name: "sent")
        assert bus.device().points["fan"].confirm == "verified"

    def test_points_without_end_are_counted_and_said_and_cost_no_other(self, caplog: pytest.LogCaptureFixture) -> None:
        bus = Bus()
        bus.link().up()
        device = bus.device()
        for number in range(600):
            bus.devices.receive(device, Sample({f"p{number}": number, "p0": number}))
        assert len(device.points) == len(device.latest) == 512
        assert device.to_json()["link"]["errors"] == 88
        assert device.latest["p0"][0] == 599
        assert 0 < len(caplog.messages) < 10
        assert "cannot be added" in caplog.messages[0]

    @pytest.mark.parametrize("name", ["", "a\nb", "\x1b[31m", "\ud800", "\u2028", "x" * 129])
    def test_a_name_that_no_point_can_have_is_an_error_and_costs_no_other(self, name: str) -> None:
        bus = Bus()
        bus.link().up()
        bus.devices.receive(bus.device(), Sample({name: 1, "__proto__": 2}))
        assert bus.told()[-1]["values"] == {"__proto__": 2}
        assert bus.device().errors == 1


class TestUnits:
    def units(self, bus: Bus) -> dict[str, Any]:
        return {name: point.unit for name, point in bus.device().points.items()}

    def test_a_unit_that_a_frame_tells_is_learnt_with_its_point_and_told_once(self) -> None:
        bus = Bus()
        bus.link().up()
        bus.told()
        for _ in range(3):
            bus.devices.receive(bus.device(), Sample({"t": 21.5, "n": 1}, units={"t": "Cel", "elsewhere": "W"}))
        device, *readings = bus.told()
        assert device["points"] == {"t": {"type": "number", "unit": "Cel"}, "n": {"type": "number"}}
        assert len(readings) == 3
        bus.devices.receive(bus.device(), Sample({"t": 70.7}, units={"t": "[degF]"}))
        device, _ = bus.told()
        assert device["points"]["t"]["unit"] == "[degF]"

    def test_a_declared_one_stands_and_what_is_scaled_is_in_another(self) -> None:
        bus = Bus({"a": {"points": {"t": {"unit": "K"}, "p": {"scale": 0.1}, "h": {"title": "Humidity"}}}})
        bus.link().up()
        bus.devices.receive(bus.device(), Sample({"t": 1, "p": 2, "h": 3}, units={"t": "Cel", "p": "Pa", "h": "%RH"}))
        assert self.units(bus) == {"t": "K", "p": None, "h": "%RH"}
        assert bus.device().points["h"].title == "Humidity"

    def test_it_stays_when_the_type_is_learnt_later(self) -> None:
        bus = Bus()
        bus.link().up()
        bus.devices.receive(bus.device(), Sample({"t": None}, units={"t": "Cel"}))
        bus.devices.receive(bus.device(), Sample({"t": True}))
        assert bus.device().points["t"].to_json() == {"type": "boolean", "unit": "Cel"}

    def test_one_that_changes_with_every_frame_is_counted_and_no_flood(self, caplog: pytest.LogCaptureFixture) -> None:
        bus = Bus()
        bus.link().up()
        bus.told()
        for number in range(200):
            bus.devices.receive(bus.device(), Sample({"t": 1}, units={"t": f"u{number}"}))
        assert sum("points" in told for told in bus.told()) == 17
        assert bus.device().errors == 183
        assert 0 < len([message for message in caplog.messages if "cannot be the unit" in message]) < 10
        bus.devices.receive(bus.device(), Sample({"new": 1}, units={"new": "W"}))
        assert bus.device().points["new"].unit == "W"

    @pytest.mark.parametrize("unit", ["", "x" * 33, "a\nb", "\ud800"])
    def test_what_can_be_no_unit_is_an_error_and_costs_no_value(self, unit: str) -> None:
        bus = Bus()
        bus.link().up()
        bus.devices.receive(bus.device(), Sample({"t": 1}, units={"t": unit}))
        assert bus.told()[-1]["values"] == {"t": 1}
        assert (self.units(bus), bus.device().errors) == ({"t": None}, 1)


FRESH_FOR_30_S = {"unit": "Cel", "stale_after": 30}


class TestStaleness:
    def test_a_value_past_its_deadline_is_marked_and_told_once(self) -> None:
        bus = bus_with(FRESH_FOR_30_S)
        heard(bus, p=21.5, q=1)
        bus.clock.seconds += 30
        bus.devices.mark_stale()
        assert bus.told() == []
        bus.clock.seconds += 0.5
        bus.devices.mark_stale()
        bus.devices.mark_stale()
        (device,) = bus.told()
        assert device["values"]["p"] == {"value": 21.5, "time": bus.clock.now() - 30.5, "quality": "stale"}
        assert device["values"]["q"]["quality"] == "good"  # has no deadline

    def test_the_next_reading_makes_it_good_again(self) -> None:
        bus = bus_with(FRESH_FOR_30_S)
        heard(bus, p=21.5)
        bus.clock.seconds += 31
        bus.devices.mark_stale()
        assert "quality" not in heard(bus, p=21.5)
        assert bus.device().latest["p"][2] is Quality.GOOD

    @pytest.mark.parametrize("jump", [-86400.0, 3600.0, 10 * 365 * 86400.0])
    def test_a_jump_of_the_wall_clock_makes_nothing_stale_and_keeps_nothing_fresh(self, jump: float) -> None:
        bus = bus_with(FRESH_FOR_30_S)
        heard(bus, p=21.5)
        bus.clock.jump += jump
        bus.devices.mark_stale()
        assert bus.device().latest["p"][2] is Quality.GOOD
        bus.clock.seconds += 31
        bus.devices.mark_stale()
        assert bus.device().latest["p"][2] is Quality.STALE

    def test_what_was_never_heard_is_not_stale(self) -> None:
        bus = bus_with(FRESH_FOR_30_S)
        bus.clock.seconds += 1000
        bus.devices.mark_stale()
        assert bus.device().to_json()["values"] == {}


class TestRegistry:
    def test_a_removed_device_is_told_as_removed(self) -> None:
        bus = Bus()
        link = bus.link()
        bus.told()
        link.close()
        assert bus.told() == [{"id": "a", "removed": True}]
        assert len(bus.devices) == 0
        assert bus.devices.removed_at == bus.log.head

    def test_a_state_is_told_only_where_it_is_news(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        bus = Bus()
        link = bus.link()
        link.up()
        since = bus.device().since
        bus.told()
        bus.clock.seconds += 5
        link.available(None, online=True)
        link.available(None, online=True)
        (device,) = bus.told()
        assert (device["state"], device["since"]) == ("online", since + 5)
        assert caplog.messages == ["a is online"]

    def test_everything_told_is_strict_json_even_with_odd_names(self) -> None:
        bus = Bus()
        link = bus.link(single=False)
        link.up()
        for name in ("__proto__", "a/b", "größe", "\x1b[31m", "🌡", '"', "x" * 256):
            link.receive(name, sample(p=1))
        for entry in bus.log.after(0, bus.log.head):
            orjson.loads(entry.encoded)
        assert len(bus.devices) == 7
