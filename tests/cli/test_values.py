"""What a person may type as a value."""

from typing import Any

import pytest

from gateway.cli.values import guessed_value, typed_value

HEATER = {"type": "number", "min": -20, "max": 40, "unit": "Cel"}
STEPS = {"type": "integer", "min": 0}
MODE = {"type": "enum", "values": ["auto", "day", "night"]}


@pytest.mark.parametrize(
    ("point", "typed", "value"),
    [
        (HEATER, "-5", -5),
        (HEATER, "21.50", 21.5),
        (HEATER, "0", 0),
        (HEATER, "1e1", 10.0),
        (STEPS, "3", 3),
        (STEPS, "3.0", 3),
        ({"type": "string"}, "", ""),
        ({"type": "string"}, "true", "true"),
        (MODE, "night", "night"),
        ({"type": "boolean"}, "YES", True),
        ({"type": "boolean"}, "off", False),
        ({"type": "boolean"}, "0", False),
        ({"type": "action"}, None, None),
    ],
)
def test_a_text_becomes_a_value_of_the_points_type(point: dict[str, Any], typed: str | None, value: object) -> None:
    read = typed_value("bench.point", point, typed)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("point", "typed", "said"),
    [
        ({"type": "boolean"}, "banana", "takes on or off (also true, false, yes, no, 1, 0), not 'banana'"),
        ({"type": "boolean"}, None, "needs a value: on or off (also true, false, yes, no, 1, 0)"),
        (HEATER, "41", "takes a number from -20 to 40 (Cel), not '41'"),
        (HEATER, "nan", "takes a number from -20 to 40 (Cel), not 'nan'"),
        (HEATER, "warm", "takes a number from -20 to 40 (Cel), not 'warm'"),
        ({"type": "number", "max": 1}, "inf", "takes a number of 1 or less, not 'inf'"),
        (STEPS, "2.5", "takes a whole number of 0 or more, not '2.5'"),
        (MODE, "dusk", "takes one of auto, day, night, not 'dusk'"),
        ({"type": "string"}, None, "needs a value: a text"),
        ({"type": "action"}, "1", "is an action and takes no value"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_what_is_expected(
    point: dict[str, Any], typed: str | None, said: str
) -> None:
    with pytest.raises(ValueError, match="bench") as raised:
        typed_value("bench.point", point, typed)
    assert str(raised.value) == f"bench.point {said}"


@pytest.mark.parametrize(
    ("typed", "value"), [("true", True), ("false", False), ("1", 1), ("-2.5", -2.5), ("on", "on"), ("nan", "nan")]
)
def test_a_value_for_an_unknown_point_is_what_it_looks_like(typed: str, value: object) -> None:
    assert guessed_value(typed) == value
    assert type(guessed_value(typed)) is type(value)
