"""What the keys of a point mean, and what is said of wrong ones."""

from typing import Any

import pytest

from gateway.config.points import PointSection
from tests.config.parts import problems, read


def point(written: str) -> PointSection:
    """The point `t`, as written between braces."""
    config = read(f"devices: {{a: {{points: {{t: {{{written}}}}}}}}}\nadapters: [{{id: a, type: loopback}}]")
    return config.devices["a"].points["t"]


def refusals(written: str) -> list[str]:
    """What is said of the point `t`, without the place and the names above it."""
    lines = problems(f"devices: {{a: {{points: {{t: {{{written}}}}}}}}}\nadapters: [{{id: a, type: loopback}}]")
    return [line.split(": ", 1)[1].removeprefix("devices.a.points.t.") for line in lines]


NO_VALUES = "values: expected a list of texts, or a mapping from what the device says to texts, found"


class TestValues:
    def test_a_list_has_the_values_as_the_wire_says_them(self) -> None:
        described = point("values: [off, on]").to_point("number")
        assert (described.type, described.values, described.codes) == ("enum", ("off", "on"), None)

    def test_a_mapping_has_the_name_of_each_thing_that_the_wire_says(self) -> None:
        described = point("values: {0: off, 1: heating, -1: cooling, 0x10: boost, A: auto, '2': fan}").to_point(
            "number"
        )
        assert described.type == "enum"
        assert described.values == ("off", "heating", "cooling", "boost", "auto", "fan")
        assert described.codes is not None
        assert [code for code, _ in described.codes] == [0, 1, -1, 16, "A", "2"]
        assert described.to_json() == {"type": "enum", "values": list(described.values)}

    def test_names_count_where_values_do(self) -> None:
        given = point("values: {0: off, 1: heating}, writable: true, type: enum, safe: off, urgent: [off]")
        assert (given.safe, given.urgent) == ("off", ("off",))
        assert refusals("values: {0: off, 1: heating}, writable: true, safe: 0") == ["safe: takes one of off, heating"]

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ("values: 5", [f"{NO_VALUES} 5"]),
            ("values: {}", [f"{NO_VALUES} a mapping"]),
            ("values: [a, 5]", ["values.1: expected text, found 5"]),
            ("values: {0: off, 1: 5}", ["values.1: expected text, found 5"]),
            ("values: {0: off, 1.5: on}", ["the key '1.5' is not text; put it in quotes"]),
            ("values: {true: off, 1: on}", ["the key 'true' is not text; put it in quotes"]),
            ("values: {1: off, 0x1: on}", ["the key '1' stands twice in one mapping"]),
            ("values: {99999999999999999999: off}", ["the number is too large"]),
            ("values: {0: off, 1: off}", [
                "values.0: 'off' stands for another key too, so that a command would not know which to send",
                "values.1: 'off' stands for another key too, so that a command would not know which to send",
            ]),
            ("values: {0: off}, type: boolean", [
                "values: names for what the device says are for a point of type enum, not boolean",
            ]),
        ],
    )  # fmt: skip
    def test_others_are_refused(self, written: str, said: list[str]) -> None:
        assert refusals(written) == said

    def test_the_place_of_a_wrong_name_is_told(self) -> None:
        (line,) = problems(
            "devices:\n  a: {points: {t: {values: {0: off,\n    1: 7}}}}\nadapters: [{id: a, type: loopback}]"
        )
        assert line == "3:8: devices.a.points.t.values.1: expected text, found 7"

    def test_numbers_are_keys_nowhere_else(self) -> None:
        assert refusals("values: {0: off}, 1: x") == ["the key '1' is not text; put it in quotes"]


class TestDeadbandAndInterval:
    def test_they_are_numbers_and_durations(self) -> None:
        given = point("deadband: 0.5, interval: 10s, stale_after: 20s")
        assert (given.deadband, given.interval, given.stale_after) == (0.5, 10, 20)

    def test_a_deadband_makes_a_number_of_a_point_without_a_type(self) -> None:
        assert point("deadband: 0").declared_type() == "number"
        assert point("deadband: 1, type: integer").declared_type() == "integer"

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ("deadband: -1", "deadband: expected a number of at least 0.0, found -1"),
            ("deadband: 5%", "deadband: expected a number, found '5%'"),
            ("deadband: .inf", "deadband: expected a finite number, found inf"),
            ("deadband: 1, type: boolean", "deadband: means nothing for a point of type boolean: only numbers move"),
            ("deadband: 1, values: [a]", "deadband: means nothing for a point of type enum: only numbers move"),
            ("interval: 0", "interval: expected a duration above 0, found 0.0"),
            (
                "interval: 11s, stale_after: 20s",
                "interval: is more than half of `stale_after`: values would look stale to clients in between",
            ),
        ],
    )
    def test_others_are_refused(self, written: str, said: str) -> None:
        assert refusals(written) == [said]


class TestStaleAfter:
    @pytest.mark.parametrize(("written", "value"), [("auto", "auto"), ("30s", 30.0), ("5", 5.0), ("~", None)])
    def test_it_is_a_duration_or_auto(self, written: str, value: Any) -> None:
        assert point(f"stale_after: {written}").stale_after == value

    def test_what_is_learnt_is_not_known_yet(self) -> None:
        assert point("stale_after: auto").to_point("number").stale_after is None
        assert point("stale_after: 30s").to_point("number").stale_after == 30

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ("soon", "expected a duration such as 500ms, 30s, 5m or a number of seconds, or auto, found 'soon'"),
            ("0", "expected a duration above 0, or auto, found 0"),
            ("[1]", "expected a duration such as 500ms, 30s, 5m or a number of seconds, or auto, found a list"),
        ],
    )
    def test_others_are_refused(self, written: str, said: str) -> None:
        assert refusals(f"stale_after: {written}") == [f"stale_after: {said}"]
