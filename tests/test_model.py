import fnmatch
import json
import math
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import NAME, Identity, Point, Quality, Reading, Value, clean, is_glob, matches, safe_name


class TestGlobs:
    @pytest.mark.parametrize(
        ("glob", "text", "matching"),
        [
            ("*", "", True),
            ("*", "house.kitchen", True),
            ("house.*", "house.kitchen", True),
            ("house.*", "house", False),
            ("house.*", "houses.kitchen", False),
            ("house.*", "warehouse.x", False),
            ("house", "house.kitchen", False),
            ("house", "house\n", False),
            ("hous?", "house", True),
            ("hous?", "hous", False),
            ("?", "\n", True),
            ("*en", "kitchen", True),
            ("k*t*n", "kitchen", True),
            ("*a*b", "ab", True),
            ("*a*b", "ba", False),
            ("a**b", "ab", True),
            ("*.*.*", "a.b", False),
            ("[ab]", "a", False),  # brackets are themselves
            ("[ab]", "[ab]", True),
            ("a|b", "a", False),
            ("", "", True),
            ("", "a", False),
        ],
    )
    def test_a_star_is_any_run_a_question_mark_one_character(self, glob: str, text: str, matching: bool) -> None:
        assert matches(glob, text) is matching

    @given(st.text("ab*?.", max_size=8), st.text("ab.\n", max_size=8))
    def test_they_agree_with_the_shells(self, glob: str, text: str) -> None:
        assert matches(glob, text) is bool(re.fullmatch(fnmatch.translate(glob), text))

    @given(st.text(max_size=20), st.text(max_size=20))
    def test_no_text_raises(self, glob: str, text: str) -> None:
        assert matches(glob, text) in (True, False)
        assert is_glob(glob) or matches(glob, glob)

    @pytest.mark.parametrize("glob", ["*a" * 128, "?*" * 128, "*a*" * 80 + "b", "*" * 256, "a*" * 127 + "b"])
    def test_a_hostile_glob_costs_no_more_than_another(self, glob: str) -> None:
        started = time.process_time()
        for _ in range(10):
            matches(glob, "a" * 129)
        assert time.process_time() - started < 0.5

    def test_an_identity_reads_and_commands_what_its_globs_match(self) -> None:
        identity = Identity("panel", read=("*",), command=("greenhouse*", "house.fan"))
        assert identity.may_read("anything")
        assert identity.may_command("greenhouse.n1")
        assert not identity.may_command("house.heater")
        assert not Identity("none", (), ()).may_read("x")


class TestSafeNames:
    @given(st.text(st.characters(exclude_categories=[]), min_size=1, max_size=300))
    def test_a_safe_name_is_allowed_and_stays(self, raw: str) -> None:
        name = safe_name(raw)
        assert NAME.fullmatch(name)
        assert safe_name(raw) == name
        assert safe_name(name) == name
        assert (name == raw) is bool(NAME.fullmatch(raw))

    @given(st.lists(st.text(" /+#é\n", min_size=1, max_size=5), min_size=2, unique=True))
    def test_different_names_stay_different(self, names: list[str]) -> None:
        assert len({safe_name(name) for name in names}) == len(names)

    def test_it_is_readable_and_the_same_in_every_release(self) -> None:
        assert safe_name("Living room") == "Living_room-268d40ee"
        assert safe_name("kitchen") == "kitchen"
        assert safe_name("__proto__") == "__proto__"


class TestClean:
    @given(st.none() | st.booleans() | st.integers() | st.floats() | st.text())
    def test_whatever_it_is_strict_json_carries_it(self, value: Value) -> None:
        cleaned, quality = clean(value)
        json.dumps(cleaned, allow_nan=False)
        assert (quality is Quality.BAD) == (cleaned is None)
        assert type(cleaned) is not int or -(1 << 63) <= cleaned < 1 << 63

    @pytest.mark.parametrize("value", [0, 0.0, False, "", True, 1, (1 << 63) - 1, -(1 << 63)])
    def test_a_value_stays_itself(self, value: Value) -> None:
        cleaned, quality = clean(value)
        assert cleaned is value
        assert quality is Quality.GOOD

    @pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, 10**400, -(10**400)])
    def test_what_is_no_value_is_null_and_bad(self, value: Value) -> None:
        assert clean(value) == (None, Quality.BAD)

    def test_a_huge_integer_becomes_a_float(self) -> None:
        assert clean(1 << 63) == (float(1 << 63), Quality.GOOD)
        assert type(clean(1 << 63)[0]) is float


def test_a_reading_travels_with_only_what_it_has() -> None:
    assert Reading("a", 5.0, {"t": 0}).to_json() == {"device": "a", "time": 5.0, "values": {"t": 0}}
    full = Reading("a", 5.0, {"t": None}, {"t": Quality.BAD}, device_time=0.0, retained=True)
    assert json.loads(json.dumps(full.to_json())) == {
        "device": "a", "time": 5.0, "values": {"t": None}, "quality": {"t": "bad"}, "device_time": 0.0, "retained": True
    }  # fmt: skip


def test_a_point_travels_with_only_what_is_known() -> None:
    assert Point("number").to_json() == {"type": "number"}
    assert Point("number", min=0, max=0.0, scale=0.1, offset=5).to_json() == {"type": "number", "min": 0, "max": 0.0}
    assert Point("boolean", writable=True).to_json() == {"type": "boolean", "writable": True, "confirm": "sent"}
    assert Point("enum", values=("a", "b")).to_json() == {"type": "enum", "values": ["a", "b"]}


def test_a_point_converts_where_wire_and_value_differ() -> None:
    assert not Point("number").converts
    assert Point("number", scale=0.1).converts
    assert Point("number", offset=-40).converts
