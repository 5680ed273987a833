"""Which values a point takes, and how they look on the wire."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.bus.rules import make_rule
from gateway.commands.check import checked_confirm, checked_value, shows, wire_value
from gateway.errors import RequestError
from gateway.model import Confirm, Point, PointType, Quality, Value

ENUM = ("eco", "boost")


def a_point(type: PointType, **rest: Any) -> Point:
    return Point(type, writable=True, values=ENUM if type == "enum" else None, **rest)


TAKEN: list[tuple[PointType, Value]] = [
    ("number", 0), ("number", -0.5), ("number", 1e300), ("number", 2**64),
    ("integer", 0), ("integer", -7), ("integer", 2**53),
    ("boolean", True), ("boolean", False), ("enum", "eco"), ("string", ""), ("string", "x" * 1024), ("action", None),
]  # fmt: skip
REFUSED: list[tuple[PointType, Value]] = [
    ("number", None), ("number", "1"), ("number", True), ("number", math.nan), ("number", math.inf),
    ("integer", 1.5), ("integer", "1"), ("integer", False), ("integer", None), ("integer", -math.inf),
    ("boolean", 0), ("boolean", 1), ("boolean", "true"), ("boolean", None),
    ("enum", "ECO"), ("enum", ""), ("enum", None), ("enum", 0), ("enum", True),
    ("string", 7), ("string", None), ("string", "x" * 1025), ("string", True),
    ("action", True), ("action", 0), ("action", ""),
]  # fmt: skip


@pytest.mark.parametrize(("type", "value"), TAKEN)
def test_a_value_of_its_type_is_taken_as_it_is(type: PointType, value: Value) -> None:
    taken = checked_value("p", a_point(type), value)
    assert taken == value
    assert taken.__class__ is value.__class__


@pytest.mark.parametrize(("type", "value"), REFUSED)
def test_another_value_is_a_bad_request_that_names_the_point(type: PointType, value: Value) -> None:
    with pytest.raises(RequestError, match=r"^house\.p ") as caught:
        checked_value("house.p", a_point(type), value)
    assert caught.value.code == "bad_request"


def test_a_whole_float_becomes_an_integer_where_the_point_is_one() -> None:
    value = checked_value("p", a_point("integer"), 5.0)
    assert (value, type(value)) == (5, int)


@pytest.mark.parametrize("type", ["number", "integer"])
def test_a_number_stays_in_its_range(type: PointType) -> None:
    point = a_point(type, min=-1, max=3)
    assert [checked_value("p", point, value) for value in (-1, 0, 3)] == [-1, 0, 3]
    for value in (-2, 4):
        with pytest.raises(RequestError, match="from -1 to 3"):
            checked_value("p", point, value)
    with pytest.raises(RequestError, match="from -∞ to 3"):
        checked_value("p", a_point(type, max=3), 4)


@pytest.mark.parametrize("type", ["number", "integer", "boolean", "string", "enum", "action"])
def test_a_point_that_is_not_writable_takes_nothing(type: PointType) -> None:
    with pytest.raises(RequestError) as caught:
        checked_value("p", Point(type), None)
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize(
    ("offered", "wanted", "proof"),
    [
        ("sent", None, "sent"), ("acked", None, "acked"), ("verified", None, "verified"),
        ("sent", "sent", "sent"), ("sent", "acked", None), ("sent", "verified", None),
        ("acked", "sent", "sent"), ("acked", "acked", "acked"), ("acked", "verified", None),
        ("verified", "sent", "sent"), ("verified", "acked", "acked"), ("verified", "verified", "verified"),
    ],
)  # fmt: skip
def test_the_proof_is_the_best_or_what_is_wanted_and_never_more_than_offered(
    offered: Confirm, wanted: Confirm | None, proof: Confirm | None
) -> None:
    if proof is not None:
        assert checked_confirm("p", offered, wanted) == proof
    else:
        with pytest.raises(RequestError) as caught:
            checked_confirm("p", offered, wanted)
        assert caught.value.code == "unsupported"


scales = st.sampled_from([1.0, 0.1, 0.01, 0.5, 10.0, -1.0, 1 / 3, 1e-6, 25.4])
offsets = st.sampled_from([0.0, 1.0, -40.0, 273.15, 0.1])


@given(st.integers(-100_000, 100_000), scales, offsets)
def test_what_the_wire_shows_is_commanded_back_as_the_same_wire_value(wire: int, scale: float, offset: float) -> None:
    point = a_point("number", scale=scale, offset=offset)
    rule = make_rule(point)
    assert rule is not None
    value, quality = rule(wire)
    assert quality is Quality.GOOD
    back = wire_value(point, value)
    assert isinstance(back, int | float)
    assert math.isclose(back, wire, rel_tol=1e-9, abs_tol=1e-4)
    if scale in (1.0, 0.1, 0.01, 0.5, 10.0, -1.0) and offset != 273.15:
        assert back == wire
        assert isinstance(back, int)  # a board that wants 214 does not understand 214.0


@given(st.floats(-1e6, 1e6), scales, offsets)
def test_a_device_that_rounds_to_its_wires_resolution_shows_the_commanded_value(
    value: float, scale: float, offset: float
) -> None:
    point = a_point("number", scale=scale, offset=offset)
    assume(point.converts)
    wire = wire_value(point, value)
    rule = make_rule(point)
    assert rule is not None
    assert isinstance(wire, int | float)
    assert shows(point, rule(round(wire))[0], value)
    assert not shows(point, rule(round(wire) + 2)[0], value) or abs(scale) <= 1e-6 * max(abs(value), 1.0)


@pytest.mark.parametrize(("name", "code"), [("off", 0), ("heating", 1), ("auto", "A"), ("elsewhere", "elsewhere")])
def test_a_name_goes_to_the_wire_as_its_code_and_comes_back_from_it(name: str, code: int | str) -> None:
    point = Point(
        "enum", writable=True, values=("off", "heating", "auto"), codes=((0, "off"), (1, "heating"), ("A", "auto"))
    )
    wire = wire_value(point, name)
    assert (wire, type(wire)) == (code, type(code))
    rule = make_rule(point)
    assert rule is not None
    assert rule(wire)[0] == name
    assert shows(point, rule(wire)[0], name)
    for refused in (0, 1, "A", "Off", ""):
        with pytest.raises(RequestError, match="one of off, heating, auto"):
            checked_value("p", point, refused)


def test_values_that_are_no_numbers_pass_as_they_are() -> None:
    point = a_point("number", scale=0.1)
    for value in (True, False, None, "x"):
        assert wire_value(point, value) is value


@pytest.mark.parametrize(
    ("reported", "commanded", "same"),
    [
        (True, True, True), (True, False, False), (1, True, False), (True, 1, False), (0, False, False),
        (21.5, 21.5, True), (21.50000001, 21.5, True), (21.6, 21.5, False), (0, 0.0, True), (1e-12, 0, True),
        ("on", "on", True), ("on", "ON", False), ("1", 1, False), (None, 1, False),
    ],
)  # fmt: skip
def test_a_reported_value_is_the_commanded_one_or_not(reported: Value, commanded: Value, same: bool) -> None:
    assert shows(a_point("number"), reported, commanded) is same
